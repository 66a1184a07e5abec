"""Times as the console writes them: on a team's clock, in plain English."""

from datetime import datetime, timedelta, tzinfo


def day_and_time(at: datetime, now: datetime, zone: tzinfo) -> str:
    """`14:30` today, `Tue 24 Nov, 14:30` on another day."""
    there, today = at.astimezone(zone), now.astimezone(zone).date()
    clock = f"{there:%H:%M}"
    if there.date() == today:
        return clock
    year = f" {there.year}" if there.year != today.year else ""
    return f"{there:%a} {there.day} {there:%b}{year}, {clock}"


def length(time: timedelta) -> str:
    """`48 s`, `12 min`, `3 h 05 min`, `2 d 4 h`."""
    seconds = max(int(time.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02d} min"
    return f"{hours // 24} d {hours % 24} h"
