"""Processes that change requests and tell of it, each killed in the midst of that: `-m tests.webhooks.lives`.

The modules are read once; each life is a fork of it.
"""

import itertools
import os
import random
import signal
import sys

from ringback.factory import create_app
from ringback.outbox import transitions
from ringback.outbox.claims import Settlement
from ringback.outbox.request import Answers
from ringback.services import services_of
from tests.conftest import make_settings

_MOST_CHANGES = 25  # before the kill


def live(store_url: str, receiver_url: str, number: int, change: int) -> None:
    """Change requests for ever, and write a byte for each change."""
    webhooks = [{"url": receiver_url, "allow_private": True}]
    # What the brake holds has other events than those that are counted.
    limits = {"per_widget": "1000000 per hour"}
    services = services_of(create_app(make_settings(store_url, webhooks=webhooks, limits=limits)))
    services.webhooks.start()
    chosen = random.Random(number)
    for turn in itertools.count():
        id = services.outbox.accept(Answers("sales", f"4420{number * 1000 + turn:08}", "GB")).id
        os.write(change, b".")
        if chosen.random() < 0.5:
            services.outbox.cancel(id)
        elif claim := services.outbox.claim("life"):
            arrow = chosen.choice([transitions.TAKEN, transitions.FAIL, transitions.LOSE])
            services.outbox.settle(claim, Settlement(arrow, "said"))
        os.write(change, b".")


def kill_many(store_url: str, receiver_url: str, kills: int) -> None:
    """Start so many lives, one after the other, and kill each after some changes."""
    for number in range(1, kills + 1):
        changed, change = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(changed)
            try:
                live(store_url, receiver_url, number, change)
            finally:
                os._exit(1)
        os.close(change)
        for _ in range(random.randint(1, _MOST_CHANGES)):
            if not os.read(changed, 1):
                sys.exit("a life ended by itself")
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(changed)


if __name__ == "__main__":
    kill_many(sys.argv[1], sys.argv[2], int(sys.argv[3]))
