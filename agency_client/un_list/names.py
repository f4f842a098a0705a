"""Names in the list become names in a notice: the primary name, its own script, the aliases.

Called by the mapping. Never splits, orders or corrects a name.
"""

from __future__ import annotations

from agency_client.un_list.countries import country_code
from agency_client.un_list.dates import partial_date
from agency_client.un_list.reading import Reading
from agency_client.un_list.scripts import script_of
from agency_client.un_list.source import Element
from comity.texts import MAX_NAME_CHARS
from comity.v1 import notices_pb2 as pb

_NUMBERED = {
    "FIRST_NAME": pb.NAME_PART_TYPE_FIRST,
    "SECOND_NAME": pb.NAME_PART_TYPE_SECOND,
    "THIRD_NAME": pb.NAME_PART_TYPE_THIRD,
    "FOURTH_NAME": pb.NAME_PART_TYPE_FOURTH,
}
# Persons' aliases are graded, organisations' are told apart by time.
_QUALITIES = {
    "good": (pb.NAME_TYPE_ALIAS, pb.NAME_QUALITY_GOOD),
    "low": (pb.NAME_TYPE_ALIAS, pb.NAME_QUALITY_LOW),
    "f.k.a.": (pb.NAME_TYPE_FORMER, pb.NAME_QUALITY_UNSPECIFIED),
}
_OTHER_QUALITY = (pb.NAME_TYPE_ALIAS, pb.NAME_QUALITY_UNSPECIFIED)


def person_names(reading: Reading) -> list[pb.Name]:
    """The names of a person: primary with its numbered parts, original script, aliases."""
    parts = [
        pb.NamePart(type=kind, value=value)
        for tag, kind in _NUMBERED.items()
        if (value := reading.take(reading.source, tag))
    ]
    primary = _primary(" ".join(part.value for part in parts))
    primary.parts.extend(parts)
    return [primary, *_other_names(reading, "INDIVIDUAL_ALIAS")]


def organisation_names(reading: Reading) -> list[pb.Name]:
    """The names of an organisation: primary, original script, aliases."""
    primary = _primary(reading.take(reading.source, "FIRST_NAME"))
    return [primary, *_other_names(reading, "ENTITY_ALIAS")]


def _primary(full: str) -> pb.Name:
    return pb.Name(type=pb.NAME_TYPE_PRIMARY, full=full, script=script_of(full))


def _other_names(reading: Reading, alias_tag: str) -> list[pb.Name]:
    names = []
    if original := reading.take(reading.source, "NAME_ORIGINAL_SCRIPT"):
        kind = pb.NAME_TYPE_ORIGINAL_SCRIPT
        names.append(pb.Name(type=kind, full=original, script=script_of(original)))
    aliases = (_alias(reading, element) for element in reading.source.every(alias_tag))
    return [*names, *(alias for alias in aliases if alias is not None)]


def _alias(reading: Reading, element: Element) -> pb.Name | None:
    """The alias, or None where it has no name.

    A text too long for a name (the list runs several names into one) stays a source element:
    one such row must not keep the whole edition from being published.
    """
    if not 0 < len(element.find_text("ALIAS_NAME")) <= MAX_NAME_CHARS:
        return None
    full = reading.take(element, "ALIAS_NAME")
    quality_text = reading.take(element, "QUALITY")
    kind, quality = _QUALITIES.get(quality_text.lower(), _OTHER_QUALITY)
    alias = pb.Name(
        type=kind,
        full=full,
        script=script_of(full),
        quality=quality,
        quality_text=quality_text,
        note=reading.take(element, "NOTE"),
    )
    _add_birth(alias, reading, element)
    return alias


def _add_birth(alias: pb.Name, reading: Reading, element: Element) -> None:
    if born := reading.take(element, "DATE_OF_BIRTH"):
        alias.dates_of_birth.append(partial_date(born))
    city = reading.take(element, "CITY_OF_BIRTH")
    country = reading.take(element, "COUNTRY_OF_BIRTH")
    if city or country:
        place = pb.Place(country=country_code(country), country_text=country, city=city)
        alias.places_of_birth.append(place)
