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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from comity.v1 import authorities_pb2 as pb
from comity.v1 import directory_pb2
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


@dataclass(slots=True)
class _Candidate:
    known: KnownAuthority
    basis: pb.InstrumentBasis
    why: directory_pb2.ResolutionReason.ValueType
    reasons: list[directory_pb2.ResolutionReason.ValueType] = field(default_factory=list)


def resolve(entries: Sequence[KnownAuthority], facts: Facts) -> list[directory_pb2.Resolution]:
    """Who handles it, the best first; empty where nobody does. Entries are the country's."""
    competent = [entry for entry in entries if _is_competent(entry, facts)]  # 1
    candidates = [found for entry in competent for found in _candidates(entry, facts)]  # 2
    candidates.sort(key=lambda each: _rank(each, facts))  # 3
    best: dict[tuple[str, str, str], _Candidate] = {}
    for candidate in candidates:
        basis = candidate.basis
        title = basis.titles[0].text if basis.titles else ""
        best.setdefault((basis.instrument, basis.partner_country, title), candidate)
    return [_resolution(each, competent, facts) for each in best.values()]


def _is_competent(entry: KnownAuthority, facts: Facts) -> bool:
    authority, request = entry.authority, facts.request
    regions = authority.territory.regions
    return (
        authority.country == request.country
        and any(each.competence == request.competence for each in authority.competences)
        and (not request.region or not regions or request.region in regions)
    )


def _candidates(entry: KnownAuthority, facts: Facts) -> Iterator[_Candidate]:
    request = facts.request
    for competence in entry.authority.competences:
        if competence.competence != request.competence:
            continue
        for basis in competence.instruments:
            why = _why(basis, facts)
            if why is not None:
                yield _Candidate(entry, basis, why)
        if not competence.instruments and not request.instrument:
            why = directory_pb2.RESOLUTION_REASON_NO_INSTRUMENT
            yield _Candidate(entry, pb.InstrumentBasis(), why)


def _why(
    basis: pb.InstrumentBasis, facts: Facts
) -> directory_pb2.ResolutionReason.ValueType | None:
    request, known = facts.request, instruments()[basis.instrument]
    is_partner = basis.partner_country == facts.requester_country
    if known.kind is InstrumentKind.BILATERAL and not is_partner:
        return None
    if request.instrument:
        matches = basis.instrument == request.instrument and _has_article(basis, request.article)
        return directory_pb2.RESOLUTION_REASON_AS_ASKED if matches else None
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


def _with_articles(
    basis: pb.InstrumentBasis, request: directory_pb2.ResolveAuthorityRequest
) -> pb.InstrumentBasis:
    completed = pb.InstrumentBasis()
    completed.CopyFrom(basis)
    if basis.instrument and not completed.articles:
        known = instruments()[basis.instrument]
        wanted = [request.article] if request.article else []
        completed.articles.extend(wanted or articles_for(request.competence, known))
    return completed


def _rank(candidate: _Candidate, facts: Facts) -> tuple[object, ...]:
    entry, request = candidate.known, facts.request
    return (
        _ORDER.index(candidate.why),
        request.region not in entry.authority.territory.regions,
        *_worth(entry, facts),
    )


def _worth(entry: KnownAuthority, facts: Facts) -> tuple[object, ...]:
    return (
        not entry.is_reliable(facts.now),
        not entry.is_reachable(facts.now, urgent=facts.request.urgent),
        not set(entry.authority.accepted_languages) & set(facts.request.languages),
        entry.authority.authority_id,
    )


def _resolution(
    candidate: _Candidate, competent: Sequence[KnownAuthority], facts: Facts
) -> directory_pb2.Resolution:
    authority, request = candidate.known.authority, facts.request
    resolution = directory_pb2.Resolution(
        record=candidate.known.record(facts.now, urgent=request.urgent),
        basis=_with_articles(candidate.basis, request),
        documents=[
            each
            for each in authority.documents
            if not each.competences or request.competence in each.competences
        ],
        languages=sorted(
            authority.accepted_languages, key=lambda each: each not in request.languages
        ),
        channel=_channel(authority, request),
        means=next(iter(authority.means), pb.REQUEST_MEANS_UNSPECIFIED),
        reasons=[candidate.why, *_reasons(candidate.known, facts)],
    )
    weaknesses = list(_weaknesses(candidate.known, facts))
    others = [entry for entry in competent if entry is not candidate.known]
    if weaknesses and others:  # 4
        fallback = min(others, key=lambda each: _worth(each, facts))
        resolution.fallback.CopyFrom(fallback.record(facts.now, urgent=request.urgent))
        resolution.fallback_reasons.extend(weaknesses)
    return resolution


def _channel(
    authority: pb.Authority, request: directory_pb2.ResolveAuthorityRequest
) -> pb.Channel.ValueType:
    """The preferred channel; in urgent cases INTERPOL before diplomats. Source: UNTOC 18(13)."""
    channels = list(authority.channels)
    if request.urgent and channels[:1] == [pb.CHANNEL_DIPLOMATIC]:
        channels.sort(key=lambda each: each == pb.CHANNEL_DIPLOMATIC)
    return channels[0] if channels else pb.CHANNEL_UNSPECIFIED


def _reasons(
    entry: KnownAuthority, facts: Facts
) -> Iterator[directory_pb2.ResolutionReason.ValueType]:
    if facts.request.region and facts.request.region in entry.authority.territory.regions:
        yield directory_pb2.RESOLUTION_REASON_TERRITORY
    elif not entry.authority.territory.regions:
        yield directory_pb2.RESOLUTION_REASON_WHOLE_COUNTRY
    if set(entry.authority.accepted_languages) & set(facts.request.languages):
        yield directory_pb2.RESOLUTION_REASON_LANGUAGE
    yield from _weaknesses(entry, facts)


def _weaknesses(
    entry: KnownAuthority, facts: Facts
) -> Iterator[directory_pb2.ResolutionReason.ValueType]:
    if not entry.is_reliable(facts.now):
        yield directory_pb2.RESOLUTION_REASON_STALE
    if not entry.is_reachable(facts.now, urgent=facts.request.urgent):
        yield directory_pb2.RESOLUTION_REASON_UNREACHABLE
