"""Cards, calendars and pages of entries, read back by parsers that are not ours."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import typst
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar
from icalendar.parser import Contentlines
from pypdf import PdfReader

from comity.errors import TooLarge
from comity.v1 import authorities_pb2 as pb
from directory.catalogue.names import catalogue
from directory.files import calendars, typeset
from directory.files.calendars import write_calendar
from directory.files.printing import document_of, no_font_warning, scripts_of
from directory.files.vcards import escaped, folded, write_vcards
from directory.files.watermark import Watermark
from directory.hours import hours_from
from directory.languages import SHOWN_LANGUAGES
from directory.sample.file import load_sample
from directory.services.typesetting import Typesetting
from tests.unit.authorities import sample_authority

AT = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)
MARK = Watermark("FR-NCB", "officer-1", AT, "request-1")
ALL_DAY = [pb.OpenInterval(opens="00:00", closes="24:00")]


def record(authority: pb.Authority) -> pb.AuthorityRecord:
    return pb.AuthorityRecord(authority=authority, version=2)


# --- cards ---------------------------------------------------------------------------------------


def cards_of(content: bytes) -> Iterator[list[tuple[str, Any, str]]]:
    """The properties of each card: name, parameters, value."""
    card: list[tuple[str, Any, str]] = []
    lines: Any = Contentlines
    for line in lines.from_ical(content.decode()):
        if not line:
            continue
        name, parameters, value = line.parts()
        card.append((name, parameters, str(value)))
        if name == "END":
            yield card
            card = []


def test_several_entries_are_several_cards_in_one_file() -> None:
    sample = load_sample()[:5]

    cards = list(cards_of(write_vcards([record(each) for each in sample], MARK, "en")))

    assert len(cards) == 5
    for card, authority in zip(cards, sample, strict=True):
        assert card[:3] == [("BEGIN", {}, "VCARD"), ("VERSION", {}, "4.0"), ("KIND", {}, "org")]
        assert f"urn:uuid:{authority.authority_id}" in [v for n, _, v in card if n == "UID"]
        numbers = [v for n, _, v in card if n.rpartition(".")[2] == "TEL"]
        assert {f"tel:{each.value}" for each in authority.contacts if each.means == 1} <= {*numbers}
        [notes, *_] = [v for n, _, v in card if n == "NOTE"]
        assert MARK.text("en") == notes


def test_a_card_says_numbers_addresses_languages_and_zone() -> None:
    [card] = cards_of(write_vcards([record(sample_authority())], MARK, "fr"))
    said = {name: value for name, _, value in reversed(card)}

    assert said["FN"] == "Autorité centrale d'exemple [traduction] (Sample Central Authority)"
    assert said["EMAIL"] == "office@sca.example"
    assert (said["LANG"], said["TZ"]) == ("en", "Europe/London")
    assert said["ADR"] == ";;1 Example Street;London;England;XX1 1XX;GB"
    assert said["p1.RELATED"].startswith("Ms Ada")
    ranks = [p["PREF"] for n, p, v in card if n == "TEL" and v.endswith("0001")]
    assert ranks == ["1"]


@pytest.mark.parametrize("language", SHOWN_LANGUAGES)
def test_a_card_says_that_personal_details_were_left_out(language: str) -> None:
    withheld = record(sample_authority())
    withheld.contacts_withheld = True

    first, second = cards_of(write_vcards([withheld, record(sample_authority())], MARK, language))

    said = catalogue(language)["export"]["withheld"]
    assert [said in [v for n, _, v in card if n == "NOTE"] for card in (first, second)] == [
        True,
        False,
    ]


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")), max_size=200))
@settings(max_examples=100)
def test_a_folded_line_is_short_enough_and_unfolds_to_itself(text: str) -> None:
    line = f"NOTE:{escaped(text)}"
    parts = folded(line).encode().split(b"\r\n")

    assert max(map(len, parts)) <= 75
    assert line == re.sub("\r\n ", "", folded(line)).removesuffix("\r\n")
    assert all(part.decode() is not None for part in parts)


def test_a_text_cannot_begin_a_property_of_its_own() -> None:
    authority = sample_authority()
    authority.names[0].text = "Sample\nEND:VCARD\nTEL:1; x, y \\"

    [card] = cards_of(write_vcards([record(authority)], MARK, "en"))

    assert [name for name, _, _ in card].count("END") == 1
    [name] = [value for name, p, value in card if name == "FN" and "PREF" in p]
    assert name == "Sample\nEND:VCARD\nTEL:1; x, y \\"


# --- calendars -----------------------------------------------------------------------------------


def instants_open(calendar: Calendar, day: date, zone: ZoneInfo) -> set[datetime]:
    """The hours and half hours (UTC) of a local day at which some event of the calendar goes on."""
    spans = [span for event in calendar.walk("VEVENT") for span in spans_of(event, day, zone)]
    start = datetime.combine(day, datetime.min.time(), zone).astimezone(UTC)
    times = [start + timedelta(minutes=15 * n) for n in range(23 * 4)]
    return {t for t in times if any(opens <= t < closes for opens, closes in spans)}


def spans_of(event: Any, day: date, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    start, end = event["dtstart"].dt, event["dtend"].dt
    if not isinstance(start, datetime):
        return
    if "rrule" not in event:
        yield start, end
        return
    left_out = event.get("exdate", [])
    dates = left_out if isinstance(left_out, list) else [left_out]
    exceptions = {each.dt for group in dates for each in group.dts}
    length = end.astimezone(UTC) - start.astimezone(UTC)  # the same for each, RFC 5545 3.8.5.3
    for near in (day - timedelta(days=1), day):
        weeks, rest = divmod((near - start.date()).days, 7)
        begins = start + timedelta(weeks=weeks)
        until = event["rrule"]["until"][0]
        if rest == 0 and weeks >= 0 and begins not in exceptions and begins <= until:
            yield begins.astimezone(UTC), begins.astimezone(UTC) + length


def with_all_day(authority: pb.Authority) -> pb.Authority:
    authority.office_hours.week.add(day=7, intervals=ALL_DAY)
    return authority


OFFICES = [sample_authority(), with_all_day(sample_authority()), *load_sample()[::23]]


@pytest.mark.parametrize("authority", OFFICES, ids=range(len(OFFICES)))
def test_a_calendar_is_open_when_the_office_is(authority: pb.Authority) -> None:
    hours = hours_from(authority.office_hours)
    calendar = Calendar.from_ical(write_calendar([record(authority)], MARK, "en"))
    days = [date(2026, 11, 25) + timedelta(days=n) for n in range(0, 400, 9)]
    days += [date(2026, 12, 24), date(2026, 12, 25), date(2027, 3, 28), date(2027, 10, 31)]

    for day in days:
        start = datetime.combine(day, datetime.min.time(), hours.zone).astimezone(UTC)
        times = [start + timedelta(minutes=15 * n) for n in range(23 * 4)]
        expected = {each for each in times if hours.is_open(each)}
        assert expected == instants_open(calendar, day, hours.zone), day


def test_a_calendar_has_zones_holidays_and_unique_ids() -> None:
    calendar = Calendar.from_ical(write_calendar([record(sample_authority())], MARK, "en"))

    assert [str(zone["tzid"]) for zone in calendar.walk("VTIMEZONE")] == ["Europe/London"]
    events: list[Any] = calendar.walk("VEVENT")
    holidays = [e for e in events if not isinstance(e["dtstart"].dt, datetime)]
    assert [(e["dtstart"].dt, str(e["summary"])) for e in holidays] == [
        (date(year, 12, 25), "Sample Central Authority: Christmas Day") for year in (2026, 2027)
    ]
    ids = [str(event["uid"]) for event in calendar.walk("VEVENT")]
    assert len(ids) == len(set(ids))
    assert str(calendar["x-wr-caldesc"]) == MARK.text("en")


# --- pages ---------------------------------------------------------------------------------------


async def printed(*authorities: pb.Authority, language: str = "en") -> list[str]:
    """The texts of the pages."""
    document = document_of([record(each) for each in authorities], MARK, language)
    pages = PdfReader(io.BytesIO((await Typesetting().typeset(document, AT)).content)).pages
    return [page.extract_text() for page in pages]


async def test_every_page_says_its_handling_for_whom_and_when() -> None:
    sample = load_sample()
    countries = {each.country for each in sample[:12]}

    pages = await printed(*sample[:12])

    assert len(pages) >= len(countries)
    for page in pages:
        line = " ".join(page.split())
        for part in ("Official use only", "FR-NCB", "officer-1", "2026-11-24 20:30 UTC"):
            assert part in line
        assert "Comity is not connected with INTERPOL" in line


@pytest.mark.threat("T129")
@pytest.mark.parametrize(
    "text",
    [
        '#read("/etc/passwd")',
        '#import "@preview/cetz:0.1.0": *',
        "$x^2$ \\ *bold* _i_ `raw` [x] @label <l>",
        '"); #panic("x") //',
        "#sys.inputs",
    ],
)
async def test_a_text_is_printed_and_never_evaluated(text: str) -> None:
    authority = sample_authority()
    authority.names[0].text = text
    authority.persons[0].name = text

    pages = " ".join(" ".join(await printed(authority)).split())

    assert pages.replace(" ", "").count(text.replace(" ", "")) >= 2
    assert "root:" not in pages


@pytest.mark.threat("T129")
async def test_a_template_reads_nothing_outside_its_folder() -> None:
    compiler = typst.Compiler(root=str(typeset.FOLDER))
    source = b'#read("/../../../pyproject.toml")'
    with pytest.raises(RuntimeError, match=r"escape|project root|denied|not found"):
        compiler.compile(source)


@pytest.mark.parametrize("language", SHOWN_LANGUAGES)
async def test_pages_are_made_in_every_language(language: str) -> None:
    [page] = await printed(sample_authority(), language=language)

    assert "+44 20 7946 0001" in " ".join(page.replace("\u00a0", " ").split())


def test_arabic_runs_from_the_right_and_keeps_numbers_together() -> None:
    document = document_of([record(sample_authority())], MARK, "ar")
    contacts = next(
        field["lines"]
        for field in document["countries"][0]["authorities"][0]["fields"]
        if any("+44" in line for line in field["lines"])
    )

    assert document["direction"] == "rtl"
    assert "\u2066+44 20 7946 0000\u2069" in contacts[0]
    assert "\u2066office@sca.example\u2069" in contacts[2]


def test_scripts_that_need_a_font_are_noticed_wherever_they_stand() -> None:
    authority = sample_authority()
    of_language = {
        language: scripts_of(document_of([record(authority)], MARK, language))
        for language in ("en", "ru", "ar", "zh")
    }
    authority.names[0].text = "牡丹司法协助中心"

    assert of_language == {"en": set(), "ru": set(), "ar": {"arabic"}, "zh": {"chinese"}}
    assert scripts_of(document_of([record(authority)], MARK, "en")) == {"chinese"}


@pytest.mark.parametrize("script", ["arabic", "chinese"])
def test_what_has_no_font_is_said_in_every_language(script: str) -> None:
    said = {no_font_warning(script, language) for language in SHOWN_LANGUAGES}

    assert len(said) == len(SHOWN_LANGUAGES)
    assert not [each for each in said if "{" in each]
    assert "Chinese" in no_font_warning("chinese", "en")


def test_brackets_and_full_stops_stay_where_they_belong() -> None:
    authority = sample_authority()
    authority.remarks[0].text = "Sample office (North)."
    document = document_of([record(authority)], MARK, "ar")
    entry = document["countries"][0]["authorities"][0]

    assert "\u2066Sample office (North).\u2069 [" in entry["fields"][-1]["lines"][0]
    assert all(
        line.count("\u2066") == line.count("\u2069")
        for field in entry["fields"]
        for line in field["lines"]
    )


@pytest.mark.threat("T134")
async def test_printing_that_takes_too_long_is_ended() -> None:
    document = document_of([record(each) for each in load_sample()], MARK, "en")
    with pytest.raises(TooLarge, match="Export fewer"):
        await Typesetting(seconds=0.01).typeset(document, AT)
    await asyncio.sleep(0)


@pytest.mark.threat("T134")
def test_a_calendar_of_endless_events_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calendars, "MAX_ITEMS", 5)
    record = pb.AuthorityRecord(authority=sample_authority())

    with pytest.raises(TooLarge, match="Export fewer entries"):
        write_calendar([record], MARK, "en")
