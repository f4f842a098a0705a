"""Contact details: whether a number or an address can be one. Never calls or writes to anybody.

Numbers are E.164 with a leading +, by the numbering plans of phonenumbers; addresses are of the
common form of RFC 5321 in ASCII, since anything else can rarely be written to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers

from comity.errors import Violation
from comity.v1 import authorities_pb2 as pb

MAX_ADDRESS_CHARS = 254  # RFC 5321 section 4.5.3.1.3, without the angle brackets
MAX_MAILBOX_CHARS = 64  # RFC 5321 section 4.5.3.1.1

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_MAILBOX = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)+[A-Za-z][A-Za-z0-9-]{{0,61}}[A-Za-z0-9]")

_NUMBERS = frozenset({pb.CONTACT_MEANS_TELEPHONE, pb.CONTACT_MEANS_FAX})


def contact_violations(contact: pb.ContactPoint, field: str) -> Iterator[Violation]:
    """What is wrong with a contact."""
    if not contact.means:
        yield Violation(f"{field}.means", "is missing: telephone, fax or e-mail")
    if not contact.use:
        yield Violation(f"{field}.use", "is missing: office, duty or urgent")
    if contact.means == pb.CONTACT_MEANS_FAX and contact.use == pb.CONTACT_USE_DUTY:
        yield Violation(f"{field}.use", "nobody is on duty at a fax")
    fault = contact_fault(contact.means, contact.value)
    if fault is not None:
        yield Violation(f"{field}.value", fault)


def contact_fault(means: pb.ContactMeans.ValueType, value: str) -> str | None:
    """What is wrong with a number or an address, and what would be right."""
    if not value:
        return "is missing"
    if means in _NUMBERS:
        return _number_fault(value)
    return _address_fault(value) if means == pb.CONTACT_MEANS_EMAIL else None


def formatted_number(value: str) -> str:
    """An E.164 number as people read it: +44 20 7946 0000."""
    number = phonenumbers.parse(value, None)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _number_fault(value: str) -> str | None:
    if not _E164.fullmatch(value):
        return "is not E.164: a plus sign, the country code and the number, digits alone"
    number = phonenumbers.parse(value, None) if _has_country(value) else None
    if number is None:
        return "begins with no country code that is in use"
    if not phonenumbers.is_possible_number(number):
        return "has too few or too many digits for its country"
    return None


def _has_country(value: str) -> bool:
    try:
        phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        return False
    return True


def _address_fault(value: str) -> str | None:
    mailbox, at, host = value.rpartition("@")
    if not at or not _MAILBOX.fullmatch(mailbox):
        return "is no e-mail address such as office@authority.example"
    if len(mailbox) > MAX_MAILBOX_CHARS or len(value) > MAX_ADDRESS_CHARS:
        return f"is longer than an e-mail address can be ({MAX_ADDRESS_CHARS} characters)"
    return None if _HOST.fullmatch(host) else "has no domain name after the @"
