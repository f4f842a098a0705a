"""The hub's folder: made by `comity-hub init`, read by everything else.

Private keys are written readable by their owner only, and never over an existing file.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from comity.errors import MalformedInput
from comity.identity import AgencyId
from comity.keys import PrivateKey, generate_private_key, load_private_key, pem_from_private_key
from comity.minimum.policy import Policy, builtin_policy, load_policy
from comity.v1 import agencies_pb2
from hub.certificates import (
    CertificateAuthority,
    certificate_id_of,
    generate_tls_key,
    make_ca_certificate,
    parse_pair,
    pem_from_certificate,
    pem_from_key,
    require_server_certificate,
)
from hub.files import (
    PRIVATE_MODE,
    PUBLIC_MODE,
    read_file,
    read_secret,
    sync_folder,
    write_draft,
    write_private,
    write_public,
)
from hub.settings import SETTINGS_FILE, Settings, parse_settings, require_private

FOLDER_MODE = 0o700
LOCK_FILE = "hub.lock"
CERTIFICATES = "certificates"  # those of the agencies, as they were signed
_NOT_OURS = (LOCK_FILE, "lost+found")  # what may lie in a folder that counts as empty


@dataclass(frozen=True, slots=True)
class NewHub:
    """What `init` is told."""

    domain: str
    agency: AgencyId
    listen: str
    public_address: str
    database_url: str
    # User names and nationalities of the hub's first administrators; ZZ where it is not stated.
    administrators: tuple[tuple[str, str], ...] = (("admin-1", "ZZ"), ("admin-2", "ZZ"))
    enrol_listen: str = ""


def settings_for(folder: Path, new: NewHub) -> Settings:
    """The settings of a hub that is to be made.

    Raises: MalformedInput with every value at fault.
    """
    return parse_settings(_values_of(new), folder=folder.resolve())


@contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """A folder to make a hub in, held alone; as empty as it was where that fails.

    Raises: MalformedInput where it is not empty; OSError where it cannot be made.
    """
    _require_no_hub(folder)  # before the lock, which a hub that serves holds
    was_there = folder.exists()
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    with held_alone(folder):
        _require_empty(folder)
        folder.chmod(FOLDER_MODE)
        try:
            yield
        except BaseException:
            _remove_contents(folder, and_itself=not was_there)
            raise


def _contents_of(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name not in _NOT_OURS]


def _require_no_hub(folder: Path) -> None:
    if (folder / SETTINGS_FILE).exists():
        raise MalformedInput(f"{folder} holds a hub already.")


def _require_empty(folder: Path) -> None:
    _require_no_hub(folder)
    if _contents_of(folder):
        raise MalformedInput(
            f"{folder} is not empty; a hub is made in a folder of its own. Where an init was cut "
            "off, remove what it left."
        )


def _remove_contents(folder: Path, *, and_itself: bool) -> None:
    for path in _contents_of(folder):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if and_itself:
        (folder / LOCK_FILE).unlink()
        folder.rmdir()


def make_keys(settings: Settings, *, now: datetime) -> None:
    """Makes a hub's keys: authority, TLS key and certificate, ledger key.

    Raises: FileExistsError.
    """
    ca_key = generate_tls_key()
    ca_certificate = make_ca_certificate(ca_key, hub_domain=settings.domain, now=now)
    write_private(settings.ca_key, pem_from_key(ca_key))
    write_public(settings.ca_certificate, pem_from_certificate(ca_certificate))
    tls_key = generate_tls_key()
    authority = CertificateAuthority(ca_certificate, ca_key)
    certificate = authority.sign_hub(tls_key.public_key(), hub_domain=settings.domain, now=now)
    write_private(settings.tls_key, pem_from_key(tls_key))
    write_public(settings.tls_certificate, pem_from_certificate(certificate))
    ledger_key = generate_private_key(agencies_pb2.KEY_ALGORITHM_ED25519)
    write_private(settings.ledger_key, pem_from_private_key(ledger_key))


def make_database_file(settings: Settings) -> None:
    """An empty file for a database on SQLite, which only its owner may read.

    SQLite gives its other files the mode of this one.

    Raises: MalformedInput where there is one that others can read; OSError.
    """
    if settings.database_file is not None:
        os.close(os.open(settings.database_file, os.O_WRONLY | os.O_CREAT, PRIVATE_MODE))
        require_private(settings.database_file)


def write_settings(settings: Settings, new: NewHub) -> None:
    """Writes the configuration, last of all: a folder without one holds no hub."""
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in _values_of(new).items()]
    text = "# The hub's configuration. deploy/hub.toml explains every key.\n" + "".join(lines)
    write_private(settings.folder / SETTINGS_FILE, text.encode())


def _values_of(new: NewHub) -> dict[str, str]:
    enrolment = {"enrol_listen": new.enrol_listen} if new.enrol_listen else {}
    return {
        "domain": new.domain,
        "agency": new.agency,
        "listen": new.listen,
        **enrolment,
        "public_address": new.public_address,
        "database_url": new.database_url,
        "ca_certificate": "ca.pem",
        "ca_key": "ca-key.pem",
        "tls_certificate": "tls.pem",
        "tls_key": "tls-key.pem",
        "ledger_key": "ledger-key.pem",
    }


def keep_certificate(settings: Settings, agency: AgencyId, certificate: x509.Certificate) -> Path:
    """Keeps the certificate of an agency, so that it can be handed out again."""
    path = _certificate_path(settings, agency, certificate_id_of(certificate))
    if not path.parent.exists():
        path.parent.mkdir(mode=FOLDER_MODE)
        sync_folder(settings.folder)
    write_public(path, pem_from_certificate(certificate))
    return path


def find_certificate(
    settings: Settings, agency: AgencyId, certificate_id: str
) -> x509.Certificate | None:
    """The certificate of that fingerprint which was signed for an agency here, if it was.

    Raises: MalformedInput where its file was spoilt.
    """
    path = _certificate_path(settings, agency, certificate_id)
    if not path.exists():
        return None
    try:
        certificate = x509.load_pem_x509_certificate(read_file(path))
    except ValueError as error:
        raise MalformedInput(f"{path} is no certificate.") from error
    return certificate if certificate_id_of(certificate) == certificate_id else None


def _certificate_path(settings: Settings, agency: AgencyId, certificate_id: str) -> Path:
    return settings.folder / CERTIFICATES / f"{agency}-{certificate_id}.pem"


def replace_server_pair(settings: Settings, *, key_pem: bytes, certificate_pem: bytes) -> None:
    """Puts a new TLS key and its certificate in the place of the old ones.

    Both are on disk before either is moved; who reads between the two finds that they do not
    match, and waits (`hub.tls`).
    """
    key = write_draft(settings.tls_key, key_pem, mode=PRIVATE_MODE)
    certificate = write_draft(settings.tls_certificate, certificate_pem, mode=PUBLIC_MODE)
    key.replace(settings.tls_key)
    certificate.replace(settings.tls_certificate)
    sync_folder(settings.tls_key.parent)
    sync_folder(settings.tls_certificate.parent)


def load_ledger_key(settings: Settings) -> PrivateKey:
    """The key that checkpoints are signed with.

    Raises: MalformedInput.
    """
    content = read_secret(settings.ledger_key)
    try:
        return load_private_key(content)
    except MalformedInput as error:
        raise MalformedInput(f"{settings.ledger_key.name}: {error.message}") from error


def load_authority(settings: Settings) -> CertificateAuthority:
    """The hub's certificate authority: of several certificates in the file, the first.

    Raises: MalformedInput.
    """
    key_pem = read_secret(settings.ca_key)
    certificate = _parse_pair_of(settings.ca_key, key_pem, settings.ca_certificate)
    key = serialization.load_pem_private_key(key_pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise MalformedInput("The authority's key is not an ECDSA key.")
    return CertificateAuthority(certificate, key)


def load_fingerprints(settings: Settings) -> tuple[str, str]:
    """What members compare a hub with: the lower-case hex SHA-256 of the authority's certificate
    (DER), and of the ledger's key (SubjectPublicKeyInfo).

    Raises: MalformedInput.
    """
    try:
        authority = x509.load_pem_x509_certificate(read_file(settings.ca_certificate))
    except ValueError as error:
        raise MalformedInput(f"{settings.ca_certificate.name} holds no certificate.") from error
    return authority.fingerprint(SHA256()).hex(), load_ledger_key(settings).public.key_id


def load_hub_policy(settings: Settings) -> Policy:
    """The legal minimum and what is reviewed, as this hub has it.

    Raises: PolicyInvalid with everything at fault.
    """
    return builtin_policy() if settings.policy is None else load_policy(settings.policy)


def require_serving_files(settings: Settings, *, now: datetime) -> x509.Certificate:
    """Refuses files that cannot serve, or that others can read; gives the hub's certificate.

    Raises: MalformedInput.
    """
    if settings.database_file is not None and settings.database_file.exists():
        require_private(settings.database_file)
    load_ledger_key(settings)
    try:
        x509.load_pem_x509_certificates(read_file(settings.ca_certificate))
    except ValueError as error:
        raise MalformedInput(f"{settings.ca_certificate.name} holds no certificate.") from error
    return load_server_certificate(settings, now=now)


def load_server_certificate(settings: Settings, *, now: datetime) -> x509.Certificate:
    """The certificate that the hub serves with, of its key, for its domain and valid.

    Raises: MalformedInput.
    """
    key_pem = read_secret(settings.tls_key)
    certificate = _parse_pair_of(settings.tls_key, key_pem, settings.tls_certificate)
    require_server_certificate(certificate, hub_domain=settings.domain, now=now)
    return certificate


def _parse_pair_of(key_path: Path, key_pem: bytes, path: Path) -> x509.Certificate:
    try:
        return parse_pair(key_pem, read_file(path))
    except MalformedInput as error:
        raise MalformedInput(f"{key_path.name} and {path.name}: {error.message}") from error


@contextmanager
def held_alone(folder: Path) -> Iterator[None]:
    """Holds the folder's lock: on SQLite one hub process serves a folder.

    Raises: MalformedInput where another process holds it.
    """
    with (folder / LOCK_FILE).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise MalformedInput("Another hub process serves this folder.") from error
        yield
