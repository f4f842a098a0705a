"""Every check of form by the message that it looks at: what the walk over a notice asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from comity.content import (
    assets,
    conditions,
    contacts,
    documents,
    kinds,
    names,
    objects,
    offences,
    partial_dates,
    persons,
)
from comity.errors import Violation
from comity.texts import Forms
from comity.v1 import notices_pb2 as pb


def _coded(message: Any, field: str) -> Iterator[Violation]:
    """Of an action, a precaution or a warning: a code, and words where the code is OTHER."""
    if not message.code:
        yield Violation(f"{field}.code", "is missing")
    if message.code == _OTHER and not message.details:
        yield Violation(f"{field}.details", "is missing: say what the other one is")


def _reference(reference: pb.ExternalReference, field: str) -> Iterator[Violation]:
    if not reference.scheme:
        yield Violation(f"{field}.scheme", "is missing")
    if not reference.value.strip():
        yield Violation(f"{field}.value", "is missing")


_OTHER = 99  # in every list of codes of the contract

_TABLES: tuple[Mapping[str, Any], ...] = (
    assets.FORMS,
    conditions.FORMS,
    contacts.FORMS,
    documents.FORMS,
    kinds.FORMS,
    names.FORMS,
    objects.FORMS,
    offences.FORMS,
    partial_dates.FORMS,
    persons.FORMS,
    {
        "comity.v1.RequestedAction": _coded,
        "comity.v1.Precaution": _coded,
        "comity.v1.Warning": _coded,
        "comity.v1.ExternalReference": _reference,
    },
)

FORMS: Forms = MappingProxyType({name: form for table in _TABLES for name, form in table.items()})
