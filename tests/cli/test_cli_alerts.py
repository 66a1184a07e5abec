"""What `alerts test` says of each channel."""

from collections.abc import Callable

import pytest
from flask import Flask
from pydantic import SecretStr

from tests.alerts.test_alerts import DESK, MailServer, posted
from tests.cli.test_cli_people import said
from tests.faults import FaultServer, answer, refusing, response

Make = Callable[..., Flask]


@pytest.fixture
def make(make_app: Make) -> Make:
    """An app that tells a webhook at an address, and a mail server at a port."""

    def make_with(webhook: str | None, smtp: int | None = None) -> Flask:
        environment = {"smtp_url": SecretStr(f"smtp://127.0.0.1:{smtp}")} if smtp else {}
        return make_app(alerts={"webhook": webhook, "email": [DESK] if smtp else []}, environment=environment)

    return make_with


def test_each_channel_is_sent_a_test_and_says_what_it_answered(make: Make) -> None:
    server = MailServer()
    with FaultServer(answer(response(204))) as receiver, FaultServer(server) as mail:
        output = said(make(receiver.base_url, mail.port), "alerts", "test")
        (post,), (sent,) = posted(receiver), server.mails

    assert output.splitlines() == ["email: taken by 127.0.0.1", "webhook: answered 204"]
    assert post.content["type"] == "ringback.test"
    assert sent["Subject"] == "Ringback: a test"


@pytest.mark.parametrize("status", [301, 404, 500])
def test_a_channel_that_does_not_take_it_fails_and_the_others_are_sent_it_too(make: Make, status: int) -> None:
    server = MailServer()
    with FaultServer(answer(response(status))) as receiver, FaultServer(server) as mail:
        output = said(make(receiver.base_url, mail.port), "alerts", "test", status=1)

    assert f"webhook: NotReceivedError {status}" in output
    assert len(server.mails) == 1


def test_a_receiver_that_is_not_there_fails(make: Make) -> None:
    with refusing() as address:
        output = said(make(address), "alerts", "test", status=1)

    assert "webhook: " in output
    assert "Not every channel took it." in output


def test_with_nobody_to_tell_a_test_fails(make: Make) -> None:
    assert "set email or webhook in [alerts]" in said(make(None), "alerts", "test", status=1)
