"""Who a notice goes to: with its first version, wider with a later act, or narrower, which is a
recall. Pure, as `judgement`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from comity.acts import ADDRESSING, ParsedAct
from comity.addressing import is_as_wide, resolve_rule
from comity.errors import AddressingInvalid, AddressingNarrowed, NoticeNotInForce, Violation
from comity.v1 import events_pb2
from comity.v1.acts_pb2 import AddressingRule
from hub.services.ledger_state import (
    IN_FORCE,
    NOBODY,
    Accepted,
    LedgerState,
    RecallStart,
    require_state,
    void_custody,
)
from hub.services.protection_judgement import require_protected, require_widener
from hub.services.release_judgement import require_released
from hub.services.submissions import Submission
from hub.store.audiences import Audience, audience_of
from hub.store.notices import NoticeStanding


@dataclass(frozen=True, slots=True)
class Addressed:
    """Who a version is addressed to, and since which entry."""

    audience: Audience
    entry: int


def first_addressed(
    submission: Submission, content: ParsedAct, state: LedgerState, entry_index: int
) -> Addressed:
    """Who a first version goes to: by the addressing that came with it.

    Raises: AddressingInvalid where none did.
    """
    addressing = submission.addressing
    if addressing is None:
        raise AddressingInvalid(
            violations=[Violation("acts", "lacks the addressing: who shall receive the notice")]
        )
    return Addressed(_resolved_audience(addressing, content.digest, state), entry_index)


def later_addressed(
    submission: Submission,
    content: ParsedAct,
    standing: NoticeStanding,
    state: LedgerState,
    entry_index: int,
) -> Addressed:
    """Who a later version goes to: as before, or to more. Nobody knows yet of what was returned,
    and it may be addressed anew."""
    addressing = submission.addressing
    if addressing is None:
        return Addressed(state.audiences[standing.audience], standing.addressing_entry)
    if not standing.is_published:
        return Addressed(_resolved_audience(addressing, content.digest, state), entry_index)
    if addressing.act.addressing.narrows:
        said = "narrows: that is an act of its own, after the version"
        raise AddressingInvalid(violations=[Violation("narrows", said)])
    before = state.audiences[standing.audience]
    return Addressed(_wider_audience(addressing, content.digest, before, state), entry_index)


def judge_addressing(addressing: ParsedAct, state: LedgerState, entry_index: int) -> Accepted:
    """A wider addressing of what is published, or a narrower one, which is a recall.

    Raises: NotFound, NoticeWithdrawn, NoticeNotInForce, NoticeInvalid, AddressingInvalid,
    AddressingNarrowed, SupervisorRequired, ReleaseRequired.
    """
    standing = require_state(
        state.notices.get((addressing.originator, addressing.notice_id)), IN_FORCE
    )
    if addressing.act.addressing.narrows:
        return _judge_narrowing(addressing, standing, state, entry_index)
    before = state.audiences[standing.audience]
    after = _wider_audience(addressing, standing.published_digest, before, state)
    published = state.sources.get(standing.key)
    if published is not None:
        require_protected(published, addressing.act.addressing.rule)
        require_widener(published, state.roles)
        require_released(published, addressing.originator, after, state)
    assert standing.published_entry is not None
    return Accepted(
        act_kind=ADDRESSING,
        event_kind=events_pb2.EVENT_KIND_ADDRESSEE_ADDED,
        standing=_addressed_anew(standing, after, entry_index),
        addressees=after,
        # Those who are addressed already hear nothing of it.
        hearers=audience_of(after.members - before.members, after.open_rule),
        act_entry=standing.published_entry,
    )


def _addressed_anew(standing: NoticeStanding, after: Audience, entry_index: int) -> NoticeStanding:
    """The notice with a wider addressing, which also holds for a version that waits.

    Raises: NoticeNotInForce where that version waits with a wider addressing of its own.
    """
    changed = replace(standing, addressing_entry=entry_index, audience=after.key)
    if standing.submitted_audience is None:
        return changed
    if standing.submitted_audience != standing.audience:
        raise NoticeNotInForce(
            "A version with an addressing of its own is in review; wait, or withdraw it."
        )
    return replace(changed, submitted_audience=after.key, submitted_addressing_entry=entry_index)


def _judge_narrowing(
    addressing: ParsedAct, standing: NoticeStanding, state: LedgerState, entry_index: int
) -> Accepted:
    """Who is left out is asked for its copies, and hears nothing more; nobody is added."""
    before = state.audiences[standing.audience]
    after = _resolved_audience(addressing, standing.published_digest, state)
    added = after.members - before.members
    left_out = before.members - after.members
    violations = []
    if added:
        violations.append(Violation("narrows", "the rule names some who were not addressed"))
    if not left_out:
        violations.append(Violation("narrows", "the rule leaves nobody out"))
    if standing.submitted_audience is not None:
        violations.append(Violation("narrows", "a version is in review; wait, or withdraw it"))
    if violations:
        raise AddressingInvalid(violations=violations)
    gone = audience_of(left_out)
    void = tuple(a for a in void_custody(state, standing) if a.hearers.members <= left_out)
    return Accepted(
        act_kind=ADDRESSING,
        event_kind=events_pb2.EVENT_KIND_ADDRESSEE_ADDED,
        standing=replace(standing, addressing_entry=entry_index, audience=after.key),
        addressees=after,
        hearers=NOBODY,  # who is left out is told by an entry of the hub, which says of what
        act_entry=entry_index,
        announcements=void,
        recall=RecallStart(events_pb2.RECALL_KIND_NARROWED, gone),
    )


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
