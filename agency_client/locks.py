"""Locks over a profile: what only one process of this machine may do at a time.

Freed by the system, whatever ends the process that holds one. Never waits for another.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from agency_client.profile import Profile
from comity.errors import MalformedInput

RUN_LOCK = "run.lock"
IMPORT_LOCK = "import.lock"
SESSION_LOCK = "session.lock"
KEYS_LOCK = "keys.lock"

_HELD = {
    RUN_LOCK: "'comity run' is running for this profile already.",
    IMPORT_LOCK: "Another import is under way for this profile; two would publish the list twice.",
    SESSION_LOCK: "Another process refreshes the log-in.",
    KEYS_LOCK: "Another process changes this profile's keys or renews its certificate; see what "
    "it says, and try again if need be.",
}


@contextmanager
def held_alone(profile: Profile, lock_name: str) -> Iterator[None]:
    """Holds one of a profile's locks.

    Raises: MalformedInput where another process holds it, or the file cannot be made.
    """
    path = profile.path(lock_name)
    try:
        # SQLite locks files alike on every platform that the client runs on.
        lock = sqlite3.connect(path, timeout=0, isolation_level=None)
    except sqlite3.Error as error:
        raise MalformedInput(f"{path} cannot be opened: {error}.") from error
    with closing(lock):
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            is_held = error.sqlite_errorcode == sqlite3.SQLITE_BUSY
            said = _HELD[lock_name] if is_held else f"{path} cannot be locked: {error}."
            raise MalformedInput(said) from error
        yield
