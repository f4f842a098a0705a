"""Checkpoints: a tree's size and root as a signed note. Parses strictly, never touches a disk.

Source: C2SP signed-note v1 and tlog-checkpoint v1. The origin line, which is the key's name too,
ends in the epoch: a ledger restored from a backup goes on under another origin.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from comity.errors import CheckpointInvalid, ComityError, EpochChanged
from comity.keys import PrivateKey, PublicKey, ed25519_public_key_from_raw, raw_ed25519_bytes
from comity.merkle import HASH_BYTES, MAX_SIZE

MAX_NOTE_BYTES = 16_384  # a few lines, and signatures of many witnesses
MAX_SIGNATURE_LINES = 64
KEY_ID_BYTES = 4
_ED25519_TYPE = b"\x01"
_SIGNATURE_PREFIX = "— "

_ORIGIN = re.compile(r"([a-z0-9.-]{1,253})/comity/epoch-([1-9][0-9]{0,8})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a ledger was at some moment."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class LedgerKey:
    """The key that signs a ledger's checkpoints, under one origin."""

    origin: str
    public: PublicKey

    @property
    def note_key_id(self) -> bytes:
        """The key's id in signed notes, 4 bytes."""
        return note_key_id(self.origin, self.public)


def origin_line(hub_domain: str, epoch: int) -> str:
    """The origin of a hub's ledger in an epoch, counted from 1."""
    return f"{hub_domain}/comity/epoch-{epoch}"


def parse_origin(origin: str) -> tuple[str, int]:
    """Hub domain and epoch of an origin line.

    Raises: CheckpointInvalid.
    """
    match = _ORIGIN.fullmatch(origin)
    if match is None:
        raise CheckpointInvalid("The checkpoint's origin is not that of a Comity ledger.")
    return match[1], int(match[2])


def note_key_id(name: str, key: PublicKey) -> bytes:
    """The id of an Ed25519 key in signed notes. Source: C2SP signed-note, "Signatures"."""
    encoded = name.encode() + b"\n" + _ED25519_TYPE + raw_ed25519_bytes(key)
    return hashlib.sha256(encoded).digest()[:KEY_ID_BYTES]


def verifier_key_text(key: LedgerKey) -> str:
    """A ledger key as one line of text, `<name>+<id>+<key>`. Source: C2SP signed-note."""
    encoded = base64.b64encode(_ED25519_TYPE + raw_ed25519_bytes(key.public)).decode()
    return f"{key.origin}+{key.note_key_id.hex()}+{encoded}"


def parse_verifier_key(text: str) -> LedgerKey:
    """The ledger key in its line of text.

    Raises: CheckpointInvalid.
    """
    parts = text.strip().split("+", 2)
    if len(parts) != 3:
        raise CheckpointInvalid("That is not a verifier key.")
    origin, key_id, encoded = parts
    raw = _decoded(encoded)
    parse_origin(origin)
    if raw[:1] != _ED25519_TYPE:
        raise CheckpointInvalid("The verifier key is not an Ed25519 key.")
    try:
        key = LedgerKey(origin, ed25519_public_key_from_raw(raw[1:]))
    except ComityError as error:
        raise CheckpointInvalid("The verifier key is not an Ed25519 key.") from error
    if key.note_key_id.hex() != key_id:
        raise CheckpointInvalid("The verifier key's id is not that of its key.")
    return key


def sign_checkpoint(checkpoint: Checkpoint, key: PrivateKey) -> bytes:
    """A checkpoint as a signed note."""
    root = base64.b64encode(checkpoint.root).decode()
    text = f"{checkpoint.origin}\n{checkpoint.size}\n{root}\n"
    signature = note_key_id(checkpoint.origin, key.public) + key.sign(text.encode())
    encoded = base64.b64encode(signature).decode()
    return f"{text}\n{_SIGNATURE_PREFIX}{checkpoint.origin} {encoded}\n".encode()


def open_checkpoint(note: bytes, key: LedgerKey) -> Checkpoint:
    """The checkpoint in a signed note, verified.

    1. The note is well-formed, and its text a checkpoint.
    2. Its origin is the key's.
    3. A signature line bears the key's name and id, and every such line verifies.

    Signatures of other keys, such as witnesses, are passed over.

    Raises: EpochChanged where the note is of another epoch of the same hub; CheckpointInvalid.
    """
    text, signatures = _split_note(note)  # 1
    checkpoint = _parse_text(text)
    if checkpoint.origin != key.origin:  # 2
        _require_other_epoch(checkpoint.origin, key.origin)
        raise EpochChanged(
            f"The hub says that its ledger goes on under {checkpoint.origin}; accepted is "
            f"{key.origin}. Ask its administrators, by another way, why and for the new key; then: "
            "comity ledger accept-epoch KEY"
        )
    ours = [value for name, value in signatures if name == key.origin]  # 3
    ours = [value for value in ours if value[:KEY_ID_BYTES] == key.note_key_id]
    if not ours:
        raise CheckpointInvalid("The checkpoint is not signed by the ledger's key.")
    for value in ours:
        try:
            key.public.verify(value[KEY_ID_BYTES:], text)
        except ComityError as error:
            raise CheckpointInvalid("The checkpoint's signature does not verify.") from error
    return checkpoint


def _require_other_epoch(origin: str, expected: str) -> None:
    if parse_origin(origin)[0] != parse_origin(expected)[0]:
        raise CheckpointInvalid("The checkpoint is of another hub's ledger.")


def parse_unverified(note: bytes) -> Checkpoint:
    """The checkpoint in a signed note, with no signature looked at.

    Raises: CheckpointInvalid.
    """
    return _parse_text(_split_note(note)[0])


def _split_note(note: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    if len(note) > MAX_NOTE_BYTES:
        raise CheckpointInvalid("The checkpoint is too large.")
    text, separator, block = note.rpartition(b"\n\n")
    try:
        *lines, rest = block.decode().split("\n")
        whole = note.decode()
    except UnicodeDecodeError as error:
        raise CheckpointInvalid("The checkpoint is not text.") from error
    if any(char < " " and char != "\n" for char in whole):
        raise CheckpointInvalid("The checkpoint holds control characters.")
    if not separator or rest or not 1 <= len(lines) <= MAX_SIGNATURE_LINES:
        raise CheckpointInvalid("The checkpoint is not a signed note.")
    return text + b"\n", [_parse_signature_line(line) for line in lines]


def _parse_signature_line(line: str) -> tuple[str, bytes]:
    name, space, encoded = line.removeprefix(_SIGNATURE_PREFIX).partition(" ")
    is_name = name != "" and "+" not in name and not any(char.isspace() for char in name)
    if not line.startswith(_SIGNATURE_PREFIX) or not space or not is_name:
        raise CheckpointInvalid("A signature line of the checkpoint is malformed.")
    value = _decoded(encoded)
    if len(value) <= KEY_ID_BYTES:
        raise CheckpointInvalid("A signature line of the checkpoint is malformed.")
    return name, value


def _parse_text(text: bytes) -> Checkpoint:
    lines = text.decode().split("\n")
    # Extension lines are not used here and would be signed without being understood.
    if len(lines) != 4 or lines[3] != "" or not _SIZE.fullmatch(lines[1]):
        raise CheckpointInvalid("The note is not a checkpoint.")
    origin, size, root = lines[0], int(lines[1]), _decoded(lines[2])
    parse_origin(origin)
    if len(root) != HASH_BYTES or size > MAX_SIZE:
        raise CheckpointInvalid("The note is not a checkpoint.")
    return Checkpoint(origin, size, root)


def _decoded(encoded: str) -> bytes:
    try:
        value = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CheckpointInvalid("The checkpoint holds malformed base64.") from error
    if base64.b64encode(value).decode() != encoded:
        raise CheckpointInvalid("The checkpoint holds base64 that is not in its one form.")
    return value
