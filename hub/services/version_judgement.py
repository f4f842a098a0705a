"""Versions: what a notice says.

A version that has to be reviewed waits; what is published stands meanwhile. Pure, as `judgement`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from comity.acts import VERSION, ParsedAct
from comity.errors import (
    IdReused,
    NoticeInvalid,
    NoticeNotInForce,
    NotLatestVersion,
    Violation,
)
from comity.minimum.policy import ReviewTerms
from comity.times import microseconds_from
from comity.v1 import events_pb2, ledger_pb2, notices_pb2
from comity.v1.acts_pb2 import AddressingRule
from hub.services.addressing_judgement import Addressed, first_addressed, later_addressed
from hub.services.expiry import stages_past
from hub.services.ledger_state import (
    IN_FORCE,
    IN_REVIEW,
    INCOMPLETE,
    PUBLISHED,
    Accepted,
    Announcement,
    LedgerState,
    ReviewStart,
    only,
    require_state,
)
from hub.services.protection_judgement import (
    require_protected,
    require_widener,
    told_to_supervisors,
)
from hub.services.release_judgement import require_released
from hub.services.submissions import Submission
from hub.store.audiences import Audience
from hub.store.notices import NoticeStanding


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
        addressed = first_addressed(submission, content, state, entry_index)
        standing = _new_standing(submission, content, addressed, entry_index)
    else:
        standing = require_state(before, IN_FORCE | {INCOMPLETE})
        _require_following(content, standing)
        addressed = later_addressed(submission, content, standing, state, entry_index)
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
    # Where no rule is known, the widest is judged.
    require_protected(notice, rule or AddressingRule(all_members=True, and_later_members=True))
    require_widener(notice, submission.roles)
    require_released(notice, submission.originator, addressed.audience, state)
    terms = state.review(notice)
    if terms.is_before_publication and terms.reviewers:
        accepted = _submitted(content, standing, addressed, state, entry_index)
    else:
        accepted = _published(content, standing, addressed, terms, state, entry_index)
    told = told_to_supervisors(notice, submission)
    return replace(accepted, announcements=(*accepted.announcements, *told))


def _new_standing(
    submission: Submission, content: ParsedAct, addressed: Addressed, entry_index: int
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
    addressed: Addressed,
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
            expires_at=notice.expires_at.ToMicroseconds(),
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
    addressed: Addressed,
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
