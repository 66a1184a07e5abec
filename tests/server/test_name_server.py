"""A name server that says nothing holds up nobody but who waits for its names."""

from pathlib import Path
from time import monotonic, sleep

import requests

from ringback.accounts.api_keys import ApiKeys
from ringback.clock import utc_now
from ringback.store.database import Database
from tests.conftest import NO_SAMESPACE
from tests.running import production

RECEIVERS = 15  # more than gevent looks names up for at once, as it comes
# Where gevent asks for names: in threads of the system's.
NEVER_ANSWERS = """
import _socket, sys, time

real, sleep = _socket.getaddrinfo, time.sleep

def getaddrinfo(host, *rest, **more):
    if (host.decode() if isinstance(host, bytes) else str(host)).endswith(".dead.test"):
        sys.stderr.write("a name is asked for\\n")
        sleep(60)
    return real(host, *rest, **more)

_socket.getaddrinfo = getaddrinfo
"""


def test_while_names_of_receivers_are_waited_for_requests_are_stored(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(NEVER_ANSWERS)
    server = production(tmp_path, NO_SAMESPACE, PYTHONPATH=str(tmp_path))
    with (tmp_path / "ringback.toml").open("a") as configuration:
        for turn in range(RECEIVERS):
            configuration.write(f'[[webhooks]]\nurl = "https://receiver-{turn}.dead.test/"\n')
    server.start()
    try:
        database = Database(f"sqlite:///{tmp_path}/ringback.db")
        key = ApiKeys(database, utc_now).add("test")
        database.close()

        def asks(number: str) -> int:
            answer = requests.post(
                f"{server.url}/api/widgets/sales/requests",
                headers={"Authorization": f"Bearer {key}"},
                json={"phone": number, "consent_shown": True},
                timeout=20,
            )
            return answer.status_code

        assert asks("+442079460123") == 201
        until = monotonic() + 15
        while server.log.count("a name is asked for") < RECEIVERS and monotonic() < until:
            sleep(0.05)  # another process tells nobody
        began = monotonic()
        assert asks("+442079460199") == 201
        assert monotonic() - began < 5
        assert server.log.count("a name is asked for") >= RECEIVERS
    finally:
        server.kill()
