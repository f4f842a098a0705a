"""Whether a machine-readable zone agrees with the document and the person beside it in a notice.

What stands about the document itself has to agree. Names and births are compared for people to
look at: a document may be forged, lent or of a name that a person no longer bears.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from comity.errors import Violation
from comity.machine_readable_zone.dates import ZoneDate
from comity.machine_readable_zone.states import country_of
from comity.machine_readable_zone.transliteration import mrz_names
from comity.machine_readable_zone.zones import Zone, read_zone
from comity.v1 import notices_pb2 as pb

_EXACT = frozenset({pb.DATE_QUALIFIER_UNSPECIFIED, pb.DATE_QUALIFIER_EXACT})
_SEXES = {pb.SEX_FEMALE: "F", pb.SEX_MALE: "M"}


def document_violations(document: pb.IdentityDocument, field: str) -> Iterator[Violation]:
    """What is wrong with the zone of a document, and where the document says something else."""
    reading = read_zone(document.machine_readable_zone)
    for fault in reading.faults:
        yield Violation(f"{field}.machine_readable_zone{fault.field}", fault.description)
    if reading.zone is None:
        return
    zone = reading.zone
    if document.number and _compared(document.number) != _compared(zone.number):
        said = f"is not the number of the machine-readable zone, {zone.number}"
        yield Violation(f"{field}.number", said)
    issuer = country_of(zone.state)
    if document.issuing_country and issuer and document.issuing_country != issuer:
        said = f"is not the issuing State of the machine-readable zone, {issuer}"
        yield Violation(f"{field}.issuing_country", said)
    if document.HasField("expires_on") and not _is_same_day(document.expires_on, zone.expiry):
        said = "is not the date of expiry in the machine-readable zone"
        yield Violation(f"{field}.expires_on", said)


def zone_disagreements(person: pb.Person, document: pb.IdentityDocument) -> list[str]:
    """Where a document's zone says something else of its holder than the notice: for people.

    Empty where they agree, where nothing can be compared, and where the zone is not well-formed.
    """
    zone = read_zone(document.machine_readable_zone).zone
    if zone is None:
        return []
    return [*_name_disagreement(person, zone), *_birth_disagreement(person, zone)]


def _name_disagreement(person: pb.Person, zone: Zone) -> Iterator[str]:
    names = [name.full for name in person.names if name.full]
    is_comparable = any(_is_latin_or_cyrillic(name) for name in names)
    if is_comparable and not any(_is_same_name(name, zone) for name in names):
        printed = f"{zone.family}, {zone.given}".replace("<", " ").strip(", ")
        yield f"the machine-readable zone names {printed}, which is none of the person's names"


def _is_latin_or_cyrillic(name: str) -> bool:
    """Others are transcribed by ear in most documents, and a difference says nothing."""
    letters = [letter for letter in name if letter.isalpha()]
    return any(unicodedata.name(each, "").startswith(("LATIN", "CYRILLIC")) for each in letters)


def _is_same_name(name: str, zone: Zone) -> bool:
    """Whether all words of the one are among the other's, a cut one by its beginning."""
    printed = [word for word in f"{zone.family}<{zone.given}".split("<") if word]
    family, given = zone.family.replace("<", ""), zone.given.replace("<", "")
    joined = (family + given, given + family)
    for written in mrz_names(name):
        words = [word for word in written.split("<") if word]
        if not words:
            continue
        if "".join(words) in joined:  # O CONNOR and OCONNOR
            return True
        known = set(words)
        whole = printed[:-1] if zone.may_be_truncated else printed
        is_cut = any(word.startswith(printed[-1]) for word in words)
        if set(whole) <= known and (not zone.may_be_truncated or is_cut):
            return True
        if known <= set(printed):
            return True
    return False


def _birth_disagreement(person: pb.Person, zone: Zone) -> Iterator[str]:
    births = person.dates_of_birth
    if births and not any(_is_same_day(birth, zone.birth) for birth in births):
        yield "the machine-readable zone has another date of birth"
    sex = _SEXES.get(person.sex)
    if sex and zone.sex and sex != zone.sex:
        yield f"the machine-readable zone has the sex {zone.sex}"


def _is_same_day(value: pb.PartialDate, zone_date: ZoneDate) -> bool:
    """Whether a date may be the one of a zone: of what both know, nothing differs."""
    if value.qualifier not in _EXACT or not value.HasField("date"):
        return True
    known = value.date
    return (
        (zone_date.year is None or known.year % 100 == zone_date.year)
        and zone_date.month in (0, known.month or zone_date.month)
        and zone_date.day in (0, known.day or zone_date.day)
    )


def _compared(number: str) -> str:
    return "".join(letter for letter in number.upper() if letter.isalnum())
