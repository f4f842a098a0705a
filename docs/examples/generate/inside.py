"""What lies inside a message: the messages in its fields, and those serialized in its bytes.

Used to choose the examples, and by the tests that verify them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from google.protobuf.message import Message

from comity import application, consent, rotation
from comity.acts import PAYLOAD_TYPES
from comity.v1.acts_pb2 import Act, Envelope, SubmitActsRequest
from comity.v1.agencies_pb2 import Application
from comity.v1.ledger_pb2 import LedgerEntry
from comity.v1.membership_pb2 import AgencyConsent, KeyRotation
from comity.v1.watches_pb2 import WatchCommand

CONTRACT = "comity.v1"

# The bytes fields that hold a serialized message, and which one.
_SERIALIZED: Mapping[tuple[str, str], type[Message]] = {
    ("BulkSubmission", "request"): SubmitActsRequest,
    ("LedgerLeaf", "entry"): LedgerEntry,
    ("Receipt", "entry"): LedgerEntry,
    ("WatchEventsRequest", "command"): WatchCommand,
}
_PAYLOADS: Mapping[str, type[Message]] = {
    application.PAYLOAD_TYPE: Application,
    consent.PAYLOAD_TYPE: AgencyConsent,
    rotation.PAYLOAD_TYPE: KeyRotation,
    **dict.fromkeys(PAYLOAD_TYPES.values(), Act),
}


def messages_in(message: Message) -> Iterator[Message]:
    """A message and every message of the contract inside it, from the outside in."""
    yield message
    for field, value in message.ListFields():
        for one in value if field.is_repeated else [value]:
            if field.message_type is None:
                inner = _serialized(message, field.name, one)
            else:
                inner = one if field.message_type.file.package == CONTRACT else None
            if inner is not None:
                yield from messages_in(inner)


def _serialized(message: Message, field: str, value: object) -> Message | None:
    if isinstance(message, Envelope):
        kind = _PAYLOADS.get(message.payload_type) if field == "payload" else None
    else:
        kind = _SERIALIZED.get((message.DESCRIPTOR.name, field))
    return kind.FromString(value) if kind is not None and isinstance(value, bytes) else None
