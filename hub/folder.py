"""The hub's folder: made by `comity-hub init`, read by everything else.

Private keys are written readable by their owner only, and never over an existing file.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from comity.errors import MalformedInput
from comity.identity import AgencyId
from comity.keys import PrivateKey, generate_private_key, load_private_key, pem_from_private_key
from comity.v1 import agencies_pb2
from hub.certificates import (
    CertificateAuthority,
    generate_tls_key,
    make_ca_certificate,
    pem_from_certificate,
    pem_from_key,
)
from hub.settings import SETTINGS_FILE, Settings

PRIVATE_MODE = 0o600
PUBLIC_MODE = 0o644
FOLDER_MODE = 0o700


@dataclass(frozen=True, slots=True)
class NewHub:
    """What `init` is told."""

    domain: str
    agency: AgencyId
    listen: str
    public_address: str
    database_url: str


def make_folder(folder: Path, new: NewHub, *, now: datetime) -> None:
    """Makes a hub's folder: authority, TLS key and certificate, ledger key, configuration.

    Raises: MalformedInput where the folder holds a hub already.
    """
    if (folder / SETTINGS_FILE).exists():
        raise MalformedInput(f"{folder} holds a hub already.")
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    ca_key = generate_tls_key()
    ca_certificate = make_ca_certificate(ca_key, hub_domain=new.domain, now=now)
    write_private(folder / "ca-key.pem", pem_from_key(ca_key))
    write_public(folder / "ca.pem", pem_from_certificate(ca_certificate))
    tls_key = generate_tls_key()
    authority = CertificateAuthority(ca_certificate, ca_key)
    certificate = authority.sign_hub(tls_key.public_key(), hub_domain=new.domain, now=now)
    write_private(folder / "tls-key.pem", pem_from_key(tls_key))
    write_public(folder / "tls.pem", pem_from_certificate(certificate))
    ledger_key = generate_private_key(agencies_pb2.KEY_ALGORITHM_ED25519)
    write_private(folder / "ledger-key.pem", pem_from_private_key(ledger_key))
    write_public(folder / SETTINGS_FILE, _settings_text(new).encode())


def _settings_text(new: NewHub) -> str:
    values = {
        "domain": new.domain,
        "agency": new.agency,
        "listen": new.listen,
        "public_address": new.public_address,
        "database_url": new.database_url,
        "ca_certificate": "ca.pem",
        "ca_key": "ca-key.pem",
        "tls_certificate": "tls.pem",
        "tls_key": "tls-key.pem",
        "ledger_key": "ledger-key.pem",
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return (
        "# The hub's configuration. deploy/hub.toml explains every key.\n" + "\n".join(lines) + "\n"
    )


def write_private(path: Path, content: bytes) -> None:
    """Writes a file that only its owner may read. Refuses to write over one.

    Raises: FileExistsError.
    """
    _write(path, content, mode=PRIVATE_MODE)


def write_public(path: Path, content: bytes) -> None:
    """Writes a file that everybody may read. Refuses to write over one.

    Raises: FileExistsError.
    """
    _write(path, content, mode=PUBLIC_MODE)


def _write(path: Path, content: bytes, *, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def load_ledger_key(settings: Settings) -> PrivateKey:
    """The key that checkpoints are signed with.

    Raises: MalformedInput.
    """
    return load_private_key(_read_secret(settings.ledger_key))


def load_authority(settings: Settings) -> CertificateAuthority:
    """The hub's certificate authority.

    Raises: MalformedInput.
    """
    try:
        certificate = x509.load_pem_x509_certificate(settings.ca_certificate.read_bytes())
        key = serialization.load_pem_private_key(_read_secret(settings.ca_key), password=None)
    except (OSError, ValueError) as error:
        raise MalformedInput(f"The authority cannot be loaded: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise MalformedInput("The authority's key is not an ECDSA key.")
    return CertificateAuthority(certificate, key)


def _read_secret(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise MalformedInput(f"{path.name} can be read by others; chmod 600 it.")
        return path.read_bytes()
    except OSError as error:
        raise MalformedInput(f"{path.name} cannot be read: {error.strerror}.") from error


@contextmanager
def held_alone(settings: Settings) -> Iterator[None]:
    """Holds the folder's lock: on SQLite one hub process serves a folder.

    Raises: MalformedInput where another process holds it.
    """
    with (settings.folder / "hub.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise MalformedInput("Another hub process serves this folder.") from error
        yield
