"""Programs that follow requests are told what happened: signed, in order, and nobody waits for others."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from pydantic import SecretStr
from standardwebhooks import Webhook

from ringback.deadline import is_public
from ringback.outbox import transitions
from ringback.outbox.calls.outcomes import Outcome, Source
from ringback.outbox.claims import Settlement
from ringback.outbox.request import Answers
from ringback.services import Services, services_of
from ringback.signed_post import secrets_of
from ringback.store.program_tables import webhook_deliveries, webhook_events, webhook_receivers
from ringback.store.tables import alerts, requests
from tests.cli.test_cli_people import said
from tests.conftest import Clock
from tests.webhooks.receiver import Receiver

ANN = Answers(
    "sales", "442079460123", "GB", name="Ann Example", email="ann@example.com", attributes={"plan": "pro"}
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.stop()


@pytest.fixture
def following(make_app: Callable[..., Flask], receiver: Receiver) -> Callable[..., Services]:
    """An app of which these are told, each with settings of its own; else one at /hook."""

    def make(*webhooks: dict[str, Any], store_url: str = "", **tables: Any) -> Services:
        told = [{"url": receiver.url(), "allow_private": True} | each for each in webhooks or ({},)]
        return services_of(make_app(store_url, webhooks=told, **tables))

    return make


def hands_over(services: Services, *settlements: Settlement) -> None:
    for settlement in settlements:
        claim = services.outbox.claim("test")
        assert claim
        services.outbox.settle(claim, settlement)


def test_a_program_is_told_signed_and_in_order_what_happened(
    following: Callable[..., Services], receiver: Receiver, store_url: str
) -> None:
    services = following(store_url=store_url)
    reference = services.outbox.accept(ANN).reference
    hands_over(services, Settlement(transitions.TAKEN, "accepted: +442079460123"))
    services.webhooks.run_once()

    assert receiver.types() == ["request.accepted", "request.with_team"]
    for told in receiver.told:
        (secret,) = secrets_of(services.settings.secret_keys)
        at = datetime.fromtimestamp(int(told.headers["webhook-timestamp"]), UTC)
        assert Webhook(secret).sign(told.headers["webhook-id"], at, told.body) == told.headers["webhook-signature"]
        assert "Ann" not in told.body
        assert "7946" not in told.body
    assert receiver.told[0].event == {
        "type": "request.accepted",
        "timestamp": "2026-11-24T10:00:00+00:00",
        "data": {
            "reference": reference,
            "widget": "sales",
            "state": "waiting",
            "requested_at": "2026-11-24T10:00:00+00:00",
            "due_at": "2026-11-24T10:00:00+00:00",
        },
    }
    assert receiver.told[1].event["data"]["state"] == "with_team"
    services.webhooks.run_once()
    assert len(receiver.told) == 2


def test_while_a_secret_is_rotated_the_old_one_and_the_new_one_verify(
    following: Callable[..., Services], receiver: Receiver
) -> None:
    keys = {"secret_key_fallbacks": (SecretStr("the key of before"),), "secret_key": SecretStr("the key of now")}
    services = following(environment=keys)
    services.outbox.accept(ANN)
    services.webhooks.run_once()
    (told,) = receiver.told
    at = datetime.fromtimestamp(int(told.headers["webhook-timestamp"]), UTC)
    new, old = secrets_of(["the key of before", "the key of now"])
    signed = [Webhook(secret).sign(told.headers["webhook-id"], at, told.body) for secret in (new, old)]
    assert told.headers["webhook-signature"].split() == signed
    assert secrets_of(["the key of now"]) == [new]


def test_every_change_has_its_event(following: Callable[..., Services], receiver: Receiver) -> None:
    services = following()
    lost = services.outbox.accept(ANN)
    hands_over(services, Settlement(transitions.LOSE, "no whole answer within 10 s: +442079460123"))
    assert services.operations.resolve(lost.id, rang=True)
    services.webhooks.run_once()
    assert receiver.types() == ["request.accepted", "request.unknown", "request.resolved"]
    assert receiver.told[1].event["data"]["reason"] == "no whole answer within 10 s"
    receiver.told.clear()

    failed = services.outbox.accept(Answers("sales", "442079460199", "GB"))
    hands_over(services, Settlement(transitions.FAIL, "refused to the last: Ann Example"))
    services.personal_data.erase(failed.id)
    cancelled = services.outbox.accept(Answers("sales", "442079460188", "GB"))
    services.outbox.cancel(cancelled.id)
    services.webhooks.run_once()
    of_each = [
        [told for told in receiver.told if told.event["data"]["reference"] == receipt.reference]
        for receipt in (failed, cancelled)
    ]
    assert [[told.type for told in of_one] for of_one in of_each] == [
        ["request.accepted", "request.failed", "request.erased"],
        ["request.accepted", "request.cancelled"],
    ]
    assert of_each[0][1].event["data"]["reason"] == "refused to the last"


@pytest.mark.parametrize(
    ("outcome", "answered"),
    [
        (Outcome.ANSWERED, True),
        (Outcome.WRONG_NUMBER, True),
        (Outcome.NO_ANSWER, False),
        (Outcome.VOICEMAIL, False),
    ],
)
def test_who_follows_is_told_whether_a_call_was_answered(
    following: Callable[..., Services], receiver: Receiver, outcome: Outcome, answered: bool
) -> None:
    services = following()
    asked = services.outbox.accept(ANN)
    hands_over(services, Settlement(transitions.TAKEN))
    assert services.outcomes.say(asked.id, outcome, Source.AGENT)
    services.webhooks.run_once()

    called = receiver.told[-1].event
    assert (called["type"], called["data"]["answered"]) == ("request.called", answered)
    assert "reason" not in called["data"]


def test_of_what_is_held_only_what_is_true_is_told(following: Callable[..., Services], receiver: Receiver) -> None:
    services = following()
    services.outbox.stop("442079460123")
    held = services.outbox.accept(ANN)
    hands_over(services, Settlement(transitions.TAKEN, "held"))
    assert services.operations.release(held.id)
    hands_over(services, Settlement(transitions.TAKEN, "accepted"))
    services.webhooks.run_once()
    assert receiver.types() == ["request.accepted", "request.held", "request.with_team"]
    assert [told.event["data"]["state"] for told in receiver.told] == ["held", "held", "with_team"]
    assert receiver.told[1].event["data"]["reason"] == "stopped"


def test_a_receiver_hears_of_its_own_events_and_widgets_alone(
    following: Callable[..., Services], receiver: Receiver
) -> None:
    services = following(
        {"url": receiver.url("/called"), "events": ["request.called"]},
        {"url": receiver.url("/all"), "personal_data": True},
    )
    services.outbox.accept(ANN)
    services.webhooks.run_once()
    assert receiver.types("/called") == []
    (told,) = receiver.told
    assert told.event["data"] | {"name": "Ann Example", "phone": "+442079460123"} == told.event["data"]
    assert told.event["data"]["attributes"] == {"plan": "pro"}


def test_what_was_erased_meanwhile_is_not_told(following: Callable[..., Services], receiver: Receiver) -> None:
    services = following({"personal_data": True})
    id = services.outbox.accept(ANN).id
    services.personal_data.erase(id)
    services.webhooks.run_once()
    assert receiver.types() == ["request.accepted", "request.cancelled", "request.erased"]
    assert "Ann" not in "".join(told.body for told in receiver.told)


def test_what_is_erased_between_claiming_and_sending_is_not_told(
    following: Callable[..., Services], receiver: Receiver
) -> None:
    services = following({"personal_data": True}, {"url": receiver.url("/slow"), "personal_data": True})
    id = services.outbox.accept(ANN).id

    def erases(path: str, count: int) -> int:
        if len(receiver.told) == 1:  # the other receiver's delivery is claimed by now
            services.personal_data.erase(id)
        return 204

    receiver.answer = erases
    services.webhooks.run_once()
    services.webhooks.run_once()
    first, *later = receiver.told
    assert "Ann Example" in first.body
    assert len(later) == 5
    assert "Ann" not in "".join(told.body for told in later)


def test_a_change_that_is_undone_has_no_event(following: Callable[..., Services]) -> None:
    services = following()
    id = services.outbox.accept(ANN).id

    def cancelled_and_undone() -> None:
        with services.database.write() as connection:
            assert transitions.apply(connection, transitions.CANCEL, sa.true(), services.clock())
            raise LookupError

    with pytest.raises(LookupError):
        cancelled_and_undone()
    with services.database.read() as connection:
        stored = connection.execute(sa.select(webhook_events.c.request_id, webhook_events.c.type)).all()
    assert [tuple(row) for row in stored] == [(id, "request.accepted")]


def test_nothing_is_written_while_nobody_follows(make_app: Callable[..., Flask]) -> None:
    services = services_of(make_app())
    services.outbox.accept(ANN)
    with services.database.read() as connection:
        assert connection.execute(sa.select(webhook_events)).all() == []


def test_what_is_not_taken_is_sent_again_in_its_order_with_its_id(
    following: Callable[..., Services], receiver: Receiver, clock: Clock
) -> None:
    services = following()
    receiver.answer = lambda path, count: 500 if count <= 2 else 204
    services.outbox.accept(ANN)
    hands_over(services, Settlement(transitions.TAKEN, "accepted"))
    other = services.outbox.accept(Answers("sales", "442079460199", "GB")).reference
    for _ in range(6):
        services.webhooks.run_once()
        clock.passes(minutes=2)

    of_ann = [told for told in receiver.told if told.event["data"]["reference"] != other]
    assert [told.type for told in of_ann][-1] == "request.with_team"
    assert {told.type for told in of_ann[:-1]} == {"request.accepted"}
    assert len({told.headers["webhook-id"] for told in of_ann[:-1]}) == 1
    assert other in {told.event["data"]["reference"] for told in receiver.told}


def test_after_a_back_up_was_put_back_other_events_have_other_ids(
    following: Callable[..., Services], receiver: Receiver, clock: Clock
) -> None:
    services = following()
    id = services.outbox.accept(ANN).id
    for _ in range(3):  # again and again, the numbers of the store begin where they began before
        services.outbox.cancel(id)
        services.webhooks.run_once()
        with services.database.write() as connection:
            connection.execute(webhook_deliveries.delete())
            connection.execute(webhook_events.delete())
            connection.execute(requests.update().values(state="waiting"))
        clock.passes(minutes=5)
    assert len({told.headers["webhook-id"] for told in receiver.told if told.type == "request.cancelled"}) == 3


def test_a_delivery_that_is_refused_does_not_keep_other_requests_back(
    following: Callable[..., Services], receiver: Receiver
) -> None:
    services = following()
    first = services.outbox.accept(ANN).reference
    receiver.answer = lambda path, count: 422 if first in receiver.told[-1].body else 204
    second = services.outbox.accept(Answers("sales", "442079460199", "GB")).reference
    services.webhooks.run_once()
    assert [told.event["data"]["reference"] for told in receiver.told] == [first, second]


def test_after_a_day_it_is_given_up_and_somebody_is_told(
    following: Callable[..., Services], receiver: Receiver, clock: Clock
) -> None:
    services = following()
    receiver.answer = lambda path, count: 503
    services.outbox.accept(ANN)
    for _ in range(26 * 6):
        services.webhooks.run_once()
        clock.passes(minutes=10)
    assert states_of(services) == ["given_up"]
    assert 20 <= len(receiver.told) <= 40
    assert told_of(services) == ["webhook_lost"]


def states_of(services: Services) -> list[str]:
    with services.database.read() as connection:
        return list(connection.execute(sa.select(webhook_deliveries.c.state)).scalars())


def told_of(services: Services) -> list[str]:
    with services.database.read() as connection:
        return [row.kind for row in connection.execute(sa.select(alerts.c.kind)) if row.kind.startswith("webhook")]


def test_a_receiver_that_is_gone_is_switched_off_and_somebody_is_told(
    following: Callable[..., Services], receiver: Receiver, clock: Clock
) -> None:
    services = following()
    receiver.answer = lambda path, count: 410
    services.outbox.accept(ANN)
    services.outbox.accept(Answers("sales", "442079460199", "GB"))
    services.webhooks.run_once()
    heard = len(receiver.told)
    clock.passes(hours=2)
    services.outbox.accept(Answers("sales", "442079460188", "GB"))
    services.webhooks.run_once()
    assert len(receiver.told) == heard
    assert told_of(services) == ["webhook_off"]


def test_what_could_not_be_begun_for_want_of_threads_is_sent_later(
    following: Callable[..., Services], receiver: Receiver, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, begins, tried = following(), threading.Thread.start, threading.Event()
    with services.database.write() as connection:  # it failed last, and is sent one at a time
        connection.execute(webhook_receivers.update().values(failures=1))

    def has_no_thread_left(thread: threading.Thread) -> None:
        if thread.name == "webhook":
            tried.set()
            raise RuntimeError("can't start new thread")
        begins(thread)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", has_no_thread_left)
        services.outbox.accept(ANN)
        services.webhooks.start()
        assert tried.wait(20)
    clock.passes(minutes=2)
    receiver.waits_for(lambda: receiver.types() == ["request.accepted"], seconds=5)
    services.webhooks.stop(10)


def test_an_answer_that_cannot_be_read_is_noted_as_one_and_tried_again(
    following: Callable[..., Services], receiver: Receiver
) -> None:
    services = following()
    receiver.answer = lambda path, count: 99
    services.outbox.accept(ANN)
    services.webhooks.run_once()
    with services.database.read() as connection:
        answers = list(connection.execute(sa.select(webhook_deliveries.c.answer)).scalars())
    assert answers == ["no answer that can be read"]
    assert states_of(services) == ["waiting"]


def test_no_redirect_is_followed(following: Callable[..., Services], receiver: Receiver) -> None:
    services = following()
    receiver.answer = lambda path, count: 302
    services.outbox.accept(ANN)
    services.webhooks.run_once()
    assert {told.path for told in receiver.told} == {"/hook"}
    assert states_of(services) == ["waiting"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_address_of_ones_own_network_is_refused_unless_it_is_allowed(
    following: Callable[..., Services], receiver: Receiver, host: str
) -> None:
    services = following({"url": receiver.url().replace("127.0.0.1", host), "allow_private": False})
    services.outbox.accept(ANN)
    services.webhooks.run_once()
    assert receiver.told == []
    with services.database.read() as connection:
        (answer,) = connection.execute(sa.select(webhook_deliveries.c.answer)).scalars()
    assert "allow_private" in answer


PRIVATE = "127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 255.255.255.255"
PRIVATE += " ::1 :: fe80::1 fe80::1%eth0 fc00::1 fd12::1 ff02::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1"
PRIVATE += (
    " 2002:7f00:1:: 2002:a00:1:: ::127.0.0.1 2001:db8::1 fec0::1 64:ff9b:1::7f00:1 ::ffff:0:7f00:1 3fff::1 5f00::1"
)


@pytest.mark.parametrize("address", PRIVATE.split())
def test_an_address_of_a_network_of_ones_own_is_known_however_it_is_written(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", "93.184.216.34 8.8.8.8 2606:4700::1111 64:ff9b::808:808".split())
def test_an_address_of_the_internet_is_known(address: str) -> None:
    assert is_public(address)


def test_check_prints_the_secret_and_tries_every_receiver(
    make_app: Callable[..., Flask], receiver: Receiver
) -> None:
    receiver.answer = lambda path, count: 500 if path == "/bad" else 204
    told = [{"url": receiver.url(path), "allow_private": True} for path in ("/good", "/bad")]
    app = make_app(webhooks=told)
    assert secrets_of(services_of(app).settings.secret_keys)[0] in said(app, "check")
    tried = said(app, "check", "--live", status=1)
    assert f"Webhook {receiver.url().split('/')[2]}: answered 204." in tried
    assert f"Webhook {receiver.url().split('/')[2]}: answered 500." in tried
    assert receiver.types() == ["ringback.test"] * 2
