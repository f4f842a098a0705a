"""Templates of notices: whole, explained, the contract's, and nothing left of what stays empty."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor
from typer.testing import CliRunner, Result

from agency_client.cli.application import EXIT_REFUSED, EXIT_USAGE, app
from agency_client.drafts import parse_draft
from agency_client.templates import KINDS, Plan, plan_for, template_text, variants
from agency_client.templates.kinds import explanations
from comity.v1 import notices_pb2 as pb

CONTRACT = Path(__file__).parents[2] / "proto" / "comity" / "v1" / "notices.proto"
FILLED_IN = {"notice_id", "version", "predecessor_digest", "traffic", "issued_at"}

# What a kind does not carry although no comment of the contract gives it to another.
NOT_CARRIED = {
    "RED": set(),
    "DIFFUSION": set(),
    "BLACK": {"offences", "misused_identities"},
    "PURPLE": {"misused_identities"},
    "UN_SANCTIONS": {"offences"},
    "OBJECT": {
        *("offences", "misused_identities", "narratives", "declaration", "protection_widening"),
    },
}
FOR_ARREST = {"warrants", "sentences", "assurances"}

PLANS = [plan_for(kind, variant) for kind in KINDS for variant in variants(kind) or (None,)]
of_every_plan = pytest.mark.parametrize(
    "plan", PLANS, ids=[f"{plan.kind}-{number}" for number, plan in enumerate(PLANS)]
)


def comity(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["notice", "new", *arguments])


@of_every_plan
def test_a_template_parses_as_it_is_and_says_its_kind(plan: Plan) -> None:
    notice = parse_draft(template_text(plan))

    assert notice.kind == pb.NoticeKind.Value(f"NOTICE_KIND_{plan.kind}")


def _only_for() -> dict[str, str]:
    """The fields of Notice that the contract gives to one kind, from its comments."""
    found = re.findall(r"// Only for kind (\w+)\.\n.* (\w+) = \d+;", CONTRACT.read_text())
    return {field: kind for kind, field in found}


def test_the_contract_gives_some_fields_to_one_kind() -> None:
    assert _only_for()["disappearance"] == "YELLOW"
    assert len(_only_for()) == 7


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_that_a_kind_may_carry_is_explained(kind: str) -> None:
    plans = [plan for plan in PLANS if plan.kind == kind]
    explained = {key for plan in plans for key in json.loads(template_text(plan))}
    others = {field for field, its_kind in _only_for().items() if its_kind != kind}
    arrest = FOR_ARREST if kind not in ("RED", "DIFFUSION") else set()
    left_out = others | arrest | NOT_CARRIED.get(kind, set())

    wanted = {f.name: f.json_name for f in pb.Notice.DESCRIPTOR.fields if f.name not in left_out}
    assert not [name for name, json_name in wanted.items() if f"//{json_name}" not in explained]
    fields = pb.Notice.DESCRIPTOR.fields_by_name
    assert not [name for name in left_out if f"//{fields[name].json_name}" in explained]


@of_every_plan
def test_every_field_below_is_explained_where_its_message_comes_first(plan: Plan) -> None:
    explained: dict[str, set[str]] = {}
    for message, field in _explained(json.loads(template_text(plan)), pb.Notice.DESCRIPTOR):
        explained.setdefault(message.name, set()).add(field)

    for name in explained.keys() - {"Notice", "Subject"}:
        message = pb.DESCRIPTOR.message_types_by_name[name]
        left_out = {path.rsplit(".", 1)[1] for path in plan.without if "." in path}
        names = {f.name for f in message.fields}
        assert names - explained[name] <= (left_out if name == "Object" else set())


def _explained(document: dict[str, Any], message: Descriptor) -> Iterator[tuple[Descriptor, str]]:
    """Every field that has an explanation, with its message."""
    for field in message.fields:
        if f"//{field.json_name}" in document:
            yield message, field.name
        value = document.get(field.json_name)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                assert field.message_type is not None
                yield from _explained(item, field.message_type)


@of_every_plan
def test_an_explanation_stands_beside_a_field_of_the_contract(plan: Plan) -> None:
    document = json.loads(template_text(plan))
    notes = {"//", "//how", *(f"//note{n}" for n in range(1, len(plan.notes) + 1))}

    for message, held in _objects(document, pb.Notice.DESCRIPTOR):
        names = {f"//{field.json_name}" for field in message.fields}
        assert {key for key in held if key.startswith("//")} <= names | notes


def _objects(
    document: dict[str, Any], message: Descriptor
) -> Iterator[tuple[Descriptor, dict[str, Any]]]:
    yield message, document
    for field in message.fields:
        value = document.get(field.json_name)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                assert field.message_type is not None
                yield from _objects(item, field.message_type)


@of_every_plan
def test_every_required_field_is_marked_and_every_code_has_its_choices(plan: Plan) -> None:
    text = template_text(plan)

    assert text.count('": "REQUIRED. ') == len(plan.required)
    assert "URGENCY_ROUTINE, URGENCY_URGENT, URGENCY_IMMEDIATE" in text


def test_every_message_and_field_of_a_notice_has_an_explanation() -> None:
    waiting, seen = [pb.Notice.DESCRIPTOR], set()
    while waiting:
        message = waiting.pop()
        if message.name in seen or message.full_name.startswith("google."):
            continue
        seen.add(message.name)
        assert {f.name for f in message.fields} == set(explanations()[message.name]) - {"_"}
        waiting += [f.message_type for f in message.fields if f.message_type is not None]
    assert seen == set(explanations())


def test_what_is_filled_in_is_all_that_a_notice_holds() -> None:
    document = json.loads(template_text(plan_for("object", "vehicle")))
    document["urgency"] = "URGENCY_ROUTINE"
    document["caseReference"] = "EX-1"
    document["subjects"][0]["object"]["identifiers"][0]["value"] = "EXAMPLE0000000001"
    document["subjects"][0]["object"]["since"]["date"]["year"] = 2026
    document["handling"]["codes"].append("HANDLING_CODE_H0")

    wanted = pb.Notice(
        kind=pb.NOTICE_KIND_OBJECT, urgency=pb.URGENCY_ROUTINE, case_reference="EX-1"
    )
    wanted.requested_actions.add(code=pb.ACTION_CODE_SEIZE_OBJECT)
    thing = wanted.subjects.add().object
    thing.type = pb.OBJECT_TYPE_VEHICLE
    thing.identifiers.add(scheme=pb.IDENTIFIER_SCHEME_VIN, value="EXAMPLE0000000001")
    thing.since.date.year = 2026
    wanted.handling.codes.append(pb.HANDLING_CODE_H0)
    assert parse_draft(json.dumps(document)) == wanted


def test_the_command_writes_a_new_file_and_leaves_one_that_is_there(tmp_path: Path) -> None:
    out = tmp_path / "red.json"

    assert comity("red", "--sentence", "--out", str(out)).exit_code == 0
    assert out.read_text() == template_text(plan_for("red", "sentence"))
    out.write_text("filled in")
    assert comity("red", "--out", str(out)).exit_code == EXIT_REFUSED
    assert out.read_text() == "filled in"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["blu"], "is none of red, blue, green"),
        (["object", "--of", "boat"], "there are document, vehicle"),
        (["blue", "--of", "x"], "there is only one"),
        (["red", "--sentence", "--of", "x"], "do not go together"),
    ],
)
def test_a_kind_or_variant_that_is_not_there_is_wrong_usage(
    arguments: list[str], said: str
) -> None:
    result = comity(*arguments)

    assert result.exit_code == EXIT_USAGE
    assert said in " ".join(result.output.replace("│", " ").split())


def test_a_kind_is_written_as_people_write_it() -> None:
    assert json.loads(comity("UN-Sanctions").stdout)["kind"] == "NOTICE_KIND_UN_SANCTIONS"
