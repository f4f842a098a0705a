"""What an originator does to a notice as a whole: withdraws, suspends, adds to it, extends it.

Pure, as `judgement`.
"""

from __future__ import annotations

from dataclasses import replace

from comity import acts
from comity.acts import ParsedAct
from comity.errors import MalformedInput, NotLatestVersion, Violation
from comity.notices import MAX_LIFE
from comity.subjects import calendar_day
from comity.times import datetime_from_microseconds, datetime_from_timestamp, microseconds_from
from comity.v1 import events_pb2
from comity.v1.acts_pb2 import AddressingRule
from comity.v1.notices_pb2 import Notice
from hub.services.expiry import stages_past
from hub.services.ledger_state import (
    IN_FORCE,
    IN_REVIEW,
    INCOMPLETE,
    NOBODY,
    NOT_REVIEWED,
    PUBLISHED,
    STANDING,
    SUSPENDED,
    WITHDRAWN,
    Accepted,
    LedgerState,
    RecallStart,
    require_state,
    void_custody,
)
from hub.services.protection_judgement import require_protected, require_widener
from hub.services.release_judgement import require_released
from hub.services.version_judgement import after_publication
from hub.store.audiences import audience_of
from hub.store.notices import NoticeStanding

MAX_ADDENDA = 16  # to one version; they are shown with it, all together
MAX_ADDENDUM_BYTES = 32_768  # so that a notice with all of them is a fifth of a gRPC message


def judge_withdrawal(act: ParsedAct, state: LedgerState, entry_index: int) -> Accepted:
    """Ends a notice: its addressees are asked for their copies. What is in review may be withdrawn
    as well; nobody hears of that.

    Raises: NotFound, NoticeWithdrawn, NoticeNotInForce, NotLatestVersion.
    """
    standing = _standing(act, state, STANDING | {IN_REVIEW, INCOMPLETE})
    known = {standing.version_digest, standing.published_digest} - {b""}
    if act.body.version_digest not in known:
        raise NotLatestVersion(f"The latest version is {standing.version}.")
    audience = state.audiences[standing.audience]
    after = replace(
        standing,
        state=WITHDRAWN,
        withdrawal_entry=entry_index,
        submitted_audience=None,
        submitted_addressing_entry=None,
    )
    is_known = standing.is_published
    return Accepted(
        act_kind=acts.WITHDRAWAL,
        event_kind=events_pb2.EVENT_KIND_WITHDRAWN,
        standing=after,
        addressees=audience,
        hearers=audience if is_known else NOBODY,
        act_entry=entry_index,
        announcements=void_custody(state, standing),
        ends_review=True,
        recall=(
            RecallStart(events_pb2.RECALL_KIND_WITHDRAWN, audience_of(audience.members))
            if is_known
            else None
        ),
    )


def judge_suspension(act: ParsedAct, state: LedgerState, entry_index: int) -> Accepted:
    """Nobody may act on the notice for now.

    Raises: NotFound, NoticeWithdrawn, NoticeNotInForce, NotLatestVersion.
    """
    standing = _published_standing(act, state, IN_FORCE)
    after = replace(standing, state=SUSPENDED, suspension_entry=entry_index)
    return _told_to_addressees(
        act, after, state, events_pb2.EVENT_KIND_SUSPENDED, act_entry=entry_index
    )


def judge_resumption(act: ParsedAct, state: LedgerState, entry_index: int) -> Accepted:
    """The notice stands again. Its event shows the version in force: who was behind has been sent
    nothing of it while it was suspended.

    Raises: NotFound, NoticeWithdrawn, NoticeNotInForce, NotLatestVersion.
    """
    standing = _published_standing(act, state, frozenset({SUSPENDED}))
    after = replace(standing, state=PUBLISHED, suspension_entry=None)
    assert standing.published_entry is not None
    return _told_to_addressees(
        act, after, state, events_pb2.EVENT_KIND_RESUMED, act_entry=standing.published_entry
    )


def judge_addendum(act: ParsedAct, state: LedgerState, entry_index: int) -> Accepted:
    """Adds to the version in force. What had to be reviewed is looked at again, afterwards.

    Raises: NotFound, NoticeWithdrawn, NoticeNotInForce, NotLatestVersion.
    """
    standing = _published_standing(act, state, IN_FORCE)
    _require_room(act, standing, state)
    accepted = _told_to_addressees(
        act, standing, state, events_pb2.EVENT_KIND_ADDENDUM, act_entry=entry_index
    )
    notice = state.sources.get(standing.key)
    terms = NOT_REVIEWED if notice is None else state.review(notice)
    is_looked_at = standing.key in state.looked_at
    if notice is None or not terms.is_before_publication or is_looked_at:
        return accepted
    return replace(accepted, review=after_publication(notice, terms, state))


def _require_room(act: ParsedAct, standing: NoticeStanding, state: LedgerState) -> None:
    """An addendum is a remark and no second notice: who has more to say corrects the notice."""
    violations = []
    if act.body.ByteSize() > MAX_ADDENDUM_BYTES:
        violations.append(Violation("addendum", f"is larger than {MAX_ADDENDUM_BYTES:,} bytes"))
    if state.addenda.get(standing.key, 0) >= MAX_ADDENDA:
        said = f"the version has {MAX_ADDENDA} already; correct the notice instead"
        violations.append(Violation("addendum", said))
    if violations:
        raise MalformedInput("The addendum is refused.", violations=violations)


def judge_extension(act: ParsedAct, state: LedgerState, entry_index: int) -> Accepted:
    """Lets the version in force stand longer: not shorter, and not past five years from now.

    Raises: NotFound, NoticeWithdrawn, NoticeNotInForce, NotLatestVersion, MalformedInput,
    NoticeInvalid, SupervisorRequired, ReleaseRequired.
    """
    standing = _published_standing(act, state, STANDING)
    body = act.body
    expires_at = datetime_from_timestamp(body.expires_at)
    retain_until = calendar_day(body.retain_until)
    violations = []
    if expires_at is None or expires_at <= datetime_from_microseconds(standing.expires_at):
        violations.append(Violation("expires_at", "is not later than it expires already"))
    elif expires_at > state.now + MAX_LIFE:
        violations.append(Violation("expires_at", "is more than 5 years ahead"))
    if expires_at is not None and (retain_until is None or retain_until < expires_at.date()):
        violations.append(Violation("retain_until", "lies before the day of expiry"))
    if violations or expires_at is None:
        raise MalformedInput("The extension is malformed.", violations=violations)
    _require_extendable(act, standing, state)
    after = replace(
        standing,
        extension_entry=entry_index,
        expires_at=microseconds_from(expires_at),
        expiry_stage=stages_past(microseconds_from(expires_at), microseconds_from(state.now)),
    )
    return _told_to_addressees(
        act, after, state, events_pb2.EVENT_KIND_EXTENDED, act_entry=entry_index
    )


def _require_extendable(act: ParsedAct, standing: NoticeStanding, state: LedgerState) -> None:
    """Requires of the notice as extended what is required of a version that lives so long: what
    protects its persons, and the conditions of what it draws on."""
    published = state.sources.get(standing.key)
    if published is None:
        return
    extended = Notice()
    extended.CopyFrom(published)
    extended.expires_at.CopyFrom(act.body.expires_at)
    extended.handling.retain_until.CopyFrom(act.body.retain_until)
    rule = state.rules.get(standing.key) or AddressingRule()
    require_protected(extended, rule)
    require_widener(extended, state.roles)
    require_released(extended, act.originator, state.audiences[standing.audience], state)


def _told_to_addressees(
    act: ParsedAct,
    after: NoticeStanding,
    state: LedgerState,
    event_kind: events_pb2.EventKind.ValueType,
    *,
    act_entry: int,
) -> Accepted:
    audience = state.audiences[after.audience]
    return Accepted(
        act_kind=act.kind,
        event_kind=event_kind,
        standing=after,
        addressees=audience,
        hearers=audience,
        act_entry=act_entry,
    )


def _standing(
    act: ParsedAct,
    state: LedgerState,
    allowed: frozenset[events_pb2.NoticeState.ValueType],
) -> NoticeStanding:
    return require_state(state.notices.get((act.originator, act.notice_id)), allowed)


def _published_standing(
    act: ParsedAct,
    state: LedgerState,
    allowed: frozenset[events_pb2.NoticeState.ValueType],
) -> NoticeStanding:
    """The notice, where it stands so and the act is about what is published."""
    standing = _standing(act, state, allowed)
    if act.body.version_digest != standing.published_digest:
        raise NotLatestVersion(f"The version in force is {standing.published_version}.")
    return standing
