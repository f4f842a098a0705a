"""Assets, amounts of money and organisations in a notice: their form."""

from __future__ import annotations

import re
from collections.abc import Iterator

from comity.code_lists import is_currency
from comity.content.names import country_violations, missing_names
from comity.errors import Violation
from comity.v1 import notices_pb2 as pb

_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,17})(\.[0-9]{1,8})?")  # digits, and at most one point


def _asset(asset: pb.Asset, field: str) -> Iterator[Violation]:
    if not asset.type:
        yield Violation(f"{field}.type", "is missing")
    for number, identifier in enumerate(asset.identifiers):
        if not identifier.strip():
            yield Violation(f"{field}.identifiers[{number}]", "is empty")


def _amount(amount: pb.Amount, field: str) -> Iterator[Violation]:
    if not _AMOUNT.fullmatch(amount.value):
        said = "is no amount: digits, with at most one point and 8 digits after it"
        yield Violation(f"{field}.value", said)
    if not is_currency(amount.currency):
        yield Violation(f"{field}.currency", "is not an ISO 4217 code such as 'EUR'")


def _organisation(organisation: pb.Organisation, field: str) -> Iterator[Violation]:
    yield from missing_names(organisation.names, f"{field}.names")


def _registration_number(number: pb.RegistrationNumber, field: str) -> Iterator[Violation]:
    yield from country_violations(number.country, f"{field}.country")
    if not number.value.strip():
        yield Violation(f"{field}.value", "is missing")


FORMS = {
    "comity.v1.Asset": _asset,
    "comity.v1.Amount": _amount,
    "comity.v1.Organisation": _organisation,
    "comity.v1.RegistrationNumber": _registration_number,
}
