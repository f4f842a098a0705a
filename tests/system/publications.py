"""Signed submissions of every kind and addressing, and who is entitled to which of them.

Entitlement is worked out here once more, by other code than hub and client share.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from google.protobuf.json_format import Parse

from agency_client.addressing import rule_from_terms
from agency_client.agency import Agency
from agency_client.inbox import KeptSubmission
from comity.acts import ADDRESSING, VERSION, ParsedAct, parse_act
from comity.v1.acts_pb2 import AddressingRule, Envelope, SubmitActsRequest
from comity.v1.events_pb2 import NoticeFilter
from comity.v1.notices_pb2 import TRAFFIC_LIVE, CalendarDate, Notice
from deploy.stage import EXAMPLES

EVERYBODY = rule_from_terms(["all"])
NO_FILTER = NoticeFilter()
LATER_VERSIONS = 0.2  # the share of publications that change an earlier notice


def load_drafts() -> list[Notice]:
    """The invented notices of the documentation: four kinds, several urgencies."""
    paths = sorted(EXAMPLES.glob("notice-*.json"))
    drafts = [Parse(path.read_text(encoding="utf-8"), Notice()) for path in paths]
    for draft in drafts:
        draft.traffic = TRAFFIC_LIVE
        _make_adult(draft)
    return drafts


def _make_adult(draft: Notice) -> None:
    """A minor is not addressed to everybody, as these notices may be."""
    for subject in draft.subjects:
        for birth in subject.person.dates_of_birth if subject.HasField("person") else ():
            birth.date.CopyFrom(CalendarDate(year=min(birth.date.year, 1990)))


class Publisher:
    """Draws what an agency publishes next: another notice, or a later version of its last one."""

    def __init__(self, agency: Agency, *, members: Sequence[str], chance: random.Random) -> None:
        self._signer = agency.signer()
        self._others = [member for member in members if member != agency.profile.agency]
        self._chance = chance
        self._drafts = load_drafts()
        self._latest: ParsedAct | None = None

    def notice(self, rule: AddressingRule | None = None) -> SubmitActsRequest:
        """A notice, addressed as drawn where no rule is given."""
        draft = self._chance.choice(self._drafts)
        return self._signer.first_version(
            self._signer.completed(draft), rule or drawn_rule(self._others, self._chance)
        )

    def next(self) -> SubmitActsRequest:
        """What comes next, where everything drawn before was accepted."""
        latest = self._latest
        if latest is not None and self._chance.random() < LATER_VERSIONS:
            request = self._signer.next_version(latest.act.version.notice, latest)
        else:
            request = self.notice()
        self._latest = parse_act(request.acts[0])
        return request


def drawn_rule(others: Sequence[str], chance: random.Random) -> AddressingRule:
    """An addressing that names at least one of the others."""
    one, another = chance.sample(others, 2)
    return chance.choice(
        [
            EVERYBODY,
            rule_from_terms([one]),
            rule_from_terms({one[:2], another[:2]}),
            rule_from_terms(["all"], exceptions=[one]),
            rule_from_terms([one, another[:2]], exceptions=[another]),
        ]
    )


@dataclass(frozen=True, slots=True)
class Publication:
    """A version of a notice in the ledger, with the addressing in force."""

    entry_index: int
    acts: Sequence[Envelope]
    version: ParsedAct
    rule: AddressingRule

    def is_for(self, agency: str, wanted: NoticeFilter = NO_FILTER) -> bool:
        """Whether a watch of an agency is to be sent it."""
        originator, notice = self.version.originator, self.version.act.version.notice
        return (
            agency != originator
            and _is_named(self.rule, agency)
            and (not wanted.kinds or notice.kind in wanted.kinds)
            and (not wanted.originators or originator in wanted.originators)
            and (not wanted.originator_countries or originator[:2] in wanted.originator_countries)
            and notice.urgency >= wanted.minimum_urgency
        )


def _is_named(rule: AddressingRule, agency: str) -> bool:
    named = {*rule.agencies, *rule.countries} & {agency, agency[:2]}
    excepted = {*rule.except_agencies, *rule.except_countries} & {agency, agency[:2]}
    return bool(rule.all_members or named) and not excepted


def publications_of(submissions: Iterable[KeptSubmission]) -> list[Publication]:
    """What one agency has published, in the order in which it was sent. All has its receipt."""
    rules: dict[str, AddressingRule] = {}
    published = []
    for submission in submissions:
        assert submission.entry_index is not None
        parsed = [parse_act(envelope) for envelope in submission.request.acts]
        rules |= {a.notice_id: a.act.addressing.rule for a in parsed if a.kind == ADDRESSING}
        [version] = [act for act in parsed if act.kind == VERSION]
        rule = rules[version.notice_id]
        published.append(
            Publication(submission.entry_index, submission.request.acts, version, rule)
        )
    return published


Delivered = tuple[int, bytes]


def deliveries_to(
    agency: str, publications: Iterable[Publication], wanted: NoticeFilter = NO_FILTER
) -> list[Delivered]:
    """What a watch has to bring, in the ledger's order: entry indices, and what was signed."""
    return sorted(
        (publication.entry_index, publication.version.envelope.payload)
        for publication in publications
        if publication.is_for(agency, wanted)
    )
