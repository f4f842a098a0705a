"""The parts of an entry that stand on a line of a cell: contacts, hours, bases, persons.

For each a writer and a reader; what a reader gives, the writer writes the same again. Readers judge
the notation alone: `entry` judges what it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from comity.v1 import authorities_pb2 as pb
from comity.v1.notices_pb2 import LocalizedText
from directory.files.cells import (
    items_of,
    read_text,
    write_items,
    write_line,
    write_text,
)

FUNCTIONAL, PERSONAL, ALTERNATE = "functional", "personal", "alternate"
_DAY = re.compile(r"(?:([0-9]{4})-)?([0-9]{1,2})-([0-9]{1,2})")
_PREFIXES = {
    "Competence": "COMPETENCE_",
    "Channel": "CHANNEL_",
    "RequestMeans": "REQUEST_MEANS_",
    "LegalAnswer": "LEGAL_ANSWER_",
    "ContactMeans": "CONTACT_MEANS_",
    "ContactUse": "CONTACT_USE_",
    "LinkKind": "LINK_KIND_",
    "Weekday": "WEEKDAY_",
}


class NotationFault(ValueError):
    """A cell that is not written as it has to be; says what is wrong."""


def write_code(kind: Any, value: int) -> str:
    """A code of the contract by its name; nothing for none."""
    if not value:
        return ""
    return _plain(str(kind.Name(value)).removeprefix(_PREFIXES[kind.DESCRIPTOR.name]))


def read_code(kind: Any, part: str) -> Any:
    """A code by its name, in either case, with hyphens, spaces or underscores.

    Raises: NotationFault, naming those that there are.
    """
    name = part.strip().upper().replace("-", "_").replace(" ", "_")
    if not name:
        return 0
    known = _codes(kind)
    if name not in known:
        raise NotationFault(f"{part!r} is not one of {', '.join(map(_plain, known))}")
    return known[name]


def write_localized(texts: Iterable[LocalizedText]) -> list[str]:
    """Texts as pairs of parts; the language of the one that binds has an asterisk."""
    parts: list[str] = []
    for text in texts:
        parts += [write_text(text.language) + ("*" if text.original else ""), write_text(text.text)]
    return parts


def read_localized(parts: Sequence[str]) -> list[LocalizedText]:
    """Raises: NotationFault."""
    if len(parts) % 2:
        raise NotationFault("a text has its language before it, and a bar between them")
    return [
        LocalizedText(
            language=read_text(language.rstrip("*")),
            text=read_text(text),
            original=language.endswith("*"),
        )
        for language, text in zip(parts[::2], parts[1::2], strict=True)
    ]


def write_contact(contact: pb.ContactPoint) -> list[str]:
    """A contact: by what, when, the number or address, whose, in which languages."""
    return [
        write_code(pb.ContactMeans, contact.means),
        write_code(pb.ContactUse, contact.use),
        write_text(contact.value),
        FUNCTIONAL if contact.functional else PERSONAL,
        write_items(contact.languages),
    ]


def read_contact(parts: Sequence[str]) -> pb.ContactPoint:
    """Raises: NotationFault."""
    means, use, value, whose, languages = padded(parts, 5)
    if whose not in (FUNCTIONAL, PERSONAL):
        raise NotationFault(f"whose it is has to be {FUNCTIONAL} or {PERSONAL}")
    return pb.ContactPoint(
        means=read_code(pb.ContactMeans, means),
        use=read_code(pb.ContactUse, use),
        value=read_text(value),
        functional=whose == FUNCTIONAL,
        languages=items_of(languages),
    )


def write_person(person: pb.ContactPerson) -> str:
    """A person without the contacts, which have a column of their own."""
    alternate = ALTERNATE if person.alternate else ""
    names = [write_text(person.name), write_text(person.title), alternate]
    return write_line(names + write_localized(person.functions))


def read_person(parts: Sequence[str]) -> pb.ContactPerson:
    """Raises: NotationFault."""
    name, title, alternate = padded(parts[:3], 3)
    if alternate not in ("", ALTERNATE):
        raise NotationFault(f"the third part is {ALTERNATE!r} or nothing")
    return pb.ContactPerson(
        name=read_text(name),
        title=read_text(title),
        alternate=alternate == ALTERNATE,
        functions=read_localized(parts[3:]),
    )


def write_intervals(intervals: Iterable[pb.OpenInterval]) -> str:
    """Times of a day."""
    return ", ".join(f"{each.opens}-{each.closes}" for each in intervals)


def read_intervals(part: str) -> list[pb.OpenInterval]:
    """Raises: NotationFault."""
    found = []
    for item in items_of(part):
        opens, dash, closes = item.replace("–", "-").partition("-")
        if not dash:
            raise NotationFault(f"{item!r} has no end such as 09:00-17:00")
        found.append(pb.OpenInterval(opens=opens.strip(), closes=closes.strip()))
    return found


def write_day(year: int, month: int, day: int) -> str:
    """A day of the calendar; of every year where the year is 0."""
    return f"{year:04}-{month:02}-{day:02}" if year else f"{month:02}-{day:02}"


def read_day(part: str) -> tuple[int, int, int]:
    """Raises: NotationFault."""
    match = _DAY.fullmatch(part)
    if match is None:
        raise NotationFault(f"{part!r} is no day such as 2026-12-25, or 12-25 for every year")
    return int(match[1] or 0), int(match[2]), int(match[3])


def write_basis(competence: int, basis: pb.InstrumentBasis) -> str:
    """One instrument of a competence."""
    parts = [
        write_code(pb.Competence, competence),
        write_text(basis.instrument),
        write_items(basis.articles),
        write_code(pb.LegalAnswer, basis.is_legal_basis),
        write_text(basis.partner_country),
    ]
    return write_line(parts + write_localized(basis.titles))


def read_basis(parts: Sequence[str]) -> pb.InstrumentBasis:
    """The instrument of a line, without its competence.

    Raises: NotationFault.
    """
    _, instrument, articles, answer, partner = padded(parts[:5], 5)
    return pb.InstrumentBasis(
        instrument=read_text(instrument),
        articles=items_of(articles),
        is_legal_basis=read_code(pb.LegalAnswer, answer),
        partner_country=read_text(partner),
        titles=read_localized(parts[5:]),
    )


def write_document(document: pb.RequiredDocument) -> str:
    """A document, for which competences, and what it is where the code is OTHER."""
    kinds = ", ".join(write_code(pb.Competence, each) for each in document.competences)
    return write_line([write_text(document.document), kinds, *write_localized(document.details)])


def read_document(parts: Sequence[str]) -> pb.RequiredDocument:
    """Raises: NotationFault."""
    code, kinds = padded(parts[:2], 2)
    return pb.RequiredDocument(
        document=read_text(code),
        competences=[read_code(pb.Competence, each) for each in items_of(kinds)],
        details=read_localized(parts[2:]),
    )


def write_link(link: pb.Link) -> str:
    """A link with what it is called."""
    kind = write_code(pb.LinkKind, link.kind)
    return write_line([kind, write_text(link.url), *write_localized(link.titles)])


def read_link(parts: Sequence[str]) -> pb.Link:
    """Raises: NotationFault."""
    kind, url = padded(parts[:2], 2)
    return pb.Link(
        kind=read_code(pb.LinkKind, kind),
        url=read_text(url),
        titles=read_localized(parts[2:]),
    )


@cache
def _codes(kind: Any) -> Mapping[str, int]:
    prefix = _PREFIXES[kind.DESCRIPTOR.name]
    return {each.removeprefix(prefix): number for each, number in kind.items() if number}


def padded(parts: Sequence[str], length: int) -> list[str]:
    """Parts with what is left out at the end.

    Raises: NotationFault.
    """
    if len(parts) > length:
        raise NotationFault(f"has {len(parts)} parts where there are {length}")
    return [*parts, *[""] * (length - len(parts))]


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")
