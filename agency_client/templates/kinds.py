"""What the template of each kind of notice holds: fields, which are required, and first values.

Read from the package's own data, one file per kind. What is required here is what the kind's legal
minimum commonly asks for, as a guide to who fills it in; `comity notice check` has the last word.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from comity.errors import MalformedInput
from comity.v1 import notices_pb2 as pb

KINDS = tuple(name.removeprefix("NOTICE_KIND_") for name in pb.NoticeKind.keys()[1:])
SENTENCE = "sentence"  # the variant of RED that has an option of its own
_OF_EVERY_KIND = (
    *("notice_id", "version", "predecessor_digest", "kind", "traffic", "urgency"),
    *("requested_actions", "precautions", "warnings", "case_reference", "subjects", "narratives"),
    *("contacts", "handling", "grading", "sources", "external_references", "declaration"),
    *("protection_widening", "issued_at", "expires_at"),
)
_ALWAYS_REQUIRED = (
    *("urgency", "requested_actions.code", "case_reference", "handling.codes"),
    *("handling.purpose", "handling.legal_basis"),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a template holds. Fields are paths of the contract without numbers."""

    kind: str
    purpose: str
    notes: tuple[str, ...]
    subjects: tuple[str, ...]
    fields: frozenset[str]  # of Notice
    without: frozenset[str]  # of what is in those
    required: frozenset[str]
    given: Mapping[str, Any]


def variants(kind: str) -> tuple[str, ...]:
    """The variants that a kind has, the one that goes without saying first."""
    return tuple(_read(kind.lower()).get("variants", {}))


def plan_for(kind: str, variant: str | None = None) -> Plan:
    """The plan of a kind's template, or of one of its variants.

    Raises: MalformedInput where there is no such kind or variant.
    """
    wanted = kind.upper().replace("-", "_")
    if wanted not in KINDS:
        names = ", ".join(_written(name) for name in KINDS)
        raise MalformedInput(f"{kind[:40]!r} is none of {names}.")
    known = variants(wanted)
    if variant is not None and variant not in known:
        offered = f"there are {', '.join(known)}" if known else "there is only one"
        kinds = f"notices of kind {_written(wanted)}"
        raise MalformedInput(f"{variant[:40]!r} is no template for {kinds}: {offered}.")
    return _plan(wanted, variant or (known[0] if known else None))


def _written(kind: str) -> str:
    return kind.lower().replace("_", "-")


def _plan(kind: str, variant: str | None) -> Plan:
    base = _read(kind.lower())
    more = base["variants"][variant] if variant else {}
    without = frozenset([*base.get("without", ()), *more.get("without", ())])
    return Plan(
        kind=kind,
        purpose=" ".join(text for text in (base["purpose"], more.get("purpose")) if text),
        notes=tuple(base["notes"]),
        subjects=tuple(base["subjects"]),
        fields=frozenset([*_OF_EVERY_KIND, *base["fields"], *more.get("fields", ())]) - without,
        without=without,
        required=frozenset([*_ALWAYS_REQUIRED, *base["required"], *more.get("required", ())]),
        given={"kind": f"NOTICE_KIND_{kind}"} | base.get("given", {}) | more.get("given", {}),
    )


def explanations() -> Mapping[str, Mapping[str, str]]:
    """What each field is for, by message and field; "_" says what the message is."""
    return {**_read("fields"), **_read("case_fields")}


@cache
def _read(name: str) -> dict[str, Any]:
    text = resources.files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
