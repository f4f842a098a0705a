"""Names of codes in the languages that the directory shows itself in.

Countries, languages, days and times come from babel (CLDR), everything else from the files beside
this one. Called by rendering and by search.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime, time, tzinfo
from functools import cache
from importlib import resources

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time
from google.protobuf.descriptor import EnumDescriptor

from comity.identity import INTERNATIONAL_BODY
from comity.v1 import authorities_pb2 as pb
from comity.v1 import directory_pb2
from directory.languages import SHOWN_LANGUAGES

# A terminal shows them as what they hide; words and digits stand in order without them.
_MARKS = re.compile("[\u200e\u200f]")

# The section that names the codes of each enumeration, and what their names in the contract share.
_SECTIONS: Mapping[str, tuple[str, str]] = {
    "competence": ("COMPETENCE_", "Competence"),
    "channel": ("CHANNEL_", "Channel"),
    "means": ("REQUEST_MEANS_", "RequestMeans"),
    "answer": ("LEGAL_ANSWER_", "LegalAnswer"),
    "contact_means": ("CONTACT_MEANS_", "ContactMeans"),
    "contact_use": ("CONTACT_USE_", "ContactUse"),
    "link": ("LINK_KIND_", "LinkKind"),
    "freshness": ("FRESHNESS_", "Freshness"),
    "keeper": ("KEEPER_KIND_", "KeeperKind"),
    "resolution_reason": ("RESOLUTION_REASON_", "ResolutionReason"),
}
_A_LEAP_YEAR = 2024


@cache
def catalogue(language: str) -> Mapping[str, Mapping[str, str]]:
    """All names in a language, by section and code.

    Raises: KeyError for a language that has no file.
    """
    if language not in SHOWN_LANGUAGES:
        raise KeyError(language)
    file = resources.files(__package__).joinpath(f"{language}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def name_of(section: str, code: str, language: str) -> str:
    """What a code is called; the code itself where a newer table has one that is not named yet."""
    return catalogue(language)[section].get(code, code)


def name_of_value(section: str, value: int, language: str) -> str:
    """What a value of the contract is called; empty for none."""
    if not value:
        return ""
    prefix, kind = _SECTIONS[section]
    known = _kind(kind).values_by_number[value]
    return name_of(section, known.name.removeprefix(prefix), language)


def coded_values(section: str) -> list[str]:
    """The codes that a section has to name."""
    prefix, kind = _SECTIONS[section]
    values = _kind(kind).values
    return [value.name.removeprefix(prefix) for value in values if value.number]


def _kind(name: str) -> EnumDescriptor:
    for file in (pb.DESCRIPTOR, directory_pb2.DESCRIPTOR):
        if name in file.enum_types_by_name:
            return file.enum_types_by_name[name]
    raise KeyError(name)


def label(code: str, language: str) -> str:
    """What a field of an entry is called."""
    return catalogue(language)["label"][code]


def country_name(code: str, language: str) -> str:
    """The name of a country; ZZ is an international body."""
    if code == INTERNATIONAL_BODY:
        return label("international_body", language)
    return str(Locale.parse(language).territories.get(code, code))


def language_name(code: str, language: str) -> str:
    """The name of a language."""
    return str(Locale.parse(language).languages.get(code, code))


def weekday_name(weekday: int, language: str) -> str:
    """The name of a day of the week: 1 is Monday."""
    return str(Locale.parse(language).days["stand-alone"]["wide"][weekday - 1])


def time_text(minute: int, language: str) -> str:
    """A time of day; the end of the day stands as 24:00, which no locale has."""
    if minute >= 24 * 60:
        return "24:00"
    return format_time(time(*divmod(minute, 60)), "short", locale=language)


def day_text(day: date, language: str) -> str:
    """A day of the calendar."""
    return format_date(day, "long", locale=language)


def yearly_day_text(month: int, day: int, language: str) -> str:
    """A day of every year."""
    return format_skeleton("MMMMd", datetime(_A_LEAP_YEAR, month, day), locale=language)  # noqa: DTZ001


def instant_text(instant: datetime, zone: tzinfo, language: str) -> str:
    """An instant as the clock of a zone shows it."""
    local = instant.astimezone(zone)
    day = format_skeleton("yMMMEd", local, locale=language)
    return _MARKS.sub("", f"{day}, {format_time(local, 'short', locale=language)}")
