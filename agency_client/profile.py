"""A profile: the folder that holds one agency's keys, certificate, pinned hub and inbox.

Private keys are readable by their owner only; a key file that others can read is refused. Never
touches the network.
"""

from __future__ import annotations

import json
import os
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from agency_client.disk import is_exposed, read_secret, sync_folder, write_whole
from comity.checkpoint import LedgerKey, parse_verifier_key, verifier_key_text
from comity.errors import ComityError, MalformedInput
from comity.identity import AgencyId, parse_agency_id, parse_hub_domain
from comity.keys import PrivateKey, load_private_key

FOLDER_MODE = 0o700

PROFILE_FILE = "profile.toml"
TLS_KEY = "tls-key.pem"
SIGNING_KEY = "signing-key.pem"
POST_QUANTUM_SIGNING_KEY = "signing-key-ml-dsa.pem"
WITNESS_KEY = "witness-key.pem"
SEALING_KEY = "sealing-key.pem"
CERTIFICATE = "certificate.pem"
HUB_CA = "hub-ca.pem"
LEDGER_KEYS = "ledger-keys.txt"
INBOX = "inbox.sqlite"
APPLICATION = "application.json"
ENROLMENT = "enrolment.json"

KEY_FILES = (SIGNING_KEY, POST_QUANTUM_SIGNING_KEY, TLS_KEY, SEALING_KEY, WITNESS_KEY)
_FIELDS = ("agency", "hub_domain", "hub_address")
_NOT_JOINED = (
    "The profile has not joined a hub yet: hand application.json to the hub's administrators, and "
    "'comity join' the file that they hand back."
)
_ENROLLING = (
    "The profile has not joined a hub yet: its enrolment waits for approval. Run the same 'comity "
    "enrol' again; it goes on where it stopped."
)


@dataclass(frozen=True, slots=True)
class Profile:
    """Where an agency's files lie, and which hub they are for."""

    folder: Path
    agency: AgencyId
    hub_domain: str
    hub_address: str

    def path(self, name: str) -> Path:
        """One of the profile's files."""
        return self.folder / name

    def require_joined(self) -> None:
        """Requires that a hub has admitted the agency.

        Raises: MalformedInput.
        """
        if not all(self.path(name).exists() for name in (CERTIFICATE, HUB_CA, LEDGER_KEYS)):
            self._refuse_not_joined()

    def _refuse_not_joined(self) -> NoReturn:
        is_enrolling = self.path(ENROLMENT).exists()
        raise MalformedInput(_ENROLLING if is_enrolling else _NOT_JOINED)

    def require_private(self) -> None:
        """Requires that only the owner can read the private keys.

        Raises: MalformedInput naming every file that others can read.
        """
        names = [*KEY_FILES, *map(new_file, KEY_FILES)]
        exposed = [self.path(name) for name in names if is_exposed(self.path(name))]
        if exposed:
            files = " ".join(str(path) for path in exposed)
            raise MalformedInput(f"Others can read private keys; chmod 600 {files}")

    def load_signing_keys(self, passphrase: bytes | None = None) -> list[PrivateKey]:
        """The keys that sign acts.

        Raises: MalformedInput.
        """
        self.require_private()
        names = [SIGNING_KEY]
        if self.path(POST_QUANTUM_SIGNING_KEY).exists():
            names.append(POST_QUANTUM_SIGNING_KEY)
        return [load_private_key(read_secret(self.path(name)), passphrase) for name in names]

    def load_tls_key(self, passphrase: bytes | None = None) -> ec.EllipticCurvePrivateKey:
        """The agency's TLS key. `tls_pair.py` knows which one the certificate is for.

        Raises: MalformedInput.
        """
        self.require_private()
        return load_tls_key_file(self.path(TLS_KEY), passphrase)

    def load_ledger_keys(self) -> list[LedgerKey]:
        """The keys of the accepted origins, the newest last.

        Raises: MalformedInput where the profile has not joined; CheckpointInvalid.
        """
        self.require_joined()
        lines = self.path(LEDGER_KEYS).read_text(encoding="utf-8").split()
        if not lines:
            self._refuse_not_joined()
        return [parse_verifier_key(line) for line in lines]

    def add_ledger_key(self, key: LedgerKey) -> None:
        """Accepts one more origin; one that is accepted already stays as it is."""
        path = self.path(LEDGER_KEYS)
        lines = path.read_text(encoding="utf-8").split() if path.exists() else []
        line = verifier_key_text(key)
        if line not in lines:
            write_whole(path, "".join(f"{one}\n" for one in [*lines, line]))


def new_file(name: str) -> str:
    """Where a new key lies until it takes the place of the one of this name."""
    stem, _, suffix = name.rpartition(".")
    return f"{stem}-new.{suffix}"


def load_tls_key_file(path: Path, passphrase: bytes | None = None) -> ec.EllipticCurvePrivateKey:
    """The ECDSA key in a private file.

    Raises: MalformedInput.
    """
    pem = read_secret(path)
    try:
        key = serialization.load_pem_private_key(pem, passphrase)
    except (ValueError, TypeError) as error:
        raise MalformedInput("The TLS key cannot be read; is the passphrase right?") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise MalformedInput("The TLS key is not an ECDSA key.")
    return key


def home_folder() -> Path:
    """Where profiles lie unless told otherwise: COMITY_HOME, or the platform's place for data."""
    if chosen := os.environ.get("COMITY_HOME"):
        return Path(chosen)
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "comity"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "comity"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "comity"


def default_folder(name: str = "default") -> Path:
    """The folder of the profile of a name."""
    return home_folder() / name


def save_profile(profile: Profile) -> None:
    """Writes a profile's file into its folder, last of all when a profile is made."""
    values = {name: str(getattr(profile, name)) for name in _FIELDS}
    text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
    write_whole(profile.path(PROFILE_FILE), text)


def make_folder(folder: Path) -> None:
    """Makes the folder of a new profile.

    Raises: MalformedInput where it holds a profile already, or cannot be made.
    """
    if (folder / PROFILE_FILE).exists():
        raise MalformedInput(f"{folder} holds a profile already.")
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    except OSError as error:
        raise MalformedInput(f"{folder} cannot be made: {error.strerror}.") from error
    sync_folder(folder.parent)


def load_profile(folder: Path) -> Profile:
    """The profile in a folder.

    Raises: MalformedInput.
    """
    path = folder / PROFILE_FILE
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        unknown = set(values) - set(_FIELDS) - {"recall"}  # that one: recall_settings.py
        if unknown:
            raise MalformedInput(f"it has settings that are not known: {', '.join(unknown)}")
        return Profile(
            folder=folder,
            agency=parse_agency_id(values["agency"]),
            hub_domain=parse_hub_domain(values["hub_domain"]),
            hub_address=str(values["hub_address"]),
        )
    except FileNotFoundError as error:
        raise MalformedInput(f"{folder} holds no profile; 'comity init' makes one.") from error
    except KeyError as error:
        raise MalformedInput(f"{path} lacks {error}.") from error
    except (OSError, TypeError, ValueError, ComityError) as error:
        raise MalformedInput(f"{path} cannot be read: {error}") from error
