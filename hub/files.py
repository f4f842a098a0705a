"""The hub's files: written whole and on disk or not at all, secrets for their owner alone.

Never writes over a file that is there, unless it is told to replace it.
"""

from __future__ import annotations

import os
from pathlib import Path

from comity.errors import MalformedInput
from hub.settings import OTHERS

PRIVATE_MODE = 0o600
PUBLIC_MODE = 0o644


def write_private(path: Path, content: bytes) -> None:
    """Writes a file that only its owner may read. Refuses to write over one.

    Raises: FileExistsError.
    """
    _write_new(path, content, mode=PRIVATE_MODE)


def write_public(path: Path, content: bytes) -> None:
    """Writes a file that everybody may read. Refuses to write over one.

    Raises: FileExistsError.
    """
    _write_new(path, content, mode=PUBLIC_MODE)


def replace_private(path: Path, content: bytes) -> None:
    """Puts a file that only its owner may read in the place of an older one.

    Raises: OSError.
    """
    _replace(path, content, mode=PRIVATE_MODE)


def replace_public(path: Path, content: bytes) -> None:
    """Puts a file that everybody may read in the place of an older one.

    Raises: OSError.
    """
    _replace(path, content, mode=PUBLIC_MODE)


def _replace(path: Path, content: bytes, *, mode: int) -> None:
    write_draft(path, content, mode=mode).replace(path)
    sync_folder(path.parent)


def _write_new(path: Path, content: bytes, *, mode: int) -> None:
    draft = write_draft(path, content, mode=mode)
    try:
        path.hardlink_to(draft)  # unlike a renaming, fails where the path is taken
    finally:
        draft.unlink()
    sync_folder(path.parent)


def write_draft(path: Path, content: bytes, *, mode: int) -> Path:
    """A file beside the path, whole and on disk."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            os.fchmod(file.fileno(), mode)  # whatever the umask left of it
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return draft


def sync_folder(folder: Path) -> None:
    """Puts the folder's list of files on disk: a file that was synced may have no name before."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_file(path: Path) -> bytes:
    """A file's content.

    Raises: MalformedInput.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise MalformedInput(f"{path.name} cannot be read: {error.strerror}.") from error


def read_secret(path: Path) -> bytes:
    """The content of a file that only its owner may read.

    Raises: MalformedInput.
    """
    content = read_file(path)
    if path.stat().st_mode & OTHERS:
        raise MalformedInput(f"{path.name} can be read by others; chmod 600 it.")
    return content
