"""A profile: the folder that holds one agency's keys, certificate, pinned hub and inbox.

Private keys are readable by their owner only; a key file that others can read is refused.
"""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from comity.checkpoint import LedgerKey, parse_verifier_key
from comity.errors import ComityError, MalformedInput
from comity.identity import AgencyId, parse_agency_id, parse_hub_domain
from comity.keys import PrivateKey, load_private_key

PRIVATE_MODE = 0o600
FOLDER_MODE = 0o700
DEFAULT_HOME = Path.home() / ".comity"

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

    def load_signing_keys(self, passphrase: bytes | None = None) -> list[PrivateKey]:
        """The keys that sign acts.

        Raises: MalformedInput.
        """
        names = [SIGNING_KEY]
        if self.path(POST_QUANTUM_SIGNING_KEY).exists():
            names.append(POST_QUANTUM_SIGNING_KEY)
        return [load_private_key(read_secret(self.path(name)), passphrase) for name in names]

    def load_ledger_keys(self) -> list[LedgerKey]:
        """The keys of the accepted origins, the newest last.

        Raises: MalformedInput where the profile was not joined; CheckpointInvalid.
        """
        try:
            lines = self.path(LEDGER_KEYS).read_text(encoding="utf-8").split()
        except OSError as error:
            raise MalformedInput(
                "The profile knows no ledger yet: hand application.json to the hub and "
                "'comity join' what it hands back."
            ) from error
        return [parse_verifier_key(line) for line in lines]

    def add_ledger_key(self, line: str) -> None:
        """Accepts one more origin."""
        with self.path(LEDGER_KEYS).open("a", encoding="utf-8") as file:
            file.write(line.strip() + "\n")


def default_folder(name: str = "default") -> Path:
    """Where a profile lies unless told otherwise: below COMITY_HOME, or `.comity` at home."""
    return Path(os.environ.get("COMITY_HOME", DEFAULT_HOME)) / name


def save_profile(profile: Profile) -> None:
    """Writes a new profile's file, making its folder.

    Raises: MalformedInput where there is one already.
    """
    profile.folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    if profile.path(PROFILE_FILE).exists():
        raise MalformedInput(f"{profile.folder} holds a profile already.")
    values = {
        "agency": profile.agency,
        "hub_domain": profile.hub_domain,
        "hub_address": profile.hub_address,
    }
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
    profile.path(PROFILE_FILE).write_text(text, encoding="utf-8")


def load_profile(folder: Path) -> Profile:
    """The profile in a folder.

    Raises: MalformedInput.
    """
    path = folder / PROFILE_FILE
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        return Profile(
            folder=folder,
            agency=parse_agency_id(values["agency"]),
            hub_domain=parse_hub_domain(values["hub_domain"]),
            hub_address=str(values["hub_address"]),
        )
    except FileNotFoundError as error:
        raise MalformedInput(f"{folder} holds no profile; 'comity init' makes one.") from error
    except (OSError, KeyError, TypeError, tomllib.TOMLDecodeError, ComityError) as error:
        raise MalformedInput(f"{path} cannot be read: {error}") from error


def write_secret(path: Path, content: bytes) -> None:
    """Writes a file that only its owner may read. Refuses to write over one.

    Raises: FileExistsError.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def read_secret(path: Path) -> bytes:
    """The content of a private file.

    Raises: MalformedInput where it cannot be read, or can be read by others.
    """
    try:
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise MalformedInput(f"{path} can be read by others; chmod 600 it.")
        return path.read_bytes()
    except OSError as error:
        raise MalformedInput(f"{path} cannot be read: {error.strerror}.") from error
