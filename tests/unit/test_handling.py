"""What a handling allows, and what a notice that draws on another has to carry of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.handling import (
    binding_words,
    is_as_strict,
    may_pass_on_to,
    may_pass_on_to_anybody,
    may_publish,
    may_use_in_court,
)
from comity.v1 import notices_pb2 as pb

H0, H1, H2, H3 = (
    pb.HANDLING_CODE_H0,
    pb.HANDLING_CODE_H1,
    pb.HANDLING_CODE_H2,
    pb.HANDLING_CODE_H3,
)
STRICT = pb.Handling(
    codes=[H0, H1, H2, H3],
    restrictions="Not to the press.",
    tlp=pb.TLP_AMBER,
    pap=pb.PAP_AMBER,
    confidentiality=pb.CONFIDENTIALITY_RESTRICTED,
    retain_until=pb.CalendarDate(year=2027, month=3, day=1),
    onward_countries=["FR"],
    onward_agencies=["DE-BKA"],
)


def changed(**fields: object) -> pb.Handling:
    made = pb.Handling()
    made.CopyFrom(STRICT)
    for name in fields:
        made.ClearField(name)  # type: ignore[arg-type]
    made.MergeFrom(pb.Handling(**fields))  # type: ignore[arg-type]
    return made


@pytest.mark.parametrize(
    ("handling", "allowed"),
    [
        (pb.Handling(codes=[H0]), True),
        (pb.Handling(codes=[H0, H1, H3], restrictions="x"), True),
        (pb.Handling(codes=[H2]), False),
        (pb.Handling(codes=[H2], tlp=pb.TLP_CLEAR), False),
        (pb.Handling(codes=[H0], tlp=pb.TLP_RED), False),
        (pb.Handling(codes=[H0], tlp=pb.TLP_AMBER_STRICT), False),
        (pb.Handling(codes=[H0], tlp=pb.TLP_AMBER), False),
        (pb.Handling(codes=[H0], tlp=pb.TLP_GREEN), True),
    ],
    ids=str,
)
def test_the_stricter_scheme_binds_what_is_passed_on(handling: pb.Handling, allowed: bool) -> None:
    assert allowed is may_pass_on_to(handling, "ES-PN") is may_pass_on_to_anybody(handling)


def test_onward_lists_allow_whom_they_name_and_nobody_else() -> None:
    assert may_pass_on_to(STRICT, "FR-NCB")
    assert may_pass_on_to(STRICT, "DE-BKA")
    assert not may_pass_on_to(STRICT, "DE-ZKA")
    assert not may_pass_on_to_anybody(STRICT)


def test_h1_alone_bars_judicial_use() -> None:
    assert not may_use_in_court(pb.Handling(codes=[H0, H1]))
    assert may_use_in_court(pb.Handling(codes=[H0, H2]))


@pytest.mark.parametrize(
    ("handling", "allowed"),
    [
        (pb.Handling(codes=[H0], tlp=pb.TLP_CLEAR), True),
        (pb.Handling(codes=[H0], tlp=pb.TLP_CLEAR, pap=pb.PAP_CLEAR), True),
        (pb.Handling(codes=[H0]), False),
        (pb.Handling(codes=[H0], tlp=pb.TLP_GREEN), False),
        (pb.Handling(codes=[H2], tlp=pb.TLP_CLEAR), False),
        (pb.Handling(codes=[H0], tlp=pb.TLP_CLEAR, pap=pb.PAP_RED), False),
        (
            pb.Handling(
                codes=[H0], tlp=pb.TLP_CLEAR, confidentiality=pb.CONFIDENTIALITY_RESTRICTED
            ),
            False,
        ),
    ],
    ids=str,
)
def test_only_what_is_clear_in_every_scheme_is_published(
    handling: pb.Handling, allowed: bool
) -> None:
    assert allowed is may_publish(handling)


@pytest.mark.parametrize(
    ("field", "new"),
    [
        ("codes", changed(codes=[H0, H2, H3])),
        ("restrictions", changed(restrictions="Nothing.")),
        ("tlp", changed(tlp=pb.TLP_GREEN)),
        ("tlp", changed(tlp=pb.TLP_UNSPECIFIED)),
        ("tlp", changed(tlp=pb.TLP_CLEAR)),
        ("pap", changed(pap=pb.PAP_GREEN)),
        ("pap", changed(pap=pb.PAP_UNSPECIFIED)),
        ("confidentiality", changed(confidentiality=pb.CONFIDENTIALITY_FOR_OFFICIAL_USE_ONLY)),
        ("retain_until", changed(retain_until=pb.CalendarDate(year=2027, month=3, day=2))),
        ("onward_countries", changed(onward_countries=["FR", "ES"])),
        ("onward_agencies", changed(onward_agencies=["DE-BKA", "ES-PN"])),
    ],
    ids=str,
)
def test_a_condition_that_is_not_carried_is_named(field: str, new: pb.Handling) -> None:
    assert [f"handling.{field}"] == [fault.field for fault in is_as_strict(new, STRICT)]


def test_what_the_source_does_not_let_be_published_stays_unpublished() -> None:
    source, new = pb.Handling(codes=[H0]), pb.Handling(codes=[H0], tlp=pb.TLP_CLEAR)

    assert [fault.field for fault in is_as_strict(new, source)] == ["handling.tlp"]


def test_what_is_stricter_carries_the_conditions() -> None:
    new = changed(
        restrictions="Ours too.  Not to\nthe press.",
        tlp=pb.TLP_RED,
        pap=pb.PAP_RED,
        confidentiality=pb.CONFIDENTIALITY_CONFIDENTIAL,
        retain_until=pb.CalendarDate(year=2026, month=12, day=31),
        onward_countries=[],
        onward_agencies=["FR-NCB"],  # of a country that the source names
    )

    assert is_as_strict(new, STRICT) == []


def test_everything_that_is_not_carried_is_named_at_once() -> None:
    fields = {fault.field for fault in is_as_strict(pb.Handling(), STRICT)}

    names = ("codes", "restrictions", "tlp", "pap", "confidentiality", "retain_until")
    assert {f"handling.{name}" for name in names} == fields


def test_the_words_name_what_binds() -> None:
    onward, court, public = binding_words(STRICT)

    said = "not to be passed on without the originator except to FR, DE-BKA (H2 and TLP:AMBER)"
    assert said == onward
    assert court == "not in judicial proceedings without the originator (H1)"
    assert public == "not to be published (H2, TLP:AMBER, PAP:AMBER, RESTRICTED)"
    assert binding_words(pb.Handling(tlp=pb.TLP_CLEAR))[2] == "may be published (TLP:CLEAR)"


handlings = st.builds(
    pb.Handling,
    codes=st.lists(st.sampled_from([H0, H1, H2]), unique=True),
    tlp=st.integers(0, 5),
    pap=st.integers(0, 4),
    confidentiality=st.integers(0, 3),
    onward_countries=st.lists(st.sampled_from(["FR", "DE", "ES"]), unique=True),
    onward_agencies=st.lists(st.sampled_from(["FR-NCB", "DE-BKA", "IT-PS"]), unique=True),
)


@given(handlings, handlings)
@pytest.mark.threat("T154")
def test_what_is_as_strict_allows_nothing_that_its_source_does_not(
    new: pb.Handling, source: pb.Handling
) -> None:
    if is_as_strict(new, source):
        return
    for agency in ("FR-NCB", "DE-BKA", "IT-PS", "ES-PN", "ZZ-LATER"):
        assert may_pass_on_to(source, agency) or not may_pass_on_to(new, agency)
    assert may_use_in_court(source) or not may_use_in_court(new)
    assert may_publish(source) or not may_publish(new)


@given(handlings)
def test_a_handling_is_as_strict_as_itself(handling: pb.Handling) -> None:
    assert is_as_strict(handling, handling) == []
