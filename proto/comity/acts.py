"""Signed acts: making them, reading them, verifying them. Never judges state.

Clients sign and both sides parse and verify with the functions here, so that hub and reader
cannot differ over what an act says. Whether an act fits the notice's state is the hub's to decide.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError, Message

from comity import envelope as dsse
from comity.errors import (
    MalformedInput,
    UnknownFields,
    Violation,
    WrongHub,
    WrongOriginator,
)
from comity.identifiers import is_uuid7
from comity.identity import AgencyId, is_agency_id
from comity.keys import PrivateKey, PublicKey
from comity.v1 import acts_pb2, ledger_pb2

ActKind = ledger_pb2.ActKind
VERSION = ledger_pb2.ACT_KIND_VERSION
WITHDRAWAL = ledger_pb2.ACT_KIND_WITHDRAWAL
ADDRESSING = ledger_pb2.ACT_KIND_ADDRESSING
SUSPENSION = ledger_pb2.ACT_KIND_SUSPENSION
RESUMPTION = ledger_pb2.ACT_KIND_RESUMPTION
ADDENDUM = ledger_pb2.ACT_KIND_ADDENDUM
EXTENSION = ledger_pb2.ACT_KIND_EXTENSION
ACKNOWLEDGEMENT = ledger_pb2.ACT_KIND_ACKNOWLEDGEMENT
FLAG = ledger_pb2.ACT_KIND_FLAG
CUSTODY = ledger_pb2.ACT_KIND_CUSTODY
RECALL_ANSWER = ledger_pb2.ACT_KIND_RECALL_ANSWER
RELEASE_REQUEST = ledger_pb2.ACT_KIND_RELEASE_REQUEST
RELEASE_DECISION = ledger_pb2.ACT_KIND_RELEASE_DECISION

BODY_NAMES: Mapping[ActKind.ValueType, str] = {
    VERSION: "version",
    WITHDRAWAL: "withdrawal",
    ADDRESSING: "addressing",
    SUSPENSION: "suspension",
    RESUMPTION: "resumption",
    ADDENDUM: "addendum",
    EXTENSION: "extension",
    ACKNOWLEDGEMENT: "acknowledgement",
    FLAG: "flag",
    CUSTODY: "custody",
    RECALL_ANSWER: "recall_answer",
    RELEASE_REQUEST: "release_request",
    RELEASE_DECISION: "release_decision",
}
# What an addressee does about another agency's notice; everything else is the originator's.
ADDRESSEE_KINDS = frozenset({ACKNOWLEDGEMENT, FLAG, CUSTODY, RECALL_ANSWER, RELEASE_REQUEST})
PAYLOAD_TYPES: Mapping[ActKind.ValueType, str] = {
    kind: f"application/vnd.comity.act.{name}.v1+protobuf" for kind, name in BODY_NAMES.items()
}
_KINDS_BY_TYPE = {payload_type: kind for kind, payload_type in PAYLOAD_TYPES.items()}

MAX_OFFICER_CHARS = 128  # a reference to an officer, not a name
DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class ParsedAct:
    """An act as read from its envelope. Nothing about it is verified yet."""

    envelope: acts_pb2.Envelope
    act: acts_pb2.Act
    kind: ActKind.ValueType
    digest: bytes

    @property
    def originator(self) -> AgencyId:
        """The agency that signs it."""
        return AgencyId(self.act.header.originator)

    @property
    def notice_originator(self) -> AgencyId:
        """The originator of the notice that it is about."""
        if self.kind in ADDRESSEE_KINDS:
            return AgencyId(self.body.notice_originator)
        return self.originator

    @property
    def body(self) -> Any:
        """The message of its kind: a VersionAct, a WithdrawalAct and so on."""
        return getattr(self.act, BODY_NAMES[self.kind])

    @property
    def act_id(self) -> str:
        return self.act.header.act_id

    @property
    def notice_id(self) -> str:
        if self.kind == VERSION:
            return self.act.version.notice.notice_id
        notice_id: str = self.body.notice_id
        return notice_id


def act_kind(act: acts_pb2.Act) -> ActKind.ValueType:
    """The kind of an act by the body that it holds.

    Raises: MalformedInput where it holds none.
    """
    name = act.WhichOneof("body")
    for kind, body in BODY_NAMES.items():
        if body == name:
            return kind
    raise MalformedInput("The act has no body that this version knows.")


def sign_act(act: acts_pb2.Act, keys: Sequence[PrivateKey]) -> acts_pb2.Envelope:
    """The envelope of an act, signed by each of the keys."""
    payload = act.SerializeToString(deterministic=True)
    signed = dsse.sign_payload(payload, payload_type=PAYLOAD_TYPES[act_kind(act)], keys=keys)
    return message_from_envelope(signed)


def message_from_envelope(envelope: dsse.Envelope) -> acts_pb2.Envelope:
    """The contract's form of a DSSE envelope."""
    return acts_pb2.Envelope(
        payload_type=envelope.payload_type,
        payload=envelope.payload,
        signatures=[
            acts_pb2.Signature(key_id=signature.key_id, value=signature.value)
            for signature in envelope.signatures
        ],
    )


def envelope_from_message(message: acts_pb2.Envelope) -> dsse.Envelope:
    """The DSSE envelope of its form in the contract."""
    signatures = tuple(dsse.Signature(s.key_id, s.value) for s in message.signatures)
    return dsse.Envelope(message.payload_type, message.payload, signatures)


def parse_act(envelope: acts_pb2.Envelope) -> ParsedAct:
    """Reads the act in an envelope, without verifying anything of it.

    Raises: MalformedInput where the payload type is unknown, the payload does not parse, its body
    is of another type, or its header or ids are malformed.
    """
    kind = _KINDS_BY_TYPE.get(envelope.payload_type)
    if kind is None:
        raise MalformedInput("The envelope's payload type names no act that this version knows.")
    act = acts_pb2.Act()
    try:
        act.ParseFromString(envelope.payload)
    except DecodeError as error:
        raise MalformedInput("The envelope's payload is not an act.") from error
    if act_kind(act) != kind:
        raise MalformedInput("The act's body is of another kind than its payload type says.")
    parsed = ParsedAct(envelope, act, kind, hashlib.sha256(envelope.payload).digest())
    _require_form(parsed)
    return parsed


def _require_form(parsed: ParsedAct) -> None:
    header = parsed.act.header
    violations = _agency_violations("header.originator", header.originator)
    if not is_uuid7(header.act_id):
        violations.append(Violation("header.act_id", "is not a UUIDv7 in lower case"))
    if parsed.kind in ADDRESSEE_KINDS:
        violations += _agency_violations("notice_originator", parsed.body.notice_originator)
    if not is_uuid7(parsed.notice_id):
        violations.append(Violation("notice_id", "is not a UUIDv7 in lower case"))
    if not header.HasField("issued_at"):
        violations.append(Violation("header.issued_at", "is missing"))
    if len(header.officer) > MAX_OFFICER_CHARS or not header.officer.isprintable():
        violations.append(Violation("header.officer", "is too long or holds control characters"))
    violations += _digest_violations(parsed)
    if violations:
        raise MalformedInput("The act is malformed.", violations=violations)


def _agency_violations(field: str, text: str) -> list[Violation]:
    return [] if is_agency_id(text) else [Violation(field, "is not an agency id")]


def _digest_violations(parsed: ParsedAct) -> list[Violation]:
    if parsed.kind in (VERSION, RECALL_ANSWER):  # These name no version.
        return []
    if len(parsed.body.version_digest) == DIGEST_BYTES:
        return []
    return [Violation("version_digest", "is not a SHA-256 digest of 32 bytes")]


def require_known_fields(message: Message) -> None:
    """Refuses a signed body with fields that this version does not know.

    What is not understood is not relayed under the hub's receipt.

    Raises: UnknownFields.
    """
    size = message.ByteSize()
    known = type(message)()
    known.CopyFrom(message)
    known.DiscardUnknownFields()
    if known.ByteSize() != size:
        raise UnknownFields()


def has_unknown_fields(message: Message) -> bool:
    """Whether a message holds fields that this version does not know."""
    try:
        require_known_fields(message)
    except UnknownFields:
        return True
    return False


def verify_act(
    parsed: ParsedAct,
    *,
    hub_domain: str,
    originator: AgencyId,
    keys: Mapping[str, PublicKey],
) -> None:
    """Verifies an act: who signed it, for which hub, as which agency.

    1. The header names this hub.
    2. The header names the expected originator.
    3. The envelope is signed by one of the originator's keys, with the key's own algorithm.

    `keys` are the originator's signing keys that were valid at the act's place in the ledger, by
    key id. Does not judge issue times or the notice's state.

    Raises: WrongHub, WrongOriginator, SigningKeyUnknown, SignatureInvalid.
    """
    header = parsed.act.header
    if header.hub_domain != hub_domain:  # 1
        raise WrongHub()
    if header.originator != originator:  # 2
        raise WrongOriginator()
    dsse.verify_envelope(  # 3
        envelope_from_message(parsed.envelope),
        payload_type=PAYLOAD_TYPES[parsed.kind],
        keys=keys,
    )
