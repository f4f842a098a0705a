"""Victims, witnesses and minors: who is protected, by what, and what lifts it."""

from __future__ import annotations

import pytest
from google.protobuf.json_format import ParseDict

from comity.protection import (
    Ground,
    is_missing_minor_in_danger,
    needs_supervisor,
    protected_persons,
    protection_violations,
)
from comity.v1 import notices_pb2 as pb
from comity.v1.acts_pb2 import AddressingRule
from tests.vectors import load_vectors

TO_BRAZIL = AddressingRule(countries=["BR"])
TO_ALL = AddressingRule(all_members=True, and_later_members=True)


def complete(kind: str, name: str) -> pb.Notice:
    return ParseDict(load_vectors(f"notices/{kind}")["complete"][name], pb.Notice())


@pytest.fixture
def child() -> pb.Notice:
    """A missing child, handled as the defaults demand."""
    notice = complete("yellow", "missing_child")
    notice.handling.codes.append(pb.HANDLING_CODE_H2)
    return notice


def fields(notice: pb.Notice, rule: AddressingRule) -> list[str]:
    return [violation.field for violation in protection_violations(notice, rule)]


def test_a_child_that_is_handled_so_is_protected(child: pb.Notice) -> None:
    [person] = protected_persons(child)

    assert (person.field, person.grounds) == ("subjects[0].person", (Ground.MINOR,))
    assert fields(child, TO_BRAZIL) == []


def test_everything_that_is_too_wide_is_named_at_once(child: pb.Notice) -> None:
    child.handling.tlp = pb.TLP_GREEN
    del child.handling.codes[:]
    child.ClearField("precautions")
    child.expires_at.seconds += 24 * 3600

    assert fields(child, TO_ALL) == [
        "handling.codes",
        "handling.tlp",
        "precautions",
        "expires_at",
        "rule.all_members",
        "rule.and_later_members",
    ]


def test_a_reason_lifts_it_and_an_empty_one_does_not(child: pb.Notice) -> None:
    child.protection_widening.reason.add(language="en", text=" ")
    assert fields(child, TO_ALL) != []

    child.protection_widening.reason[0].text = "Invented: seen at a border an hour ago"
    assert fields(child, TO_ALL) == []


def test_any_officer_widens_for_a_missing_minor_in_danger(child: pb.Notice) -> None:
    child.protection_widening.reason.add(language="en", text="Invented: seen at a border")
    assert is_missing_minor_in_danger(child)
    assert not needs_supervisor(child)

    child.disappearance.in_danger = False
    assert not is_missing_minor_in_danger(child)
    assert needs_supervisor(child)


@pytest.mark.parametrize(
    ("status", "year"),
    [
        (pb.PERSON_STATUS_WITNESS, 1980),
        (pb.PERSON_STATUS_WITNESS, 2015),
        (pb.PERSON_STATUS_VICTIM, 1980),
    ],
)
def test_a_supervisor_widens_where_another_protected_person_stands_beside_the_child(
    child: pb.Notice, status: pb.PersonStatus.ValueType, year: int
) -> None:
    child.protection_widening.reason.add(language="en", text="Invented: seen at a border")
    other = child.subjects.add().person
    other.status = status
    other.dates_of_birth.add(date=pb.CalendarDate(year=year))

    assert not is_missing_minor_in_danger(child)
    assert needs_supervisor(child)


def test_any_officer_widens_for_two_missing_children(child: pb.Notice) -> None:
    child.protection_widening.reason.add(language="en", text="Invented: seen at a border")
    child.subjects.add().CopyFrom(child.subjects[0])

    assert not needs_supervisor(child)


@pytest.mark.parametrize(
    "status",
    [
        pb.PERSON_STATUS_UNIDENTIFIED_BODY,
        pb.PERSON_STATUS_DECEASED,
        pb.PERSON_STATUS_UNSPECIFIED,
    ],
)
def test_the_dead_are_no_protected_minors(status: pb.PersonStatus.ValueType) -> None:
    notice = complete("black", "described")
    person = notice.subjects[0].person
    person.description.apparent_age_min, person.description.apparent_age_max = 8, 11
    person.status = status
    assert protected_persons(notice) == []

    person.status = pb.PERSON_STATUS_MISSING
    assert [one.grounds for one in protected_persons(notice)] == [(Ground.MINOR,)]


@pytest.mark.parametrize(
    ("birth", "is_protected"),
    [((2008, 0, 0), True), ((2008, 11, 23), False), ((2008, 11, 26), True), ((2007, 0, 0), False)],
)
def test_who_may_be_a_minor_is_taken_to_be_one(
    birth: tuple[int, int, int], is_protected: bool
) -> None:
    notice = complete("red", "prosecution")
    year, month, day = birth
    date = notice.subjects[0].person.dates_of_birth[0].date
    date.CopyFrom(pb.CalendarDate(year=year, month=month, day=day))

    assert is_protected == bool(protected_persons(notice))


@pytest.mark.parametrize(("apparent", "is_protected"), [((15, 20), True), ((18, 25), False)])
def test_the_apparent_age_counts_where_no_birth_is_known(
    apparent: tuple[int, int], is_protected: bool
) -> None:
    notice = complete("yellow", "unidentified")
    description = notice.subjects[0].person.description
    description.apparent_age_min, description.apparent_age_max = apparent

    assert is_protected == bool(protected_persons(notice))


@pytest.mark.parametrize(
    ("status", "ground"),
    [(pb.PERSON_STATUS_VICTIM, Ground.VICTIM), (pb.PERSON_STATUS_WITNESS, Ground.WITNESS)],
)
def test_victims_and_witnesses_are_protected_whatever_their_age(
    status: pb.PersonStatus.ValueType, ground: Ground
) -> None:
    notice = complete("diffusion", "location")
    notice.subjects[0].person.status = status

    assert [person.grounds for person in protected_persons(notice)] == [(ground,)]
    assert "rule.all_members" in fields(notice, TO_ALL)


def test_a_public_list_restricts_nothing() -> None:
    notice = complete("un_sanctions", "person")
    notice.subjects[0].person.dates_of_birth[0].date.year = 2015

    assert protected_persons(notice) == []
    assert fields(notice, TO_ALL) == []


def test_nobody_is_protected_in_a_notice_about_a_thing() -> None:
    assert fields(complete("object", "vehicle"), TO_ALL) == []
