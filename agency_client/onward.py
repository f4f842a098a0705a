"""Whether what was received may go on: in a new notice that draws on it, and in a file for others.

The hub decides again over notices. Over files nobody does but this.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from agency_client.agency import Agency
from agency_client.inbox import HeldNotice
from agency_client.references import find_received, received_notice
from comity.acts import RELEASE_DECISION, RELEASE_REQUEST, ParsedAct, parse_act
from comity.errors import NotFound, NoticeInvalid, ReleaseRequired, Violation
from comity.handling import is_as_strict, may_pass_on_to
from comity.identity import parse_agency_id
from comity.times import datetime_from_timestamp
from comity.v1.events_pb2 import EVENT_KIND_RELEASE_DECIDED
from comity.v1.notices_pb2 import Handling, Notice, SourceNotice

ANYBODY_OF = "-ANY"  # stands for the agencies of a country that was named alone


def with_sources(agency: Agency, draft: Notice, source_ids: Sequence[str]) -> Notice:
    """The draft with the received notices that it draws on, and their originators' conditions where
    it states none of its own.

    Raises: NotFound naming every id that is not held here.
    """
    notice = Notice()
    notice.CopyFrom(draft)
    missing = []
    for source_id in source_ids:
        held = find_received(agency, source_id, None)
        if held is None:
            missing.append(Violation("--source", f"{source_id} is not held here"))
            continue
        notice.sources.append(
            SourceNotice(
                originator=held.originator,
                notice_id=held.notice_id,
                version_digest=parse_act(held.version).digest,
                release_act_id=_release_act_id(agency, held),
            )
        )
        carry_conditions(notice.handling, received_notice(held).handling)
    if missing:
        raise NotFound("Nothing was sent.", violations=missing)
    return notice


def carry_conditions(handling: Handling, source: Handling) -> None:
    """Copies a source's conditions into a handling that has none of the kind; codes come together.

    What the draft states itself stays: whether that is strict enough is judged afterwards.
    """
    for code in source.codes:
        if code not in handling.codes:
            handling.codes.append(code)
    if source.restrictions and not handling.restrictions:
        handling.restrictions = source.restrictions
    for name in ("tlp", "pap", "confidentiality"):
        if getattr(source, name) and not getattr(handling, name):
            setattr(handling, name, getattr(source, name))


def require_onward(agency: Agency, notice: Notice, addressees: Collection[str]) -> None:
    """Requires of a notice that draws on received ones what their originators demand.

    1. It carries their conditions.
    2. Whom it goes to may have them, by their handling or by a release.

    Sources that are not held here are the hub's to judge.

    Raises: NoticeInvalid and ReleaseRequired, with everything at fault.
    """
    loose: list[Violation] = []
    unreleased: list[Violation] = []
    for number, source in enumerate(notice.sources):
        held = find_received(agency, source.notice_id, source.originator)
        if held is None:
            continue
        handling = received_notice(held).handling
        loose += [  # 1
            Violation(v.field, f"{v.description} (condition of sources[{number}])")
            for v in is_as_strict(notice.handling, handling)
        ]
        allowed = _may_have(agency, held, set(addressees) - {source.originator})
        unreleased += [  # 2
            Violation(f"sources[{number}]", f"may not be passed on to {name} without a release")
            for name in sorted(set(addressees) - allowed - {source.originator})
        ]
    if loose:
        raise NoticeInvalid("Nothing was sent.", violations=loose)
    if unreleased:
        raise ReleaseRequired(
            f"Nothing was sent. {_how_to_ask(notice.sources)}", violations=unreleased
        )


def require_file_for(agency: Agency, held: HeldNotice, terms: Iterable[str]) -> None:
    """Requires that a file of a received notice may go to agencies or countries.

    Raises: ReleaseRequired naming all that may not have it.
    """
    wanted = set(terms)
    refused = wanted - _may_have(agency, held, wanted)
    if refused:
        raise ReleaseRequired(
            f"No file was written. {_how_to_ask([held])}",
            violations=[
                Violation("--for", f"{term}: its handling forbids to pass it on")
                for term in sorted(refused)
            ],
        )


def _how_to_ask(sources: Iterable[HeldNotice | SourceNotice]) -> str:
    named = [
        f"comity release ask {source.notice_id} --from {source.originator}" for source in sources
    ]
    return f"Its originator may release it: {'; '.join(named)}"


def _may_have(agency: Agency, held: HeldNotice, terms: Iterable[str]) -> set[str]:
    """Those agencies and countries that a received notice may go to."""
    handling = received_notice(held).handling
    released = released_to(agency, held)
    return {
        term
        for term in terms
        if term in released
        or term[:2] in released
        or term in (held.originator, agency.profile.agency)
        or may_pass_on_to(handling, parse_agency_id(term if "-" in term else term + ANYBODY_OF))
    }


def released_to(agency: Agency, held: HeldNotice) -> frozenset[str]:
    """The agencies and countries that an originator has released a notice to, as asked for by this
    agency, as long as that is valid."""
    return frozenset(
        name
        for decision in _releases(agency, held)
        for name in _asked_for(agency, decision.body.request_act_id)
    )


def _release_act_id(agency: Agency, held: HeldNotice) -> str:
    releases = _releases(agency, held)
    return releases[-1].act_id if releases else ""


def _releases(agency: Agency, held: HeldNotice) -> list[ParsedAct]:
    events = agency.inbox.received.list_notice_events(held.originator, held.notice_id)
    decided = [
        parse_act(event.act.envelope)
        for event in events
        if event.kind == EVENT_KIND_RELEASE_DECIDED
    ]
    now = agency.clock()
    return [
        act
        for act in decided
        if act.kind == RELEASE_DECISION and act.body.granted and _is_valid(act, now)
    ]


def _is_valid(decision: ParsedAct, now: datetime) -> bool:
    if not decision.body.HasField("valid_until"):
        return True
    valid_until = datetime_from_timestamp(decision.body.valid_until)
    return valid_until is not None and valid_until > now


def _asked_for(agency: Agency, request_act_id: str) -> list[str]:
    for kept in agency.inbox.sent.list_of_kind(RELEASE_REQUEST):
        request = parse_act(kept.request.acts[0])
        if request.act_id == request_act_id:
            return list(request.body.onward_to)
    return []
