"""The tables of competences, instruments, channels and documents, as they stand in the data files.

An article is known by its number without what stands in brackets: 18(13) is a part of 18.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import resources
from typing import Any

from comity.v1.authorities_pb2 import Channel, Competence

_ARTICLE = re.compile(r"([1-9][0-9]{0,2})((?:\([0-9a-z]{1,3}\))*)")
_COMPETENCE_PREFIX, _CHANNEL_PREFIX = "COMPETENCE_", "CHANNEL_"

OTHER_DOCUMENT = "OTHER"


class InstrumentKind(Enum):
    """Whom an instrument binds. Two kinds are named by the entry itself."""

    BILATERAL = "bilateral"
    REGIONAL = "regional"
    UNIVERSAL = "universal"


@dataclass(frozen=True, slots=True)
class Instrument:
    """`topics`: what each article is about; `unchecked`: those not compared with the text."""

    code: str
    kind: InstrumentKind
    source: str
    topics: Mapping[str, str]
    unchecked: frozenset[str]


@dataclass(frozen=True, slots=True)
class CompetenceRule:
    """`topics` best first; `specific` are the instruments that were made for it."""

    source: str
    topics: Sequence[str]
    specific: Sequence[str]


@cache
def instruments() -> Mapping[str, Instrument]:
    """Every instrument by its code, in the order of the file."""
    return {code: _instrument(code, table) for code, table in _load("instruments").items()}


@cache
def competences() -> Mapping[Competence.ValueType, CompetenceRule]:
    """What is known of each competence."""
    return {
        Competence.Value(_COMPETENCE_PREFIX + name): CompetenceRule(
            table["source"], tuple(table["topics"]), tuple(table["specific"])
        )
        for name, table in _load("competences").items()
    }


@cache
def channels() -> Mapping[Channel.ValueType, str]:
    """The source of each channel."""
    return {Channel.Value(_CHANNEL_PREFIX + name): text for name, text in _load("channels").items()}


@cache
def documents() -> Mapping[str, str]:
    """The source of each document, by its code."""
    return _load("documents")


@cache
def topics() -> frozenset[str]:
    """Every topic that an article or a competence names."""
    of_articles = {topic for each in instruments().values() for topic in each.topics.values()}
    return frozenset(
        of_articles | {topic for rule in competences().values() for topic in rule.topics}
    )


def article_number(article: str) -> str | None:
    """The number of an article without its paragraph; None where the text is no article."""
    match = _ARTICLE.fullmatch(article)
    return match[1] if match else None


def is_article_of(instrument: Instrument, article: str) -> bool:
    """Whether an instrument has an article; those that the entry itself names have any."""
    number = article_number(article)
    if number is None:
        return False
    return instrument.kind is not InstrumentKind.UNIVERSAL or number in instrument.topics


def articles_for(competence: Competence.ValueType, instrument: Instrument) -> list[str]:
    """The articles that a competence acts under where the entry names none, best first."""
    rule = competences().get(competence)
    wanted = rule.topics if rule else ()
    return [number for topic in wanted for number, has in instrument.topics.items() if has == topic]


def _instrument(code: str, table: Mapping[str, Any]) -> Instrument:
    checked: Mapping[str, str] = table.get("articles", {})
    unchecked: Mapping[str, str] = table.get("unchecked_articles", {})
    return Instrument(
        code=code,
        kind=InstrumentKind(table["kind"]),
        source=table["source"],
        topics={**checked, **unchecked},
        unchecked=frozenset(unchecked),
    )


def _load(name: str) -> dict[str, Any]:
    file = resources.files(__package__).joinpath(f"{name}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))
