"""When a team is there: against an oracle that looks at the wall's clock minute by minute."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ringback import opening_hours as oh
from ringback.config.widget import Hours

# Of 2026, as https://www.gov.uk/bank-holidays lists them; and the day itself where another stands in for it.
ENGLISH_HOLIDAYS = (
    *("2026-01-01", "2026-04-03", "2026-04-06", "2026-05-04", "2026-05-25"),
    *("2026-08-31", "2026-12-25", "2026-12-26", "2026-12-28"),
)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- the oracle ---


def wall_says_open(hours: Hours, at: datetime) -> bool:
    wall = at.astimezone(ZoneInfo(hours.timezone)).replace(tzinfo=None)
    return any(
        start <= wall < end
        for back in (0, 1)
        for start, end in written_spans(hours, (wall - timedelta(days=back)).date())
    )


def written_spans(hours: Hours, day: date) -> list[tuple[datetime, datetime]]:
    text = day.isoformat()
    if text in hours.special:
        written = hours.special[text]
    elif text in hours.closed or (hours.holidays and text in ENGLISH_HOLIDAYS):
        written = ()
    else:
        written = getattr(hours, DAYS[day.weekday()])
    spans = []
    for span in written:
        first, last = span.split("-")
        start = datetime.combine(day, datetime.min.time()) + of_clock(first)
        end = datetime.combine(day, datetime.min.time()) + of_clock(last)
        spans.append((start, end if end > start else end + timedelta(days=1)))
    return spans


def of_clock(text: str) -> timedelta:
    hour, minute = text.split(":")
    return timedelta(hours=int(hour), minutes=int(minute))


def wall_slots(hours: Hours, now: datetime) -> list[datetime]:
    """Every minute of the days ahead at which the wall's clock shows the start of a slot."""
    zone = ZoneInfo(hours.timezone)
    today = now.astimezone(zone).date()
    starts = set()
    for offset in range(-1, hours.days_ahead + 1):
        for start, end in written_spans(hours, today + timedelta(days=offset)):
            while start + timedelta(minutes=hours.slot_minutes) <= end:
                starts.add(start)
                start += timedelta(minutes=hours.slot_minutes)
    minute = now.replace(second=0, microsecond=0) - timedelta(days=1)
    found = []
    while minute < now + timedelta(days=hours.days_ahead + 3):
        if minute > now and minute.astimezone(zone).replace(tzinfo=None) in starts:
            found.append(minute)
        minute += timedelta(minutes=1)
    return found


# --- tables at random ---

ZONES = ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Chatham", "UTC"]
CHANGES = [
    "2026-03-29T01:00",
    "2026-10-25T01:00",
    "2026-03-08T07:00",
    "2026-11-01T06:00",
    "2026-04-04T15:00",
    "2026-10-03T15:30",
    "2026-04-04T14:00",
    "2026-09-26T14:00",
    "2026-06-15T12:00",
    "2026-12-26T12:00",
]


@st.composite
def spans(draw: st.DrawFn) -> tuple[str, ...]:
    marks = sorted(draw(st.sets(st.integers(0, 287), min_size=2, max_size=6)))
    pairs = [(marks[i] * 5, marks[i + 1] * 5) for i in range(0, len(marks) - 1, 2)]
    if draw(st.booleans()) and pairs and pairs[-1][0] > 720:
        pairs[-1] = (pairs[-1][0], draw(st.integers(1, 60)) * 5)  # past midnight
    return tuple(f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in pairs)


@st.composite
def tables(draw: st.DrawFn) -> tuple[Hours, datetime]:
    change = instant(draw(st.sampled_from(CHANGES)))
    now = change + timedelta(minutes=draw(st.integers(-3 * 1440, 2 * 1440)))
    near = [(change + timedelta(days=offset)).date().isoformat() for offset in range(-3, 4)]
    days = {day: draw(st.one_of(st.just(()), spans())) for day in DAYS}
    hours = Hours(
        timezone=draw(st.sampled_from(ZONES)),
        **days,
        holidays=draw(st.sampled_from([None, "GB-ENG"])),
        closed=tuple(draw(st.sets(st.sampled_from(near), max_size=2))),
        special={day: draw(spans()) for day in draw(st.sets(st.sampled_from(near), max_size=2))},
        slot_minutes=draw(st.sampled_from([5, 15, 20, 30, 45, 60, 90])),
        days_ahead=draw(st.integers(0, 4)),
    )
    return hours, now


def agrees_with_the_wall(table: tuple[Hours, datetime]) -> None:
    hours, now = table
    start = now - timedelta(days=1)
    minutes = [start + timedelta(minutes=offset) for offset in range(4 * 1440)]
    says = [wall_says_open(hours, minute) for minute in minutes]
    ours = [
        interval for day in range(-3, 6) for interval in oh.intervals(hours, (now + timedelta(days=day)).date())
    ]
    assert [any(minute in interval for interval in ours) for minute in minutes] == says
    assert oh.is_open(hours, now) == wall_says_open(hours, now)
    opens = next(
        (minute for minute, is_open in zip(minutes, says, strict=True) if minute >= now and is_open), None
    )
    found = oh.next_opening(hours, now)
    assert found == opens if opens else (found is None or found > minutes[-1])
    closes = next((m for m, is_open in zip(minutes, says, strict=True) if m >= now and not is_open), None)
    found = oh.closes_at(hours, now)
    if opens != now:
        assert found is None
    else:
        assert found == closes if closes else (found is None or found > minutes[-1])
    slots = list(oh.slots(hours, now))
    assert [slot.start for slot in slots] == wall_slots(hours, now)
    assert all(oh.is_slot(hours, slot, now) for slot in slots)
    length = timedelta(minutes=hours.slot_minutes)
    for offset in range(-2 * 1440, 7 * 1440, 55):
        other = oh.Interval(now + timedelta(minutes=offset), now + timedelta(minutes=offset) + length)
        assert oh.is_slot(hours, other, now) == (other in slots)


# --- what can be checked by hand ---


@pytest.mark.parametrize(
    ("zone", "first", "count"),
    [
        ("Europe/London", "2026-03-29T00:00", 6),  # 1:00 to 2:00 is skipped
        ("Europe/London", "2026-10-24T23:00", 10),  # and repeated
        ("America/New_York", "2026-03-08T05:00", 6),
        ("America/New_York", "2026-11-01T04:00", 10),
        ("Australia/Lord_Howe", "2026-10-03T13:30", 7),  # 2:00 to 2:30 is skipped
        ("Australia/Lord_Howe", "2026-04-04T13:00", 9),  # 1:30 to 2:00 is repeated
        ("Asia/Kolkata", "2026-03-28T18:30", 8),
    ],
)
def test_where_the_clock_changes_every_slot_is_a_real_instant_none_twice_none_missing(
    zone: str, first: str, count: int
) -> None:
    """On the Sunday of the change, from midnight to four on the wall."""
    start = instant(first)
    hours = Hours(timezone=zone, sun=("00:00-04:00",), days_ahead=0)
    slots = list(oh.slots(hours, start - timedelta(seconds=1)))
    assert slots == [], "it is still Saturday"

    slots = list(oh.slots(hours.model_copy(update={"days_ahead": 1}), start - timedelta(seconds=1)))
    assert [slot.start for slot in slots] == [start + timedelta(minutes=30) * number for number in range(count)]
    assert {slot.end - slot.start for slot in slots} == {timedelta(minutes=30)}
    assert oh.closes_at(hours, start) == slots[-1].end
    assert not oh.is_open(hours, slots[-1].end)


def test_a_slot_whose_beginning_a_clock_change_skips_is_not_moved_elsewhere() -> None:
    hours = Hours(timezone="Europe/London", sun=("01:15-01:45", "04:00-04:30"), slot_minutes=30, days_ahead=0)

    slots = oh.slots(hours, instant("2026-03-29T00:00"))
    assert [slot.start for slot in slots] == [instant("2026-03-29T03:00")]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2026-11-23T10:00Z", "2026-11-23T10:30Z"),
        ("2026-11-23T16:30Z", "2026-11-23T17:00Z"),  # over as they close
        ("2026-11-23T16:45Z", "2026-11-24T09:30Z"),
        ("2026-11-23T17:00Z", "2026-11-24T09:30Z"),
        ("2026-11-27T16:45Z", "2026-11-30T09:30Z"),  # a weekend lies between
    ],
)
def test_half_an_hour_that_does_not_fit_before_closing_counts_from_the_next_opening(
    start: str, expected: str
) -> None:
    hours = Hours(timezone="Europe/London", **dict.fromkeys(["mon", "tue", "wed", "thu", "fri"], ("09:00-17:00",)))

    assert oh.reckoned(hours, instant(start), timedelta(minutes=30)) == instant(expected)


def test_without_times_half_an_hour_is_half_an_hour() -> None:
    start = instant("2026-11-23T23:45Z")

    assert oh.reckoned(None, start, timedelta(minutes=30)) == start + timedelta(minutes=30)


def test_a_slot_that_has_begun_is_not_offered() -> None:
    hours = Hours(timezone="Europe/London", tue=("09:00-10:00",), days_ahead=0)

    assert len(list(oh.slots(hours, instant("2026-11-24T08:59:59")))) == 2
    assert [slot.start for slot in oh.slots(hours, instant("2026-11-24T09:00"))] == [instant("2026-11-24T09:30")]


def test_slots_count_from_each_spans_start_and_none_goes_past_its_end() -> None:
    hours = Hours(timezone="UTC", tue=("09:00-10:10", "13:15-14:00"), days_ahead=0)

    slots = oh.slots(hours, instant("2026-11-24T00:00"))
    assert [f"{slot.start:%H:%M}" for slot in slots] == ["09:00", "09:30", "13:15"]


@pytest.mark.parametrize(
    ("calendar", "day", "is_closed"),
    [
        ("GB-ENG", "2026-12-28", True),  # in place of Boxing Day, which is a Saturday
        ("GB-ENG", "2026-12-29", False),
        ("GB-ENG", "2026-11-30", False),
        ("GB-SCT", "2026-11-30", True),  # St Andrew's Day
        ("DE-BY", "2026-01-06", True),  # Epiphany
        ("DE-BE", "2026-01-06", False),
        ("DE-BY", "2026-08-14", False),
        ("DE-BY:catholic", "2026-08-15", True),  # Assumption, in the Catholic part of Bavaria
        ("DE-BY", "2026-08-15", False),
        ("DE-BY:catholic", "2026-01-06", True),  # the public ones come along
        ("AT:bank", "2026-12-24", True),
        (None, "2026-12-25", False),
    ],
)
def test_a_public_holiday_of_the_country_and_its_part_is_closed(
    calendar: str | None, day: str, is_closed: bool
) -> None:
    hours = Hours(timezone="UTC", **dict.fromkeys(DAYS, ("09:00-17:00",)), holidays=calendar)

    assert oh.is_closed_day(hours, date.fromisoformat(day)) == is_closed
    assert oh.is_open(hours, instant(f"{day}T12:00")) != is_closed


def test_the_closed_days_to_come_are_told_with_why() -> None:
    hours = Hours(
        timezone="UTC",
        **dict.fromkeys(DAYS[:5], ("09:00-17:00",)),
        holidays="GB-ENG",
        closed=("2026-12-24", "2026-12-27"),
        special={"2026-12-28": ("10:00-11:00",), "2026-12-29": ()},
    )

    assert oh.closed_days(hours, date(2026, 12, 20), 14) == [
        (date(2026, 12, 24), "closed"),
        (date(2026, 12, 25), "Christmas Day"),
        (date(2026, 12, 29), "special"),
        (date(2027, 1, 1), "New Year's Day"),
    ]
    assert oh.closed_days(None, date(2026, 12, 20), 14) == []


@pytest.mark.parametrize(
    ("calendar", "told"),
    [
        ("DE-BY:protestant", 'has no holidays called "protestant"; after the colon, there are: catholic, school'),
        ("GB-ENG:bank", 'has no holidays called "bank"; after the colon, this country has none'),
        ("XX:catholic", "should be a country"),
    ],
)
def test_a_kind_of_holidays_that_is_not_there_is_told_with_those_that_are(calendar: str, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Hours(timezone="UTC", holidays=calendar)


def test_special_hours_hold_on_a_holiday_and_on_a_closed_day() -> None:
    hours = Hours(
        timezone="UTC",
        fri=("09:00-17:00",),
        holidays="GB-ENG",
        closed=("2026-12-18",),
        special={"2026-12-18": ("10:00-11:00",), "2026-12-25": ("12:00-13:00",)},
    )

    assert oh.next_opening(hours, instant("2026-12-18T00:00")) == instant("2026-12-18T10:00")
    assert oh.next_opening(hours, instant("2026-12-18T11:00")) == instant("2026-12-25T12:00")
    assert oh.next_opening(hours, instant("2026-12-25T13:00")) == instant("2027-01-08T09:00"), "1 January too"


def test_a_span_past_midnight_goes_on_into_a_closed_day() -> None:
    hours = Hours(timezone="UTC", thu=("22:00-02:00",), closed=("2026-12-25",), fri=("01:00-09:00",))

    assert oh.closes_at(hours, instant("2026-12-24T23:00")) == instant("2026-12-25T02:00")
    assert oh.closes_at(hours, instant("2026-12-17T23:00")) == instant("2026-12-18T09:00"), "two spans are one"


def test_a_table_that_names_no_times_is_always_open_and_one_that_has_run_out_never() -> None:
    now = instant("2026-11-24T10:00")
    only_a_zone = Hours(timezone="Asia/Kolkata")
    assert oh.next_opening(only_a_zone, now) == now
    assert oh.is_open(only_a_zone, now)
    assert (oh.closes_at(only_a_zone, now), list(oh.slots(only_a_zone, now))) == (None, [])

    all_week = Hours(timezone="Asia/Kolkata", **dict.fromkeys(DAYS, ("00:00-24:00",)))
    assert oh.closes_at(all_week, now) is None

    run_out = Hours(timezone="Asia/Kolkata", special={"2026-11-23": ("09:00-17:00",)})
    assert oh.next_opening(run_out, now) is None
    assert not oh.is_open(run_out, now)


# --- and what cannot ---


@given(tables())
@settings(max_examples=30, deadline=None)
def test_a_random_table_agrees_with_the_clock_on_the_wall(table: tuple[Hours, datetime]) -> None:
    agrees_with_the_wall(table)


@pytest.mark.long
@given(tables())
@settings(max_examples=1_000, deadline=None)
def test_a_thousand_random_tables_agree_with_the_clock_on_the_wall(table: tuple[Hours, datetime]) -> None:
    agrees_with_the_wall(table)
