"""The form of a notice's subjects: persons, organisations, objects, their dates and documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from comity.errors import Violation
from comity.identity import is_country_code
from comity.v1 import notices_pb2 as pb

# A body or a person who cannot say who they are may have no name.
KINDS_WITHOUT_NAME = frozenset({pb.NOTICE_KIND_YELLOW, pb.NOTICE_KIND_BLACK})

MIN_YEAR, MAX_YEAR = 1000, 9999  # four figures, as they are written


def calendar_day(value: pb.CalendarDate) -> date | None:
    """The day of a complete calendar date, or None where it is incomplete or does not exist."""
    try:
        return date(value.year, value.month, value.day)
    except ValueError:
        return None


def subject_violations(
    subject: pb.Subject, *, kind: pb.NoticeKind.ValueType, field: str
) -> Iterator[Violation]:
    """What is wrong with the form of a subject."""
    which = subject.WhichOneof("subject")
    if which == "person":
        yield from _person(subject.person, kind=kind, field=f"{field}.person")
    elif which == "organisation":
        yield from _names(subject.organisation.names, field=f"{field}.organisation.names")
        yield from _places(subject.organisation.addresses, f"{field}.organisation.addresses")
    elif which == "object":
        yield from _object(subject.object, f"{field}.object")
    else:
        yield Violation(field, "is neither a person nor an organisation nor an object")


def _person(person: pb.Person, *, kind: pb.NoticeKind.ValueType, field: str) -> Iterator[Violation]:
    if person.names or kind not in KINDS_WITHOUT_NAME:
        yield from _names(person.names, field=f"{field}.names")
    yield from _dates(person.dates_of_birth, f"{field}.dates_of_birth")
    yield from _places(person.places_of_birth, f"{field}.places_of_birth")
    yield from _places(person.addresses, f"{field}.addresses")
    for number, nationality in enumerate(person.nationalities):
        where = f"{field}.nationalities[{number}]"
        yield from _country(nationality.country, f"{where}.country")
        if not (nationality.country or nationality.country_text.strip()):
            yield Violation(where, "names no country")
    for number, document in enumerate(person.documents):
        yield from _document(document, f"{field}.documents[{number}]")


def _names(names: Sequence[pb.Name], *, field: str) -> Iterator[Violation]:
    if not names:
        yield Violation(field, "is missing: at least one name")
    for number, name in enumerate(names):
        where = f"{field}[{number}]"
        if not name.full.strip():
            yield Violation(f"{where}.full", "is missing: the whole name in reading order")
        if not name.type:
            yield Violation(f"{where}.type", "is missing")
        yield from _dates(name.dates_of_birth, f"{where}.dates_of_birth")
        yield from _places(name.places_of_birth, f"{where}.places_of_birth")


def _dates(dates: Iterable[pb.PartialDate], field: str) -> Iterator[Violation]:
    for number, value in enumerate(dates):
        yield from _partial_date(value, f"{field}[{number}]")


def _partial_date(value: pb.PartialDate, field: str) -> Iterator[Violation]:
    if value.HasField("date"):
        yield from _calendar_date(value.date, f"{field}.date")
    elif not (value.text.strip() or value.note.strip()):
        yield Violation(field, "has neither a date nor a text")
    if value.HasField("until") != (value.qualifier == pb.DATE_QUALIFIER_BETWEEN):
        yield Violation(f"{field}.until", "goes with the qualifier BETWEEN and with no other")
    elif value.HasField("until"):
        if not value.HasField("date"):
            yield Violation(f"{field}.date", "is missing: where the range begins")
        yield from _calendar_date(value.until, f"{field}.until")
        if _ordinal(value.until, missing=99) < _ordinal(value.date, missing=0):
            yield Violation(f"{field}.until", "lies before the date that the range begins with")


def _ordinal(value: pb.CalendarDate, *, missing: int) -> tuple[int, int, int]:
    return (value.year, value.month or missing, value.day or missing)


def _calendar_date(value: pb.CalendarDate, field: str) -> Iterator[Violation]:
    if not MIN_YEAR <= value.year <= MAX_YEAR:
        yield Violation(f"{field}.year", "is not a year of four figures")
    elif value.day and not value.month:
        yield Violation(f"{field}.month", "is missing beside a day")
    elif calendar_day(_completed(value)) is None:
        yield Violation(field, "is no day of the calendar")


def _completed(value: pb.CalendarDate) -> pb.CalendarDate:
    return pb.CalendarDate(year=value.year, month=value.month or 1, day=value.day or 1)


def _places(places: Iterable[pb.Place], field: str) -> Iterator[Violation]:
    for number, place in enumerate(places):
        yield from _country(place.country, f"{field}[{number}].country")


def _country(code: str, field: str) -> Iterator[Violation]:
    if code and not is_country_code(code):
        yield Violation(field, "is not an ISO 3166-1 alpha-2 code")


def _document(document: pb.IdentityDocument, field: str) -> Iterator[Violation]:
    yield from _country(document.issuing_country, f"{field}.issuing_country")
    yield from _country(document.place_of_issue.country, f"{field}.place_of_issue.country")
    for name in ("issued_on", "expires_on"):
        if document.HasField(name):
            yield from _partial_date(getattr(document, name), f"{field}.{name}")


def _object(thing: pb.Object, field: str) -> Iterator[Violation]:
    if not thing.type:
        yield Violation(f"{field}.type", "is missing")
    if not (thing.identifiers or thing.description.strip()):
        yield Violation(field, "has neither an identifier nor a description")
    for number, identifier in enumerate(thing.identifiers):
        where = f"{field}.identifiers[{number}]"
        if not identifier.scheme:
            yield Violation(f"{where}.scheme", "is missing")
        if not identifier.value.strip():
            yield Violation(f"{where}.value", "is missing")
        yield from _country(identifier.country, f"{where}.country")
