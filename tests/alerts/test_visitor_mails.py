"""A visitor who leaves an address is sent the way to their page: once, in our words, and nobody else's."""

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from flask import Flask
from pydantic import SecretStr

from ringback.alerts.visitor_mail import address_of
from ringback.outbox.request import Answers
from ringback.services import Services, services_of
from ringback.store.program_tables import visitor_mails
from tests.alerts.test_alerts import MailServer
from tests.conftest import WIDGET, Clock
from tests.faults import FaultServer, Visit


@pytest.fixture
def server() -> MailServer:
    return MailServer()


@pytest.fixture
def mailing(make_app: Callable[..., Flask], server: MailServer) -> Iterator[Callable[..., Services]]:
    """An app whose widget writes to visitors, unless it is told otherwise."""
    with FaultServer(server) as mail:

        def make(**widget: object) -> Services:
            widgets = {"sales": WIDGET | {"confirm_by_email": True, "languages": ["en", "de"]} | widget}
            smtp = SecretStr(f"smtp://127.0.0.1:{mail.port}")
            return services_of(make_app(widgets=widgets, environment={"smtp_url": smtp}))

        yield make


def ask(
    services: Services, email: str = "ann@example.com", phone: str = "442079460123", language: str = "en"
) -> str:
    answers = Answers(
        "sales", phone, "GB", name="Ann Example", message="Buy pills", email=email, language=language
    )
    id = services.outbox.accept(answers).id
    services.visitor_mails.turn()
    return id


def test_the_mail_has_the_link_and_no_word_of_its_visitor(
    mailing: Callable[..., Services], server: MailServer
) -> None:
    id = ask(mailing(), language="de")
    (mail,) = server.mails
    assert (mail["To"], mail["Auto-Submitted"]) == ("ann@example.com", "auto-generated")
    assert "Acme Ltd" in mail["Subject"]
    for kind in ("plain", "html"):
        body = mail.get_body((kind,))
        assert body
        text = body.get_content()
        assert f"https://callback.acme.test/requests/{id}" in text
        for word in ("Ann Example", "pills", "7946"):
            assert word not in text
    assert 'lang="de"' in text
    assert "Wir haben" in text
    assert id not in str(mail["Message-ID"])


def test_one_address_is_written_to_once_an_hour_however_it_is_spelled(
    mailing: Callable[..., Services], server: MailServer, clock: Clock
) -> None:
    services = mailing()
    ask(services, "ann.b@bücher.example")
    for turn, spelled in enumerate(
        ["ANN.B@Bücher.example", "annb@bücher.example", "ann.b+2@bücher.example", "ann.b@xn--bcher-kva.example"]
    ):
        ask(services, spelled, f"44207946{turn:04}")
    assert len(server.mails) == 1
    ask(services, "other@bücher.example", "442079460199")
    assert len(server.mails) == 2
    clock.passes(hours=1, seconds=1)
    ask(services, "ann.b@bücher.example", "442079460188")
    assert len(server.mails) == 3


def test_whether_a_number_is_held_is_not_told_by_a_mail_that_does_not_come(
    mailing: Callable[..., Services], server: MailServer
) -> None:
    services = mailing()
    services.outbox.stop("442079460123")
    ask(services)
    assert len(server.mails) == 1


def test_a_machines_post_has_nobody_written_to(mailing: Callable[..., Services], server: MailServer) -> None:
    services = mailing()
    services.outbox.accept(Answers("sales", "442079460123", "GB", email="ann@example.com"), is_suspect=True)
    services.visitor_mails.turn()
    assert server.mails == []


def test_nobody_is_written_to_unless_the_widget_says_so(
    mailing: Callable[..., Services], server: MailServer
) -> None:
    ask(mailing(confirm_by_email=False))
    assert server.mails == []


def test_a_mail_server_that_was_down_is_tried_again(
    make_app: Callable[..., Flask], server: MailServer, clock: Clock
) -> None:
    visits: list[Visit] = []

    def down_at_first(visit: Visit) -> None:
        visits.append(visit)
        if len(visits) > 1:
            server(visit)

    with FaultServer(down_at_first) as mail:
        widgets = {"sales": WIDGET | {"confirm_by_email": True}}
        smtp = SecretStr(f"smtp://127.0.0.1:{mail.port}")
        services = services_of(make_app(widgets=widgets, environment={"smtp_url": smtp}))
        ask(services)
        services.visitor_mails.turn()
        assert server.mails == []
        clock.passes(minutes=2)
        services.visitor_mails.turn()
    assert len(server.mails) == 1


def test_what_was_erased_is_written_to_nobody(mailing: Callable[..., Services], server: MailServer) -> None:
    services = mailing()
    id = services.outbox.accept(Answers("sales", "442079460123", "GB", email="ann@example.com")).id
    services.personal_data.erase(id)
    services.visitor_mails.turn()
    assert server.mails == []


def test_a_day_later_nothing_is_known_of_whom_was_written_to(
    mailing: Callable[..., Services], clock: Clock
) -> None:
    services = mailing()
    ask(services)
    services.personal_data.purge()
    for _ in range(26):  # a clock that leaps purges nothing
        clock.passes(hours=1)
        services.personal_data.purge()
    with services.database.read() as connection:
        assert connection.execute(sa.select(visitor_mails)).all() == []


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("ann@example.com", "ann@example.com"),
        ("ann+a.b@bücher.example", "ann+a.b@xn--bcher-kva.example"),
        ("a,victim@example.com", None),
        ("ann@example.com,victim@example.com", None),
        ("a<b>@example.com", None),
        ("ann@example.com>", None),
        ('"a"@example.com', None),
        ("änn@example.com", None),
        ("", None),
        ("ann@example..com", None),
    ],
)
def test_only_one_plain_address_is_written_to(typed: str, address: str | None) -> None:
    assert address_of(typed) == address
