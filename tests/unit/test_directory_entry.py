"""An entry: what is well-formed passes, and everything at fault is named at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.errors import AuthorityInvalid, ComityError, TooLarge
from comity.v1 import authorities_pb2 as pb
from comity.v1.notices_pb2 import CalendarDate, LocalizedText
from directory.contacts import contact_fault, formatted_number
from directory.entry import authority_violations, verify_authority
from directory.web_addresses import web_address_fault
from tests.unit.authorities import sample_authority

TELEPHONE, EMAIL = pb.CONTACT_MEANS_TELEPHONE, pb.CONTACT_MEANS_EMAIL


def faults(authority: pb.Authority) -> dict[str, str]:
    with pytest.raises(AuthorityInvalid) as refusal:
        verify_authority(authority)
    return {each.field: each.description for each in refusal.value.violations}


def test_an_entry_is_accepted_when_every_field_is_good() -> None:
    authority = sample_authority()
    unset = {field.name for field in authority.DESCRIPTOR.fields} - {
        field.name for field, _ in authority.ListFields()
    }

    verify_authority(authority)

    assert unset == set()


def test_everything_at_fault_is_named_at_once_when_an_entry_is_empty() -> None:
    assert {
        "authority_id",
        "country",
        "names",
        "contacts",
        "postal_address",
        "office_hours",
        "accepted_languages",
        "spoken_languages",
        "competences",
        "channels",
        "means",
    } == set(faults(pb.Authority()))


Spoil = Callable[[Any], object]


def _set(path: str, value: object) -> Spoil:
    def spoil(authority: object) -> None:
        *parents, last = path.split(".")
        target = authority
        for name in parents:
            target = getattr(target, name)
        setattr(target, last, value)

    return spoil


SPOILT: list[tuple[str, Spoil]] = [
    ("authority_id", _set("authority_id", "1")),
    ("country", _set("country", "UK")),
    ("postal_address.country", _set("postal_address.country", "ZZ")),
    ("postal_address.city", _set("postal_address.city", " ")),
    ("office_hours.time_zone", _set("office_hours.time_zone", "Europe/Atlantis")),
    ("office_hours.time_zone", _set("office_hours.time_zone", "../../etc/passwd")),
    ("confirm_every_days", _set("confirm_every_days", 1)),
    ("accepts_interpol", _set("accepts_interpol", pb.LEGAL_ANSWER_NO)),
    ("double_criminality", _set("double_criminality", 77)),
    ("names", lambda a: a.names.append(LocalizedText(language="de", text="x", original=True))),
    ("names[2].language", lambda a: a.names.append(LocalizedText(language="fr", text="x"))),
    ("abbreviations[1]", lambda a: a.abbreviations.append("A" * 25)),
    ("spoken_languages[1]", lambda a: a.spoken_languages.append("klingon")),
    ("spoken_languages[1]", lambda a: a.spoken_languages.append("en")),
    ("channels[2]", lambda a: a.channels.append(pb.CHANNEL_DIRECT)),
    ("formats[1]", lambda a: a.formats.append(".PDF")),
    ("competences[2].competence", lambda a: a.competences.append(a.competences[0])),
    (
        "competences[0].instruments[0].articles[1]",
        lambda a: a.competences[0].instruments[0].articles.append("99"),
    ),
    (
        "competences[0].instruments[1].partner_country",
        lambda a: _set("partner_country", "GB")(a.competences[0].instruments[1]),
    ),
    (
        "competences[0].instruments[2].instrument",
        lambda a: a.competences[0].instruments.add(instrument="NATO"),
    ),
    ("documents[2].document", lambda a: a.documents.add(document="PASSPORT")),
    ("documents[2].details", lambda a: a.documents.add(document="OTHER")),
    (
        "documents[0].competences[1]",
        lambda a: a.documents[0].competences.append(pb.COMPETENCE_FIREARMS),
    ),
    ("contacts[0].value", lambda a: _set("value", "020 7946 0000")(a.contacts[0])),
    ("contacts[2].value", lambda a: _set("value", "office@localhost")(a.contacts[2])),
    ("contacts[0].use", lambda a: _set("use", 0)(a.contacts[0])),
    ("persons[0].name", lambda a: _set("name", "")(a.persons[0])),
    ("links[0].url", lambda a: _set("url", "javascript:alert(1)")(a.links[0])),
    ("remarks[0].text", lambda a: _set("text", "<b>bold</b>")(a.remarks[0])),
    ("names[0].text", lambda a: _set("text", '=HYPERLINK("https://x.example")')(a.names[0])),
    ("names[0].text", lambda a: _set("text", "  @SUM(A1)")(a.names[0])),
    ("names[0].text", lambda a: _set("text", "Office\x00")(a.names[0])),
]


@pytest.mark.parametrize(
    ("field", "spoil"),
    SPOILT,
    ids=[f"{number} {field}" for number, (field, _) in enumerate(SPOILT)],
)
def test_a_fault_is_named_by_its_field(field: str, spoil: Spoil) -> None:
    authority = sample_authority()

    spoil(authority)

    assert [field] == list(faults(authority))


@pytest.mark.parametrize(
    ("field", "intervals"),
    [
        ("closes", [("10:00", "09:00")]),
        ("closes", [("22:00", "06:00")]),
        ("opens", [("09:00", "12:30"), ("12:00", "17:00")]),
        ("opens", [("9:00", "12:00")]),
        ("closes", [("09:00", "24:01")]),
        ("closes", [("09:00", "12:60")]),
    ],
)
def test_contradictory_hours_are_refused(field: str, intervals: list[tuple[str, str]]) -> None:
    authority = sample_authority()
    day = authority.office_hours.week[0]
    del day.intervals[:]
    for opens, closes in intervals:
        day.intervals.add(opens=opens, closes=closes)

    [found] = faults(authority)

    assert f"office_hours.week[0].intervals[{len(intervals) - 1}].{field}" == found


@pytest.mark.parametrize(
    ("day", "opens", "says"),
    [
        ((2027, 3, 28), "01:30", "does not come on 2027-03-28"),
        ((2027, 10, 31), "01:30", "comes twice on 2027-10-31"),
    ],
)
def test_a_special_day_is_refused_when_the_clock_leaves_out_or_repeats_its_time(
    day: tuple[int, int, int], opens: str, says: str
) -> None:
    authority = sample_authority()
    special = authority.office_hours.special_days.add(
        date=CalendarDate(year=day[0], month=day[1], day=day[2])
    )
    special.intervals.add(opens=opens, closes="12:00")

    [(field, description)] = faults(authority).items()

    assert field == "office_hours.special_days[1].intervals[0].opens"
    assert description.startswith(says)


def test_an_entry_that_is_too_large_is_refused_unread() -> None:
    authority = sample_authority()
    authority.remarks[0].text = "x" * 140_000

    with pytest.raises(TooLarge):
        verify_authority(authority)


@pytest.mark.parametrize(
    ("value", "is_good"),
    [
        ("+442079460000", True),
        ("+12025550142", True),
        ("+33199000000", True),
        ("+1 202 555 0142", False),
        ("00442079460000", False),
        ("+999123456789", False),
        ("+4420", False),
        ("+44207946000000000", False),
        ("+٤٤٢٠٧٩٤٦٠٠٠٠", False),
        ("", False),
    ],
)
def test_a_number_is_judged_by_the_plan_of_its_country(value: str, is_good: bool) -> None:
    assert is_good is (contact_fault(TELEPHONE, value) is None)


@pytest.mark.parametrize(
    ("value", "is_good"),
    [
        ("office@sca.example", True),
        ("legal.help+urgent@mail.sca.example", True),
        ("office@sca", False),
        ("office.sca.example", False),
        ("a b@sca.example", False),
        (".office@sca.example", False),
        ("office@-sca.example", False),
        ("office@sca..example", False),
        (f"{'a' * 65}@sca.example", False),
        ("office@sca.example\n", False),
    ],
)
def test_an_address_is_judged_by_its_form(value: str, is_good: bool) -> None:
    assert is_good is (contact_fault(EMAIL, value) is None)


@pytest.mark.parametrize(
    "url",
    [
        "http://sca.example",
        "https://",
        "https://user:word@sca.example",
        "https://localhost/x",
        "https://sca.example/a b",
        "https://[::1]/",
        "https://sca.example/<script>",
    ],
)
def test_a_link_is_refused_when_it_could_mislead(url: str) -> None:
    assert web_address_fault(url) is not None


def test_a_number_is_shown_as_people_read_it() -> None:
    assert formatted_number("+442079460000") == "+44 20 7946 0000"


@given(st.binary(max_size=200))
def test_only_our_errors_come_out_when_an_entry_is_anything(data: bytes) -> None:
    authority = sample_authority()
    try:
        authority.MergeFromString(data)
    except Exception:  # no message at all; the wire has refused it
        return
    try:
        verify_authority(authority)
    except ComityError as error:
        assert error.violations


def test_a_text_of_many_spaces_is_judged_as_fast_as_any_other() -> None:
    authority = sample_authority()
    authority.remarks.add(language="en", text="<" + " " * 60_000 + "1", original=True)

    # Quadratic, this took minutes: the test would be ended.
    assert isinstance(authority_violations(authority), list)


@pytest.mark.threat("T134")
def test_hours_of_endless_intervals_or_days_are_refused() -> None:
    authority = sample_authority()
    [*_, day] = authority.office_hours.week
    for minute in range(7):
        day.intervals.add(opens=f"20:0{minute}", closes=f"20:0{minute + 1}")
    for _ in range(401):
        authority.office_hours.holidays.add(month=12, day=25)
    found = {each.field: each.description for each in authority_violations(authority)}

    assert "more than 400" in found["office_hours.holidays"]
    del authority.office_hours.holidays[:]
    last = f"office_hours.week[{len(authority.office_hours.week) - 1}].intervals"
    found = {each.field: each.description for each in authority_violations(authority)}
    assert "more than 6" in found[last]
    del day.intervals[:]
    day.intervals.add(opens="09:00", closes="12:00")
    day.intervals.add(opens="12:00", closes="17:00")
    found = {each.field: each.description for each in authority_violations(authority)}
    assert "make them one" in found[f"{last}[1].opens"]


@pytest.mark.parametrize("city", ["=1+1", "Sampleville;=1+1;", "Sampleville; @SUM(1)"])
def test_a_text_that_a_spreadsheet_would_run_is_refused(city: str) -> None:
    authority = sample_authority()
    authority.postal_address.city = city
    found = {each.field: each.description for each in authority_violations(authority)}

    assert "formula" in found["postal_address.city"]
