"""Versions and addressings: what a notice says, and to whom.

A version that has to be reviewed waits; what is published stands meanwhile. Pure, as `judgement`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from comity.acts import ADDRESSING, VERSION, ParsedAct
from comity.addressing import is_as_wide, resolve_rule
from comity.errors import (
    AddressingInvalid,
    AddressingNarrowed,
    IdReused,
    NoticeInvalid,
    NoticeNotInForce,
    NotLatestVersion,
    SupervisorRequired,
    Violation,
)
from comity.minimum.policy import ReviewTerms
from comity.protection import (
    is_widened,
    needs_supervisor,
    protected_persons,
    protection_violations,
)
from comity.times import microseconds_from
from comity.v1 import events_pb2, ledger_pb2, notices_pb2
from comity.v1.acts_pb2 import AddressingRule
from comity.v1.officers_pb2 import ROLE_OFFICER, ROLE_SUPERVISOR
from hub.services.expiry import stages_past
from hub.services.ledger_state import (
    IN_FORCE,
    IN_REVIEW,
    INCOMPLETE,
    NOBODY,
    PUBLISHED,
    Accepted,
    Announcement,
    LedgerState,
    RecallStart,
    ReviewStart,
    only,
    require_state,
    void_custody,
)
from hub.services.release_judgement import require_released
from hub.services.submissions import Submission
from hub.store.audiences import Audience, audience_of
from hub.store.notices import NoticeStanding


@dataclass(frozen=True, slots=True)
class _Addressed:
    """Who a version is addressed to, and since which entry."""

    audience: Audience
    entry: int


def judge_version(
    submission: Submission, content: ParsedAct, state: LedgerState, entry_index: int
) -> Accepted:
    """A version: the first one, or one that follows what was submitted last.

    Raises: IdReused, NotFound, NoticeWithdrawn, NoticeNotInForce, NotLatestVersion, NoticeInvalid,
    AddressingInvalid, AddressingNarrowed, SupervisorRequired, ReleaseRequired.
    """
    notice = content.act.version.notice
    before = state.notices.get((submission.originator, submission.notice_id))
    if notice.version == 1:
        if before is not None:
            raise IdReused("A notice of this id exists; a change of it is a new version.")
        addressed = _first_addressed(submission, content, state, entry_index)
        standing = _new_standing(submission, content, addressed, entry_index)
    else:
        standing = require_state(before, IN_FORCE | {INCOMPLETE})
        _require_following(content, standing)
        addressed = _later_addressed(submission, content, standing, state, entry_index)
        standing = replace(
            standing,
            version=notice.version,
            version_digest=content.digest,
            version_entry=entry_index,
        )
    key = (submission.originator, submission.notice_id)
    rule = (
        state.rules.get(key) if submission.addressing is None else submission.addressing.body.rule
    )
    _require_protected(notice, rule or AddressingRule())
    _require_widener(notice, submission)
    require_released(notice, submission.originator, addressed.audience, state)
    terms = state.review(notice)
    if terms.is_before_publication and terms.reviewers:
        accepted = _submitted(content, standing, addressed, state, entry_index)
    else:
        accepted = _published(content, standing, addressed, terms, state, entry_index)
    told = _told_to_supervisors(notice, submission)
    return replace(accepted, announcements=(*accepted.announcements, *told))


def _require_protected(notice: notices_pb2.Notice, rule: AddressingRule) -> None:
    """Requires what protects victims, witnesses and minors, unless it is lifted."""
    violations = protection_violations(notice, rule)
    if violations:
        raise NoticeInvalid(violations=violations)


def _require_widener(notice: notices_pb2.Notice, submission: Submission) -> None:
    """Requires whoever may lift that: a supervisor; any officer for a missing minor in danger."""
    if needs_supervisor(notice):
        wanted = frozenset({ROLE_SUPERVISOR})
    elif is_widened(notice) and protected_persons(notice):
        wanted = frozenset({ROLE_SUPERVISOR, ROLE_OFFICER})
    else:
        return
    if not submission.roles & wanted:
        raise SupervisorRequired()


def _told_to_supervisors(
    notice: notices_pb2.Notice, submission: Submission
) -> tuple[Announcement, ...]:
    """What an officer has lifted for a missing minor in danger its supervisors are told after."""
    if (
        not is_widened(notice)
        or not protected_persons(notice)
        or ROLE_SUPERVISOR in submission.roles
    ):
        return ()
    return (
        Announcement(
            ledger_pb2.NOTICE_CHANGE_PROTECTION_WIDENED,
            events_pb2.EVENT_KIND_PROTECTION_WIDENED,
            only(submission.originator),
            urgency=notices_pb2.URGENCY_IMMEDIATE,
        ),
    )


def _first_addressed(
    submission: Submission, content: ParsedAct, state: LedgerState, entry_index: int
) -> _Addressed:
    addressing = submission.addressing
    if addressing is None:
        raise AddressingInvalid(
            violations=[Violation("acts", "lacks the addressing: who shall receive the notice")]
        )
    return _Addressed(_resolved_audience(addressing, content.digest, state), entry_index)


def _later_addressed(
    submission: Submission,
    content: ParsedAct,
    standing: NoticeStanding,
    state: LedgerState,
    entry_index: int,
) -> _Addressed:
    """Who a later version goes to: as before, or to more. Nobody knows yet of what was returned,
    and it may be addressed anew."""
    addressing = submission.addressing
    if addressing is None:
        return _Addressed(state.audiences[standing.audience], standing.addressing_entry)
    if not standing.is_published:
        return _Addressed(_resolved_audience(addressing, content.digest, state), entry_index)
    if addressing.act.addressing.narrows:
        said = "narrows: that is an act of its own, after the version"
        raise AddressingInvalid(violations=[Violation("narrows", said)])
    before = state.audiences[standing.audience]
    return _Addressed(_wider_audience(addressing, content.digest, before, state), entry_index)


def _new_standing(
    submission: Submission, content: ParsedAct, addressed: _Addressed, entry_index: int
) -> NoticeStanding:
    notice = content.act.version.notice
    return NoticeStanding(
        originator=submission.originator,
        notice_id=notice.notice_id,
        kind=notice.kind,
        traffic=notice.traffic,
        urgency=notice.urgency,
        state=IN_REVIEW,
        version=1,
        version_digest=content.digest,
        version_entry=entry_index,
        addressing_entry=entry_index,
        withdrawal_entry=None,
        audience=addressed.audience.key,
        listed_entry=entry_index,
    )


def _require_following(content: ParsedAct, standing: NoticeStanding) -> None:
    notice = content.act.version.notice
    if standing.is_published and standing.has_waiting_version and standing.submitted_audience:
        raise NoticeNotInForce("A version of the notice is in review; wait, or withdraw it.")
    if notice.version != standing.version + 1 or notice.predecessor_digest != (
        standing.version_digest
    ):
        raise NotLatestVersion(f"The latest version is {standing.version}.")
    violations = []
    if notice.kind != standing.kind:
        violations.append(Violation("kind", "differs from the version before"))
    if notice.traffic != standing.traffic:
        violations.append(Violation("traffic", "differs from the version before"))
    if violations:
        raise NoticeInvalid(violations=violations)


def _submitted(
    content: ParsedAct,
    standing: NoticeStanding,
    addressed: _Addressed,
    state: LedgerState,
    entry_index: int,
) -> Accepted:
    """It waits for reviewers. What is published stands; nobody hears of it but the hub."""
    notice = content.act.version.notice
    terms = state.review(notice)
    current = state.audiences.get(standing.audience, addressed.audience)
    after = replace(
        standing,
        state=standing.state if standing.is_published else IN_REVIEW,
        submitted_audience=addressed.audience.key,
        submitted_addressing_entry=addressed.entry,
    )
    if not standing.is_published:
        after = replace(
            after,
            urgency=notice.urgency,
            audience=addressed.audience.key,
            addressing_entry=addressed.entry,
        )
        current = addressed.audience
    is_announced = content.act.version.announces_processing and not standing.is_published
    return Accepted(
        act_kind=VERSION,
        event_kind=events_pb2.EVENT_KIND_SUBMITTED,
        standing=after,
        addressees=current,
        hearers=only(state.hub_agency),
        act_entry=entry_index,
        also_kept=(addressed.audience,),
        announcements=(_processing(addressed.audience),) if is_announced else (),
        review=ReviewStart(
            reviewers=terms.reviewers,
            due_at=state.now + terms.due,
            nationalities=nationalities_of(notice),
            is_after_publication=False,
        ),
    )


def _processing(audience: Audience) -> Announcement:
    return Announcement(
        change=ledger_pb2.NOTICE_CHANGE_PROCESSING,
        event_kind=events_pb2.EVENT_KIND_PROCESSING,
        hearers=audience,
    )


def _published(
    content: ParsedAct,
    standing: NoticeStanding,
    addressed: _Addressed,
    terms: ReviewTerms,
    state: LedgerState,
    entry_index: int,
) -> Accepted:
    notice = content.act.version.notice
    is_first = not standing.is_published
    is_sampled = terms.reviewers > 0 and state.draw() < terms.sample_percent
    return Accepted(
        act_kind=VERSION,
        event_kind=(
            events_pb2.EVENT_KIND_PUBLISHED if is_first else events_pb2.EVENT_KIND_NEW_VERSION
        ),
        standing=publish(
            standing,
            notice,
            digest=content.digest,
            entry=entry_index,
            audience=addressed.audience.key,
            addressing_entry=addressed.entry,
            now=microseconds_from(state.now),
        ),
        addressees=addressed.audience,
        hearers=addressed.audience,
        act_entry=entry_index,
        review=after_publication(notice, terms, state) if is_sampled else None,
    )


def publish(
    standing: NoticeStanding,
    notice: notices_pb2.Notice,
    *,
    digest: bytes,
    entry: int,
    audience: bytes,
    addressing_entry: int,
    now: int,
) -> NoticeStanding:
    """The notice once a version is what addressees read. A suspension stays."""
    changes: dict[str, Any] = {} if standing.is_published else {"state": PUBLISHED}
    expires_at = notice.expires_at.ToMicroseconds()
    return replace(
        standing,
        urgency=notice.urgency,
        published_version=notice.version,
        published_digest=digest,
        published_entry=entry,
        listed_entry=entry,
        audience=audience,
        addressing_entry=addressing_entry,
        submitted_audience=None,
        submitted_addressing_entry=None,
        extension_entry=None,
        expires_at=expires_at,
        expiry_stage=stages_past(expires_at, now),
        **changes,
    )


def after_publication(
    notice: notices_pb2.Notice, terms: ReviewTerms, state: LedgerState
) -> ReviewStart:
    """A look at what is published already."""
    return ReviewStart(
        reviewers=max(terms.reviewers, 1),
        due_at=state.now + terms.due,
        nationalities=nationalities_of(notice),
        is_after_publication=True,
    )


def nationalities_of(notice: notices_pb2.Notice) -> tuple[str, ...]:
    """The nationalities of the persons that a notice is about, in order."""
    found = {
        nationality.country
        for subject in notice.subjects
        for nationality in subject.person.nationalities
        if nationality.country
    }
    return tuple(sorted(found))


def judge_addressing(addressing: ParsedAct, state: LedgerState, entry_index: int) -> Accepted:
    """A wider addressing of what is published, or a narrower one, which is a recall.

    Raises: NotFound, NoticeWithdrawn, NoticeNotInForce, AddressingInvalid, AddressingNarrowed.
    """
    standing = require_state(
        state.notices.get((addressing.originator, addressing.notice_id)), IN_FORCE
    )
    if addressing.act.addressing.narrows:
        return _judge_narrowing(addressing, standing, state, entry_index)
    published = state.sources.get(standing.key)
    if published is not None:
        _require_protected(published, addressing.act.addressing.rule)
    before = state.audiences[standing.audience]
    after = _wider_audience(addressing, standing.published_digest, before, state)
    assert standing.published_entry is not None
    return Accepted(
        act_kind=ADDRESSING,
        event_kind=events_pb2.EVENT_KIND_ADDRESSEE_ADDED,
        standing=replace(standing, addressing_entry=entry_index, audience=after.key),
        addressees=after,
        # Those who are addressed already hear nothing of it.
        hearers=audience_of(after.members - before.members, after.open_rule),
        act_entry=standing.published_entry,
    )


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
