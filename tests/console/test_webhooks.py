"""Admins see what programs were told, and have it sent again."""

from collections.abc import Callable, Iterator

import html5lib
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr

from ringback.accounts.operator import Role
from ringback.outbox.request import Answers
from ringback.services import services_of
from tests.console.signing_in import PASSWORD, sign_in, words_of
from tests.webhooks.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.stop()


@pytest.fixture
def app(make_app: Callable[..., Flask], receiver: Receiver) -> Flask:
    return make_app(webhooks=[{"url": receiver.url("/a-secret-path"), "allow_private": True}])


def sends(client: FlaskClient, button: str) -> None:
    """Send the form that has this button, as a browser does."""
    page = html5lib.parse(client.get("/console/webhooks").get_data(as_text=True), namespaceHTMLElements=False)
    (form,) = [
        form
        for form in page.iter("form")
        if any("".join(each.itertext()).strip() == button for each in form.iter("button"))
    ]
    fields = {field.get("name"): field.get("value") for field in form.iter("input")}
    assert client.post(form.get("action"), data=fields).status_code == 303


def test_an_admin_sees_what_was_told_and_sends_it_again(
    app: Flask, receiver: Receiver, console: Callable[..., FlaskClient]
) -> None:
    services = services_of(app)
    reference = services.outbox.accept(Answers("sales", "442079460123", "GB", name="Ann Example")).reference
    services.webhooks.run_once()
    client = console(Role.ADMIN)
    shown = client.get("/console/webhooks").get_data(as_text=True)
    assert reference in shown
    assert "answered 204" in shown
    assert "a-secret-path" not in shown
    assert "Ann" not in shown
    for query in ("state=waiting", "receiver=0&state=given_up", "before=1"):
        assert reference not in client.get(f"/console/webhooks?{query}").get_data(as_text=True)

    sends(client, "Send again")
    services.webhooks.run_once()
    first, again = receiver.told
    assert (first.body, first.headers["webhook-id"]) == (again.body, again.headers["webhook-id"])


def test_a_receiver_that_was_gone_is_told_again_what_it_missed(
    app: Flask, receiver: Receiver, console: Callable[..., FlaskClient]
) -> None:
    services = services_of(app)
    receiver.answer = lambda path, count: 410 if count == 1 else 204
    services.outbox.accept(Answers("sales", "442079460123", "GB"))
    services.webhooks.run_once()
    services.outbox.accept(Answers("sales", "442079460199", "GB"))
    services.webhooks.run_once()
    assert len(receiver.told) == 1
    sends(console(Role.ADMIN), "Tell it again")
    services.webhooks.run_once()
    assert len(receiver.told) == 3


def test_to_a_receiver_that_is_off_nothing_is_sent_again_and_it_still_misses_nothing(
    app: Flask, receiver: Receiver, console: Callable[..., FlaskClient]
) -> None:
    services, client = services_of(app), console(Role.ADMIN)
    receiver.answer = lambda path, count: 410 if count == 1 else 204
    services.outbox.accept(Answers("sales", "442079460123", "GB"))
    services.webhooks.run_once()
    sends(client, "Send again")
    assert "It was not sent" in client.get("/console/webhooks").get_data(as_text=True)
    services.webhooks.run_once()
    assert len(receiver.told) == 1
    sends(client, "Tell it again")
    services.webhooks.run_once()
    assert len(receiver.told) == 2


def test_an_admin_of_other_widgets_learns_of_no_delivery(
    app: Flask, receiver: Receiver, console: Callable[..., FlaskClient]
) -> None:
    reference = services_of(app).outbox.accept(Answers("sales", "442079460123", "GB")).reference
    services_of(app).webhooks.run_once()
    helper = console(Role.ADMIN, {"help"})
    assert reference not in helper.get("/console/webhooks").get_data(as_text=True)
    assert not services_of(app).delivery_list.send_again(1, frozenset({"help"}))


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_webhooks_are_for_admins_alone(app: Flask, console: Callable[..., FlaskClient], role: Role) -> None:
    assert console(role).get("/console/webhooks").status_code == 404


def test_what_is_not_there_is_not_sent_again(app: Flask, console: Callable[..., FlaskClient]) -> None:
    client = console(Role.ADMIN)
    services_of(app).outbox.accept(Answers("sales", "442079460123", "GB"))
    services_of(app).webhooks.run_once()
    shown = html5lib.parse(client.get("/console/webhooks").get_data(as_text=True), namespaceHTMLElements=False)
    token = next(each.get("value") for each in shown.iter("input") if each.get("name") == "csrf_token")
    for path in ("deliveries/9/again", f"deliveries/{2**70}/again", "receivers/0/on", "receivers/9/on"):
        assert client.post(f"/console/webhooks/{path}", data={"csrf_token": token}).status_code == 404
    assert client.get(f"/console/webhooks?before={2**70}&receiver=-1&state=x").status_code == 200


def test_while_a_secret_is_changed_the_page_says_so(make_app: Callable[..., Flask], receiver: Receiver) -> None:
    told = [{"url": receiver.url("/a-secret-path"), "allow_private": True}]
    old = {"secret_key_fallbacks": (SecretStr("the key before"),)}
    for environment, words in (({}, "Messages are signed with the secret that"), (old, "signed with 2 secrets")):
        app = make_app(webhooks=told, environment=environment)
        services_of(app).accounts.people.add(f"robin{len(environment)}", Role.ADMIN, None, PASSWORD)
        client = app.test_client()
        sign_in(client, f"robin{len(environment)}")
        assert words in words_of(client.get("/console/webhooks"))
