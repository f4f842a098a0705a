"""Drafts before they are signed: everything that blocks any of them is said at once."""

from __future__ import annotations

import pytest
from google.protobuf.json_format import ParseDict

from agency_client.checking import check_notices, require_sound
from comity.errors import LegalMinimumMissing, MalformedInput, NoticeInvalid, Violation
from comity.minimum.policy import builtin_policy
from comity.v1 import notices_pb2 as pb
from tests.vectors import load_vectors


def red() -> pb.Notice:
    return ParseDict(load_vectors("notices/red")["complete"]["prosecution"], pb.Notice())


def without(field: str, **changes: str) -> pb.Notice:
    document = {**load_vectors("notices/red")["complete"]["prosecution"], **changes}
    del document[field]
    return ParseDict(document, pb.Notice())


def require_all(*notices: pb.Notice) -> None:
    named = [(f"{number}.json", notice) for number, notice in enumerate(notices, start=1)]
    require_sound(list(check_notices(named, builtin_policy())))


def test_the_missing_minimum_of_every_draft_is_named_at_once() -> None:
    with pytest.raises(LegalMinimumMissing) as refused:
        require_all(without("warrants"), red(), without("assurances"))

    assert [violation.field for violation in refused.value.violations] == [
        "1.json: warrants",
        "3.json: assurances.extraditionWillBeSought",
    ]


def test_a_fault_of_form_hides_no_missing_minimum() -> None:
    with pytest.raises(NoticeInvalid) as refused:
        require_all(without("warrants"), without("contacts", caseReference=""))

    assert [violation.field for violation in refused.value.violations] == [
        "1.json: warrants",
        "2.json: caseReference",
        "2.json: contacts",
    ]


def test_a_file_that_cannot_be_read_hides_nothing_of_the_others() -> None:
    checked = list(check_notices([("1.json", without("warrants"))], builtin_policy()))

    with pytest.raises(MalformedInput) as refused:
        require_sound(checked, [Violation("2.json", "is no JSON object")])

    fields = [violation.field for violation in refused.value.violations]
    assert fields == ["2.json", "1.json: warrants"]


def test_what_only_warns_blocks_nothing() -> None:
    require_all(without("precautions"), red())
