"""Office hours against zoneinfo itself: every IANA zone, a year, every change of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comity.v1 import authorities_pb2 as pb
from comity.v1.notices_pb2 import CalendarDate
from directory.hours import Hours, clock_changes, hours_from, minute_of_day
from directory.timetable import known_zones
from tests.unit.authorities import sample_authority

ZONES = sorted(available_timezones() - {"localtime", "Factory"})
YEAR = 2026
START = datetime(YEAR, 1, 1, tzinfo=UTC)
QUARTERS = 366 * 96
QUARTER = timedelta(minutes=15)


def text(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def message_for(zone: str, week: dict[int, list[tuple[int, int]]]) -> pb.OfficeHours:
    hours = pb.OfficeHours(time_zone=zone)
    for weekday, intervals in week.items():
        day = hours.week.add(day=weekday + 1)
        for opens, closes in intervals:
            day.intervals.add(opens=text(opens), closes=text(closes))
    hours.holidays.add(month=12, day=25)
    hours.holidays.add(year=YEAR, month=4, day=3)
    special = hours.special_days.add(date=CalendarDate(year=YEAR, month=4, day=4))
    special.intervals.add(opens="10:00", closes="12:00")
    return hours


def is_open_by_the_wall_clock(message: pb.OfficeHours, instant: datetime) -> bool:
    """The specification, said over again from the message and zoneinfo alone."""
    local = instant.astimezone(ZoneInfo(message.time_zone))
    reading = f"{local:%H:%M}"
    for special in message.special_days:
        if local.date() == date(special.date.year, special.date.month, special.date.day):
            return any(each.opens <= reading < each.closes for each in special.intervals)
    for holiday in message.holidays:
        if holiday.year in (0, local.year) and (holiday.month, holiday.day) == (
            local.month,
            local.day,
        ):
            return False
    days = [day for day in message.week if day.day == local.isoweekday()]
    return any(each.opens <= reading < each.closes for day in days for each in day.intervals)


def first_open_by_stepping(message: pb.OfficeHours, instant: datetime) -> datetime | None:
    minute = instant
    for _ in range(8 * 24 * 60):
        if is_open_by_the_wall_clock(message, minute):
            return minute
        minute += timedelta(minutes=1)
    return None


edges = st.integers(0, 96).map(lambda quarter: quarter * 15)


@st.composite
def weeks(draw: st.DrawFn) -> dict[int, list[tuple[int, int]]]:
    days = draw(st.lists(st.integers(0, 6), unique=True, min_size=1, max_size=7))
    week = {}
    for day in days:
        a, b, c, d = sorted(draw(st.lists(edges, unique=True, min_size=4, max_size=4)))
        week[day] = [(a, b), (c, d)] if draw(st.booleans()) else [(a, d)]
    return week


OFFICE = {day: [(0, 150), (9 * 60, 750), (810, 17 * 60), (23 * 60, 1440)] for day in range(7)}


@pytest.mark.parametrize("zone", ZONES)
def test_open_is_right_around_every_change_of_the_clock_of_a_year(zone: str) -> None:
    message = message_for(zone, OFFICE)
    hours = hours_from(message)
    days = [date(YEAR, 1, 1) + timedelta(days=number) for number in range(0, 366, 2)]
    changes = {change for day in days for change in clock_changes(ZoneInfo(zone), day)}
    moments = [START + timedelta(hours=5 * number) for number in range(366 * 24 // 5)]
    for change in changes:
        moments += [change + timedelta(minutes=minute) for minute in range(-180, 181, 5)]
        moments += [change - timedelta(seconds=1), change]

    wrong = [m for m in moments if hours.is_open(m) != is_open_by_the_wall_clock(message, m)]

    assert wrong == []
    offsets = {m.astimezone(ZoneInfo(zone)).utcoffset() for m in moments}
    assert len(offsets) == 1 or changes


@given(st.sampled_from(ZONES), weeks(), st.integers(0, QUARTERS), st.integers(0, 899))
@settings(max_examples=300, deadline=None)
def test_open_is_what_the_wall_clock_says_at_any_instant(
    zone: str, week: dict[int, list[tuple[int, int]]], quarter: int, second: int
) -> None:
    message = message_for(zone, week)
    instant = START + quarter * QUARTER + timedelta(seconds=second)

    assert is_open_by_the_wall_clock(message, instant) is hours_from(message).is_open(instant)


@given(st.sampled_from(ZONES), weeks(), st.data())
@settings(max_examples=150, deadline=None)
def test_the_next_opening_is_the_first_minute_at_which_it_is_open(
    zone: str, week: dict[int, list[tuple[int, int]]], data: st.DataObject
) -> None:
    message = message_for(zone, week)
    changes = [
        change
        for month in range(1, 13)
        for day in (1, 15, 28)
        for change in clock_changes(ZoneInfo(zone), date(YEAR, month, day))
    ]
    around = data.draw(st.sampled_from([*changes, START, START + 90 * timedelta(days=1)]))
    instant = around + timedelta(minutes=data.draw(st.integers(-1500, 1500)))
    expected = first_open_by_stepping(message, instant)

    found = hours_from(message).opens_at(instant)

    # Clocks are set by whole minutes in our time, so that stepping by minutes misses nothing.
    if expected is not None:
        assert expected == found
    else:
        assert found is None or found - instant >= timedelta(days=8)


@given(st.sampled_from(ZONES), weeks(), st.integers(0, QUARTERS))
@settings(max_examples=150, deadline=None)
def test_it_is_open_until_it_closes(
    zone: str, week: dict[int, list[tuple[int, int]]], quarter: int
) -> None:
    hours = hours_from(message_for(zone, week))
    instant = hours.opens_at(START + quarter * QUARTER)
    assert instant is not None
    closes = hours.closes_at(instant)

    assert closes is None or not hours.is_open(closes)
    minute = instant
    while minute < (closes or instant + timedelta(days=9)):
        assert hours.is_open(minute)
        minute += QUARTER


def sample_hours() -> Hours:
    return hours_from(sample_authority().office_hours)


@pytest.mark.parametrize(
    ("instant", "opens"),
    [
        ("2026-11-24T12:29:59+00:00", "2026-11-24T12:29:59+00:00"),
        ("2026-11-24T12:30:00+00:00", "2026-11-24T13:30:00+00:00"),
        ("2026-11-27T17:00:00+00:00", "2026-11-30T09:00:00+00:00"),
        ("2026-12-24T12:00:00+00:00", "2026-12-28T09:00:00+00:00"),
        ("2026-04-02T18:00:00+01:00", "2026-04-06T09:00:00+01:00"),
        ("2026-03-27T17:00:00+00:00", "2026-03-30T08:00:00+00:00"),
    ],
)
def test_lunch_breaks_holidays_and_weekends_are_closed(instant: str, opens: str) -> None:
    found = sample_hours().opens_at(datetime.fromisoformat(instant))

    assert datetime.fromisoformat(opens) == found


def test_an_office_that_never_opens_has_no_next_opening() -> None:
    message = pb.OfficeHours(time_zone="Europe/Paris")

    assert hours_from(message).opens_at(START) is None


@pytest.mark.parametrize(
    ("text", "minute"),
    [
        ("00:00", 0),
        ("24:00", 1440),
        ("08:30", 510),
        ("24:01", None),
        ("8:30", None),
        ("²3:00", None),
    ],
)
def test_a_time_of_day_is_read_strictly(text: str, minute: int | None) -> None:
    assert minute == minute_of_day(text)


def test_zones_that_are_offsets_in_disguise_are_not_offered() -> None:
    assert {"America/Sao_Paulo", "Africa/Nairobi", "UTC"} <= known_zones()
    assert not {"Etc/GMT+3", "EST", "posixrules", "Factory"} & known_zones()


def test_an_opening_before_the_clock_is_set_back_is_not_passed_over() -> None:
    """That night the clock of Boise goes back at two; it opens at midnight all the same."""
    message = message_for("America/Boise", {6: [(0, 75)]})
    instant = datetime(2026, 11, 1, 5, 59, tzinfo=UTC)

    assert datetime(2026, 11, 1, 6, 0, tzinfo=UTC) == hours_from(message).opens_at(instant)
