"""The form of acts other than versions, where the content of a notice stands in them too."""

from __future__ import annotations

import pytest

from comity.act_forms import verify_act_form
from comity.acts import ParsedAct, act_kind
from comity.errors import MalformedInput
from comity.v1 import acts_pb2 as pb
from comity.v1 import notices_pb2


def parsed(act: pb.Act) -> ParsedAct:
    return ParsedAct(envelope=pb.Envelope(), act=act, kind=act_kind(act), digest=b"")


def fields_at_fault(act: pb.Act) -> set[str]:
    with pytest.raises(MalformedInput) as refused:
        verify_act_form(parsed(act))
    return {fault.field for fault in refused.value.violations}


def test_an_acknowledgement_names_the_officer_who_has_read_the_notice() -> None:
    act = pb.Act(acknowledgement=pb.AcknowledgementAct(notice_originator="FR-NCB"))
    assert fields_at_fault(act) == {"header.officer"}

    act.header.officer = "officer-7"
    verify_act_form(parsed(act))


def test_a_warning_of_an_addendum_needs_its_code_and_its_words() -> None:
    other = notices_pb2.Warning(code=notices_pb2.WARNING_CODE_OTHER)
    act = pb.Act(addendum=pb.AddendumAct(warnings=[notices_pb2.Warning(), other]))

    at_fault = fields_at_fault(act)

    assert at_fault == {"addendum.warnings[0].code", "addendum.warnings[1].details"}


def test_an_invisible_character_in_a_reason_is_named() -> None:
    reason = notices_pb2.LocalizedText(language="en", text="because\u200b")
    act = pb.Act(suspension=pb.SuspensionAct(reason=[reason]))

    assert fields_at_fault(act) == {"suspension.reason[0].text"}
