"""The form of an entry: what makes one well-formed, everything at fault named at once.

Called before anything is proposed or imported. Judges form only: whether a caller may change the
entry is the services' to say. Never touches the network or a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from comity.errors import AuthorityInvalid, TooLarge, Violation
from comity.identifiers import is_uuid7
from comity.identity import INTERNATIONAL_BODY, is_country_code
from comity.texts import code_and_text_violations
from comity.v1 import authorities_pb2 as pb
from comity.v1.notices_pb2 import LocalizedText
from directory.bases import competence_violations, document_violations
from directory.contacts import contact_violations
from directory.languages import is_language_code
from directory.plain_text import plain_text_violations
from directory.timetable import office_hours_violations
from directory.web_addresses import web_address_fault

MAX_AUTHORITY_BYTES = 131_072  # far below gRPC's 4 MiB, so that one always fits into an answer
MAX_ABBREVIATION_CHARS = 24  # longer ones are names
MIN_CONFIRM_DAYS, MAX_CONFIRM_DAYS = 7, 366  # a week can be kept to; beyond a year nothing is fresh

_LOCALIZED = (
    "names",
    "units",
    "double_criminality_details",
    "legal_requirements",
    "evidence_limits",
    "urgent_procedure",
    "remarks",
)


def verify_authority(authority: pb.Authority) -> None:
    """Verifies that an entry is well-formed.

    Raises: TooLarge; AuthorityInvalid with a violation for every field at fault.
    """
    if authority.ByteSize() > MAX_AUTHORITY_BYTES:
        raise TooLarge(f"An entry is at most {MAX_AUTHORITY_BYTES:,} bytes.")
    violations = authority_violations(authority)
    if violations:
        raise AuthorityInvalid(violations=violations)


def authority_violations(authority: pb.Authority) -> list[Violation]:
    """Everything that is wrong with an entry."""
    violations = code_and_text_violations(authority)
    violations.extend(plain_text_violations(authority))
    for check in _CHECKS:
        violations.extend(check(authority))
    return violations


def localized_violations(texts: Sequence[LocalizedText], field: str) -> Iterator[Violation]:
    """What is wrong with a text in several languages: each once, one of them the original."""
    seen: set[str] = set()
    for number, text in enumerate(texts):
        if text.language in seen:
            yield Violation(f"{field}[{number}].language", "stands twice")
        seen.add(text.language)
    if texts and sum(text.original for text in texts) != 1:
        yield Violation(field, "has no original, or several: mark the one that binds")


def _identity(authority: pb.Authority) -> Iterator[Violation]:
    if not is_uuid7(authority.authority_id):
        yield Violation("authority_id", "is not a UUIDv7 in lower case")
    if not is_country_code(authority.country):
        yield Violation(
            "country", "is no country: ISO 3166-1 alpha-2, XK, or ZZ for an international body"
        )
    if not authority.names:
        yield Violation("names", "is missing")
    for field in _LOCALIZED:
        yield from localized_violations(getattr(authority, field), field)
    for number, abbreviation in enumerate(authority.abbreviations):
        if not abbreviation.strip() or len(abbreviation) > MAX_ABBREVIATION_CHARS:
            yield Violation(
                f"abbreviations[{number}]", f"has 1 to {MAX_ABBREVIATION_CHARS} characters"
            )


def _contacts(authority: pb.Authority) -> Iterator[Violation]:
    for number, contact in enumerate(authority.contacts):
        yield from _contact(contact, f"contacts[{number}]")
    for number, person in enumerate(authority.persons):
        field = f"persons[{number}]"
        if not person.name.strip():
            yield Violation(f"{field}.name", "is missing")
        yield from localized_violations(person.functions, f"{field}.functions")
        for index, contact in enumerate(person.contacts):
            yield from _contact(contact, f"{field}.contacts[{index}]")
    if not any(contact.functional for contact in authority.contacts):
        yield Violation(
            "contacts", "is missing a functional one: a mailbox or number that outlives its holder"
        )


def _contact(contact: pb.ContactPoint, field: str) -> Iterator[Violation]:
    yield from contact_violations(contact, field)
    yield from _language_violations(contact.languages, f"{field}.languages")


def _address(authority: pb.Authority) -> Iterator[Violation]:
    if not authority.HasField("postal_address"):
        yield Violation("postal_address", "is missing")
        return
    address = authority.postal_address
    if not any(line.strip() for line in address.lines):
        yield Violation("postal_address.lines", "is missing")
    if not address.city.strip():
        yield Violation("postal_address.city", "is missing")
    if not is_country_code(address.country) or address.country == INTERNATIONAL_BODY:
        yield Violation("postal_address.country", "is no country: ISO 3166-1 alpha-2, or XK")


def _hours(authority: pb.Authority) -> Iterator[Violation]:
    if authority.HasField("office_hours"):
        yield from office_hours_violations(authority.office_hours, "office_hours")
    else:
        yield Violation("office_hours", "is missing")


def _languages(authority: pb.Authority) -> Iterator[Violation]:
    for field in ("accepted_languages", "spoken_languages"):
        codes: Sequence[str] = getattr(authority, field)
        if not codes:
            yield Violation(field, "is missing: at least one language")
        yield from _language_violations(codes, field)


def _language_violations(codes: Sequence[str], field: str) -> Iterator[Violation]:
    for number, code in enumerate(codes):
        if not is_language_code(code):
            yield Violation(f"{field}[{number}]", "is no language: ISO 639, such as en, ar or zh")
        elif code in codes[:number]:
            yield Violation(f"{field}[{number}]", "stands twice")


def _requests(authority: pb.Authority) -> Iterator[Violation]:
    for field, values in (("channels", authority.channels), ("means", authority.means)):
        if not values:
            yield Violation(field, "is missing: at least one")
        for number, value in enumerate(values):
            if not value:
                yield Violation(f"{field}[{number}]", "is missing")
            elif value in values[:number]:
                yield Violation(f"{field}[{number}]", "stands twice")
    if (
        pb.CHANNEL_INTERPOL in authority.channels
        and authority.accepts_interpol == pb.LEGAL_ANSWER_NO
    ):
        yield Violation("accepts_interpol", "says no, and INTERPOL is among the channels")
    for number, name in enumerate(authority.formats):
        if not (name.isascii() and name.isalnum() and name == name.lower()):
            yield Violation(f"formats[{number}]", "is no end of a file's name such as pdf")


def _links(authority: pb.Authority) -> Iterator[Violation]:
    for number, link in enumerate(authority.links):
        field = f"links[{number}]"
        if not link.kind:
            yield Violation(f"{field}.kind", "is missing: law, template, guideline or website")
        fault = web_address_fault(link.url)
        if fault is not None:
            yield Violation(f"{field}.url", fault)
        yield from localized_violations(link.titles, f"{field}.titles")


def _confirmation(authority: pb.Authority) -> Iterator[Violation]:
    days = authority.confirm_every_days
    if days and not MIN_CONFIRM_DAYS <= days <= MAX_CONFIRM_DAYS:
        yield Violation(
            "confirm_every_days", f"is not from {MIN_CONFIRM_DAYS} to {MAX_CONFIRM_DAYS}, or 0"
        )


_CHECKS: tuple[Callable[[pb.Authority], Iterator[Violation]], ...] = (
    _identity,
    _contacts,
    _address,
    _hours,
    _languages,
    competence_violations,
    _requests,
    document_violations,
    _links,
    _confirmation,
)
