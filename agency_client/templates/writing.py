"""Writes the template of a notice: JSON with every field of the kind, each explained beside it.

A message is explained where it comes first; later ones of its kind are written short, and say where
that was. What stays empty is left out when the file is read (`explained_json.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from agency_client.draft_form import json_path
from agency_client.templates.kinds import Plan, explanations
from comity.v1.notices_pb2 import Notice, Subject

_WIDTH = 140  # what fits is written on one line
_ORDER = (  # what is read first, first; what is not named here follows
    *("kind", "urgency", "requested_actions", "precautions", "warnings", "case_reference"),
    *("diffusion_purpose", "asset_purposes", "subjects", "disappearance", "body_finding"),
    *("threat", "modus_operandi", "offences", "warrants", "sentences", "assurances"),
    *("narratives", "misused_identities", "contacts", "handling", "grading", "declaration"),
)
_FILLED_IN = frozenset({"notice_id", "version", "predecessor_digest", "traffic", "issued_at"})
_INTRODUCTION = (
    "Fill in what applies and leave the rest as it is: what is empty is left out. Keys that begin "
    "with // explain and may be deleted. A code is null until you put one of its choices there."
)


def template_text(plan: Plan) -> str:
    """The template as a JSON document, with a line break at its end."""
    return "\n".join(_lines(_Writer(plan).document(), "")) + "\n"


class _Writer:
    """Builds one template, and remembers where each message was explained."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._explained: dict[str, str] = {}
        self._texts = explanations()

    def document(self) -> dict[str, Any]:
        """The whole template."""
        rank = {name: place for place, name in enumerate(_ORDER)}
        fields = [f for f in Notice.DESCRIPTOR.fields if f.name in self._plan.fields]
        fields.sort(key=lambda field: rank.get(field.name, len(rank)))
        head: dict[str, Any] = {"//": self._plan.purpose, "//how": _INTRODUCTION}
        head |= {f"//note{n}": note for n, note in enumerate(self._plan.notes, start=1)}
        return head | self._explained_fields(fields, "")

    def _explained_fields(self, fields: list[FieldDescriptor], path: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for field in fields:
            place = f"{path}.{field.name}" if path else field.name
            if place in self._plan.without:
                continue
            found[f"//{field.json_name}"] = self._explanation(field, place)
            if place not in _FILLED_IN:
                found[field.json_name] = self._value(field, place)
        return found

    def _explanation(self, field: FieldDescriptor, place: str) -> str:
        assert field.containing_type is not None  # it is no extension
        text = self._texts[field.containing_type.name][field.name]
        if field.enum_type is not None and place not in _FILLED_IN and place != "kind":
            text += f" Choices: {', '.join(value.name for value in field.enum_type.values[1:])}."
        return f"REQUIRED. {text}" if place in self._plan.required else text

    def _value(self, field: FieldDescriptor, place: str) -> Any:
        if place == "subjects":
            return [self._subject(which) for which in self._plan.subjects]
        message = field.message_type
        if message is None:
            value = self._plan.given.get(place, _EMPTY.get(field.type))
            return [] if field.is_repeated else value
        if message.full_name.startswith("google."):
            return None
        inner = self._message(message, place)
        return [inner] if field.is_repeated else inner

    def _subject(self, which: str) -> dict[str, Any]:
        return self._explained_fields([Subject.DESCRIPTOR.fields_by_name[which]], "subjects")

    def _message(self, message: Descriptor, place: str) -> dict[str, Any]:
        first = self._explained.setdefault(message.name, place)
        if first == place:
            return self._explained_fields(list(message.fields), place)
        what = self._texts[message.name]["_"]
        return {"//": f"{what}, as explained in {json_path(first)}"} | self._short(message, place)

    def _short(self, message: Descriptor, place: str) -> dict[str, Any]:
        """A message without explanations, and without the lists of messages in it."""
        found: dict[str, Any] = {}
        for field in message.fields:
            inner = field.message_type
            if inner is None:
                found[field.json_name] = self._value(field, f"{place}.{field.name}")
            elif not field.is_repeated and all(f.message_type is None for f in inner.fields):
                found[field.json_name] = self._short(inner, f"{place}.{field.name}")
        return found


_EMPTY = {FieldDescriptor.TYPE_STRING: ""}  # of anything else it is null


def _lines(value: Any, indent: str) -> Iterator[str]:
    """A JSON value in lines: on one line where it fits and explains nothing but itself."""
    short = json.dumps(value, ensure_ascii=False)
    if not value or not isinstance(value, dict | list) or _fits(value, short, indent):
        yield short
        return
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    keys = (
        [f"{json.dumps(key)}: " for key in value] if isinstance(value, dict) else [""] * len(value)
    )
    held = list(value.values()) if isinstance(value, dict) else value
    yield opening
    for number, (key, inner) in enumerate(zip(keys, held, strict=True), start=1):
        lines = list(_lines(inner, f"{indent}  "))
        lines[0] = f"{key}{lines[0]}"
        lines[-1] += "," if number < len(held) else ""
        yield from (f"  {line}" for line in lines)
    yield closing


def _fits(value: Any, short: str, indent: str) -> bool:
    return len(indent) + len(short) <= _WIDTH and '"//' not in short.replace('"//":', "")
