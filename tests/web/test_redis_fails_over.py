"""Redis, for real: its primary dies, its replica takes over, and is flushed. Limits hold, and nothing is lost."""

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from pydantic import SecretStr

from ringback.services import services_of
from ringback.store.tables import requests
from ringback.web import limits
from tests.crash.served import eventually
from tests.crash.stores import Redis
from tests.visitor import Visitor

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="apt-get install redis-server"),
]


class Leads:
    """An address that leads to one Redis or another, as a name or a virtual address does. `to` 0: to nobody."""

    def __init__(self) -> None:
        self.to = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def leads(self, to: int) -> None:
        self.to = to
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def close(self) -> None:
        self.leads(0)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                visitor, _ = self._listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self.to), 1)
                except OSError:
                    visitor.close()
                    continue
                self._open += [visitor, server]
                for one, other in ((visitor, server), (server, visitor)):
                    threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    @staticmethod
    def _pass_on(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError), one, other:
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def address() -> Iterator[Leads]:
    leads = Leads()
    yield leads
    leads.close()


def test_an_address_has_no_more_requests_accepted_though_its_redis_dies_fails_over_and_is_flushed(
    make_app: Callable[..., Flask], tmp_path: Path, address: Leads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits.limiter, "_storage_dead", False)
    with ExitStack() as stack:
        primary = Redis(tmp_path)
        stack.callback(primary.kill)
        replica = Redis(tmp_path, "--replicaof", "127.0.0.1", str(primary.port))
        stack.callback(replica.kill)
        eventually(lambda: replica.client.info("replication")["master_link_status"] == "up")
        address.leads(primary.port)
        app = make_app(
            limits={"per_address": "3 per hour", "min_fill_seconds": 0},
            environment={"ratelimit_storage_uri": SecretStr(f"redis://127.0.0.1:{address.port}/0")},
        )
        numbers = (f"+44 20 7946 0{n:03}" for n in range(1000))

        def asks(who: str, times: int) -> list[int]:
            visitor = Visitor(app, who)
            sent = (visitor.sends(visitor.opens("/sales"), name="Ann", phone=next(numbers)) for _ in range(times))
            return [page.status for page in sent]

        def counts_there(who: str) -> bool:
            assert asks(who, 1) == [429]
            return limits.storage_answers() and not limits.limiter._storage_dead

        early, late = "198.51.100.7", "198.51.100.8"
        assert asks(early, 2) == [303, 303]
        primary.kill()
        address.leads(0)
        assert asks(early, 2) == [303, 429], "while nobody is there"
        replica.client.replicaof("NO", "ONE")
        address.leads(replica.port)
        eventually(lambda: counts_there(early))
        assert asks(late, 4) == [303, 303, 303, 429], "and once the replica is the primary"
        replica.client.flushall()
        assert asks(early, 1) + asks(late, 1) == [429, 429], "and once that has forgotten all"

        with services_of(app).database.read() as connection:
            assert connection.execute(sa.select(sa.func.count()).select_from(requests)).scalar() == 6
