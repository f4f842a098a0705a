"""An entry as a reader of one language sees it: every coded field in that language.

Free text stands in the language asked for where there is one, else as the original, marked with its
language. Gives texts by their labels; how they are laid out is the command line's or the export's.
Never decides who may see what: contacts to be withheld are taken out before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from comity.v1 import authorities_pb2 as pb
from comity.v1.notices_pb2 import LocalizedText
from directory.catalogue import names
from directory.contacts import formatted_number
from directory.hours import minute_of_day
from directory.instruments.tables import article_number, instruments

_LINE_CONTACT = {pb.CONTACT_MEANS_TELEPHONE, pb.CONTACT_MEANS_FAX}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an entry: what it is called, and what it says, line by line."""

    name: str
    label: str
    lines: Sequence[str]


def title_of(authority: pb.Authority, language: str) -> str:
    """The name of an authority in a language, with the one that binds where that is another."""
    name = localized(authority.names, language)
    original = next((each.text for each in authority.names if each.original), name)
    return name if original in name else f"{name} ({original})"


def render_authority(authority: pb.Authority, language: str) -> list[Field]:
    """The fields of an entry that say something, in the order in which they are read."""
    fields = (
        Field(name, names.label(name, language), list(lines(authority, language)))
        for name, lines in _FIELDS.items()
    )
    return [field for field in fields if field.lines]


def localized(texts: Sequence[LocalizedText], language: str) -> str:
    """The text in a language; else the original, marked with the language that it is in."""
    for text in texts:
        if text.language == language or text.language.partition("-")[0] == language:
            return _marked(text, language)
    original = next((text for text in texts if text.original), texts[0] if texts else None)
    if original is None:
        return ""
    spoken = names.language_name(original.language.partition("-")[0], language)
    return f"{original.text} [{spoken}]"


def basis_text(basis: pb.InstrumentBasis, language: str) -> str:
    """An instrument with its articles, and what these are about."""
    titles = localized(basis.titles, language)
    text = titles or names.name_of("instrument", basis.instrument, language)
    if basis.partner_country:
        text += f" ({names.country_name(basis.partner_country, language)})"
    articles = [_article(basis.instrument, article, language) for article in basis.articles]
    if articles:
        text += f", {names.label('article', language)} {', '.join(articles)}"
    if basis.is_legal_basis:
        answer = names.name_of_value("answer", basis.is_legal_basis, language)
        text += f"; {names.label('is_legal_basis', language)}: {answer}"
    return text


def contact_text(contact: pb.ContactPoint, language: str) -> str:
    """A contact with what it is for."""
    value = contact.value
    if contact.means in _LINE_CONTACT:
        value = formatted_number(contact.value)
    means = names.name_of_value("contact_means", contact.means, language)
    use = names.name_of_value("contact_use", contact.use, language)
    spoken = [names.language_name(code, language) for code in contact.languages]
    return f"{means}: {value} ({', '.join([use, *spoken])})"


def document_text(document: pb.RequiredDocument, language: str) -> str:
    """A document that a request has to come with, and for what."""
    name = names.name_of("document", document.document, language)
    details = localized(document.details, language)
    text = f"{name}: {details}" if details else name
    kinds = [names.name_of_value("competence", each, language) for each in document.competences]
    return f"{text} ({', '.join(kinds)})" if kinds else text


def _marked(text: LocalizedText, language: str) -> str:
    return text.text if text.original else f"{text.text} [{names.label('translation', language)}]"


def _article(instrument: str, article: str, language: str) -> str:
    known = instruments().get(instrument)
    topic = known.topics.get(article_number(article) or "") if known else None
    return f"{article} ({names.name_of('topic', topic, language)})" if topic else article


def _country(authority: pb.Authority, language: str) -> Iterator[str]:
    yield names.country_name(authority.country, language)


def _persons(authority: pb.Authority, language: str) -> Iterator[str]:
    for person in authority.persons:
        function = localized(person.functions, language)
        name = f"{person.title} {person.name}".strip()
        yield f"{name}, {function}" if function else name
        yield from (contact_text(contact, language) for contact in person.contacts)


def address_lines(authority: pb.Authority, language: str) -> Iterator[str]:
    """The postal address, as it is written on a letter."""
    address = authority.postal_address
    yield from address.lines
    city = " ".join(part for part in (address.postal_code, address.city, address.region) if part)
    if city:
        yield city
    if address.country:
        yield names.country_name(address.country, language)


def _contacts(authority: pb.Authority, language: str) -> Iterator[str]:
    yield from (contact_text(contact, language) for contact in authority.contacts)


def _hours(authority: pb.Authority, language: str) -> Iterator[str]:
    hours = authority.office_hours
    for day in hours.week:
        weekday = names.weekday_name(day.day, language)
        yield f"{weekday}: {_intervals(day.intervals, language)}"
    if hours.time_zone:
        yield hours.time_zone


def _holidays(authority: pb.Authority, language: str) -> Iterator[str]:
    for holiday in authority.office_hours.holidays:
        day = (
            names.day_text(date(holiday.year, holiday.month, holiday.day), language)
            if holiday.year
            else names.yearly_day_text(holiday.month, holiday.day, language)
        )
        name = localized(holiday.names, language)
        yield f"{day}: {name}" if name else day


def _special_days(authority: pb.Authority, language: str) -> Iterator[str]:
    for special in authority.office_hours.special_days:
        day = date(special.date.year, special.date.month, special.date.day)
        hours = _intervals(special.intervals, language) or names.label("closed", language)
        yield f"{names.day_text(day, language)}: {hours}"


def _intervals(intervals: Iterable[pb.OpenInterval], language: str) -> str:
    edges = [
        (minute_of_day(each.opens) or 0, minute_of_day(each.closes) or 0) for each in intervals
    ]
    spans = (f"{names.time_text(a, language)}–{names.time_text(b, language)}" for a, b in edges)
    return ", ".join(spans)


def _competences(authority: pb.Authority, language: str) -> Iterator[str]:
    for basis in authority.competences:
        yield names.name_of_value("competence", basis.competence, language)
        yield from (f"  {basis_text(each, language)}" for each in basis.instruments)


def _documents(authority: pb.Authority, language: str) -> Iterator[str]:
    yield from (document_text(document, language) for document in authority.documents)


def _double_criminality(authority: pb.Authority, language: str) -> Iterator[str]:
    if authority.double_criminality:
        yield names.name_of_value("answer", authority.double_criminality, language)
    yield from _text("double_criminality_details")(authority, language)


def _links(authority: pb.Authority, language: str) -> Iterator[str]:
    for link in authority.links:
        title = localized(link.titles, language)
        kind = names.name_of_value("link", link.kind, language)
        yield f"{kind}: {title} {link.url}" if title else f"{kind}: {link.url}"


def _territory(authority: pb.Authority, language: str) -> Iterator[str]:
    details = localized(authority.territory.details, language)
    if details:
        yield details
    if authority.territory.regions:
        yield ", ".join(authority.territory.regions)


Lines = Callable[[pb.Authority, str], Iterator[str]]


def _text(field: str) -> Lines:
    def lines(authority: pb.Authority, language: str) -> Iterator[str]:
        text = localized(getattr(authority, field), language)
        if text:
            yield text

    return lines


def _coded(field: str, section: str) -> Lines:
    def lines(authority: pb.Authority, language: str) -> Iterator[str]:
        values = getattr(authority, field)
        values = [values] if isinstance(values, int) else values
        texts = [names.name_of_value(section, value, language) for value in values if value]
        if texts:
            yield ", ".join(texts)

    return lines


def _listed(field: str) -> Lines:
    def lines(authority: pb.Authority, language: str) -> Iterator[str]:
        if values := list(getattr(authority, field)):
            yield ", ".join(values)

    return lines


def _spoken(field: str) -> Lines:
    def lines(authority: pb.Authority, language: str) -> Iterator[str]:
        if codes := list(getattr(authority, field)):
            yield ", ".join(names.language_name(code, language) for code in codes)

    return lines


_FIELDS: dict[str, Lines] = {
    "country": _country,
    "unit": _text("units"),
    "competences": _competences,
    "territory": _territory,
    "contacts": _contacts,
    "office_hours": _hours,
    "special_days": _special_days,
    "holidays": _holidays,
    "urgent_procedure": _text("urgent_procedure"),
    "persons": _persons,
    "postal_address": address_lines,
    "accepted_languages": _spoken("accepted_languages"),
    "spoken_languages": _spoken("spoken_languages"),
    "channels": _coded("channels", "channel"),
    "accepts_interpol": _coded("accepts_interpol", "answer"),
    "means": _coded("means", "means"),
    "formats": _listed("formats"),
    "encryption_required": _coded("encryption_required", "answer"),
    "signature_required": _coded("signature_required", "answer"),
    "documents": _documents,
    "double_criminality": _double_criminality,
    "legal_requirements": _text("legal_requirements"),
    "evidence_limits": _text("evidence_limits"),
    "asset_recovery_networks": _listed("asset_recovery_networks"),
    "links": _links,
    "remarks": _text("remarks"),
}
