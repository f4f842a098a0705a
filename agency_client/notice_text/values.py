"""The values of a notice in one line each: dates, places, names, amounts, penalties, laws.

Each says everything that its message holds, in safe text.
"""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from agency_client.field_text import Safe, code_words
from comity.times import datetime_from_timestamp
from comity.v1 import notices_pb2 as pb

_COUNTED = ("year", "month", "day")


def calendar_text(value: pb.CalendarDate) -> str:
    """A day, month or year of the calendar: 1985-03-04, 1985-03, 1985."""
    month = f"{value.month:02}" if value.month or value.day else ""
    day = f"{value.day:02}" if value.day else ""
    return "-".join(part for part in (f"{value.year:04}", month, day) if part)


def date_text(value: pb.PartialDate, safe: Safe) -> str:
    """A date as well as it is known."""
    words = calendar_text(value.date) if value.HasField("date") else ""
    if value.HasField("until"):
        words = f"between {words or '?'} and {calendar_text(value.until)}"
    notes = [safe(text) for text in (value.text, value.note) if text]
    if value.qualifier == pb.DATE_QUALIFIER_APPROXIMATE:
        words = f"about {words}" if words else "about"
    elif value.qualifier == pb.DATE_QUALIFIER_EXACT and value.HasField("until"):
        notes.append("exact")  # A contradiction, which is shown as it stands.
    return with_notes(words, notes)


def time_text(value: Timestamp) -> str:
    """A moment to the minute, and to the second where it has one."""
    moment = datetime_from_timestamp(value)
    if moment is None:
        return "?"
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment.second else f"{moment:%Y-%m-%d %H:%M} UTC"


def place_text(place: pb.Place, safe: Safe) -> str:
    """A place in one line, from the street to the country."""
    texts = (place.street, place.postal_code, place.city, place.region, place.country_text)
    parts = [safe(text) for text in (*texts, place.country) if text]
    return with_notes(", ".join(parts), [safe(place.note)] if place.note else [])


def name_text(name: pb.Name, safe: Safe) -> str:
    """A name in one line, with what kind of name it is."""
    kind = [code_words(pb.NameType.DESCRIPTOR, name.type)] if name.type else []
    return with_notes(safe(name.full), [*kind, *name_notes(name, safe)])


def name_notes(name: pb.Name, safe: Safe) -> list[str]:
    """What is known of a name beside the name and its kind."""
    notes = [
        f"{code_words(pb.NamePartType.DESCRIPTOR, part.type)} {safe(part.value)}"
        for part in name.parts
    ]
    if name.quality:
        notes.append(f"{code_words(pb.NameQuality.DESCRIPTOR, name.quality)} quality")
    notes += [safe(text) for text in (name.script, name.quality_text, name.note) if text]
    notes += [f"born {date_text(born, safe)}" for born in name.dates_of_birth]
    notes += [f"born in {place_text(place, safe)}" for place in name.places_of_birth]
    return notes


def nationality_text(nationality: pb.Nationality, safe: Safe) -> str:
    """A nationality, confirmed or not."""
    words = " ".join(safe(t) for t in (nationality.country, nationality.country_text) if t)
    return with_notes(words, ["confirmed" if nationality.confirmed else "not confirmed"])


def localized_text(text: pb.LocalizedText, safe: Safe) -> str:
    """A text with its language, and whether it is the original."""
    kind = "original" if text.original else "translation"
    return f"[{safe(text.language)}, {kind}] {safe(text.text)}"


def leading_text(texts: Sequence[pb.LocalizedText], safe: Safe) -> str:
    """The original of a text in several languages, or else the first."""
    originals = [text for text in texts if text.original]
    return safe([*originals, *texts][0].text) if texts else ""


def identifier_text(identifier: pb.ObjectIdentifier, safe: Safe) -> str:
    """What an object is marked with."""
    kind = code_words(pb.IdentifierScheme.DESCRIPTOR, identifier.scheme)
    return with_notes(f"{kind} {safe(identifier.value)}", filled([identifier.country], safe))


def contact_text(contact: pb.ContactIdentifier, safe: Safe) -> str:
    """Under what somebody is reached."""
    kind = code_words(pb.ContactScheme.DESCRIPTOR, contact.scheme)
    return with_notes(f"{kind} {safe(contact.value)}", filled([contact.note], safe))


def registration_text(number: pb.RegistrationNumber, safe: Safe) -> str:
    """Under which number an organisation is registered, and where."""
    return with_notes(safe(number.value), filled([number.register, number.country], safe))


def amount_text(amount: pb.Amount, safe: Safe) -> str:
    """An amount of money as its source gives it."""
    return " ".join(filled([amount.value, amount.currency], safe))


def law_text(law: pb.LawReference, safe: Safe) -> str:
    """A provision of the law of a State."""
    article = f"article {safe(law.article)}" if law.article else ""
    return ", ".join(part for part in (safe(law.law), article, safe(law.country)) if part)


def penalty_text(penalty: pb.Penalty) -> str:
    """A length of deprivation of liberty: 2 years, 6 months."""
    lengths = [(getattr(penalty, f"{unit}s"), unit) for unit in _COUNTED]
    parts = [f"{n} {unit}{'s' if n != 1 else ''}" for n, unit in lengths if n]
    parts += ["life"] if penalty.life else []
    parts += ["death"] if penalty.death else []
    return ", ".join(parts) or "none stated"


def range_text(low: int, high: int, unit: str) -> str:
    """A measure that may be known as a range: 170 to 175 cm. 0 is not known."""
    if low and high:
        return f"{low} {unit}" if low == high else f"{low} to {high} {unit}"
    return f"at least {low} {unit}" if low else f"at most {high} {unit}"


def element_text(element: pb.SourceElement, safe: Safe) -> str:
    """An element of a source document as it stood."""
    return f"{safe(element.path)}: {safe(element.text)}"


def with_notes(words: str, notes: Sequence[str]) -> str:
    """Words with what is to be noted in brackets behind them."""
    if not notes:
        return words
    return f"{words} ({'; '.join(notes)})" if words else "; ".join(notes)


def filled(texts: Sequence[str], safe: Safe) -> list[str]:
    """Those of some texts that are not empty, made safe."""
    return [safe(text) for text in texts if text]
