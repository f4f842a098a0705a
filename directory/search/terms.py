"""What words an entry is found by, and how much each tells.

Countries and competences are found by their names in every language that the directory is shown in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from comity.v1 import authorities_pb2 as pb
from comity.v1 import directory_pb2
from directory.catalogue.names import country_name, name_of_value
from directory.languages import SHOWN_LANGUAGES
from directory.search.folding import words_of

NAME_WEIGHT = 1.0
ABBREVIATION_WEIGHT = 1.2  # few letters, chosen to be known by
PLACE_WEIGHT = 0.6
CODED_WEIGHT = 0.5  # countries and competences, which many entries share


@dataclass(frozen=True, slots=True)
class Term:
    """A word of an entry, what it tells, and of which field it is."""

    word: str
    weight: float
    reason: directory_pb2.MatchReason.ValueType


def terms_of(authority: pb.Authority) -> Iterator[Term]:
    """The words that an entry is found by."""
    for name in authority.names:
        yield from _terms(name.text, NAME_WEIGHT, directory_pb2.MATCH_REASON_NAME)
    for unit in authority.units:
        yield from _terms(unit.text, PLACE_WEIGHT, directory_pb2.MATCH_REASON_NAME)
    for abbreviation in authority.abbreviations:
        yield from _terms(
            abbreviation, ABBREVIATION_WEIGHT, directory_pb2.MATCH_REASON_ABBREVIATION
        )
    for place in (authority.postal_address.city, *authority.territory.regions):
        yield from _terms(place, PLACE_WEIGHT, directory_pb2.MATCH_REASON_PLACE)
    for word in _country_words(authority.country):
        yield Term(word, CODED_WEIGHT, directory_pb2.MATCH_REASON_COUNTRY)
    for basis in authority.competences:
        for word in _competence_words(basis.competence):
            yield Term(word, CODED_WEIGHT, directory_pb2.MATCH_REASON_COMPETENCE)
        for instrument in basis.instruments:
            yield from _terms(
                instrument.instrument, CODED_WEIGHT, directory_pb2.MATCH_REASON_INSTRUMENT
            )


def _terms(text: str, weight: float, reason: directory_pb2.MatchReason.ValueType) -> Iterator[Term]:
    for word in words_of(text):
        yield Term(word, weight, reason)


@cache
def _country_words(country: str) -> frozenset[str]:
    names = (country_name(country, language) for language in SHOWN_LANGUAGES)
    return frozenset(word for name in names for word in words_of(name))


@cache
def _competence_words(competence: pb.Competence.ValueType) -> frozenset[str]:
    names = (name_of_value("competence", competence, language) for language in SHOWN_LANGUAGES)
    return frozenset(word for name in names for word in words_of(name))
