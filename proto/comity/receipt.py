"""Receipts: the hub's proof that acts are on disk and in the tree. Verify offline, no I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from google.protobuf.message import DecodeError

from comity.acts import ADDRESSING, ParsedAct, parse_act
from comity.checkpoint import Checkpoint, LedgerKey, open_checkpoint
from comity.commitment import verify_addressing_commitment, verify_content_commitment
from comity.errors import ComityError, ReceiptInvalid
from comity.merkle import leaf_hash, verify_inclusion
from comity.v1 import acts_pb2, ledger_pb2


def verify_receipt(
    receipt: ledger_pb2.Receipt,
    *,
    acts: Sequence[acts_pb2.Envelope],
    ledger_keys: Sequence[LedgerKey],
) -> None:
    """Verifies that acts were committed to the ledger, from the receipt alone.

    1. The checkpoint is signed by the ledger's key, under one of the origins given.
    2. The entry's hash is in the tree of that checkpoint, at the index that the receipt says.
    3. The entry records acts of their originator.
    4. Its commitments open to the payloads of exactly these acts.

    Does not verify the acts' own signatures, nor that the checkpoint is the latest.

    Raises: ReceiptInvalid.
    """
    try:
        checkpoint = checkpoint_of_receipt(receipt, ledger_keys=ledger_keys)  # 1
        verify_inclusion(  # 2
            leaf_hash(receipt.entry),
            index=receipt.entry_index,
            size=checkpoint.size,
            root=checkpoint.root,
            path=list(receipt.inclusion_path),
        )
        parsed = [parse_act(envelope) for envelope in acts]
    except ComityError as error:
        raise ReceiptInvalid(f"The receipt does not verify: {error.message}") from error
    entry = parse_acts_entry(receipt.entry)  # 3
    if not parsed or any(act.originator != entry.originator for act in parsed):
        raise ReceiptInvalid("The receipt is not for acts of this originator.")
    _require_openings(receipt, entry, parsed)  # 4


def checkpoint_of_receipt(
    receipt: ledger_pb2.Receipt, *, ledger_keys: Sequence[LedgerKey]
) -> Checkpoint:
    """The verified checkpoint of a receipt, under whichever of the given origins it is.

    Raises: CheckpointInvalid.
    """
    *others, last = ledger_keys
    for key in others:
        try:
            return open_checkpoint(receipt.checkpoint, key)
        except ComityError:
            continue
    return open_checkpoint(receipt.checkpoint, last)


def parse_acts_entry(entry: bytes) -> ledger_pb2.ActsEntry:
    """The acts entry in an entry's bytes.

    Raises: ReceiptInvalid where the bytes are something else.
    """
    message = ledger_pb2.LedgerEntry()
    try:
        message.ParseFromString(entry)
    except DecodeError as error:
        raise ReceiptInvalid("The receipt's entry does not parse.") from error
    if message.format != 1 or not message.HasField("acts"):
        raise ReceiptInvalid("The receipt's entry records no acts.")
    return message.acts


def _require_openings(
    receipt: ledger_pb2.Receipt, entry: ledger_pb2.ActsEntry, parsed: Sequence[ParsedAct]
) -> None:
    content = [act.digest for act in parsed if act.kind != ADDRESSING]
    addressing = [act.digest for act in parsed if act.kind == ADDRESSING]
    if len(content) != bool(entry.content_commitment):
        raise ReceiptInvalid("The receipt is for another number of versions or withdrawals.")
    if len(addressing) != bool(entry.addressing_commitment):
        raise ReceiptInvalid("The receipt is for another number of addressings.")
    try:
        if content:
            verify_content_commitment(
                entry.content_commitment, payload_digest=content[0], salt=receipt.content_salt
            )
        if addressing:
            verify_addressing_commitment(
                entry.addressing_commitment,
                payload_digest=addressing[0],
                salt=receipt.addressing_salt,
            )
    except ComityError as error:
        raise ReceiptInvalid("The receipt is for other acts than these.") from error


def digest_of(payload: bytes) -> bytes:
    """The digest that versions, receipts and commitments name a payload by: SHA-256, 32 bytes."""
    return hashlib.sha256(payload).digest()
