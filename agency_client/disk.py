"""Files as they are written to disk: whole or not at all, synced, and private where they must be.

Never decides what is in them.
"""

from __future__ import annotations

import os
from pathlib import Path

from comity.errors import MalformedInput

PRIVATE_MODE = 0o600


def write_secret(path: Path, content: bytes) -> None:
    """Writes a file that only its owner may read. Refuses to write over one.

    Raises: MalformedInput.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
    except FileExistsError as error:
        raise MalformedInput(f"{path} exists already and is not written over.") from error
    except OSError as error:
        raise MalformedInput(f"{path} cannot be written: {error.strerror}.") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        os.fsync(file.fileno())
    sync_folder(path.parent)


def write_whole(path: Path, text: str) -> None:
    """Writes a file so that a reader finds the old or the new one, and nothing between."""
    draft = path.with_name(f".{path.name}.new")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def write_whole_bytes(path: Path, content: bytes) -> None:
    """The same for a file that is no text, somewhere that a user has named.

    Raises: MalformedInput.
    """
    draft = path.with_name(f".{path.name}.new")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise MalformedInput(f"{path} cannot be written: {error.strerror}.") from error
    sync_folder(path.parent)


def write_whole_secret(path: Path, text: str) -> None:
    """The same as `write_whole` for a file that only its owner may read.

    Raises: MalformedInput.
    """
    write_whole_secret_bytes(path, text.encode())


def write_whole_secret_bytes(path: Path, content: bytes) -> None:
    """The same for a file that is no text.

    Raises: MalformedInput.
    """
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    write_secret(draft, content)
    draft.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Puts a folder's names on disk: a file that was synced is lost with its name."""
    if os.name != "posix":
        return  # Windows opens no folder, and its file systems write names down by themselves.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_exposed(path: Path) -> bool:
    """Whether others can read a file that is there."""
    return os.name == "posix" and path.exists() and path.stat().st_mode & 0o077 != 0


def read_secret(path: Path) -> bytes:
    """The content of a private file.

    Raises: MalformedInput where it cannot be read, or can be read by others.
    """
    try:
        if is_exposed(path):
            raise MalformedInput(f"{path} can be read by others; chmod 600 it.")
        return path.read_bytes()
    except OSError as error:
        raise MalformedInput(f"{path} cannot be read: {error.strerror}.") from error


def take_place(new: Path, old: Path) -> None:
    """Moves a file to where another lies, at once and for good; done already is done.

    Raises: MalformedInput.
    """
    try:
        new.replace(old)
    except FileNotFoundError:
        return
    except OSError as error:
        raise MalformedInput(f"{old} cannot be replaced: {error.strerror}.") from error
    sync_folder(old.parent)
