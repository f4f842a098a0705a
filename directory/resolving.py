"""Who handles it: under each instrument that both countries share, in order, with the reason.

1. Of the requested country's entries those count that have the competence, and whose territory
   holds the region where one is named.
2. Each of their instruments counts that was asked for, or that both countries share: a bilateral
   one where the requester is its partner, a universal one where an entry of the requester's
   country names it too, or where the directory knows nothing of that country.
3. They are ordered: as asked, bilateral, regional, made for the subject, general, none named.
   Within one instrument: the entry for the region, reliable, reachable, in a language of the
   requester's.
4. Each has a fallback where its entry is stale or nobody can be reached: the best other entry.

Which States are party to an instrument is known only by what their entries say. Reads no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from heapq import nsmallest
from typing import NamedTuple, TypeAlias

from comity.v1 import authorities_pb2 as pb
from comity.v1 import directory_pb2
from directory.competent import Candidate, Competent
from directory.instruments.tables import (
    InstrumentKind,
    article_number,
    articles_for,
    competences,
    instruments,
)
from directory.known import KnownAuthority

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
    shared: frozenset[str] | None
    now: datetime


# Region not named, not reliable, not reachable, in no language of the requester's.
_Rank: TypeAlias = tuple[bool, bool, bool, bool]
_Reason: TypeAlias = directory_pb2.ResolutionReason.ValueType


class _Answer(NamedTuple):
    why: _Reason
    rank: _Rank
    candidate: Candidate


def resolve(
    competent: Competent, facts: Facts, answer: directory_pb2.ResolveAuthorityResponse
) -> None:
    """Adds to an answer who handles it, the best first; nothing where nobody does.

    They are the requested country's who have the competence (1).
    """
    case = _Case(facts)
    answers = []
    for candidates in competent.under.values():
        why = _why(candidates[0].basis, facts)  # 2
        best = None if why is None else case.best_of(candidates)
        if why is not None and best is not None:
            answers.append(_Answer(why, case.rank(best.known), best))
    answers.sort(key=_order)  # 3
    for each in answers:
        _fill(answer.resolutions.add(), each, competent, case)


@dataclass(slots=True)
class _Case:
    """The facts, and how well each entry that was looked at meets them."""

    facts: Facts
    _ranks: dict[str, _Rank] = field(default_factory=dict)
    _spares: list[KnownAuthority] | None = None

    def best_of(self, candidates: Iterable[Candidate]) -> Candidate | None:
        """The best; the first in their order that could not be better ends the search."""
        request = self.facts.request
        found: Candidate | None = None
        for each in candidates:
            if not self._holds(each.known) or not _has_article(each.basis, request.article):
                continue
            rank = self.rank(each.known)
            if found is None or rank < self.rank(found.known):
                found = each
            if rank == self._ideal():
                break
        return found

    def spare_for(self, chosen: KnownAuthority, competent: Competent) -> KnownAuthority | None:
        """The best other entry; by what it is worth alone, wherever it is."""
        if self._spares is None:
            holding = (each for each in competent.entries if self._holds(each))
            # The order of entries is kept among equals.
            self._spares = nsmallest(2, holding, key=lambda each: self.rank(each)[1:])
        return next((each for each in self._spares if each is not chosen), None)

    def rank(self, known: KnownAuthority) -> _Rank:
        """How far an entry is from the best that there could be."""
        authority_id = known.authority.authority_id
        rank = self._ranks.get(authority_id)
        if rank is None:
            rank = self._ranks[authority_id] = self._ranked(known)
        return rank

    def _ranked(self, known: KnownAuthority) -> _Rank:
        request, now = self.facts.request, self.facts.now
        return (
            request.region not in known.regions,
            not known.is_reliable(now),
            not known.is_reachable(now, urgent=request.urgent),
            known.accepted_languages.isdisjoint(request.languages),
        )

    def _ideal(self) -> _Rank:
        request = self.facts.request
        return (not request.region, False, False, not request.languages)

    def _holds(self, known: KnownAuthority) -> bool:
        """Whether an entry's territory has the region."""
        region = self.facts.request.region
        return not region or not known.regions or region in known.regions


def _order(answer: _Answer) -> tuple[object, ...]:
    candidate = answer.candidate
    return (_ORDER.index(answer.why), answer.rank, candidate.authority_id, candidate.position)


def _why(basis: pb.InstrumentBasis, facts: Facts) -> _Reason | None:
    """Why an instrument counts; None where it does not."""
    request = facts.request
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
    if known.kind is InstrumentKind.REGIONAL:
        return directory_pb2.RESOLUTION_REASON_REGIONAL
    if facts.shared is not None and basis.instrument not in facts.shared:
        return None
    if basis.instrument in competences()[request.competence].specific:
        return directory_pb2.RESOLUTION_REASON_SPECIFIC
    return directory_pb2.RESOLUTION_REASON_GENERAL


def _has_article(basis: pb.InstrumentBasis, article: str) -> bool:
    """An entry that names no article means the whole instrument."""
    if not article or not basis.articles:
        return True
    return article_number(article) in {article_number(each) for each in basis.articles}


def _complete_articles(
    basis: pb.InstrumentBasis, request: directory_pb2.ResolveAuthorityRequest
) -> None:
    if basis.instrument and not basis.articles:
        known = instruments()[basis.instrument]
        wanted = [request.article] if request.article else []
        basis.articles.extend(wanted or articles_for(request.competence, known))


def _fill(
    resolution: directory_pb2.Resolution, answer: _Answer, competent: Competent, case: _Case
) -> None:
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
    spare = case.spare_for(known, competent) if weaknesses else None
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
