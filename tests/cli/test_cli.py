"""What an operator types, and what it says."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from pydantic import SecretStr

from ringback.cli import check, command_of
from ringback.handover.outcomes import Busy, Misconfigured
from ringback.outbox import transitions
from ringback.outbox.claims import Settlement
from ringback.outbox.request import Answers
from ringback.sandbox.handler import Mode
from ringback.sandbox.samespace import SandboxSamespace
from tests.config.test_settings import typed
from tests.conftest import WIDGET, Clock
from tests.running import CONFIGURATION


@pytest.fixture
def app(make_app: Callable[..., Flask], samespace: SandboxSamespace) -> Flask:
    return make_app(base_url=samespace.base_url)


def said(app: Flask, *command: str, status: int = 0) -> str:
    result = app.test_cli_runner().invoke(args=list(command))
    assert result.exit_code == status, result.output
    return result.output


def ask(app: Flask, phone: str = "442079460123") -> str:
    outbox = app.extensions["ringback"].outbox
    return outbox.accept(Answers("sales", phone, "GB", name="Ann Example", message="softly")).reference


def hand_over(app: Flask) -> None:
    claim = app.extensions["ringback"].outbox.claim("test")
    app.extensions["ringback"].delivery.hand_over(claim)


def test_the_list_shows_the_number_to_ring(app: Flask) -> None:
    assert said(app, "requests", "list") == "There are no requests.\n"
    reference = ask(app)
    totals, line = said(app, "requests", "list").splitlines()

    assert totals == "1 request: 1 waiting."
    assert line == f"{reference}  2026-11-24 10:00:00+00:00  waiting  sales  +44 20 7946 0123  Ann Example"


def test_show_tells_all_of_one_request(app: Flask) -> None:
    output = said(app, "requests", "show", ask(app).lower())

    assert "  +44 20 7946 0123  " in output
    assert "name: Ann Example" in output
    assert "received" in output


def test_what_is_held_is_on_the_attention_list_until_it_is_released(app: Flask) -> None:
    app.extensions["ringback"].outbox.stop("442079460123")
    reference = ask(app)
    assert reference in said(app, "requests", "list", "--attention")
    hand_over(app)

    assert said(app, "requests", "release", reference) == f"{reference} will be handed over.\n"
    assert said(app, "requests", "list", "--attention") == "Nothing needs a person.\n"
    assert "is not held" in said(app, "requests", "release", reference, status=1)


def test_an_unknown_is_resolved_or_tried_again(app: Flask, samespace: SandboxSamespace) -> None:
    outbox = app.extensions["ringback"].outbox
    reference = ask(app)
    outbox.settle(outbox.claim("test"), Settlement(transitions.LOSE))

    assert said(app, "requests", "resolve", reference, "--rang") == f"{reference} is with the team.\n"
    assert "is not unknown" in said(app, "requests", "resolve", reference, "--not-rung", status=1)
    assert "is neither failed nor unknown" in said(app, "requests", "retry", reference, status=1)


def test_a_request_that_is_not_there_is_said_so(app: Flask) -> None:
    assert "There is no request RB-0000-0000." in said(app, "requests", "show", "RB-0000-0000", status=1)


def test_check_says_what_is_configured_and_rings_nobody(app: Flask, samespace: SandboxSamespace) -> None:
    output = said(app, "check", "--live")

    assert "/sales: team Sales, numbers in GB" in output
    assert f"{samespace.base_url} answers." in output
    assert "Redis" not in output
    samespace.mode = Mode.DOWN
    assert "does not answer" in said(app, "check", "--live", status=1)
    assert samespace.calls == []


def test_check_tries_the_store_and_names_it_without_its_password(
    make_app: Callable[..., Flask], store_url: str, samespace: SandboxSamespace, clock: Clock
) -> None:
    app = make_app(store_url, base_url=samespace.base_url)
    engine = "PostgreSQL" if store_url.startswith("postgres") else "SQLite"
    assert f"The store takes requests: {engine}, " in said(app, "check", "--live")
    clock.passes(seconds=3)  # so long is believed what was found
    full = {
        "PostgreSQL": "ALTER TABLE about ADD CONSTRAINT small CHECK (length(value) < 1000)",
        "SQLite": "CREATE TRIGGER small BEFORE INSERT ON about WHEN length(NEW.value) >= 1000 "
        "BEGIN SELECT RAISE(ABORT, 'full'); END",
    }
    with app.extensions["ringback"].database.write() as connection:
        connection.exec_driver_sql(full[engine])

    assert f"The store takes no requests: {engine}, " in said(app, "check", "--live", status=1)


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("sqlite:////srv/ringback.db", "SQLite, /srv/ringback.db"),
        ("postgresql://ann:hunter2@db:5433/x?password=hunter2", "PostgreSQL, db:5433/x"),
        ("postgres://db/x", "PostgreSQL, db/x"),
        ("postgresql:///x?host=/run/postgresql", "PostgreSQL, this machine/x"),
    ],
)
def test_a_store_is_named_by_what_it_is_and_where(url: str, named: str) -> None:
    assert check.store_name(url) == named


def test_check_tries_redis_where_addresses_are_counted_there(
    make_app: Callable[..., Flask], samespace: SandboxSamespace
) -> None:
    uri = SecretStr("redis://:hunter2@127.0.0.1:9/0")
    app = make_app(base_url=samespace.base_url, environment={"ratelimit_storage_uri": uri})
    output = said(app, "check", "--live", status=1)

    assert "Redis at 127.0.0.1:9 does not answer." in output
    assert f"{samespace.base_url} answers." in output, "all are tried, whatever fails first"
    assert "hunter2" not in output


def test_check_says_what_nobody_is_told_and_who_hands_over(make_app: Callable[..., Flask]) -> None:
    alone, hook = "[alerts] is not set: nobody is told", {"webhook": "https://hooks.acme.test/ringback"}
    worker = "RINGBACK_DELIVERY is worker: requests are handed over only while `flask --app app deliver` runs."
    quiet = said(make_app(), "check")
    told = said(make_app(alerts=hook, environment={"delivery_mode": "inline"}), "check")

    assert alone in quiet
    assert worker in quiet
    assert alone not in told
    assert worker not in told


def test_teams_are_listed_and_resumed(app: Flask) -> None:
    assert said(app, "teams", "list") == "Sales  open\n"
    assert "Sales is not paused" in said(app, "teams", "resume", "Sales", status=1)
    outbox, delivery = app.extensions["ringback"].outbox, app.extensions["ringback"].delivery
    for phone in ("442079460123", "442079460124"):
        ask(app, phone)
        claim = outbox.claim("test")
        outbox.settle(claim, delivery.settlement_of(Misconfigured(404, "no such team"), claim))

    assert "paused since 2026-11-24 10:00:00+00:00: answered 404: no such team" in said(app, "teams", "list")
    assert said(app, "teams", "resume", "Sales") == "Sales is called again.\n"


def test_a_team_that_is_not_there_is_said_so_with_those_that_are(make_app: Callable[..., Flask]) -> None:
    app = make_app(widgets={"sales": WIDGET, "help": WIDGET | {"team_name": "Help"}})

    assert "There is no team sales. There are: Help, Sales." in said(app, "teams", "resume", "sales", status=1)


def test_the_breaker_is_shown_and_reset(app: Flask, clock: Clock) -> None:
    outbox, delivery = app.extensions["ringback"].outbox, app.extensions["ringback"].delivery
    assert said(app, "breaker", "show") == "closed: requests are handed over\n"
    assert "closed already; nothing has changed." in said(app, "breaker", "reset", status=1)
    ask(app)
    ask(app, "442079460124")
    claim = outbox.claim("test")
    outbox.settle(claim, delivery.settlement_of(Busy(90, 503), claim))
    clock.passes(seconds=2)

    assert said(app, "breaker", "show").splitlines() == [
        "open since 2026-11-24 10:00:00+00:00; calls that Samespace gave no clear answer to, or no time: 1",
        "  Samespace is asked whether it is back: at 2026-11-24 10:00:05+00:00",
        "  once it answers, one request tries: at 2026-11-24 10:01:30+00:00",
    ]
    clock.passes(days=-365)
    assert [line.rpartition(": ")[2] for line in said(app, "breaker", "show").splitlines()[1:]] == ["now", "now"]
    clock.passes(days=365, seconds=90)
    outbox.samespace_answers()
    assert "one request at a time tries" in said(app, "breaker", "show")
    assert outbox.claim("test")
    assert outbox.claim("test") is None

    assert said(app, "breaker", "reset") == "The breaker is closed: requests are handed over.\n"
    assert said(app, "breaker", "show") == "closed: requests are handed over\n"
    ask(app, "442079460125")
    assert outbox.claim("test")


def test_the_closed_days_of_the_next_twelve_months_are_listed(make_app: Callable[..., Flask]) -> None:
    week = {key: ["09:00-17:30"] for key in ("mon", "tue", "wed", "thu", "fri")}
    hours = {"timezone": "Europe/Berlin", **week, "holidays": "DE-BY:catholic", "closed": ["2026-12-31"]}
    app = make_app(widgets={"sales": WIDGET | {"hours": hours}, "help": WIDGET})
    days = said(app, "widgets", "days").splitlines()

    assert days[0].startswith("sales  ")
    assert "  Thu 2026-12-31  closed" in days
    assert "  Fri 2026-12-25  Christmas Day" in days
    assert days[-1].startswith("help  0 closed days until ")
    assert said(app, "widgets", "days", "help").splitlines() == days[-1:]


def test_widgets_are_listed_paused_and_resumed(make_app: Callable[..., Flask]) -> None:
    table = {"timezone": "Asia/Kolkata", "tue": ["09:00-17:30"], "wed": ["09:00-17:30"]}
    closed = table | {"tue": ["09:00-12:00"]}
    widgets = {"sales": WIDGET, "help": WIDGET | {"hours": table}, "shop": WIDGET | {"hours": closed}}
    widgets |= {"none": WIDGET | {"hours": {"timezone": "UTC", "special": {"2020-01-01": ["09:00-12:00"]}}}}
    app = make_app(widgets=widgets)
    hours = [
        "sales  always open",
        "help  open until 2026-11-24 17:30:00+05:30 (Asia/Kolkata)",
        "shop  closed, opens 2026-11-25 09:00:00+05:30 (Asia/Kolkata)",
        "none  closed, and does not open within a year",
    ]
    assert said(app, "widgets", "list").splitlines() == hours

    assert said(app, "widgets", "pause", "help", "We are moving  house.") == (
        "help takes no requests. What it has taken is handed over as before.\n"
    )
    assert said(app, "widgets", "pause", "shop")
    since = "; paused since 2026-11-24 15:30:00+05:30 (Asia/Kolkata)"
    assert said(app, "widgets", "list").splitlines()[1:3] == [
        f"{hours[1]}{since}: We are moving house.",
        f"{hours[2]}{since}",
    ]
    assert said(app, "widgets", "pause", "help", "--until", "2026-11-25 09:00")
    until = "until 2026-11-25 09:00:00+05:30 (Asia/Kolkata)"
    assert f"help  open {until[:5]} 2026" in said(app, "widgets", "list")
    assert until in said(app, "widgets", "list").splitlines()[1].partition("paused")[2]
    for wrong, why in (("2026-11-24 15:30", "is over already"), ("on Monday", "should be a time such as")):
        assert why in said(app, "widgets", "pause", "help", "--until", wrong, status=1)
    assert said(app, "widgets", "resume", "help") == "help takes requests again.\n"
    assert "help is not paused; nothing has changed." in said(app, "widgets", "resume", "help", status=1)


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_a_widget_that_is_not_there_is_said_so_with_those_that_are(app: Flask, command: str) -> None:
    assert "There is no widget shop. There are: sales." in said(app, "widgets", command, "shop", status=1)


def test_a_call_by_hand_reaches_samespace(app: Flask, samespace: SandboxSamespace) -> None:
    assert said(app, "samespace", "callback", "Sales", "020 7946 0123", "--attribute", "name=Ann") == (
        "Sales has the call.\n"
    )
    (call,) = samespace.calls
    assert (call.team_name, call.number, call.attributes) == ("Sales", "442079460123", {"name": "Ann"})
    assert "is not called: premium" in said(app, "samespace", "callback", "Sales", "0909 879 0000", status=1)


def test_a_dock_dials_or_says_that_nobody_is_there(app: Flask, samespace: SandboxSamespace) -> None:
    assert said(app, "samespace", "click-to-call", "ann", "020 7946 0123") == "The dock of ann@acme dials.\n"
    samespace.mode = Mode.REFUSES
    output = said(app, "samespace", "click-to-call", "ann", "020 7946 0123", status=1)
    assert "Cant make call! Not logged In" in output
    samespace.mode = Mode.DOWN
    assert "Nothing was sent" in said(app, "samespace", "click-to-call", "ann", "020 7946 0123", status=1)


def test_a_new_token_is_stored_beside_the_old_one_and_shown_to_nobody(
    make_app: Callable[..., Flask], samespace: SandboxSamespace, tmp_path: Path
) -> None:
    app = make_app(base_url=samespace.base_url, environment={"samespace_auth_token": SecretStr("the first token")})
    for _ in "12":
        assert said(app, "samespace", "reset-token").startswith("The new token is in the store")
    with app.extensions["ringback"].database.read() as connection:
        rows = dict(connection.exec_driver_sql("SELECT key, value FROM about").all())

    assert rows["samespace_auth_token"] not in ("", "the first token", rows["samespace_auth_token_before"])
    assert "samespace_auth_token_before" in rows


def test_without_a_token_there_is_nothing_to_reset(app: Flask) -> None:
    assert "set SAMESPACE_AUTH_TOKEN" in said(app, "samespace", "reset-token", status=1)


ODD = ["", " ", "-1", "nan", "1e400", "9" * 5000, "\udcff", "é", "*", "+", "'; --", "RB-" * 50]


@pytest.mark.parametrize(
    "command",
    [
        "requests list --limit",
        "requests list --since",
        "requests list --after",
        "requests list --widget",
        "requests list --phone",
        "requests list --held",
        "requests list --state",
        "requests show",
        "requests retry",
        "requests release",
        "requests release --phone",
        "requests release --held",
        "requests resolve --rang",
        "requests export --phone",
        "requests erase --phone",
        "numbers block",
        "numbers unblock",
        "numbers unstop",
        "teams resume",
        "widgets pause",
        "widgets pause sales",
        "widgets resume",
        "samespace callback Sales",
        "samespace callback Sales +442079460123 --attribute",
        "samespace click-to-call ann",
    ],
)
def test_no_command_falls_over_what_is_typed(make_app: Callable[..., Flask], store_url: str, command: str) -> None:
    runner = make_app(store_url).test_cli_runner()
    for odd in ODD:
        result = runner.invoke(
            args=[*command.split(), *(["--"] if not command.split()[-1].startswith("--") else []), odd]
        )

        assert result.exception is None or isinstance(result.exception, SystemExit), (odd, result.exception)


def test_check_makes_no_store(tmp_path: Path, samespace: SandboxSamespace) -> None:
    """Root may look before the first start, and a store of root's would be closed to the service."""
    (tmp_path / "ringback.toml").write_text(CONFIGURATION.format(base_url=samespace.base_url))
    environment = {
        "SECRET_KEY": "a key for tests only, and long enough",
        "DATABASE_URL": f"sqlite:///{tmp_path}/var/ringback.db",
        "PUBLIC_URL": "https://callback.acme.test",
    }
    done = typed(tmp_path, "-m", "flask", "--app", "app", "check", "--live", **environment)

    assert done.returncode == 0, done.stderr
    assert "The configuration is complete." in done.stdout
    store = f"SQLite, {tmp_path}/var/ringback.db"
    assert f"The store is not there yet; the first start makes it: {store}" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["ringback.toml"]


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["/usr/bin/flask", "--app", "app", "check", "--live"], "check"),
        (["flask/__main__.py", "-A", "check", "-e", "check", "--debug", "widgets", "pause", "check"], "widgets"),
        (["flask", "--app=check"], ""),
        (["gunicorn", "check"], ""),
        ([""], ""),
        ([], ""),
    ],
)
def test_the_command_is_known_before_the_app_is(arguments: list[str], command: str) -> None:
    assert command_of(arguments) == command


def test_check_live_reads_a_call_report_where_there_is_a_key(
    make_app: Callable[..., Flask], samespace: SandboxSamespace
) -> None:
    key = {"samespace_api_key": SecretStr("a key")}
    app = make_app(base_url=samespace.base_url, environment=key)
    assert "Call reports are read." in app.test_cli_runner().invoke(args=["check", "--live"]).output
    samespace.mode = Mode.DOWN
    done = app.test_cli_runner().invoke(args=["check", "--live"])
    assert done.exit_code != 0
    assert "Call reports cannot be read: could not connect: Connection refused." in done.output
