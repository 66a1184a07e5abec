"""The operators are told in time of what lasts too long, once, and not of what is over."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr

from ringback.alerts.sender import Alerts
from ringback.cli.request_lines import trouble_line
from ringback.handover.outcomes import Accepted, Misconfigured, NotSent, Outcome, Refused
from ringback.outbox import transitions
from ringback.outbox.calls.not_called import NOT_CALLED
from ringback.outbox.calls.outcomes import Outcome as Said
from ringback.outbox.calls.outcomes import Source
from ringback.outbox.claims import Settlement
from ringback.outbox.operators.attention import GONE
from ringback.outbox.outbox import Receipt
from ringback.outbox.request import Answers, Held
from ringback.sandbox.samespace import SandboxSamespace
from ringback.services import Services, services_of
from ringback.store.tables import requests
from tests.alerts.test_alerts import posted, say_nothing, threads_of_ours, until
from tests.conftest import PUBLIC_URL, WIDGET, Clock, make_settings
from tests.faults import FaultServer, answer, response
from tests.visitor import Visitor

YES = Accepted("{}")
DOWN = NotSent("connection refused")
NOBODY = Refused("Cant make call! Not logged In", "")
NO = Misconfigured(404, "no such team")
NO_PROMISE = {name: value for name, value in WIDGET.items() if name != "promise_minutes"}


class Office:
    """A site and what its operators are told."""

    def __init__(self, app: Flask, clock: Clock, receiver: FaultServer) -> None:
        self.app = app
        self.services: Services = services_of(app)
        self.clock = clock
        self.outbox, self.delivery = self.services.outbox, self.services.delivery
        self.alerts = Alerts(self.services.database, self.services.settings, clock)
        self._receiver = receiver

    def asks(self, index: int, widget: str = "sales") -> Receipt:
        return self.outbox.accept(Answers(widget, f"44207946{index:04}", "GB"))

    def every(self, outcome: Outcome) -> list[str]:
        """All that may go now ends so; their references, in order."""
        gone = []
        while claim := self.outbox.claim("test"):
            assert self.outbox.settle(claim, self.delivery.settlement_of(outcome, claim))
            gone.append(claim.requests[0].reference)
        return gone

    def lasts(self, outcome: Outcome, seconds: float, step: float = 15) -> None:
        """Whatever is tried for so long ends so; the operators are told meanwhile."""
        for _ in range(int(seconds / step)):
            self.clock.passes(seconds=step)
            self.outbox.heartbeat.beat()
            self.outbox.take_probe()
            self.outbox.expire()
            self.every(outcome)
            self.alerts.run_once()

    def told(self) -> list[dict[str, int]]:
        """What each message so far counted."""
        return [post.data["counts"] for post in posted(self._receiver)]

    def kinds(self) -> list[str]:
        return [kind for counts in self.told() for kind in counts]

    def links(self) -> list[str]:
        return [post.data["url"] for post in posted(self._receiver)]


Open = Callable[..., Office]


@pytest.fixture
def opened(make_app: Callable[..., Flask], clock: Clock, receiver: FaultServer) -> Open:
    """An office with settings of its own; `minutes` is `unreachable_minutes`."""

    def make(database_url: str = "", minutes: float = 5, **tables: Any) -> Office:
        told = {"webhook": receiver.base_url, "unreachable_minutes": minutes}
        given = {"delivery": {"give_up_minutes": 600}} | tables
        return Office(make_app(database_url, alerts=told, **given), clock, receiver)

    return make


@pytest.mark.parametrize(
    ("environment", "console"),
    [
        ({"console_host": "console.acme.test"}, "https://console.acme.test/console"),
        ({"public_url": "https://www.acme.test/callback"}, "https://www.acme.test/callback/console"),
        (
            {"public_url": "https://www.acme.test/callback", "console_host": "console.acme.test"},
            "https://console.acme.test/callback/console",
        ),
    ],
)
def test_an_alert_leads_to_the_console_where_it_answers(
    opened: Open, environment: dict[str, str], console: str
) -> None:
    office = opened(environment=environment)
    assert all(took for took, _said in office.alerts.test().values())
    (link,) = office.links()
    assert link == f"{console}/requests?state=attention"
    client = office.app.test_client()
    base, _, path = link.partition("/console/")
    assert client.get(f"/console/{path}", base_url=base).status_code == 303, "to the sign-in"


def test_the_incident_is_told_listed_and_ends_with_those_who_waited_first(
    opened: Open, store_url: str, clock: Clock
) -> None:
    """Eleven minutes down, three who wait, a newcomer."""
    office = opened(store_url)
    waited = [office.asks(index) for index in range(3) if clock.passes(seconds=1) is None]
    began = clock.now
    while not office.told():
        office.lasts(DOWN, 15)
    assert clock.now - began <= timedelta(minutes=6)
    assert office.told() == [{"unreachable": 1}]
    assert office.links() == [f"{PUBLIC_URL}/console/requests?state=attention"]

    office.lasts(DOWN, (began + timedelta(minutes=11) - clock.now).total_seconds())
    attention = office.services.operations.attention()
    assert [(trouble.kind, trouble.since) for trouble in attention.troubles] == [
        ("samespace", began + timedelta(seconds=15))
    ]

    back, newcomer = clock.now, office.asks(9)
    gone: list[str] = []
    while len(gone) < 4:
        if office.outbox.take_probe():
            office.outbox.samespace_answers()
        gone += office.every(YES)
        clock.passes(seconds=0.25)
        assert clock.now - back <= timedelta(seconds=15)
    assert gone == [receipt.reference for receipt in (*waited, newcomer)]
    office.alerts.run_once()
    assert office.told() == [{"unreachable": 1}, {"well": 1}]
    assert office.services.operations.attention().troubles == []


@pytest.mark.parametrize("minutes", [1, 5, 30])
def test_samespace_that_is_not_reached_is_told_when_the_time_is_over_and_once(
    opened: Open, clock: Clock, minutes: int
) -> None:
    office = opened(minutes=minutes, widgets={"sales": NO_PROMISE})
    office.asks(1)
    office.lasts(DOWN, 60 * minutes - 15)
    assert office.told() == []
    office.lasts(DOWN, 60)
    assert office.told() == [{"unreachable": 1}]
    office.lasts(DOWN, 60 * 45, step=60)

    assert office.told() == [{"unreachable": 1}]


def test_what_is_over_before_its_time_is_told_to_nobody(opened: Open) -> None:
    office = opened(widgets={"sales": NO_PROMISE})
    office.asks(1)
    office.lasts(DOWN, 240)
    office.services.outbox.breaker.reset()
    office.every(YES)
    office.lasts(YES, 600)

    assert office.told() == []


def test_what_was_over_before_anybody_could_be_told_is_told_to_nobody(opened: Open, clock: Clock) -> None:
    """The receiver was away, or had a message a minute before."""
    office = opened(widgets={"sales": NO_PROMISE})
    office.asks(1)
    office.every(DOWN)
    clock.passes(minutes=6)
    office.alerts._watch.look()
    office.outbox.breaker.reset()
    office.every(YES)
    office.alerts.run_once()
    office.lasts(YES, 60)

    assert office.told() == []


def test_an_outage_is_told_though_a_request_was_told_of_a_minute_before(opened: Open, clock: Clock) -> None:
    office = opened(minutes=2, widgets={"sales": NO_PROMISE})
    office.asks(1)
    office.outbox.settle(office.outbox.claim("test"), Settlement(transitions.FAIL))  # type: ignore[arg-type]
    office.asks(2)
    office.lasts(DOWN, 60 * 4)

    assert office.told() == [{"failed": 1}, {"unreachable": 1}]


def test_a_request_past_its_promise_is_told_and_its_own_page_in_the_console_is_named(
    opened: Open, store_url: str
) -> None:
    office = opened(store_url, minutes=600)
    first = office.asks(1)
    office.lasts(DOWN, 60 * 15)
    assert office.told() == []
    office.lasts(DOWN, 60)
    assert office.told() == [{"late": 1}]
    assert office.links() == [f"{PUBLIC_URL}/console/requests/{first.reference}"]

    office.lasts(DOWN, 60 * 30, step=60)
    assert office.told() == [{"late": 1}], "once"


@pytest.mark.parametrize("end", ["taken", "erased", "cancelled", "held"])
def test_nobody_is_told_that_a_request_is_late_that_is_so_no_more(opened: Open, clock: Clock, end: str) -> None:
    office = opened(minutes=600)
    late = office.asks(1)
    office.every(DOWN)
    clock.passes(minutes=16)
    office.alerts._watch.look()
    match end:
        case "taken":
            office.outbox.breaker.reset()
            office.every(YES)
        case "erased":
            office.services.personal_data.erase(late.id)
        case "cancelled":
            office.outbox.cancel(late.id)
        case "held":
            office.services.operations.block("442079460001")
    office.alerts.run_once()

    assert "late" not in office.kinds()


@pytest.mark.parametrize("arrow", [transitions.FAIL, transitions.LOSE])
@pytest.mark.parametrize("end", ["retried", "erased"])
def test_nobody_is_told_of_a_request_that_was_dealt_with_meanwhile(opened: Open, arrow: Any, end: str) -> None:
    office = opened()
    asked = office.asks(1)
    office.outbox.settle(office.outbox.claim("test"), Settlement(arrow))  # type: ignore[arg-type]
    if end == "retried":
        assert office.services.operations.retry(asked.id)
    else:
        office.services.personal_data.erase(asked.id)
    office.alerts.run_once()

    assert office.told() == []


@pytest.mark.parametrize("end", ["called", "erased", "held", "none of it"])
def test_nobody_is_told_that_a_request_was_not_called_that_was_called_meanwhile(opened: Open, end: str) -> None:
    office = opened()
    asked = office.asks(1)
    office.every(YES)
    nobody_calls(office, asked)
    match end:
        case "called":
            assert office.services.outcomes.say(asked.id, Said.ANSWERED, Source.AGENT)
        case "erased":
            office.services.personal_data.erase(asked.id)
        case "held":
            with office.services.database.write() as connection:
                connection.execute(requests.update().values(held=Held.BLOCKED))
    office.alerts.run_once()

    assert office.kinds().count("not_called") == (1 if end == "none of it" else 0)


def test_requests_that_were_not_called_are_told_of_every_ten_minutes_at_most(opened: Open, clock: Clock) -> None:
    office = opened()
    asked = [office.asks(index) for index in range(4)]
    office.every(YES)
    for receipt in asked:
        nobody_calls(office, receipt)
        office.alerts.run_once()
        clock.passes(minutes=3)
    assert office.told() == [{"not_called": 1}]
    office.alerts.run_once()

    assert office.told() == [{"not_called": 1}, {"not_called": 3}]


def nobody_calls(office: Office, receipt: Receipt) -> None:
    """As whoever reads call reports finds it."""
    now = office.clock()
    with office.services.database.write() as connection:
        connection.execute(requests.update().where(requests.c.id == receipt.id).values(not_called_at=now))
        transitions.tell(connection, [receipt.id], now, NOT_CALLED)


def test_nobody_is_told_of_what_was_held_and_is_released(opened: Open) -> None:
    office = opened()
    office.services.operations.block("442079460001")
    asked = office.asks(1)
    assert office.services.operations.release(asked.id)
    office.alerts.run_once()

    assert office.told() == []


def test_a_team_that_nobody_is_logged_in_to_is_told_at_its_first_refusal_where_minutes_are_promised(
    opened: Open,
) -> None:
    office = opened(minutes=600)
    office.asks(1)
    office.every(NOBODY)
    office.alerts.run_once()
    assert office.told() == [{"refusing": 1}]
    (trouble,) = office.services.operations.attention().troubles
    assert (trouble.kind, trouble.team) == ("refuses", "Sales")
    assert "Not logged In" in str(trouble.why)

    office.lasts(YES, 60)
    assert office.told() == [{"refusing": 1}, {"well": 1}]


def test_without_a_promise_a_team_may_refuse_for_as_long_as_samespace_may_be_away(opened: Open) -> None:
    office = opened(widgets={"sales": NO_PROMISE})
    office.asks(1)
    office.lasts(NOBODY, 285)
    assert office.told() == []
    office.lasts(NOBODY, 60)

    assert office.told() == [{"refusing": 1}]


def test_a_team_that_refused_the_last_one_of_the_day_is_no_trouble_in_the_night(
    opened: Open, clock: Clock
) -> None:
    office = opened(widgets={"sales": NO_PROMISE}, delivery={"give_up_minutes": 1, "retry_seconds": [30.0]})
    office.asks(1)
    office.lasts(NOBODY, 90)
    office.lasts(NOBODY, 3600, step=300)

    assert office.services.operations.attention().troubles == []
    assert office.told() == [{"failed": 1}]


def test_a_paused_team_is_told_and_that_it_is_well_again(opened: Open) -> None:
    office = opened(widgets={"sales": NO_PROMISE})
    for index in range(3):
        office.asks(index)
    office.every(NO)
    office.alerts.run_once()
    assert office.told() == [{"paused": 1}]
    office.lasts(YES, 330)

    assert office.told() == [{"paused": 1}, {"well": 1}]


def test_a_hand_over_that_has_died_is_told_by_whoever_is_left(opened: Open, store_url: str, clock: Clock) -> None:
    office = opened(store_url, widgets={"sales": NO_PROMISE})
    office.outbox.heartbeat.beat()
    office.alerts.run_once()
    for _ in range(4):
        clock.passes(seconds=10)
        office.alerts.run_once()
    assert office.told() == []
    clock.passes(seconds=GONE.total_seconds())
    office.alerts.run_once()
    assert office.told() == [{"nobody": 1}]
    assert [trouble.kind for trouble in office.services.operations.attention().troubles] == ["hand_over"]
    clock.passes(minutes=3)
    office.alerts.run_once()
    assert office.told() == [{"nobody": 1}], "once"

    office.outbox.heartbeat.beat()
    office.alerts.run_once()
    assert office.told() == [{"nobody": 1}, {"well": 1}]


def test_a_hand_over_that_was_never_started_is_told_within_two_minutes_of_the_first_who_is_due(
    opened: Open, store_url: str, clock: Clock
) -> None:
    office = opened(store_url, widgets={"sales": NO_PROMISE, "help": NO_PROMISE})
    office.alerts.run_once()
    clock.passes(hours=1)
    office.alerts.run_once()
    assert office.told() == [], "nobody waits"
    asked, due = office.asks(1), clock.now
    for _ in range(6):
        clock.passes(seconds=10)
        assert office.told() == []
        office.alerts.run_once()
    assert office.told() == [{"nobody": 1}]
    operations = office.services.operations
    assert [(each.kind, each.since) for each in operations.attention().troubles] == [("hand_over", due)]
    assert "flask --app app deliver" in trouble_line(operations.troubles()[0])
    assert operations.troubles("help") == [], "whoever is bound to another widget learns nothing of it"

    assert office.outbox.cancel(asked.id)
    clock.passes(minutes=11)
    office.alerts.run_once()
    assert office.told() == [{"nobody": 1}], "that nobody waits any more makes nobody hand over"
    office.outbox.heartbeat.beat()
    office.alerts.run_once()
    assert office.told() == [{"nobody": 1}, {"well": 1}]


def test_after_a_stop_of_everything_nobody_is_told_of_a_hand_over_that_begins_a_moment_later(
    opened: Open, clock: Clock
) -> None:
    office = opened()
    office.outbox.heartbeat.beat()
    clock.passes(hours=8)
    office.alerts.run_once()
    office.outbox.heartbeat.beat()
    clock.passes(seconds=30)
    office.alerts.run_once()

    assert office.told() == []


def test_a_hand_over_that_runs_leaves_a_sign_of_life(opened: Open) -> None:
    office = opened()
    office.delivery._turn()
    office.clock.passes(seconds=GONE.total_seconds() + 1)

    assert [trouble.kind for trouble in office.services.operations.attention().troubles] == ["hand_over"]


def test_two_processes_that_look_write_one_alert(opened: Open, clock: Clock) -> None:
    office = opened(minutes=1)
    office.asks(1)
    office.every(DOWN)
    clock.passes(minutes=16)
    other = Alerts(office.services.database, office.services.settings, clock)
    for watch in (office.alerts._watch, other._watch, office.alerts._watch):
        watch.look()
    office.alerts.run_once()

    assert office.told() == [{"unreachable": 1, "late": 1}]


def test_a_web_process_that_hands_nothing_over_tells_the_operators(opened: Open) -> None:
    office = opened(environment={"delivery_mode": "worker"})
    office.app.testing = False
    office.app.test_client().get("/healthz")

    assert "alerts-webhook" in threads_of_ours()
    assert not office.delivery.is_running


def test_while_mail_and_webhook_hang_requests_are_taken_and_handed_over_and_no_alert_is_lost(
    make_app: Callable[..., Flask], clock: Clock, samespace: SandboxSamespace
) -> None:
    with FaultServer(say_nothing) as mail, FaultServer(say_nothing) as webhook:
        told = {"webhook": webhook.base_url, "email": ["desk@acme.test"]}
        smtp = {"smtp_url": SecretStr(f"smtp://127.0.0.1:{mail.port}")}
        app = make_app(base_url=samespace.base_url, alerts=told, environment=smtp)
        services = services_of(app)
        services.outbox.accept(Answers("sales", "442079460100", "GB"), is_suspect=True)
        services.alerts.start()
        until(lambda: mail.connections and webhook.connections)

        assert Visitor(app).asks(phone="+44 20 7946 0123").status == 200
        services.delivery.run_once()
        (call,) = samespace.calls
        assert call.body["number"] == "442079460123"
        assert "alerts-email" in threads_of_ours(), "it is still on its way"
        services.alerts.stop(0)
    with FaultServer(answer(response(204))) as well:
        clock.passes(minutes=5)
        settings = make_settings("sqlite://", alerts={"webhook": well.base_url})
        Alerts(services.database, settings, clock).run_once()
        assert [post.data["counts"] for post in posted(well)] == [{"held": 1}]
