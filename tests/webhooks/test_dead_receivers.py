"""Receivers that are dead, in every way, delay nobody else."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import pytest
from flask import Flask

from ringback.outbox.request import Answers
from ringback.services import services_of
from ringback.store.program_tables import webhook_receivers
from ringback.webhooks import deliveries
from tests import faults

WITHIN_SECONDS = 2.0


@contextmanager
def receivers(alive: int) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A process that tells when so many were told; where they are, and three where nobody ever answers."""
    command = [sys.executable, "-m", "tests.webhooks.many", str(alive)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
        faults.refusing() as refusing,
        faults.swallowing() as swallowing,
    ):
        try:
            assert process.stdout
            answering, silent = process.stdout.readline().split()
            yield process, [f"http://127.0.0.1:{port}" for port in (answering, silent)] + [refusing, swallowing]
        finally:
            process.kill()


def webhooks(bases: list[str], alive: int, dead: int) -> list[dict[str, Any]]:
    """One that answers, and those that do not, in turn."""
    answering, *others = bases
    each = dead // alive + 1
    return [
        {
            "url": f"{answering if turn % each == each // 2 else others[turn % 3]}/{turn}",
            "allow_private": True,
        }
        for turn in range(alive + dead)
    ]


@pytest.mark.parametrize(
    ("alive", "dead"), [(6, 54), pytest.param(100, 900, marks=pytest.mark.long)], ids=["60", "1000"]
)
def test_who_answers_is_told_within_two_seconds_whoever_is_dead(
    make_app: Callable[..., Flask], store_url: str, alive: int, dead: int
) -> None:
    with receivers(alive) as (process, bases):
        services = services_of(make_app(store_url, webhooks=webhooks(bases, alive, dead)))
        services.webhooks.start()
        for number in ("442079460123", "442079460199"):  # who is dead is not known at first
            began = monotonic()
            services.outbox.accept(Answers("sales", number, "GB"))
            assert process.stdout
            assert float(process.stdout.readline()) - began < WITHIN_SECONDS
        services.webhooks.stop(0)


def test_who_failed_comes_last_and_a_few_at_a_time(make_app: Callable[..., Flask], store_url: str) -> None:
    urls = [f"https://{turn}.example.com/" for turn in range(300)]
    services = services_of(make_app(store_url, webhooks=[{"url": url} for url in urls]))
    receivers = {webhook.url: webhook for webhook in services.settings.webhooks}
    with services.database.write() as connection:
        failed = webhook_receivers.c.url.in_(urls[:200])
        connection.execute(webhook_receivers.update().where(failed).values(failures=3))
    services.outbox.accept(Answers("sales", "442079460123", "GB"))
    services.outbox.accept(Answers("sales", "442079460199", "GB"))
    deliveries.spread(services.database, receivers, services.clock())

    first = deliveries.claim(services.database, {}, services.clock())
    assert {claim.receiver for claim in first} == set(urls[200:])
    assert deliveries.claim(services.database, dict.fromkeys(urls[200:], 1), services.clock()) == []
    later = deliveries.claim(services.database, {}, services.clock())
    assert len(later) == 100
    assert {claim.receiver for claim in later} < set(urls[:200])
