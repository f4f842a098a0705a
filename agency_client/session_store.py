"""Where an officer's log-in is kept on this machine: the system's key ring, or a private file.

Holds tokens and never a password. The key ring is used where the package `keyring` is installed and
has a backend that works; everywhere else a file in the profile that only its owner reads.
"""

from __future__ import annotations

import importlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from agency_client.disk import PRIVATE_MODE, read_secret
from agency_client.profile import Profile
from comity.errors import MalformedInput

SESSION_FILE = "session.json"
SERVICE = "comity"
MIN_PRIORITY = 1  # what keyring itself calls viable


@dataclass(frozen=True, slots=True)
class KeptSession:
    """A log-in: its tokens, until when they are good, and the certificate they are bound to."""

    access_token: str
    refresh_token: str
    access_until: datetime
    until: datetime
    # SHA-256 of the certificate's file, in hex.
    certificate_digest: str
    # Where a Keycloak handed the tokens out, and to which client; empty for the hub's own.
    issuer: str = ""
    client_id: str = ""


class SessionStore(Protocol):
    """Keeps at most one log-in of a profile."""

    def load(self) -> KeptSession | None:
        """What is kept. Raises: MalformedInput where others can read it."""
        ...

    def save(self, session: KeptSession) -> None:
        """Keeps this one instead. Raises: MalformedInput where it cannot be written."""
        ...

    def forget(self) -> None:
        """Keeps none."""
        ...


class FileStore:
    """A file of the profile, mode 0600."""

    def __init__(self, profile: Profile) -> None:
        self._path = profile.path(SESSION_FILE)

    def load(self) -> KeptSession | None:
        """What the file says; None where it is missing or says nothing that can be used."""
        if not self._path.exists():
            return None
        return session_from_text(read_secret(self._path).decode(errors="replace"))

    def save(self, session: KeptSession) -> None:
        """Writes the file anew, whole."""
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}.new")
        try:
            self._write(draft, text_from_session(session).encode())
            draft.replace(self._path)
        except OSError as error:
            raise MalformedInput(f"{self._path} cannot be written: {error.strerror}.") from error

    @staticmethod
    def _write(draft: Path, content: bytes) -> None:
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def forget(self) -> None:
        """Removes the file."""
        self._path.unlink(missing_ok=True)


class KeyRingStore:
    """The system's key ring, under the profile's folder."""

    def __init__(self, profile: Profile, ring: Any) -> None:
        self._ring = ring
        self._name = str(profile.folder.resolve())

    def load(self) -> KeptSession | None:
        """What the key ring holds."""
        text = self._ring.get_password(SERVICE, self._name)
        return session_from_text(text) if text else None

    def save(self, session: KeptSession) -> None:
        """Puts it into the key ring."""
        self._ring.set_password(SERVICE, self._name, text_from_session(session))

    def forget(self) -> None:
        """Takes it out of the key ring."""
        if self._ring.get_password(SERVICE, self._name):
            self._ring.delete_password(SERVICE, self._name)


def store_of(profile: Profile) -> SessionStore:
    """Where a profile's log-in is kept."""
    ring = _find_key_ring()
    return FileStore(profile) if ring is None else KeyRingStore(profile, ring)


def _find_key_ring() -> Any | None:
    try:
        ring = importlib.import_module("keyring").get_keyring()
        # What this machine has may need a desktop that is not running: it says so when asked.
        ring.get_password(SERVICE, "whether it works")
        return ring if ring.priority >= MIN_PRIORITY else None
    except Exception:  # Whatever a backend fails with, the file is there.
        return None


def text_from_session(session: KeptSession) -> str:
    """A log-in as it is kept."""
    return json.dumps(
        {
            "access_token": session.access_token,
            "refresh_token": session.refresh_token,
            "access_until": session.access_until.isoformat(),
            "until": session.until.isoformat(),
            "certificate_digest": session.certificate_digest,
            "issuer": session.issuer,
            "client_id": session.client_id,
        }
    )


def session_from_text(text: str) -> KeptSession | None:
    """The log-in that was kept; None for what another version or nobody wrote."""
    with suppress(ValueError, TypeError, KeyError):
        values = json.loads(text)
        times = {name: datetime.fromisoformat(values[name]) for name in ("access_until", "until")}
        return KeptSession(**{**values, **times})
    return None
