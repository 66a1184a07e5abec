"""Operators are told: once for all that waits, by both channels, whatever their servers do."""

import base64
import json
import logging
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError

from ringback.alerts.channels import webhook_secret
from ringback.alerts.sender import Alerts, _Claim
from ringback.handover.outcomes import Misconfigured, Unclear
from ringback.outbox.outbox import Outbox
from ringback.outbox.request import Answers
from ringback.store.database import Database
from ringback.store.tables import alert_channels, alerts
from tests.conftest import WIDGET, Clock, make_settings
from tests.faults import (
    Behaviour,
    FaultServer,
    Visit,
    answer,
    close_unread,
    drip,
    flood,
    hang,
    read_and_close,
    refusing,
    reset,
    response,
    server_tls,
    write_certificate,
)

DESK = "front-desk@acme.test"
AFTER_TEN_MINUTES = {"minutes": 10, "seconds": 1}
AFTER_A_MINUTE = {"minutes": 1, "seconds": 1}
# What hangs is given up after this long here: long enough for a machine that is busy with other tests.
SHORT = 0.4


class MailServer:
    """The server's side of SMTP, as a behaviour. `mails` are what it took."""

    def __init__(
        self,
        *offers: str,
        tls: ssl.SSLContext | None = None,
        refuses: str = "",
        silent_at: str = "",
    ) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.logins: list[list[str]] = []  # user and password
        self.encrypted = False
        self._offers = offers
        self._tls = tls
        self._refuses = refuses
        self._silent_at = silent_at

    def __call__(self, visit: Visit) -> None:
        with ExitStack() as stack:
            self._connection = visit.connection
            self._lines = stack.enter_context(visit.connection.makefile("rb"))
            self._say("220 mail.acme.test ESMTP")
            while line := self._lines.readline().decode().strip():
                if line.split()[0].upper() == self._silent_at:
                    visit.rest()
                    return
                self._obey(line, stack)

    def _obey(self, line: str, stack: ExitStack) -> None:
        match line.upper().split():
            case ["EHLO", *_]:
                offers = ["mail.acme.test", *self._offers]
                self._say("".join(f"250-{offer}\r\n" for offer in offers) + "250 8BITMIME")
            case ["STARTTLS"] if self._tls:
                self._say("220 go on")
                self._connection = stack.enter_context(self._tls.wrap_socket(self._connection, server_side=True))
                self._lines = stack.enter_context(self._connection.makefile("rb"))
                self.encrypted = True
            case ["AUTH", "PLAIN", *_]:
                self.logins.append(base64.b64decode(line.split()[2]).decode().split("\0")[1:])
                self._say("235 welcome")
            case ["RCPT", *_] if self._refuses and self._refuses in line:
                self._say("550 nobody of that name")
            case ["RCPT", *_]:
                self.recipients.append(line)
                self._say("250 yes")
            case ["DATA"]:
                self._say("354 go on")
                content = b"".join(iter(self._lines.readline, b".\r\n"))
                self.mails.append(message_from_bytes(content, policy=policy.default))
                self._say("250 taken")
            case _:
                self._say("250 yes")

    def _say(self, answer: str) -> None:
        self._connection.sendall(f"{answer}\r\n".encode())


def say_nothing(visit: Visit) -> None:
    visit.rest()


def text_of(mail: EmailMessage) -> str:
    return str(mail.get_content())


class Posted:
    """One webhook as it came in."""

    def __init__(self, request: bytes) -> None:
        head, _, self.body = request.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.path = first.split()[1]
        self.headers = dict(line.split(": ", 1) for line in lines)
        self.content = json.loads(self.body)
        self.data = self.content["data"]


def posted(server: FaultServer) -> list[Posted]:
    return [Posted(request) for request in server.requests]


MakeAlerts = Callable[..., Alerts]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    store = Database(f"sqlite:///{tmp_path}/ringback.db")
    store.migrate("production")
    yield store
    store.close()


@pytest.fixture
def make_alerts(database: Database, clock: Clock) -> MakeAlerts:
    """Alerts for a webhook at an address, a mail server at a port of this machine, or both."""

    def make(
        webhook: str | None = None,
        smtp: int | str | None = None,
        store: Database = database,
        recipients: tuple[str, ...] = (DESK,),
        seconds: float = 10,
        **environment: Any,
    ) -> Alerts:
        if smtp is not None:
            url = smtp if isinstance(smtp, str) else f"smtp://127.0.0.1:{smtp}"
            environment["smtp_url"] = SecretStr(url)
        told = {"webhook": webhook, "email": recipients if smtp is not None else ()}
        settings = make_settings("sqlite://", alerts=told, environment=environment)
        return Alerts(store, settings, clock, seconds)

    return make


@pytest.fixture
def happens(database: Database, clock: Clock) -> Callable[..., None]:
    return partial(happens_in, database, clock)


def happens_in(database: Database, clock: Clock, kind: str = "unknown", *about: str) -> None:
    """Something needs a person: rows as the store's other parts write them."""
    rows = [{"at": clock.now, "kind": kind, "about": one} for one in about or ("RB-7F3K-92QD",)]
    with database.write() as connection:
        connection.execute(alerts.insert(), rows)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)  # threads and servers tell nobody


def nobody_talks() -> bool:
    """Whether every connection of ours has ended, on which somebody might have dripped for hours."""
    return not any(thread.name == "alert" for thread in threading.enumerate())


def threads_of_ours() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("alerts-")]


# --- what is said, and how often ---


def test_the_first_alert_goes_at_once_and_what_follows_ten_minutes_later_in_one(
    make_alerts: MakeAlerts, receiver: FaultServer, happens: Callable[..., None], clock: Clock
) -> None:
    server = MailServer()
    with FaultServer(server) as mail:
        told = make_alerts(receiver.base_url, mail.port)
        told.run_once()
        assert (posted(receiver), server.mails) == ([], [])

        happens("unknown", "RB-AAAA-AAAA")
        told.run_once()
        happens("failed", "RB-BBBB-BBBB")
        clock.passes(minutes=5)
        happens("held", "RB-CCCC-CCCC")
        told.run_once()
        assert [post.data["about"] for post in posted(receiver)] == [["RB-AAAA-AAAA"]]

        clock.passes(minutes=5)
        told.run_once()
        told.run_once()

    assert [post.data["about"] for post in posted(receiver)] == [
        ["RB-AAAA-AAAA"],
        ["RB-BBBB-BBBB", "RB-CCCC-CCCC"],
    ]
    assert [mail["Subject"] for mail in server.mails] == [
        "Ringback: 1 request needs a person",
        "Ringback: 2 requests need a person",
    ]


def test_one_message_counts_names_twenty_and_says_where_to_look(
    make_alerts: MakeAlerts, receiver: FaultServer, happens: Callable[..., None]
) -> None:
    references = [f"RB-{number:04}-AAAA" for number in range(32)]
    server = MailServer()
    with FaultServer(server) as mail:
        happens("held", *references)
        happens("failed", references[0])
        happens("paused", "team Sales")
        make_alerts(receiver.base_url, mail.port).run_once()

    (post,) = posted(receiver)
    assert post.content["type"] == "ringback.attention"
    assert post.content["timestamp"] == "2026-11-24T10:00:00+00:00"
    assert post.data == {
        "counts": {"held": 32, "failed": 1, "paused": 1},
        "about": [references[0], "team Sales", *references[1:19]],
        "more": 13,
        "url": "https://callback.acme.test/console/requests?state=attention",
    }
    (sent,) = server.mails
    text = text_of(sent)
    assert sent["Subject"] == "Ringback: 32 requests need a person, 1 team is paused"
    assert "32 held" in text
    assert "1 paused" in text
    assert f"{references[0]}  failed" in text
    assert re.findall(r"RB-\S+", text) == references[:19]
    assert "and 13 more" in text
    assert "flask --app app requests list --attention" in text
    assert "flask --app app teams list" in text


def test_what_is_held_for_one_number_is_said_once_and_real_customers_are_named_first(
    make_app: Callable[..., Flask], receiver: FaultServer, clock: Clock
) -> None:
    app = make_app(alerts={"webhook": receiver.base_url}, limits={"per_number": "100 per day"})
    outbox, database = app.extensions["ringback"].outbox, app.extensions["ringback"].database
    outbox.stop("442079460101")
    outbox.stop("442079460102")
    held = [outbox.accept(Answers("sales", "442079460101", "GB")).reference for _ in range(28)]
    other = outbox.accept(Answers("sales", "442079460102", "GB"))
    happens_in(database, clock, "failed", "RB-AAAA-AAAA")
    happens_in(database, clock, "unknown", "RB-BBBB-BBBB")
    told = Alerts(database, app.extensions["ringback"].settings, clock)
    told.run_once()

    (post,) = posted(receiver)
    assert post.data == {
        "counts": {"held": 29, "failed": 1, "unknown": 1},
        "about": ["RB-AAAA-AAAA", "RB-BBBB-BBBB", held[0], other.reference],
        "more": 27,
        "url": "https://callback.acme.test/console/requests?state=attention",
    }
    message = told._message(_Claim("webhook", 0, None, 31, clock.now))
    assert f"{held[0]}  held, and 27 more for the same number\n" in message.text
    assert message.text.count("RB-") == 4
    assert "and 27 more\n" not in message.text
    assert "442079" not in message.text + message.body + repr(message)
    assert message.id == post.headers["webhook-id"]
    app.extensions["ringback"].personal_data.erase(other.id)
    app.extensions["ringback"].personal_data.erase_number("442079460101")
    again = told._message(_Claim("webhook", 0, None, 31, clock.now))
    assert (again.id == message.id) == (again.body == message.body), "or its receiver would drop what is new"


def test_a_brake_is_told_of_by_itself_and_is_no_request(
    make_alerts: MakeAlerts, receiver: FaultServer, happens: Callable[..., None]
) -> None:
    server = MailServer()
    with FaultServer(server) as mail:
        happens("brake", "widget sales", "widget help")
        happens("brake_full", "widget sales")
        happens("unknown", "RB-AAAA-AAAA")
        happens("paused", "team Sales")
        happens("a kind of a later version", "RB-BBBB-BBBB")
        make_alerts(receiver.base_url, mail.port).run_once()

    (sent,) = server.mails
    text = text_of(sent)
    assert sent["Subject"] == (
        "Ringback: 2 requests need a person, 1 team is paused, 2 widgets are over their brake"
    )
    assert "2 brake (over per_widget: what comes from those who ask much is held, others are called)" in text
    assert "1 brake_full (over three times per_widget: everything that comes is held)" in text
    (post,) = posted(receiver)
    assert post.data["about"] == [
        "RB-AAAA-AAAA",
        "widget sales",
        "widget help",
        "team Sales",
        "RB-BBBB-BBBB",
    ]
    assert re.findall(r"^    (.*?)\r?$", text, re.MULTILINE) == [
        "https://callback.acme.test/console/requests?state=attention",
        "flask --app app requests list --attention",
        "flask --app app teams list",
        "flask --app app requests release --held widget_limit",
    ]


def test_a_brake_alone_says_how_to_look_and_how_to_release(
    make_alerts: MakeAlerts, happens: Callable[..., None]
) -> None:
    server = MailServer()
    with FaultServer(server) as mail:
        happens("brake", "widget sales")
        make_alerts(smtp=mail.port).run_once()

    (sent,) = server.mails
    assert sent["Subject"] == "Ringback: 1 widget is over its brake"
    assert "widget sales  brake" in text_of(sent).splitlines()
    assert "teams list" not in text_of(sent)


def test_many_stops_are_no_request_that_needs_a_person(
    make_alerts: MakeAlerts, happens: Callable[..., None]
) -> None:
    server = MailServer()
    with FaultServer(server) as mail:
        happens("stops", "numbers at /stop")
        make_alerts(smtp=mail.port).run_once()

    (sent,) = server.mails
    assert sent["Subject"] == "Ringback: 1 flood of stopped numbers"
    assert "more than 20 numbers were stopped within an hour" in text_of(sent)
    assert "flask --app app numbers list" in text_of(sent)
    assert "requests list" not in text_of(sent)


def test_what_is_held_is_told_of_once_and_not_again_as_what_its_visitor_sees(
    make_app: Callable[..., Flask], clock: Clock
) -> None:
    app = make_app()
    outbox = app.extensions["ringback"].outbox
    outbox.stop("442079460101")
    held = outbox.accept(Answers("sales", "442079460101", "GB")).reference
    lost = outbox.accept(Answers("sales", "442079460102", "GB")).reference
    clock.passes(days=1)
    assert outbox.expire() == [lost]

    with app.extensions["ringback"].database.read() as connection:
        told = connection.execute(sa.select(alerts.c.kind, alerts.c.about).order_by(alerts.c.id)).all()
    assert told == [("held", held), ("failed", lost)]


def test_a_mail_says_who_sent_it_and_wants_no_automatic_answer(
    make_alerts: MakeAlerts, happens: Callable[..., None]
) -> None:
    server = MailServer()
    with FaultServer(server) as mail:
        happens("paused", "team Sales")
        make_alerts(smtp=mail.port, recipients=(DESK, "boss@acme.test")).run_once()

    (sent,) = server.mails
    assert sent["From"] == "ringback@callback.acme.test"
    assert sent["To"] == f"{DESK}, boss@acme.test"
    assert len(server.recipients) == 2
    assert sent["Subject"] == "Ringback: 1 team is paused"
    assert sent["Date"].datetime == datetime(2026, 11, 24, 10, tzinfo=UTC)
    assert sent["Auto-Submitted"] == "auto-generated"
    assert "requests list" not in text_of(sent)


def test_nothing_of_a_visitor_is_in_any_message_or_in_the_log(
    make_app: Callable[..., Flask], receiver: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = MailServer()
    told = {"webhook": receiver.base_url, "email": [DESK]}
    with FaultServer(server) as mail:
        environment = {"smtp_url": SecretStr(f"smtp://127.0.0.1:{mail.port}")}
        widgets = {"sales": WIDGET, "help": WIDGET | {"team_name": "Help"}}
        app = make_app(alerts=told, environment=environment, widgets=widgets)
        outbox = app.extensions["ringback"].outbox
        happen_all(outbox, app)
        clock: Clock = app.extensions["ringback"].clock
        settings = app.extensions["ringback"].settings
        Alerts(app.extensions["ringback"].database, settings, clock).run_once()

    (post,), (sent,) = posted(receiver), server.mails
    assert set(post.data["counts"]) == {"held", "unknown", "paused", "failed", "unreachable"}
    everything = receiver.requests[0].decode() + sent.as_string() + text_of(sent) + caplog.text
    for said in ("Ann", "Winter", "2079460", "7946", "ann@", "example.org", "leaking", "Tap Ltd", "/requests/"):
        assert said not in everything


def happen_all(outbox: Outbox, app: Flask) -> None:
    """A held, an unknown, a failed request and a paused team, of a visitor with much to say."""
    said: dict[str, Any] = {
        "name": "Ann Winter",
        "email": "ann@example.org",
        "company": "Tap Ltd",
        "message": "leaking",
    }
    delivery = app.extensions["ringback"].delivery
    outbox.stop("442079460199")
    outbox.accept(Answers("sales", "442079460199", "GB", **said))
    for phone, widget, outcome in (
        ("442079460122", "help", Misconfigured(404, "Ann Winter +442079460122")),
        ("442079460123", "help", Misconfigured(404, "Ann Winter +442079460123")),
        ("442079460124", "sales", Unclear("time-out: ann@example.org", None, "Ann Winter")),
    ):
        outbox.accept(Answers(widget, phone, "GB", **said))
        while (claim := outbox.claim("test")) and claim.is_held:
            pass
        assert claim
        outbox.settle(claim, delivery.settlement_of(outcome, claim))
    app.extensions["ringback"].clock.passes(days=1)
    outbox.expire()


# --- the webhook's signature ---


def test_a_receiver_can_verify_a_webhook_with_the_secret_and_during_a_change_with_the_old_one(
    make_alerts: MakeAlerts, receiver: FaultServer, happens: Callable[..., None], clock: Clock
) -> None:
    clock.now = datetime.now(UTC)  # the library compares with the real time
    happens()
    past = make_settings("sqlite://").model_copy(update={"secret_key": SecretStr("a key of yesterday")})
    fallbacks = {"secret_key_fallbacks": (past.secret_key,)}
    present = make_settings("sqlite://", environment=fallbacks)
    make_alerts(receiver.base_url, **fallbacks).run_once()

    (post,) = posted(receiver)
    for settings in (present, past):
        secret = webhook_secret(settings)
        assert secret.startswith("whsec_")
        assert Webhook(secret).verify(post.body, post.headers)["data"]["counts"] == {"unknown": 1}
    assert webhook_secret(present) == webhook_secret(make_settings("sqlite://")) != webhook_secret(past)
    stranger = past.model_copy(update={"secret_key": SecretStr("a stranger's")})
    with pytest.raises(WebhookVerificationError):
        Webhook(webhook_secret(stranger)).verify(post.body, post.headers)
    assert post.headers["Content-Type"] == "application/json"


def test_a_webhook_keeps_its_id_and_body_over_retries_and_the_next_has_another_id(
    make_alerts: MakeAlerts, happens: Callable[..., None], clock: Clock
) -> None:
    happens()
    with FaultServer(answer(response(500))) as server:
        told = make_alerts(server.base_url)
        told.run_once()
        clock.passes(**AFTER_A_MINUTE)
        told.run_once()
        clock.passes(**AFTER_TEN_MINUTES)
        happens()
        told.run_once()

    first, again, with_more = posted(server)
    assert again.headers["webhook-id"] == first.headers["webhook-id"]
    assert again.body == first.body
    assert again.headers["webhook-timestamp"] != first.headers["webhook-timestamp"]
    assert with_more.headers["webhook-id"] != first.headers["webhook-id"], "or its receiver would drop it"


def test_an_address_is_kept_whole_and_a_password_in_it_is_used(
    make_alerts: MakeAlerts, receiver: FaultServer, happens: Callable[..., None]
) -> None:
    happens()
    make_alerts(f"http://ann:s%40lt@localhost:{receiver.port}/büro?key=a%20b").run_once()

    (post,) = posted(receiver)
    assert post.path == "/b%C3%BCro?key=a%20b"
    assert post.headers["Host"] == f"localhost:{receiver.port}"
    assert base64.b64decode(post.headers["Authorization"].split()[1]) == b"ann:s@lt"


def test_a_webhook_goes_to_no_server_that_cannot_prove_its_name(
    make_alerts: MakeAlerts,
    happens: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
) -> None:
    certificate = write_certificate(tmp_path)
    happens()
    with FaultServer(answer(response(204)), server_tls(certificate)) as server:
        told = make_alerts(f"https://localhost:{server.port}/")
        told.run_once()
        assert server.requests == []

        monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate))
        clock.passes(**AFTER_A_MINUTE)
        told.run_once()

    assert len(posted(server)) == 1


# --- servers that fail ---


@pytest.mark.parametrize(
    "behaviour",
    [
        answer(response(500)),
        answer(response(404)),
        answer(response(302, "", "Location: http://127.0.0.1:1/")),
        answer(b"HTTP/1.1 20"),
        answer(b"220 mail.acme.test ESMTP\r\n"),
        close_unread,
        read_and_close,
        reset,
    ],
    ids=["500", "404", "302", "half a line", "no HTTP", "close unread", "read and close", "reset"],
)
def test_what_a_receiver_did_not_take_is_sent_again_by_whoever_comes_next(
    make_alerts: MakeAlerts,
    receiver: FaultServer,
    happens: Callable[..., None],
    clock: Clock,
    behaviour: Behaviour,
) -> None:
    happens("unknown", "RB-AAAA-AAAA")
    with FaultServer(behaviour) as server:
        make_alerts(server.base_url).run_once()
        assert server.connections == 1
    happens("failed", "RB-BBBB-BBBB")
    after_a_restart = make_alerts(receiver.base_url)
    after_a_restart.run_once()
    assert posted(receiver) == [], "only after a minute"
    clock.passes(**AFTER_A_MINUTE)
    after_a_restart.run_once()

    assert [post.data["about"] for post in posted(receiver)] == [["RB-AAAA-AAAA", "RB-BBBB-BBBB"]]


def test_a_redirect_is_not_followed(
    make_alerts: MakeAlerts, receiver: FaultServer, happens: Callable[..., None]
) -> None:
    happens()
    with FaultServer(answer(response(307, "", f"Location: {receiver.base_url}/"))) as server:
        make_alerts(server.base_url).run_once()

    assert (len(server.requests), len(receiver.requests)) == (1, 0)


def test_no_proxy_of_the_environment_is_used(
    make_alerts: MakeAlerts, receiver: FaultServer, happens: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    happens()
    with FaultServer(answer(response(204))) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.base_url)
        monkeypatch.setenv("no_proxy", "")
        make_alerts(receiver.base_url).run_once()

    assert (len(receiver.requests), proxy.requests) == (1, [])


def test_the_waits_between_attempts_double_up_to_ten_minutes(
    make_alerts: MakeAlerts, happens: Callable[..., None], clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    happens()
    with FaultServer(answer(response(503))) as server:
        for attempts, seconds in enumerate((60, 120, 240, 480, 600, 600), start=1):
            make_alerts(server.base_url).run_once()
            assert len(server.requests) == attempts
            clock.passes(seconds=seconds - 1)
            make_alerts(server.base_url).run_once()
            assert len(server.requests) == attempts, f"not before {seconds} s"
            clock.passes(seconds=1)

    assert [record.getMessage() for record in caplog.records][:2] == [
        f"alerts by webhook: not sent (NotReceivedError 503); trying again in {seconds} s" for seconds in (60, 120)
    ]
    assert len(caplog.records) == 6


def test_after_a_message_that_went_well_the_waits_begin_afresh(
    make_alerts: MakeAlerts, receiver: FaultServer, happens: Callable[..., None], clock: Clock
) -> None:
    happens()
    make_alerts(receiver.base_url).run_once()
    happens()
    clock.passes(minutes=10)
    with FaultServer(answer(response(503))) as server:
        make_alerts(server.base_url).run_once()
        clock.passes(minutes=1)
        make_alerts(server.base_url).run_once()

    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "behaviour",
    [hang, drip(b"H" * 2000), drip(b"x: y\r\n" * 90, at_once=b"HTTP/1.1 200 OK\r\n")],
    ids=["hangs", "drips a status", "drips headers"],
)
def test_a_receiver_that_takes_its_time_is_hung_up_on(
    make_alerts: MakeAlerts, happens: Callable[..., None], behaviour: Behaviour, caplog: pytest.LogCaptureFixture
) -> None:
    happens()
    with FaultServer(behaviour) as server:
        make_alerts(server.base_url, seconds=SHORT).run_once()
        assert server.finished == 0, "it was not waited for"
        until(nobody_talks)

    assert "alerts by webhook: not sent (TimeoutError); trying again in 60 s" in caplog.text


def test_a_body_without_end_is_not_read(
    make_alerts: MakeAlerts, happens: Callable[..., None], clock: Clock
) -> None:
    happens()
    with FaultServer(flood(b"HTTP/1.1 200 OK\r\n\r\n")) as server:
        told = make_alerts(server.base_url, seconds=SHORT)
        told.run_once()
        clock.passes(**AFTER_TEN_MINUTES)
        told.run_once()

    assert server.connections == 1, "a 200 is a yes"


@pytest.mark.parametrize(
    "behaviour",
    [
        say_nothing,
        drip(b"220-" + b"x" * 2000, read=False),
        drip(b"220 yes\r\n" + b"250-yes\r\n" * 200, read=False),
        MailServer(silent_at="EHLO"),
        MailServer(silent_at="DATA"),
        close_unread,
        answer(b"554 go away\r\n"),
    ],
    ids=["hangs", "drips a greeting", "drips answers", "hangs at EHLO", "hangs at DATA", "hangs up", "says no"],
)
def test_a_mail_server_that_fails_loses_no_alert(
    make_alerts: MakeAlerts, happens: Callable[..., None], clock: Clock, behaviour: Behaviour
) -> None:
    happens()
    with FaultServer(behaviour) as server:
        make_alerts(smtp=server.port, seconds=SHORT).run_once()
        assert server.connections == 1
        until(nobody_talks)
    clock.passes(**AFTER_A_MINUTE)
    good = MailServer()
    with FaultServer(good) as server:
        make_alerts(smtp=server.port).run_once()

    assert len(good.mails) == 1


def test_dead_servers_are_told_of_by_kind_alone(
    make_alerts: MakeAlerts, happens: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    happens()
    with refusing() as address:
        port = address.rsplit(":", 1)[1]
        make_alerts(f"{address}/?token=hunter2", f"smtp://ann:hunter2@127.0.0.1:{port}").run_once()

    assert [record.getMessage() for record in caplog.records] == [
        f"alerts by {channel}: not sent ({fault}); trying again in 60 s"
        for channel, fault in (("email", "ConnectionRefusedError"), ("webhook", "ConnectionError"))
    ]


def test_a_hanging_mail_server_does_not_delay_the_webhook(
    make_alerts: MakeAlerts, receiver: FaultServer, happens: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    happens()
    with FaultServer(say_nothing) as mail:
        told = make_alerts(receiver.base_url, mail.port, seconds=60)
        told.start()
        told.start()
        until(lambda: mail.connections and receiver.requests)
        assert "not sent" not in caplog.text, "the mail is still on its way"
        assert len(threads_of_ours()) == 2
    told.stop(10)

    assert len(receiver.requests) == 1
    assert threads_of_ours() == []


def test_a_mail_that_was_taken_is_not_sent_again_because_the_goodbye_hangs(
    make_alerts: MakeAlerts, happens: Callable[..., None], clock: Clock
) -> None:
    happens()
    server = MailServer(silent_at="QUIT")
    with FaultServer(server) as mail:
        told = make_alerts(smtp=mail.port, seconds=SHORT)
        told.run_once()
        clock.passes(**AFTER_TEN_MINUTES)
        told.run_once()

    assert len(server.mails) == 1


def test_one_recipient_that_is_refused_does_not_make_the_others_get_it_twice(
    make_alerts: MakeAlerts, happens: Callable[..., None], clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    happens()
    server = MailServer(refuses="boss@")
    with FaultServer(server) as mail:
        told = make_alerts(smtp=mail.port, recipients=(DESK, "boss@acme.test"))
        told.run_once()
        clock.passes(**AFTER_TEN_MINUTES)
        told.run_once()

    assert len(server.mails) == 1
    assert "the mail server refused 1 of 2 recipients" in caplog.text
    assert "boss" not in caplog.text


# --- mail servers and secrets ---


def test_a_mail_is_encrypted_where_the_server_offers_it_and_the_login_is_decoded(
    make_alerts: MakeAlerts, happens: Callable[..., None], tmp_path: Path
) -> None:
    happens()
    server = MailServer("STARTTLS", "AUTH PLAIN", tls=server_tls(write_certificate(tmp_path)))
    with FaultServer(server) as mail:
        make_alerts(smtp=f"smtp://ring%40acme.test:p%2Fss%3Aw%40rd@localhost:{mail.port}").run_once()

    assert server.encrypted
    assert server.logins == [["ring@acme.test", "p/ss:w@rd"]]
    assert len(server.mails) == 1


def test_smtps_is_encrypted_from_the_first_byte(
    make_alerts: MakeAlerts, happens: Callable[..., None], tmp_path: Path
) -> None:
    happens()
    server = MailServer("AUTH PLAIN")
    with FaultServer(server, server_tls(write_certificate(tmp_path))) as mail:
        make_alerts(smtp=f"smtps://ann:salt@localhost:{mail.port}").run_once()

    assert server.logins == [["ann", "salt"]]
    assert len(server.mails) == 1


# This machine by an address that is not its loopback name: what leaves for it is treated as leaving for others.
ELSEWHERE = "0.0.0.0"


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_password_goes_to_no_server_that_cannot_prove_its_name(
    make_alerts: MakeAlerts,
    happens: Callable[..., None],
    tmp_path: Path,
    scheme: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    happens()
    tls = server_tls(write_certificate(tmp_path))
    server = MailServer("STARTTLS", "AUTH PLAIN", tls=tls)
    with FaultServer(server, tls if scheme == "smtps" else None) as mail:
        make_alerts(smtp=f"{scheme}://ann:salt@{ELSEWHERE}:{mail.port}").run_once()

    assert (server.logins, server.mails) == ([], [])
    assert "not sent (SSLCertVerificationError)" in caplog.text


def test_a_password_is_not_sent_in_the_clear_but_to_this_machine(
    make_alerts: MakeAlerts, happens: Callable[..., None], caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    happens()
    server = MailServer("AUTH PLAIN")
    with FaultServer(server) as mail:
        make_alerts(smtp=f"smtp://ann:salt@{ELSEWHERE}:{mail.port}").run_once()
        assert (server.logins, server.mails) == ([], [])
        assert "not sent (NotEncryptedError)" in caplog.text

        clock.passes(**AFTER_A_MINUTE)
        make_alerts(smtp=f"smtp://ann:salt@127.0.0.1:{mail.port}").run_once()

    assert server.logins == [["ann", "salt"]]


def test_a_relay_without_a_password_may_have_any_certificate_or_none(
    make_alerts: MakeAlerts, happens: Callable[..., None], tmp_path: Path, clock: Clock
) -> None:
    plain, signed_by_nobody = MailServer(), MailServer("STARTTLS", tls=server_tls(write_certificate(tmp_path)))
    for server in (plain, signed_by_nobody):
        happens()
        with FaultServer(server) as mail:
            make_alerts(smtp=f"smtp://{ELSEWHERE}:{mail.port}").run_once()
        clock.passes(**AFTER_TEN_MINUTES)

    assert (len(plain.mails), len(signed_by_nobody.mails)) == (1, 1)
    assert signed_by_nobody.encrypted


# --- the store: several processes, restarts, new channels ---


@pytest.fixture
def stores(store_url: str) -> Iterator[list[Database]]:
    """One store as two processes open it, on each engine."""
    two = [Database(store_url), Database(store_url)]
    two[0].migrate("production")
    yield two
    for store in two:
        store.close()


def test_two_processes_send_one_message(
    make_alerts: MakeAlerts, receiver: FaultServer, stores: list[Database], clock: Clock
) -> None:
    reached, release = threading.Event(), threading.Event()

    def slow(visit: Visit) -> None:
        visit.read()
        reached.set()
        assert release.wait(10)
        visit.send(response(204))

    happens_in(stores[0], clock)
    with FaultServer(slow) as server:
        first, second = (make_alerts(server.base_url, store=store) for store in stores)
        sending = threading.Thread(target=first.run_once)
        sending.start()
        assert reached.wait(10)
        second.run_once()
        release.set()
        sending.join()
        second.run_once()
        first.run_once()

    assert len(server.requests) == 1


def test_processes_that_look_at_the_same_moment_send_one_message(
    make_alerts: MakeAlerts, receiver: FaultServer, stores: list[Database], clock: Clock
) -> None:
    rounds = 5
    together = threading.Barrier(2)

    def process(told: Alerts) -> None:
        for _ in range(rounds):
            together.wait(10)
            told.run_once()
            together.wait(10)

    threads = [
        threading.Thread(target=process, args=(make_alerts(receiver.base_url, store=store),)) for store in stores
    ]
    happens_in(stores[0], clock)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(receiver.requests) == 1


def test_what_a_killed_process_was_sending_is_sent_when_its_claim_has_run_out(
    make_alerts: MakeAlerts, receiver: FaultServer, stores: list[Database], clock: Clock
) -> None:
    told = make_alerts(receiver.base_url, store=stores[0])
    told.run_once()
    happens_in(stores[0], clock)
    claim = told._claim("webhook")
    assert claim

    clock.passes(seconds=59)
    after_a_restart = make_alerts(receiver.base_url, store=stores[1])
    after_a_restart.run_once()
    assert receiver.requests == []
    clock.passes(seconds=1)
    after_a_restart.run_once()
    told._settle(claim, sent_up_to=0, sent_at=None, busy_until=None)
    after_a_restart.run_once()

    assert len(receiver.requests) == 1, "and who was thought dead changes nothing"


def test_an_alert_that_is_committed_late_is_not_passed_over(
    make_alerts: MakeAlerts, receiver: FaultServer, postgres_url: str, clock: Clock
) -> None:
    store = Database(postgres_url)
    store.migrate("production")
    told = make_alerts(receiver.base_url, store=store)
    with store.write() as slow:
        slow.execute(alerts.insert().values(at=clock.now, kind="held", about="RB-AAAA-AAAA"))
        happens_in(store, clock, "held", "RB-BBBB-BBBB")
        told.run_once()
    told.run_once()
    store.close()

    assert [post.data["about"] for post in posted(receiver)] == [["RB-AAAA-AAAA", "RB-BBBB-BBBB"]]


def test_a_channel_that_is_configured_later_is_told_of_the_last_day(
    make_alerts: MakeAlerts, receiver: FaultServer, happens: Callable[..., None], clock: Clock
) -> None:
    happens("unknown", "RB-AAAA-AAAA")
    clock.passes(days=2)
    happens("unknown", "RB-BBBB-BBBB")
    clock.passes(hours=23)
    make_alerts(receiver.base_url).run_once()

    assert [post.data["about"] for post in posted(receiver)] == [["RB-BBBB-BBBB"]]


def test_what_waited_longer_than_a_day_for_a_dead_receiver_is_still_told(
    make_alerts: MakeAlerts, receiver: FaultServer, happens: Callable[..., None], clock: Clock
) -> None:
    happens()
    with refusing() as address:
        make_alerts(address).run_once()
    clock.passes(days=3)
    make_alerts(receiver.base_url).run_once()

    assert len(receiver.requests) == 1


def test_nobody_to_be_told_costs_nothing(
    make_alerts: MakeAlerts, happens: Callable[..., None], database: Database
) -> None:
    happens()
    told = make_alerts()
    told.start()
    told.run_once()
    told.stop(1)

    with database.read() as connection:
        assert connection.execute(sa.select(alert_channels)).all() == []
    assert threads_of_ours() == []


def test_a_store_that_fails_does_not_end_it(
    make_alerts: MakeAlerts,
    receiver: FaultServer,
    happens: Callable[..., None],
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def rename(before: str, after: str) -> None:
        with database.write() as connection:
            connection.execute(sa.text(f"ALTER TABLE {before} RENAME TO {after}"))

    rename("alert_channels", "elsewhere")
    happens()
    told = make_alerts(receiver.base_url)
    told.start()
    until(lambda: "the store did not answer (OperationalError: no such table: alert_channels)" in caplog.text)
    rename("elsewhere", "alert_channels")
    until(lambda: receiver.requests)
    told.stop(10)

    assert len(receiver.requests) == 1
