"""Whether a verified submission fits the state of the ledger, decided under the writer's lock.

Pure: takes the state as it was read after the lock, gives what is to be written. Items of one
batch are judged in order, each seeing what those before it changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from comity.acts import ParsedAct
from comity.addressing import is_as_wide, resolve_rule
from comity.errors import (
    AddressingInvalid,
    AddressingNarrowed,
    AgencyNotActive,
    IdReused,
    IssuedInFuture,
    IssuedTooLongAgo,
    NotFound,
    NoticeExpired,
    NoticeInvalid,
    NoticeWithdrawn,
    NotLatestVersion,
    ScopeExceeded,
    Violation,
)
from comity.identity import AgencyId
from comity.times import datetime_from_timestamp
from comity.v1 import events_pb2, ledger_pb2, notices_pb2
from comity.v1.acts_pb2 import AddressingRule
from hub.services.submissions import Submission
from hub.store.acts import ActKey, StoredAct
from hub.store.audiences import Audience, audience_of
from hub.store.notices import NoticeKey, NoticeStanding

MAX_AHEAD = timedelta(minutes=10)  # clocks of members differ; more is an error or a trick
MAX_AGE = timedelta(days=30)  # an outbox may have waited that long for a line

PUBLISHED = events_pb2.NOTICE_STATE_PUBLISHED
WITHDRAWN = events_pb2.NOTICE_STATE_WITHDRAWN


@dataclass(frozen=True, slots=True)
class Terms:
    """What membership lets an originator publish, and whom it has to address as well."""

    kinds: frozenset[notices_pb2.NoticeKind.ValueType]
    copied_to: AgencyId | None = None


@dataclass(slots=True)
class LedgerState:
    """What decisions rest on, read after the lock and kept up to date through a batch."""

    now: datetime
    members: frozenset[AgencyId]
    acts: dict[ActKey, StoredAct]
    notices: dict[NoticeKey, NoticeStanding]
    terms: Mapping[AgencyId, Terms]
    audiences: dict[bytes, Audience] = field(default_factory=dict)
    # What rules of an originator come to: many notices of a batch are addressed alike.
    resolved: dict[tuple[AgencyId, bytes], Audience] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same acts lie in the ledger already, at this entry."""

    entry_index: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """What an accepted submission makes of its notice, and who hears of it.

    `addressees` is who the notice is addressed to afterwards, `hearers` who of them the event is
    for; `act_entry` is where the act that the event shows lies.
    """

    act_kind: ledger_pb2.ActKind.ValueType
    event_kind: events_pb2.EventKind.ValueType
    standing: NoticeStanding
    addressees: Audience
    hearers: Audience
    is_new: bool
    act_entry: int


def judge(submission: Submission, state: LedgerState, *, entry_index: int) -> Accepted | Repeated:
    """Decides over a submission that would become the entry of the given index.

    1. The originator is a member at this moment, whatever it was when it sent this.
    2. The same acts again give the same entry, before any question of time.
    3. Issue times lie within what the hub takes, and the notice has not expired.
    4. The acts fit where the notice stands.
    5. Membership lets the originator publish that kind, and whom it has to address is addressed.
       What was published may always be withdrawn.

    Raises: AgencyNotActive, IdReused, IssuedInFuture, IssuedTooLongAgo, NoticeExpired, NotFound,
    NotLatestVersion, NoticeWithdrawn, NoticeInvalid, AddressingInvalid, AddressingNarrowed,
    ScopeExceeded.
    """
    if submission.originator not in state.members:  # 1
        raise AgencyNotActive()
    repeated = _find_repeated(submission, state)  # 2
    if repeated is not None:
        return repeated
    for act in submission.acts:  # 3
        _require_timely(act, now=state.now)
    content = submission.content  # 4
    if content is not None and content.kind == ledger_pb2.ACT_KIND_WITHDRAWAL:
        return _judge_withdrawal(submission, content, state, entry_index=entry_index)
    if content is None:
        accepted = _judge_addressing(submission, state, entry_index=entry_index)
    else:
        accepted = _judge_version(submission, content, state, entry_index=entry_index)
    _require_terms(accepted, state.terms[submission.originator])  # 5
    return accepted


def _require_terms(accepted: Accepted, terms: Terms) -> None:
    if accepted.standing.kind not in terms.kinds:
        raise ScopeExceeded("The agency's membership does not let it publish this kind of notice.")
    lead = terms.copied_to
    if lead is not None and lead not in accepted.addressees.members:
        said = f"has to include {lead}, which leads the originator's country; widen it first"
        raise AddressingInvalid(violations=[Violation("addressing.rule", said)])


def _find_repeated(submission: Submission, state: LedgerState) -> Repeated | None:
    stored = [state.acts.get((act.originator, act.act_id)) for act in submission.acts]
    if not any(stored):
        return None
    entries = set()
    for act, known in zip(submission.acts, stored, strict=True):
        if known is None or known.digest != act.digest:
            raise IdReused()
        entries.add(known.entry_index)
    if len(entries) != 1:
        raise IdReused()
    return Repeated(entries.pop())


def _require_timely(act: ParsedAct, *, now: datetime) -> None:
    issued_at = datetime_from_timestamp(act.act.header.issued_at)
    if issued_at is None or issued_at > now + MAX_AHEAD:
        raise IssuedInFuture()
    if issued_at < now - MAX_AGE:
        raise IssuedTooLongAgo()
    if act.kind == ledger_pb2.ACT_KIND_VERSION:
        expires_at = datetime_from_timestamp(act.act.version.notice.expires_at)
        if expires_at is None or expires_at <= now:
            raise NoticeExpired()


def _judge_version(
    submission: Submission, content: ParsedAct, state: LedgerState, *, entry_index: int
) -> Accepted:
    notice = content.act.version.notice
    before = state.notices.get((submission.originator, submission.notice_id))
    if notice.version == 1:
        if before is not None:
            raise IdReused("A notice of this id exists; a change of it is a new version.")
        return _judge_first_version(submission, content, state, entry_index=entry_index)
    standing = _require_published(before)
    if notice.version != standing.version + 1 or notice.predecessor_digest != (
        standing.version_digest
    ):
        raise NotLatestVersion(f"The latest version is {standing.version}.")
    _require_same_nature(content, standing)
    audience = state.audiences[standing.audience]
    addressing = submission.addressing
    addressing_entry = standing.addressing_entry
    if addressing is not None:
        audience = _wider_audience(addressing, content.digest, audience, state)
        addressing_entry = entry_index
    after = replace(
        standing,
        urgency=notice.urgency,
        version=notice.version,
        version_digest=content.digest,
        version_entry=entry_index,
        addressing_entry=addressing_entry,
        audience=audience.key,
    )
    return Accepted(
        act_kind=ledger_pb2.ACT_KIND_VERSION,
        event_kind=events_pb2.EVENT_KIND_NEW_VERSION,
        standing=after,
        addressees=audience,
        hearers=audience,
        is_new=False,
        act_entry=entry_index,
    )


def _judge_first_version(
    submission: Submission, content: ParsedAct, state: LedgerState, *, entry_index: int
) -> Accepted:
    notice = content.act.version.notice
    addressing = submission.addressing
    if addressing is None:
        raise AddressingInvalid(
            violations=[Violation("acts", "lacks the addressing: who shall receive the notice")]
        )
    audience = _resolved_audience(addressing, content.digest, state)
    standing = NoticeStanding(
        originator=submission.originator,
        notice_id=notice.notice_id,
        kind=notice.kind,
        traffic=notice.traffic,
        urgency=notice.urgency,
        state=PUBLISHED,
        version=1,
        version_digest=content.digest,
        version_entry=entry_index,
        addressing_entry=entry_index,
        withdrawal_entry=None,
        audience=audience.key,
    )
    return Accepted(
        act_kind=ledger_pb2.ACT_KIND_VERSION,
        event_kind=events_pb2.EVENT_KIND_PUBLISHED,
        standing=standing,
        addressees=audience,
        hearers=audience,
        is_new=True,
        act_entry=entry_index,
    )


def _judge_withdrawal(
    submission: Submission, content: ParsedAct, state: LedgerState, *, entry_index: int
) -> Accepted:
    standing = _require_published(state.notices.get((submission.originator, content.notice_id)))
    audience = state.audiences[standing.audience]
    if content.act.withdrawal.version_digest != standing.version_digest:
        raise NotLatestVersion(f"The latest version is {standing.version}.")
    return Accepted(
        act_kind=ledger_pb2.ACT_KIND_WITHDRAWAL,
        event_kind=events_pb2.EVENT_KIND_WITHDRAWN,
        standing=replace(standing, state=WITHDRAWN, withdrawal_entry=entry_index),
        addressees=audience,
        hearers=audience,
        is_new=False,
        act_entry=entry_index,
    )


def _judge_addressing(submission: Submission, state: LedgerState, *, entry_index: int) -> Accepted:
    addressing = submission.acts[0]
    standing = _require_published(state.notices.get((submission.originator, addressing.notice_id)))
    before = state.audiences[standing.audience]
    after = _wider_audience(addressing, standing.version_digest, before, state)
    return Accepted(
        act_kind=ledger_pb2.ACT_KIND_ADDRESSING,
        event_kind=events_pb2.EVENT_KIND_ADDRESSEE_ADDED,
        standing=replace(standing, addressing_entry=entry_index, audience=after.key),
        addressees=after,
        # Those who are addressed already hear nothing of it.
        hearers=audience_of(after.members - before.members, after.open_rule),
        is_new=False,
        act_entry=standing.version_entry,
    )


def _require_published(standing: NoticeStanding | None) -> NoticeStanding:
    if standing is None:
        raise NotFound()
    if standing.state == WITHDRAWN:
        raise NoticeWithdrawn()
    return standing


def _require_same_nature(content: ParsedAct, standing: NoticeStanding) -> None:
    notice = content.act.version.notice
    violations = []
    if notice.kind != standing.kind:
        violations.append(Violation("kind", "differs from the version before"))
    if notice.traffic != standing.traffic:
        violations.append(Violation("traffic", "differs from the version before"))
    if violations:
        raise NoticeInvalid(violations=violations)


def _resolved_audience(
    addressing: ParsedAct, version_digest: bytes, state: LedgerState
) -> Audience:
    act = addressing.act.addressing
    if act.version_digest != version_digest:
        raise AddressingInvalid(
            violations=[Violation("version_digest", "is not the digest of the latest version")]
        )
    rule = act.rule.SerializeToString(deterministic=True)
    audience = state.resolved.get((addressing.originator, rule))
    if audience is None:
        members = resolve_rule(act.rule, originator=addressing.originator, members=state.members)
        audience = audience_of(members, rule if act.rule.and_later_members else None)
        state.resolved[addressing.originator, rule] = audience
    return audience


def _wider_audience(
    addressing: ParsedAct, version_digest: bytes, before: Audience, state: LedgerState
) -> Audience:
    after = _resolved_audience(addressing, version_digest, state)
    # Who is no member any longer cannot be named again, and loses nothing by it.
    if (before.members & state.members) - after.members:
        raise AddressingNarrowed()
    if before.open_rule is not None:
        _require_as_open(act_rule=addressing.act.addressing.rule, before=before.open_rule)
    return audience_of(after.members | before.members, after.open_rule)


def _require_as_open(*, act_rule: AddressingRule, before: bytes) -> None:
    """Requires that whoever would have been addressed on joining later still is."""
    open_rule = AddressingRule.FromString(before)
    if not act_rule.and_later_members or not is_as_wide(act_rule, open_rule):
        raise AddressingNarrowed()
