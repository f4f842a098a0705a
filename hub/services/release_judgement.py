"""Control by the originator: releases that are asked for and decided, and notices that draw on
another's.

Nothing that may not go on is published by somebody else. Pure, as `judgement`.
"""

from __future__ import annotations

from collections.abc import Iterator

from comity.acts import RELEASE_DECISION, RELEASE_REQUEST, ParsedAct, parse_act
from comity.errors import NotFound, NoticeInvalid, ReleaseRequired, Violation
from comity.handling import is_as_strict, may_pass_on_to, may_pass_on_to_anybody
from comity.identity import AgencyId, country_from_agency_id
from comity.times import datetime_from_timestamp
from comity.v1 import acts_pb2, events_pb2, notices_pb2
from hub.services.addressee_judgement import require_in_force, told_to_originator
from hub.services.ledger_state import IN_FORCE, STANDING, Accepted, LedgerState, only, require_state
from hub.store.audiences import Audience


def judge_release_request(act: ParsedAct, state: LedgerState, entry_index: int) -> Accepted:
    """An addressee asks the originator to lift a restriction.

    Raises: NotFound, NoticeWithdrawn, NoticeNotInForce, NotLatestVersion.
    """
    standing = require_in_force(act, state)
    return told_to_originator(
        act, standing, state, events_pb2.EVENT_KIND_RELEASE_REQUESTED, entry_index
    )


def judge_release_decision(act: ParsedAct, state: LedgerState, entry_index: int) -> Accepted:
    """The originator grants or refuses what an addressee has asked for.

    Raises: NotFound, also where nobody has asked for it; NoticeWithdrawn, NoticeNotInForce.
    """
    body = act.body
    standing = require_state(state.notices.get((act.originator, act.notice_id)), STANDING)
    request = find_act(state, AgencyId(body.requested_by), body.request_act_id)
    if (
        request is None
        or request.kind != RELEASE_REQUEST
        or (request.notice_originator, request.notice_id) != standing.key
    ):
        raise NotFound()
    return Accepted(
        act_kind=act.kind,
        event_kind=events_pb2.EVENT_KIND_RELEASE_DECIDED,
        standing=standing,
        addressees=state.audiences[standing.audience],
        hearers=only(AgencyId(body.requested_by)),
        act_entry=entry_index,
    )


def require_released(
    notice: notices_pb2.Notice, originator: AgencyId, audience: Audience, state: LedgerState
) -> None:
    """Requires of a notice that draws on others what their originators demand.

    1. Each source is addressed to who draws on it, stands, and is the version that is named.
    2. Whom the new notice goes to may have the source, by its handling or by a release.
    3. The conditions are carried: nothing may be done with the new notice that may not be done with
       the source.

    Raises: NoticeInvalid with everything at fault; ReleaseRequired.
    """
    violations: list[Violation] = []
    unreleased: list[Violation] = []
    for number, source in enumerate(notice.sources):
        field = f"sources[{number}]"
        known = _visible_source(source, originator, state)  # 1
        if known is None:
            said = "is no version in force of a notice that is addressed to this agency"
            violations.append(Violation(field, said))
            continue
        released = _released_to(source, originator, state)  # 2
        unreleased += _unreleased(field, known.handling, audience, source.originator, released)
        violations += [  # 3
            Violation(fault.field, f"{fault.description} (condition of {field})")
            for fault in is_as_strict(notice.handling, known.handling)
        ]
    if violations:
        raise NoticeInvalid(violations=violations)
    if unreleased:
        raise ReleaseRequired(violations=unreleased)


def _unreleased(
    field: str,
    handling: notices_pb2.Handling,
    audience: Audience,
    source_originator: str,
    released: frozenset[str],
) -> Iterator[Violation]:
    """Whom a source may not go on to. Its originator has it already."""
    for agency in sorted(audience.members - {source_originator}):
        is_released = agency in released or country_from_agency_id(agency) in released
        if not is_released and not may_pass_on_to(handling, agency):
            yield Violation(field, f"may not be passed on to {agency} without a release")
    if audience.open_rule is not None and not may_pass_on_to_anybody(handling):
        yield Violation(field, "may not be passed on to who becomes a member later")


def _visible_source(
    source: notices_pb2.SourceNotice, originator: AgencyId, state: LedgerState
) -> notices_pb2.Notice | None:
    key = (AgencyId(source.originator), source.notice_id)
    standing = state.notices.get(key)
    if standing is None or standing.state not in IN_FORCE:
        return None
    if source.version_digest != standing.published_digest:
        return None
    members = state.audiences[standing.audience].members
    return state.sources.get(key) if originator in members else None


def _released_to(
    source: notices_pb2.SourceNotice, originator: AgencyId, state: LedgerState
) -> frozenset[str]:
    """To whom the release that is named lets this agency pass the source on: what it had asked for,
    where the source's originator has granted it and it is still valid."""
    owner = AgencyId(source.originator)
    decision = find_act(state, owner, source.release_act_id)
    if decision is None or decision.kind != RELEASE_DECISION:
        return frozenset()
    body = decision.body
    valid_until = (
        datetime_from_timestamp(body.valid_until) if body.HasField("valid_until") else None
    )
    request = find_act(state, originator, body.request_act_id)
    if (
        not body.granted
        or body.notice_id != source.notice_id
        or body.requested_by != originator
        or (valid_until is not None and valid_until <= state.now)
        or request is None
    ):
        return frozenset()
    return frozenset(request.body.onward_to)


def find_act(state: LedgerState, agency: AgencyId, act_id: str) -> ParsedAct | None:
    """An act in the ledger, where it is known and not erased."""
    stored = state.acts.get((agency, act_id))
    if stored is None or not stored.envelope:
        return None
    return parse_act(acts_pb2.Envelope.FromString(stored.envelope))
