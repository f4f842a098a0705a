"""Who handles it: under each instrument that both countries share, in order, with the reason.

1. Of the requested country's entries those count that have the competence, and whose territory
   holds the region where one is named.
2. Each of their instruments counts that was asked for, or that both countries share: a bilateral
   one where the requester is its partner, any other where an entry of the requester's country
   names it too (a regional one by one of its titles), or where the directory knows nothing of that
   country.
3. They are ordered: as asked, bilateral, regional, made for the subject, general, none named.
   Within one instrument: the entry for the region, reliable, reachable, in a language of the
   requester's.
4. Each has a fallback where its entry is stale or nobody can be reached: the best of the other
   entries that are better in that, and in neither worse.

Which States are party to an instrument is known only by what their entries say. Reads no clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeAlias

from comity.v1 import authorities_pb2 as pb
from comity.v1 import directory_pb2
from directory.competent import Candidate, Competent, InstrumentName, Under
from directory.instruments.tables import (
    InstrumentKind,
    articles_for,
    competences,
    instruments,
)
from directory.known import KnownAuthority
from directory.standings import Standings

_ORDER = (
    directory_pb2.RESOLUTION_REASON_AS_ASKED,
    directory_pb2.RESOLUTION_REASON_BILATERAL,
    directory_pb2.RESOLUTION_REASON_REGIONAL,
    directory_pb2.RESOLUTION_REASON_SPECIFIC,
    directory_pb2.RESOLUTION_REASON_GENERAL,
    directory_pb2.RESOLUTION_REASON_NO_INSTRUMENT,
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a requester asks, when, and from which country.

    `shared` are the instruments that entries of that country name; None where it has none.
    """

    request: directory_pb2.ResolveAuthorityRequest
    requester_country: str
    shared: frozenset[InstrumentName] | None
    now: datetime


_Reason: TypeAlias = directory_pb2.ResolutionReason.ValueType


class _Answer(NamedTuple):
    why: _Reason
    authority_id: str
    candidate: Candidate


def resolve(
    competent: Competent,
    standings: Standings,
    facts: Facts,
    answer: directory_pb2.ResolveAuthorityResponse,
) -> None:
    """Adds to an answer who handles it, the best first; nothing where nobody does.

    They are the requested country's who have the competence (1).
    """
    standings.advance(facts.now)
    case = _Case(competent, standings, facts)
    answers = []
    for under in competent.under.values():
        why = _why(under, facts)  # 2
        best = None if why is None else case.best_of(under.ids(facts.request.article))
        if why is not None and best is not None:
            answers.append(_Answer(why, best, under.candidate(best, facts.request.article)))
    answers.sort(key=lambda each: _order(each, case))  # 3
    for each in answers:
        _fill(answer.resolutions.add(), each, case)


class _Case:
    """The facts, and which of the competent meet them: in that region; of these, that name it, are
    reliable, can be reached, and accept a language of the requester's."""

    def __init__(self, competent: Competent, standings: Standings, facts: Facts) -> None:
        self.facts = facts
        self._competent = competent
        request, region = facts.request, facts.request.region
        named = competent.of_region(region)
        everywhere = competent.of_region("")
        self._holding = (named | everywhere) if region else set(competent.entries)
        reachable = standings.reachable_urgently if request.urgent else standings.reachable
        self._wishes = [
            self._holding & wish
            for wish in (
                named if region else set[str](),
                standings.reliable,
                reachable,
                competent.accepting(request.languages),
            )
        ]

    def best_of(self, ids: AbstractSet[str]) -> str | None:
        """The best of some entries; None where the region is no one's of them."""
        return self._narrowed(ids & self._holding, self._wishes)

    def spare_for(self, authority_id: str) -> KnownAuthority | None:
        """The best entry that is reliable or can be reached where this one is not, and is both as
        far as this one is; by what it is worth alone, wherever it is."""
        met, failed = set(self._holding), set[str]()
        for wish in self._wishes[1:3]:
            if authority_id in wish:
                met &= wish
            else:
                failed |= wish
        best = self._narrowed(met & failed, self._wishes[1:])
        return None if best is None else self._competent.entries[best]

    def rank(self, authority_id: str) -> tuple[bool, ...]:
        """Which wishes an entry does not meet."""
        return tuple(authority_id not in wish for wish in self._wishes)

    @staticmethod
    def _narrowed(ids: AbstractSet[str], wishes: Sequence[AbstractSet[str]]) -> str | None:
        """An earlier wish goes before all later ones; among equals the first by its id."""
        for wish in wishes:
            ids = ids & wish or ids
        return min(ids, default=None)


def _order(answer: _Answer, case: _Case) -> tuple[object, ...]:
    authority_id, position = answer.authority_id, answer.candidate.position
    return (_ORDER.index(answer.why), case.rank(authority_id), authority_id, position)


def _why(under: Under, facts: Facts) -> _Reason | None:
    """Why an instrument counts; None where it does not."""
    request, basis = facts.request, under.basis
    if not basis.instrument:
        return None if request.instrument else directory_pb2.RESOLUTION_REASON_NO_INSTRUMENT
    known = instruments()[basis.instrument]
    is_partner = basis.partner_country == facts.requester_country
    if known.kind is InstrumentKind.BILATERAL and not is_partner:
        return None
    if request.instrument:
        is_asked_for = basis.instrument == request.instrument
        return directory_pb2.RESOLUTION_REASON_AS_ASKED if is_asked_for else None
    if known.kind is InstrumentKind.BILATERAL:
        return directory_pb2.RESOLUTION_REASON_BILATERAL
    if facts.shared is not None and facts.shared.isdisjoint(under.names):
        return None
    if known.kind is InstrumentKind.REGIONAL:
        return directory_pb2.RESOLUTION_REASON_REGIONAL
    if basis.instrument in competences()[request.competence].specific:
        return directory_pb2.RESOLUTION_REASON_SPECIFIC
    return directory_pb2.RESOLUTION_REASON_GENERAL


def _complete_articles(
    basis: pb.InstrumentBasis, request: directory_pb2.ResolveAuthorityRequest
) -> None:
    if basis.instrument and not basis.articles:
        known = instruments()[basis.instrument]
        wanted = [request.article] if request.article else []
        basis.articles.extend(wanted or articles_for(request.competence, known))


def _fill(resolution: directory_pb2.Resolution, answer: _Answer, case: _Case) -> None:
    known, facts = answer.candidate.known, case.facts
    authority, request = known.authority, facts.request
    weaknesses = list(_weaknesses(known, facts))
    resolution.documents.extend(
        each
        for each in authority.documents
        if not each.competences or request.competence in each.competences
    )
    resolution.languages.extend(
        sorted(authority.accepted_languages, key=lambda each: each not in request.languages)
    )
    resolution.channel = _channel(authority, request)
    resolution.means = next(iter(authority.means), pb.REQUEST_MEANS_UNSPECIFIED)
    resolution.reasons.extend([answer.why, *_reasons(known, facts), *weaknesses])
    resolution.basis.CopyFrom(answer.candidate.basis)
    _complete_articles(resolution.basis, request)
    known.fill(resolution.record, facts.now, urgent=request.urgent)
    spare = case.spare_for(answer.authority_id) if weaknesses else None
    if spare is not None:  # 4
        spare.fill(resolution.fallback, facts.now, urgent=request.urgent)
        resolution.fallback_reasons.extend(weaknesses)


def _channel(
    authority: pb.Authority, request: directory_pb2.ResolveAuthorityRequest
) -> pb.Channel.ValueType:
    """The preferred channel; in urgent cases INTERPOL before diplomats. Source: UNTOC 18(13)."""
    channels = list(authority.channels)
    if request.urgent and channels[:1] == [pb.CHANNEL_DIPLOMATIC]:
        channels.sort(key=lambda each: each == pb.CHANNEL_DIPLOMATIC)
    return channels[0] if channels else pb.CHANNEL_UNSPECIFIED


def _reasons(entry: KnownAuthority, facts: Facts) -> Iterator[_Reason]:
    if facts.request.region in entry.regions:
        yield directory_pb2.RESOLUTION_REASON_TERRITORY
    elif not entry.regions:
        yield directory_pb2.RESOLUTION_REASON_WHOLE_COUNTRY
    if not entry.accepted_languages.isdisjoint(facts.request.languages):
        yield directory_pb2.RESOLUTION_REASON_LANGUAGE


def _weaknesses(entry: KnownAuthority, facts: Facts) -> Iterator[_Reason]:
    if not entry.is_reliable(facts.now):
        yield directory_pb2.RESOLUTION_REASON_STALE
    if not entry.is_reachable(facts.now, urgent=facts.request.urgent):
        yield directory_pb2.RESOLUTION_REASON_UNREACHABLE
