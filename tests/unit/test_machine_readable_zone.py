"""Machine-readable zones against the specimens of ICAO Doc 9303: read, spoilt, misread."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.machine_readable_zone.check_digits import check_digit, misreadings
from comity.machine_readable_zone.dates import (
    ZoneDate,
    birth_year,
    expiry_year,
    parse_zone_date,
)
from comity.machine_readable_zone.layouts import PLANS, Layout
from comity.machine_readable_zone.states import country_of, is_state
from comity.machine_readable_zone.zones import read_zone

# The specimens of Doc 9303, parts 4 to 7; all of Utopia.
SPECIMENS = {
    Layout.TD1: (
        "I<UTOD231458907<<<<<<<<<<<<<<<",
        "7408122F1204159UTO<<<<<<<<<<<6",
        "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
    ),
    Layout.TD2: (
        "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<",
        "D231458907UTO7408122F1204159<<<<<<<6",
    ),
    Layout.TD3: (
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
        "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
    ),
    Layout.MRV_A: (
        "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
        "L8988901C4XXX4009078F96121096ZE184226B<<<<<<",
    ),
    Layout.MRV_B: (
        "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<",
        "L8988901C4XXX4009078F9612109<<<<<<<<",
    ),
}
LONG_NUMBER = (
    "I<UTOD23145890<7349<<<<<<<<<<<",
    "3407127M9507122UTO<<<<<<<<<<<2",
    "STEVENSON<<PETER<JOHN<<<<<<<<<",
)
PASSPORT = SPECIMENS[Layout.TD3]


def spoilt(place: int, letter: str, *, line: int = 1) -> list[str]:
    """The specimen passport with one character exchanged; places count from 1."""
    lines = list(PASSPORT)
    lines[line] = lines[line][: place - 1] + letter + lines[line][place:]
    return lines


def faults(lines: list[str]) -> list[tuple[str, str]]:
    return [(fault.field, fault.description) for fault in read_zone(lines).faults]


@pytest.mark.parametrize("layout", SPECIMENS, ids=str)
def test_a_specimen_is_read(layout: Layout) -> None:
    zone = read_zone(SPECIMENS[layout]).zone

    assert zone is not None
    assert zone.layout == layout
    assert (zone.family, zone.given, zone.sex) == ("ERIKSSON", "ANNA<MARIA", "F")
    assert zone.state == "UTO"
    assert not zone.may_be_truncated


def test_the_fields_of_a_passport_are_read() -> None:
    zone = read_zone(PASSPORT).zone

    assert zone is not None
    assert (zone.number, zone.nationality) == ("L898902C3", "UTO")
    assert (zone.birth, zone.expiry) == (ZoneDate(74, 8, 12), ZoneDate(12, 4, 15))
    assert (zone.document_code, zone.optional) == ("P", "ZE184226B")


def test_a_number_of_more_than_nine_characters_goes_on_in_the_optional_data() -> None:
    zone = read_zone(LONG_NUMBER).zone

    assert zone is not None
    assert (zone.number, zone.optional) == ("D23145890734", "")


@pytest.mark.parametrize("layout", SPECIMENS, ids=str)
def test_every_wrong_check_digit_is_named_whichever_it_is(layout: Layout) -> None:
    plan = PLANS[layout]
    proven = [plan.number, plan.birth, plan.expiry]
    lines = [list(line) for line in SPECIMENS[layout]]
    for span in proven:
        lines[span.line][span.end] = str((int(lines[span.line][span.end]) + 1) % 10)
    if plan.composite:
        lines[plan.composite.line][plan.composite.start] = "5"

    found = [fault.description for fault in read_zone(["".join(line) for line in lines]).faults]

    names = ["document number", "date of birth", "date of expiry"]
    names += ["whole zone"] if plan.composite else []
    assert [said.split(" of the ", 1)[1].split(" is wrong")[0] for said in found] == names


@pytest.mark.parametrize(
    ("lines", "line", "said"),
    [
        (spoilt(2, "B"), "[1]", "character 2 read for 8"),
        (spoilt(3, "g"), "[1]", "check digit 6 of the document number is wrong"),
        (spoilt(14, "T"), "[1]", "letters where digits belong: T"),
        (spoilt(19, "I"), "[1]", "letters where digits belong: I (1?)"),
        (spoilt(20, "Z"), "[1]", "misread? character 20 read for 2"),
        (spoilt(11, "0"), "[1]", "nationality 0TO is no code of a State"),
        (spoilt(13, "0"), "[1]", "nationality UT0 is no code of a State (UTO?)"),
        (spoilt(21, "H"), "[1]", "sex H"),
        (spoilt(16, "9"), "[1]", "no day of the calendar"),
        (spoilt(18, "<"), "[1]", "half unknown"),
        (spoilt(43, "2"), "[1]", "check digit 2 of the optional data is wrong"),
        (spoilt(44, "1"), "[1]", "check digit 1 of the whole zone is wrong, 0 would be right"),
        (spoilt(1, "A", line=0), "[0]", "document code A< does not begin with P"),
        (spoilt(6, "5", line=0), "[0]", "character 6 of the name is a digit, 5 (S?)"),
        (spoilt(6, "<", line=0), "[0]", "name is missing, or begins with a filler"),
        (spoilt(6, "É", line=0), "[0]", "character 6 is U+00C9, which no zone has"),
        (spoilt(6, "", line=0), "[0]", "has 43 characters, where TD3 has 44"),
        ([], "", "has neither 3 lines"),
        (["X" * 44], "", "has neither 3 lines"),
        (["X" * 101, "X"], "", "too long"),
    ],
    ids=[str(number) for number in range(20)],
)
def test_a_fault_is_named_with_its_line(lines: list[str], line: str, said: str) -> None:
    assert [field for field, found in faults(lines) if said in found] == [line]
    assert read_zone(lines).zone is None


def test_lower_case_and_spaces_are_read_and_noted() -> None:
    reading = read_zone([line.lower().replace("<<a", "<< a") for line in PASSPORT])

    assert reading.zone == read_zone(PASSPORT).zone
    assert reading.notes == ["spaces were left out", "lower case was read as capitals"]


def test_a_misread_character_is_proposed_and_never_put_right() -> None:
    reading = read_zone(spoilt(6, "O"))  # of L89890..., the letter for the figure

    assert reading.zone is None
    assert "character 6 read for 0" in reading.faults[0].description


def test_a_name_that_fills_its_field_may_be_cut() -> None:
    card = list(SPECIMENS[Layout.TD1])
    card[2] = "NILAVADHANANANDA<<CHAYAPA<DEJT"

    zone = read_zone(card).zone

    assert zone is not None
    assert zone.may_be_truncated


def test_one_name_alone_is_the_family_name() -> None:
    card = list(SPECIMENS[Layout.TD1])
    card[2] = "ARKFREITH".ljust(30, "<")

    zone = read_zone(card).zone

    assert zone is not None
    assert (zone.family, zone.given) == ("ARKFREITH", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("740812", ZoneDate(74, 8, 12)),
        ("7408<<", ZoneDate(74, 8, 0)),
        ("74<<<<", ZoneDate(74, 0, 0)),
        ("<<<<<<", ZoneDate(None, 0, 0)),
        ("000229", ZoneDate(0, 2, 29)),
    ],
)
def test_parts_of_a_date_may_be_unknown(text: str, expected: ZoneDate) -> None:
    assert parse_zone_date(text) == expected


@pytest.mark.parametrize("text", ["741312", "740231", "7400<<", "74<<12", "<<0812", "7<0812"])
def test_a_date_that_cannot_be_is_refused(text: str) -> None:
    assert isinstance(parse_zone_date(text), str)


def test_a_birth_is_the_last_one_not_after_the_reference() -> None:
    reference = date(2026, 11, 24)

    assert birth_year(ZoneDate(26, 11, 24), reference=reference) == 2026
    assert birth_year(ZoneDate(26, 11, 25), reference=reference) == 1926
    assert birth_year(ZoneDate(74, 8, 12), reference=reference) == 1974
    assert birth_year(ZoneDate(None, 0, 0), reference=reference) is None


def test_an_expiry_is_at_most_fifty_years_after_the_reference() -> None:
    reference = date(2026, 11, 24)

    assert expiry_year(ZoneDate(12, 4, 15), reference=reference) == 2012
    assert expiry_year(ZoneDate(76, 1, 1), reference=reference) == 2076
    assert expiry_year(ZoneDate(77, 1, 1), reference=reference) == 1977


def test_states_are_named_by_three_letters_or_the_additions_of_icao() -> None:
    assert (country_of("FRA"), country_of("D"), country_of("GBO")) == ("FR", "DE", "GB")
    assert country_of("RKS") == "XK"
    assert is_state("UTO") and country_of("UTO") == ""
    assert not is_state("FR")


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<", min_size=1, max_size=39))
def test_any_one_other_digit_spoils_the_check_digit(text: str) -> None:
    right = check_digit(text)

    assert [digit for digit in "0123456789" if check_digit(text) == digit] == [right]
    for place, letter in misreadings(text, right):
        changed = (text + right)[:place] + letter + (text + right)[place + 1 :]
        assert check_digit(changed[:-1]) == changed[-1]


@given(st.sampled_from(sorted(SPECIMENS)), st.data())
def test_one_other_digit_in_what_is_proven_never_passes(
    layout: Layout, data: st.DataObject
) -> None:
    """The weights 7, 3 and 1 have no factor in common with 10."""
    plan = PLANS[layout]
    span = data.draw(st.sampled_from([plan.number, plan.birth, plan.expiry]))
    place = data.draw(st.integers(span.start, span.end))
    lines = list(SPECIMENS[layout])
    before = lines[span.line][place]
    if not before.isdigit():
        return
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != before]))
    lines[span.line] = lines[span.line][:place] + other + lines[span.line][place + 1 :]

    assert read_zone(lines).zone is None


@given(st.lists(st.text(max_size=50), max_size=6))
def test_whatever_is_read_comes_out_as_a_zone_or_as_faults(lines: list[str]) -> None:
    reading = read_zone(lines)

    assert (reading.zone is None) is bool(reading.faults)


@given(st.lists(st.text("0129AFMPUTOV<", min_size=44, max_size=44), min_size=2, max_size=2))
def test_whatever_looks_like_a_zone_comes_out_as_a_zone_or_as_faults(lines: list[str]) -> None:
    reading = read_zone(lines)

    assert (reading.zone is None) is bool(reading.faults)
