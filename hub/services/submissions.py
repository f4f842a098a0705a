"""The prepare half of a submission: read, verify, no writes, no state.

Runs in the hub or in a verifier process beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from comity.act_forms import verify_act_form
from comity.acts import (
    ADDRESSING,
    VERSION,
    ParsedAct,
    parse_act,
    require_known_fields,
    verify_act,
)
from comity.errors import MalformedInput, NoticeInvalid, TooLarge, Violation, WrongOriginator
from comity.identity import AgencyId
from comity.keys import PublicKey
from comity.minimum.policy import Policy
from comity.notices import MAX_NOTICE_BYTES, verify_notice
from comity.v1 import acts_pb2
from comity.v1.officers_pb2 import Role

MAX_ACTS = 2  # a version and its addressing
MAX_SUBMISSION_BYTES = 2 * MAX_NOTICE_BYTES  # a notice at its limit, its addressing and signatures


@dataclass(frozen=True, slots=True)
class Submission:
    """Verified acts that belong together: a version with its addressing, or one act of any kind.

    `roster_entry` is the state of membership that the signatures were verified against; `roles` are
    those of the officer who was logged in when it came, none where a system sent it.
    """

    originator: AgencyId
    acts: tuple[ParsedAct, ...]
    roster_entry: int | None
    roles: frozenset[Role.ValueType] = frozenset()

    @property
    def content(self) -> ParsedAct | None:
        """The act that is no addressing."""
        return next((act for act in self.acts if act.kind != ADDRESSING), None)

    @property
    def addressing(self) -> ParsedAct | None:
        """The addressing."""
        return next((act for act in self.acts if act.kind == ADDRESSING), None)

    @property
    def notice_id(self) -> str:
        return self.acts[0].notice_id


def parse_submission(request: bytes) -> acts_pb2.SubmitActsRequest:
    """Parses a serialized submission.

    Raises: TooLarge, MalformedInput (among others for text that is not UTF-8).
    """
    require_submission_size(request)
    try:
        return acts_pb2.SubmitActsRequest.FromString(request)
    except DecodeError as error:
        raise MalformedInput("The submission is not a SubmitActsRequest.") from error


def require_submission_size(request: bytes) -> None:
    """Refuses a serialized submission past the limit.

    Raises: TooLarge.
    """
    if len(request) > MAX_SUBMISSION_BYTES:
        raise TooLarge(f"A submission is at most {MAX_SUBMISSION_BYTES:,} bytes.")


def prepare_submission(
    request: acts_pb2.SubmitActsRequest,
    *,
    originator: AgencyId,
    hub_domain: str,
    keys: Mapping[str, PublicKey],
    roster_entry: int | None,
    policy: Policy,
) -> Submission:
    """Verifies a submission as far as that needs no state.

    1. It holds acts that belong together, of bounded size.
    2. Each parses, and holds no field that this version does not know.
    3. Each is signed by the calling agency, for this hub, with one of its current keys.
    4. Their content is well-formed, and a notice has what the law demands of it.

    Raises: MalformedInput, TooLarge, UnknownFields, WrongHub, WrongOriginator, SigningKeyUnknown,
    SignatureInvalid, NoticeInvalid, LegalMinimumMissing.
    """
    _require_count(len(request.acts))  # 1
    for envelope in request.acts:
        if len(envelope.payload) > MAX_SUBMISSION_BYTES:
            raise TooLarge(f"An act is at most {MAX_SUBMISSION_BYTES:,} bytes.")
    acts = tuple(parse_act(envelope) for envelope in request.acts)  # 2
    _require_belonging_together(acts)
    for act in acts:
        require_known_fields(act.act)
    _require_own(acts, originator)
    for act in acts:
        verify_act(act, hub_domain=hub_domain, originator=originator, keys=keys)  # 3
    for act in acts:
        _require_well_formed(act, policy)  # 4
    return Submission(originator, acts, roster_entry)


def read_submission(
    request: bytes, *, originator: AgencyId, roster_entry: int | None
) -> Submission:
    """Reads a serialized submission that has been verified, byte for byte, elsewhere.

    Looks again at what costs little: that the acts belong together and are the caller's.

    Raises: MalformedInput, WrongOriginator.
    """
    envelopes = acts_pb2.SubmitActsRequest.FromString(request).acts
    acts = tuple(parse_act(envelope) for envelope in envelopes)
    _require_belonging_together(acts)
    _require_own(acts, originator)
    return Submission(originator, acts, roster_entry)


def _require_count(count: int) -> None:
    if not 1 <= count <= MAX_ACTS:
        raise MalformedInput("A submission holds one act, or a version and its addressing.")


def _require_own(acts: tuple[ParsedAct, ...], originator: AgencyId) -> None:
    if any(act.originator != originator for act in acts):
        raise WrongOriginator()


def _require_belonging_together(acts: tuple[ParsedAct, ...]) -> None:
    _require_count(len(acts))
    kinds = [act.kind for act in acts]
    if len(kinds) == 2 and sorted(kinds) != sorted((VERSION, ADDRESSING)):
        raise MalformedInput("Only a version and its addressing belong together.")
    if len({act.notice_id for act in acts}) != 1:
        raise MalformedInput("The acts are about different notices.")
    if len({act.act_id for act in acts}) != len(acts):
        raise MalformedInput("The acts bear the same id.")


def _require_well_formed(act: ParsedAct, policy: Policy) -> None:
    if act.kind == VERSION:
        _require_notice(act)
        policy.require_minimum(act.act.version.notice)
    else:
        verify_act_form(act)


def _require_notice(act: ParsedAct) -> None:
    notice = act.act.version.notice
    verify_notice(notice)
    if notice.issued_at != act.act.header.issued_at:
        raise NoticeInvalid(
            violations=[Violation("issued_at", "differs from the time that the act was issued at")]
        )
