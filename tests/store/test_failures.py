"""What breaks in the background is named for what it is: the store's fault, or ours with its place."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from ringback.outbox.request import Answers
from ringback.services import Services, services_of
from ringback.store import engines
from ringback.store.database import Database
from ringback.store.failures import STORE_ERRORS
from ringback.store.locks import lock

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


def test_who_falls_silent_in_a_transaction_gives_its_locks_back_before_others_lose_patience(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that is cut off would keep them for as long as the server takes it for alive: for hours."""
    assert engines.SILENT_SECONDS < engines.PATIENCE_SECONDS
    monkeypatch.setattr(engines, "_BEGIN", engines._BEGIN.replace(f"{int(engines.SILENT_SECONDS * 1000)}", "300"))
    silent, other = Database(postgres_url), Database(postgres_url)

    def is_cut_off() -> None:
        with silent.write() as connection:
            lock(connection, "brake of sales")
            with other.write() as another:
                lock(another, "brake of sales")
                took.append(True)
            connection.execute(sa.select(1))

    took: list[bool] = []
    with pytest.raises(STORE_ERRORS):
        is_cut_off()
    assert took
    silent.close()
    other.close()
