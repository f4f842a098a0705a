"""What an entry is competent for and on which instruments, checked against the tables.

Called by the check of an entry. Never changes anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from comity.errors import Violation
from comity.identity import INTERNATIONAL_BODY, is_country_code
from comity.v1 import authorities_pb2 as pb
from directory.instruments.tables import (
    OTHER_DOCUMENT,
    InstrumentKind,
    documents,
    instruments,
    is_article_of,
)


def competence_violations(authority: pb.Authority) -> Iterator[Violation]:
    """What is wrong with the competences of an entry and their instruments."""
    if not authority.competences:
        yield Violation("competences", "is missing: at least one")
    seen: set[int] = set()
    for number, basis in enumerate(authority.competences):
        field = f"competences[{number}]"
        if not basis.competence:
            yield Violation(f"{field}.competence", "is missing")
        elif basis.competence in seen:
            yield Violation(f"{field}.competence", "stands twice; put all instruments into one")
        seen.add(basis.competence)
        for index, instrument in enumerate(basis.instruments):
            yield from _instrument(instrument, f"{field}.instruments[{index}]", authority.country)


def document_violations(authority: pb.Authority) -> Iterator[Violation]:
    """What is wrong with the documents that an entry requires."""
    own = {basis.competence for basis in authority.competences}
    for number, required in enumerate(authority.documents):
        field = f"documents[{number}]"
        if required.document not in documents():
            yield Violation(f"{field}.document", f"is not one of {', '.join(sorted(documents()))}")
        if required.document == OTHER_DOCUMENT and not required.details:
            yield Violation(f"{field}.details", "is missing: say which other document")
        for index, competence in enumerate(required.competences):
            if competence not in own:
                yield Violation(
                    f"{field}.competences[{index}]", "is none of the entry's competences"
                )


def _instrument(basis: pb.InstrumentBasis, field: str, country: str) -> Iterator[Violation]:
    known = instruments().get(basis.instrument)
    if known is None:
        yield Violation(f"{field}.instrument", f"is not one of {', '.join(instruments())}")
        return
    for number, article in enumerate(basis.articles):
        if not is_article_of(known, article):
            has = f"; the table has {', '.join(known.topics)}" if known.topics else ""
            yield Violation(f"{field}.articles[{number}]", f"is no article of {known.code}{has}")
    is_bilateral = known.kind is InstrumentKind.BILATERAL
    if is_bilateral:
        yield from _partner(basis, field, country)
    elif basis.partner_country:
        yield Violation(f"{field}.partner_country", "belongs to bilateral instruments only")
    if known.kind is not InstrumentKind.UNIVERSAL and not basis.titles:
        yield Violation(f"{field}.titles", "is missing: what the instrument is called")


def _partner(basis: pb.InstrumentBasis, field: str, country: str) -> Iterator[Violation]:
    partner = basis.partner_country
    if not is_country_code(partner) or partner == INTERNATIONAL_BODY:
        yield Violation(f"{field}.partner_country", "is no country: ISO 3166-1 alpha-2, or XK")
    elif partner == country:
        yield Violation(f"{field}.partner_country", "is the entry's own country")
