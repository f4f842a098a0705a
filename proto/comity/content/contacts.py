"""Telephone numbers, e-mail addresses and accounts in a notice: their form.

A number is E.164 by its letters alone; whether somebody answers it, no program can say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from comity.content.names import language_list_violations
from comity.errors import Violation
from comity.v1 import notices_pb2 as pb

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")  # ITU-T E.164 §6.2.1: at most 15 digits
# RFC 5321 §4.1.2 without quoted names, and with the letters that RFC 6531 adds.
_LOCAL = r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*"
_LABEL = r"[^\W_]([\w-]{0,61}[^\W_])?"
_EMAIL = re.compile(rf"(?=.{{3,254}}$)(?=[^@]{{1,64}}@){_LOCAL}@({_LABEL}\.)+{_LABEL}")
_ACCOUNT = re.compile(r"[^\s:]+:.*\S.*")


def is_telephone(text: str) -> bool:
    """Whether this is an E.164 number: a plus sign, the country code and the number."""
    return _E164.fullmatch(text) is not None


def is_email(text: str) -> bool:
    """Whether this has the form of an e-mail address."""
    return _EMAIL.fullmatch(text) is not None


def _notice_contact(contact: pb.NoticeContact, field: str) -> Iterator[Violation]:
    if not contact.use:
        yield Violation(f"{field}.use", "is missing: office, or duty day and night")
    if not contact.telephone and not contact.email:
        yield Violation(field, "has neither a telephone number nor an e-mail address")
    if contact.telephone and not is_telephone(contact.telephone):
        yield Violation(f"{field}.telephone", _NO_TELEPHONE)
    if contact.email and not is_email(contact.email):
        yield Violation(f"{field}.email", _NO_EMAIL)
    yield from language_list_violations(contact.languages, f"{field}.languages")


def _contact_identifier(contact: pb.ContactIdentifier, field: str) -> Iterator[Violation]:
    if not contact.scheme:
        yield Violation(f"{field}.scheme", "is missing")
    if not contact.value.strip():
        yield Violation(f"{field}.value", "is missing")
    elif contact.scheme == pb.CONTACT_SCHEME_TELEPHONE and not is_telephone(contact.value):
        yield Violation(f"{field}.value", _NO_TELEPHONE)
    elif contact.scheme == pb.CONTACT_SCHEME_EMAIL and not is_email(contact.value):
        yield Violation(f"{field}.value", _NO_EMAIL)
    elif contact.scheme == pb.CONTACT_SCHEME_ACCOUNT and not _ACCOUNT.fullmatch(contact.value):
        yield Violation(f"{field}.value", "is not the name of a service, a colon and a name at it")


_NO_TELEPHONE = "is not E.164: a plus sign, the country code and the number, digits alone"
_NO_EMAIL = "is not an e-mail address"

FORMS = {
    "comity.v1.NoticeContact": _notice_contact,
    "comity.v1.ContactIdentifier": _contact_identifier,
}
