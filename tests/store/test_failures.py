"""What breaks in the background is named for what it is: the store's fault, or ours with its place."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from ringback.outbox.request import Answers
from ringback.services import Services, services_of

OURS, STORES = KeyError("Ann Example"), sa.exc.OperationalError("SELECT", {}, Exception("gone"))
Act = Callable[[Services], None]


def purges(services: Services) -> None:
    services.purge_loop.run_once()


def tells(services: Services) -> None:
    services.alerts._look("email")


def hands_over(services: Services) -> None:
    services.outbox.accept(Answers(widget="sales", phone="442079460123", region="GB"))
    claim = services.outbox.claim("test")
    assert claim
    services.delivery._free_workers.acquire()
    services.delivery._work(claim)


def turns(services: Services) -> None:
    services.delivery.start()
    services.delivery._stopping.wait(0.5)
    services.delivery.stop(5)


BREAKS: list[tuple[Act, str]] = [
    (purges, "ringback.outbox.personal_data.PersonalData.purge"),
    (tells, "ringback.alerts.sender.Alerts._is_due"),
    (hands_over, "ringback.handover.loop.Delivery.hand_over"),
    (turns, "ringback.handover.loop.Delivery._turn"),
]


@pytest.mark.parametrize(("act", "broken"), BREAKS, ids=[act.__name__ for act, _ in BREAKS])
@pytest.mark.parametrize("error", [OURS, STORES], ids=["ours", "the store's"])
def test_a_background_loop_names_the_stores_faults_and_gives_the_place_of_ours(
    app: Flask,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    act: Act,
    broken: str,
    error: Exception,
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(broken, fails)
    act(services_of(app))

    assert ("the store did not answer (OperationalError)" in caplog.text) is (error is STORES)
    assert ("KeyError at\n" in caplog.text and ", in fails\n" in caplog.text) is (error is OURS)
    assert "Ann Example" not in caplog.text
