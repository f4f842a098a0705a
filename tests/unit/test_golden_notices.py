"""The golden set: of every notice exactly what is to be found, and of complete ones nothing."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from comity.minimum.policy import builtin_policy
from comity.minimum.rules import KINDS
from comity.notices import verify_notice
from comity.v1 import notices_pb2 as pb
from tests.vectors import load_vectors

Expected = list[tuple[str, str, str]]


def patched(document: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """A copy of a notice's JSON with what a patch sets, and without what it removes."""
    changed = copy.deepcopy(document)
    for path, value in patch.get("set", {}).items():
        holder, key = found_at(changed, path)
        if isinstance(holder, list) and key == len(holder):
            holder.append(value)
        else:
            holder[key] = value
    for path in patch.get("remove", []):
        holder, key = found_at(changed, path)
        del holder[key]
    return changed


def found_at(document: dict[str, Any], path: str) -> tuple[Any, Any]:
    """Where a path ends: what holds the value, and under which key."""
    keys = [int(k) if k.isdigit() else k for k in re.findall(r"[A-Za-z]+|\d+", path)]
    holder: Any = document
    for key, following in pairwise(keys):
        if isinstance(holder, dict):
            holder = holder.setdefault(key, [] if isinstance(following, int) else {})
        else:
            holder = holder[key]
    return holder, keys[-1]


def golden() -> Iterator[Any]:
    """Every notice of the set with what is to be found."""
    for kind in KINDS:
        vectors = load_vectors(f"notices/{kind.lower()}")
        complete = vectors["complete"]
        for name, document in complete.items():
            yield pytest.param(document, [], id=f"{kind}: {name}")
        for patch in vectors["deficient"]:
            found = [(f["field"], f["rule"], f["severity"]) for f in patch["findings"]]
            document = patched(complete[patch["of"]], patch)
            yield pytest.param(document, found, id=f"{kind}: {patch['name']}")


@pytest.mark.parametrize(("document", "expected"), list(golden()))
def test_exactly_what_is_missing_is_found(document: dict[str, Any], expected: Expected) -> None:
    notice = ParseDict(document, pb.Notice())

    found = builtin_policy().findings(notice)

    assert sorted(expected) == sorted((f.field, f.rule_id, str(f.severity)) for f in found)


@pytest.mark.parametrize("kind", KINDS)
def test_a_complete_notice_is_well_formed(kind: str) -> None:
    for document in load_vectors(f"notices/{kind.lower()}")["complete"].values():
        if "asset" not in str(document.get("subjects")):
            verify_notice(ParseDict(document, pb.Notice()))


@pytest.mark.parametrize("kind", KINDS)
def test_the_set_holds_enough_of_every_kind(kind: str) -> None:
    vectors = load_vectors(f"notices/{kind.lower()}")

    assert len(vectors["complete"]) >= 3
    assert len(vectors["deficient"]) >= 10
    assert all(patch["findings"] for patch in vectors["deficient"])
    assert {f"NOTICE_KIND_{kind}"} == {n["kind"] for n in vectors["complete"].values()}
