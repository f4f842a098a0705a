"""Who in a country has a competence, by the instruments that they name. Kept up with each change.

Under one instrument entries stand in the order of their ids, so that who asks for the best may stop
at the first that could not be better. Reads no clock, and decides nothing.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from comity.v1 import authorities_pb2 as pb
from directory.known import KnownAuthority

# What makes two entries answers to the same: instrument, partner country, title.
BasisKey: TypeAlias = tuple[str, str, str]
NO_INSTRUMENT: BasisKey = ("", "", "")


class Candidate(NamedTuple):
    """An entry under one of its instruments; `position` is that instrument's in the entry."""

    authority_id: str
    position: int
    known: KnownAuthority
    basis: pb.InstrumentBasis


@dataclass(slots=True)
class Competent:
    """The entries of one country that have one competence."""

    _entries: list[tuple[str, KnownAuthority]] = field(default_factory=list)
    _under: dict[BasisKey, list[Candidate]] = field(default_factory=dict)

    @property
    def entries(self) -> Iterator[KnownAuthority]:
        """All of them, in the order of their ids."""
        return (known for _, known in self._entries)

    @property
    def under(self) -> Mapping[BasisKey, Sequence[Candidate]]:
        """Those that name an instrument, and under `NO_INSTRUMENT` those that name none."""
        return self._under

    def put(self, known: KnownAuthority, competence: int) -> None:
        """Takes an entry in that was not there, or was taken out."""
        insort(self._entries, (known.authority.authority_id, known), key=_id)
        for candidate in _candidates(known, competence):
            insort(self._under.setdefault(_key(candidate.basis), []), candidate, key=_place)

    def take_out(self, known: KnownAuthority, competence: int) -> None:
        """Forgets an entry."""
        self._entries = [each for each in self._entries if each[1] is not known]
        for key in {_key(candidate.basis) for candidate in _candidates(known, competence)}:
            kept = [each for each in self._under.get(key, ()) if each.known is not known]
            if kept:
                self._under[key] = kept
            else:
                self._under.pop(key, None)


def competent_among(entries: Iterable[KnownAuthority], country: str, competence: int) -> Competent:
    """Those of some entries that are of a country and have a competence."""
    found = Competent()
    for known in entries:
        has = {each.competence for each in known.authority.competences}
        if known.authority.country == country and competence in has:
            found.put(known, competence)
    return found


def _candidates(known: KnownAuthority, competence: int) -> Iterator[Candidate]:
    authority_id, position = known.authority.authority_id, 0
    for each in known.authority.competences:
        if each.competence == competence:
            for basis in each.instruments or [pb.InstrumentBasis()]:
                yield Candidate(authority_id, position, known, basis)
                position += 1


def _key(basis: pb.InstrumentBasis) -> BasisKey:
    return (
        basis.instrument,
        basis.partner_country,
        basis.titles[0].text if basis.titles else "",
    )


def _id(entry: tuple[str, KnownAuthority]) -> str:
    return entry[0]


def _place(candidate: Candidate) -> tuple[str, int]:
    return candidate[:2]
