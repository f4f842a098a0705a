"""The form of a notice: each fault is named by its field, all of them at once, in bounded time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.protobuf.json_format import Parse
from hypothesis import given
from hypothesis import strategies as st

from comity.errors import NoticeInvalid, TooLarge
from comity.notices import MAX_NOTICE_BYTES, verify_notice
from comity.times import timestamp_from
from comity.v1 import notices_pb2 as pb
from deploy.stage import EXAMPLES

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
Spoil = Callable[[pb.Notice], object]


@pytest.fixture
def notice() -> pb.Notice:
    text = Path(EXAMPLES / "notice-red.json").read_text(encoding="utf-8")
    made = Parse(text, pb.Notice())
    made.notice_id = "01a206f0-0000-7000-8000-000000000001"
    made.version = 1
    made.traffic = pb.TRAFFIC_LIVE
    made.issued_at.CopyFrom(timestamp_from(NOW))
    made.expires_at.CopyFrom(timestamp_from(NOW + timedelta(days=30)))
    made.handling.retain_until.CopyFrom(pb.CalendarDate(year=2027, month=1, day=1))
    return made


def person(notice: pb.Notice) -> pb.Person:
    return notice.subjects[0].person


def expire(notice: pb.Notice, days: int) -> None:
    notice.expires_at.CopyFrom(timestamp_from(NOW + timedelta(days=days)))


def give_birth_date(notice: pb.Notice, **fields: object) -> None:
    del person(notice).dates_of_birth[:]
    person(notice).dates_of_birth.add(**fields)


DAY = pb.CalendarDate(year=1980, month=2, day=30)
YEAR = pb.CalendarDate(year=1980)
EARLIER = pb.CalendarDate(year=1979)
BETWEEN = pb.DATE_QUALIFIER_BETWEEN
OTHER_ACTION, OTHER_PRECAUTION = pb.ACTION_CODE_OTHER, pb.PRECAUTION_CODE_OTHER
BIRTH = "subjects[0].person.dates_of_birth[0]"

SPOILT: list[tuple[str, Spoil]] = [
    ("notice_id", lambda n: setattr(n, "notice_id", "X")),
    ("version", lambda n: setattr(n, "version", 0)),
    ("predecessor_digest", lambda n: setattr(n, "predecessor_digest", bytes(32))),
    ("predecessor_digest", lambda n: setattr(n, "version", 2)),
    ("case_reference", lambda n: setattr(n, "case_reference", "  ")),
    ("case_reference", lambda n: setattr(n, "case_reference", "X" * 201)),
    ("case_reference", lambda n: setattr(n, "case_reference", "A\u202eB")),
    ("kind", lambda n: n.ClearField("kind")),
    ("kind", lambda n: setattr(n, "kind", 977)),
    ("traffic", lambda n: n.ClearField("traffic")),
    ("urgency", lambda n: n.ClearField("urgency")),
    ("requested_actions", lambda n: n.ClearField("requested_actions")),
    ("requested_actions[0].code", lambda n: n.requested_actions[0].ClearField("code")),
    (
        "requested_actions[0].details",
        lambda n: n.requested_actions[0].MergeFrom(pb.RequestedAction(code=OTHER_ACTION)),
    ),
    ("precautions[0].code", lambda n: n.precautions.insert(0, pb.Precaution())),
    (
        "precautions[0].details",
        lambda n: n.precautions.insert(0, pb.Precaution(code=OTHER_PRECAUTION)),
    ),
    (
        "precautions[0].details[0].text",
        lambda n: n.precautions.insert(
            0,
            pb.Precaution(code=OTHER_PRECAUTION, details=[pb.LocalizedText(language="en")]),
        ),
    ),
    ("external_references[0].scheme", lambda n: n.external_references[0].ClearField("scheme")),
    ("external_references[0].value", lambda n: n.external_references[0].ClearField("value")),
    ("issued_at", lambda n: n.ClearField("issued_at")),
    ("expires_at", lambda n: n.ClearField("expires_at")),
    ("expires_at", lambda n: expire(n, 0)),
    ("expires_at", lambda n: expire(n, 5 * 366 + 1)),
    ("subjects", lambda n: n.ClearField("subjects")),
    ("subjects[0]", lambda n: n.subjects[0].Clear()),
    ("subjects[0].person.names", lambda n: person(n).ClearField("names")),
    ("subjects[0].person.names[0].full", lambda n: person(n).names[0].ClearField("full")),
    ("subjects[0].person.names[0].type", lambda n: person(n).names[0].ClearField("type")),
    (
        "subjects[0].person.nationalities[0]",
        lambda n: person(n).nationalities.insert(0, pb.Nationality()),
    ),
    (
        "subjects[0].person.nationalities[0].country",
        lambda n: person(n).nationalities.insert(0, pb.Nationality(country="Q7")),
    ),
    (BIRTH, lambda n: give_birth_date(n)),
    (f"{BIRTH}.date", lambda n: give_birth_date(n, date=DAY)),
    (f"{BIRTH}.date", lambda n: give_birth_date(n, qualifier=BETWEEN, until=YEAR, text="1980")),
    (f"{BIRTH}.until", lambda n: give_birth_date(n, date=YEAR, until=YEAR)),
    (
        f"{BIRTH}.until",
        lambda n: give_birth_date(n, qualifier=BETWEEN, date=YEAR, until=EARLIER),
    ),
    ("narratives[0].language", lambda n: n.narratives[0].ClearField("language")),
    ("narratives[0].language", lambda n: setattr(n.narratives[0], "language", "english")),
    ("narratives[0].text", lambda n: n.narratives[0].ClearField("text")),
    ("handling.codes", lambda n: n.handling.ClearField("codes")),
    ("handling.restrictions", lambda n: n.handling.codes.append(pb.HANDLING_CODE_H3)),
    ("handling.purpose", lambda n: n.handling.ClearField("purpose")),
    ("handling.legal_basis", lambda n: n.handling.ClearField("legal_basis")),
    ("handling.retain_until", lambda n: n.handling.ClearField("retain_until")),
    ("handling.retain_until", lambda n: n.handling.retain_until.CopyFrom(DAY)),
    ("handling.retain_until", lambda n: setattr(n.handling.retain_until, "year", 2025)),
    (
        "sanctions_listing",
        lambda n: setattr(n.sanctions_listing, "reference_number", "SAMPLE"),
    ),
    (
        "sanctions_listing.reference_number",
        lambda n: setattr(n, "kind", pb.NOTICE_KIND_UN_SANCTIONS),
    ),
]


def fields_at_fault(notice: pb.Notice) -> set[str]:
    with pytest.raises(NoticeInvalid) as refused:
        verify_notice(notice)
    return {violation.field for violation in refused.value.violations}


def test_a_complete_notice_is_well_formed(notice: pb.Notice) -> None:
    verify_notice(notice)


@pytest.mark.parametrize(
    ("field", "spoil"),
    SPOILT,
    ids=[f"{number}-{field}" for number, (field, _) in enumerate(SPOILT)],
)
def test_a_fault_is_named_by_its_field(notice: pb.Notice, field: str, spoil: Spoil) -> None:
    if field == "handling.restrictions":
        notice.handling.ClearField("restrictions")

    spoil(notice)

    assert field in fields_at_fault(notice)


def test_all_faults_are_named_at_once(notice: pb.Notice) -> None:
    notice.ClearField("urgency")
    notice.ClearField("case_reference")
    notice.handling.ClearField("purpose")

    assert {"urgency", "case_reference", "handling.purpose"} == fields_at_fault(notice)


def test_two_originals_and_a_language_that_stands_twice_are_refused(notice: pb.Notice) -> None:
    notice.narratives[0].original = True
    notice.narratives.append(notice.narratives[0])

    last = len(notice.narratives) - 1
    assert {"narratives", f"narratives[{last}].language"} <= fields_at_fault(notice)


def test_a_notice_past_the_limit_is_too_large(notice: pb.Notice) -> None:
    notice.case_reference = "X" * MAX_NOTICE_BYTES

    with pytest.raises(TooLarge):
        verify_notice(notice)


@pytest.mark.parametrize("kind", [pb.NOTICE_KIND_YELLOW, pb.NOTICE_KIND_BLACK])
def test_a_person_without_a_name_may_be_looked_for(notice: pb.Notice, kind: int) -> None:
    notice.kind = kind  # type: ignore[assignment]
    person(notice).ClearField("names")

    verify_notice(notice)


@given(st.binary(max_size=400))
def test_only_our_errors_come_out_whatever_a_notice_holds(content: bytes) -> None:
    notice = pb.Notice()
    try:
        notice.ParseFromString(content)
    except Exception:  # what does not parse never comes here
        return
    with pytest.raises(NoticeInvalid):
        verify_notice(notice)
