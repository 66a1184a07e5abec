"""A day of made-up history, so that the console has something to show: of people and numbers that there are not.

Ofcom keeps these numbers for films and books, so that they are nobody's. It all goes the way of real requests, on
a clock of its own.
"""

import random
from datetime import datetime, timedelta

from ringback.config.settings import Settings
from ringback.outbox import transitions
from ringback.outbox.calls import call_store
from ringback.outbox.calls.call_matching import CallRecord
from ringback.outbox.calls.called import mark_called
from ringback.outbox.claims import Settlement
from ringback.outbox.figures.figure_counter import FigureCounter
from ringback.outbox.outbox import Outbox
from ringback.outbox.pacing.breaker import UpstreamSignal
from ringback.outbox.request import Answers
from ringback.store.database import Database

HOURS = 24
# How many ask in each hour of the day.
_ASK = (0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 4, 3, 2, 3, 4, 3, 3, 2, 1, 1, 1, 0, 0, 0)
_NAMES = (
    "Asha Rao",
    "Ben Carter",
    "Chloé Martin",
    "Dov Levi",
    "Elif Kaya",
    "Femi Ade",
    "Greta Lang",
    "Hugo Silva",
)
_MESSAGES = (
    "",
    "",
    "About my last bill",
    "Please ask for Sam",
    "Can you move us in March?",
    "It is about the Pro plan",
)
_LANGUAGES = ("en", "en", "en", "de", "fr", "ja")
_LOST_BUT_SEEN = 11  # of the two whose answer was lost, the one that a record may be of
_PLANS = ("starter", "pro", "pro", "team")

_TAKEN = Settlement(transitions.TAKEN, sign=UpstreamSignal.SOUND)
_LOST = Settlement(transitions.LOSE, "no answer within 5 s")
_FAILED = Settlement(transitions.FAIL, "400: number is not valid", UpstreamSignal.REFUSED)


class _Then:
    """The time in the history."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def make_up(database: Database, settings: Settings, now: datetime) -> int:
    """Write the day before `now` into an empty store. How many requests it has; 0 where some were there."""
    clock = _Then(now)
    outbox, counter = Outbox(database, settings, clock), FigureCounter(database, settings, clock)
    if outbox.has_any:
        return 0
    chance, count = random.Random(7), 0  # noqa: S311 (the same day each time)
    for at in _times(now, chance):
        clock.now, count = at, count + 1
        _visit(counter, chance)
        _live(database, outbox, _answers(settings, count, chance), count, clock, chance)
        if count == _LOST_BUT_SEEN:
            _leave_a_record(database, settings, count, clock.now)
    clock.now = now
    while counter.count():
        pass
    return count


def _times(now: datetime, chance: random.Random) -> list[datetime]:
    """When they ask: none within the last quarter of an hour, which is for who tries it."""
    begin = now - timedelta(hours=HOURS)
    hours = (begin + timedelta(hours=hour) for hour in range(HOURS))
    times = (hour + timedelta(seconds=chance.randrange(2700)) for hour in hours for _ in range(_ASK[hour.hour]))
    return sorted(times)


def _visit(counter: FigureCounter, chance: random.Random) -> None:
    for step, often in (("shown", chance.randrange(3, 9)), ("begun", chance.randrange(1, 3)), ("sent", 1)):
        for _ in range(often):
            counter.note("demo", step)
    if chance.random() < 0.3:
        counter.note("demo", "refused")


def _answers(settings: Settings, number: int, chance: random.Random) -> Answers:
    return Answers(
        widget="demo",
        phone=_phone(number),
        region="GB",
        name=chance.choice(_NAMES),
        company="Made Up Ltd" if number % 4 == 0 else "",
        message=chance.choice(_MESSAGES),
        attributes={"plan": chance.choice(_PLANS)},
        page=f"{settings.widgets['demo'].origins[0]}/sandbox/site",
        language=chance.choice(_LANGUAGES),
    )


def _phone(number: int) -> str:
    return f"4420794609{number:02d}"


def _live(
    database: Database, outbox: Outbox, answers: Answers, number: int, clock: _Then, chance: random.Random
) -> None:
    """What becomes of one: most are handed over at once, and a few are what operators look after."""
    if number % 17 == 5:
        outbox.stop(answers.phone)  # by the person it belongs to: held from now on
    receipt = outbox.accept(answers)
    clock.now += timedelta(seconds=chance.choice((1, 1, 2, 3, 8, 40, 200)))
    if number % 17 == 7:
        outbox.cancel(receipt.id)
    elif claim := outbox.claim("made up"):
        clock.now += timedelta(seconds=1)
        end = _LOST if number % 17 == 11 else _FAILED if number % 23 == 13 else _TAKEN
        outbox.settle(claim, end)
        if end is _TAKEN and number % 13:
            minutes = chance.randrange(1, 14)  # the longer they wait, the fewer answer
            is_answered = chance.random() < 1 - minutes * 0.04
            _call(database, receipt.id, clock.now + timedelta(minutes=minutes), is_answered)


def _call(database: Database, id: str, at: datetime, is_answered: bool) -> None:
    """The team calls whoever it was given."""
    with database.write() as connection:
        mark_called(connection, [id], at, at, f"{'answered' if is_answered else 'no_answer'}: by a call report")


def _leave_a_record(database: Database, settings: Settings, number: int, at: datetime) -> None:
    """Samespace has a call that may be this request's, and does not name it."""
    team, began = settings.widgets["demo"].team_name, at + timedelta(minutes=2)
    record = CallRecord("made-up", _phone(number), team, began, is_outgoing=True, answered=True)
    with database.write() as connection:
        call_store.keep(connection, settings, [record], began)
