"""Every way a hand-over can end, through the whole product: what the visitor's page says in the end.

The client's own table of outcomes is in test_samespace.py. Here the same faults meet the store, the loop and
the pages, and the form must not feel any of them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask

from tests import faults
from tests.conftest import Clock
from tests.faults import FaultServer, response
from tests.visitor import Visitor

YES, NO = '{"success": true}', '{"success": false, "message": "Cant make call! Not logged In"}'
WAITING = {
    "503 with Retry-After": faults.answer(response(503, "", "Retry-After: 7")),
    "429": faults.answer(response(429, "")),
    "429 with Retry-After": faults.answer(response(429, "", "Retry-After: 7")),
    "200 and a no": faults.answer(response(200, NO)),
    "400 and a no": faults.answer(response(400, NO)),
    "500 and a no": faults.answer(response(500, NO)),
    "503 and a no": faults.answer(response(503, NO)),
    "409 and a no": faults.answer(response(409, NO)),
    "200 and a no as text": faults.answer(response(200, NO.replace("false", '"false"'))),
    "425 with Retry-After": faults.answer(response(425, "", "Retry-After: 7")),
    **{str(status): faults.answer(response(status, "")) for status in (301, 302, 307, 308)},
    **{
        str(status): faults.answer(response(status, ""))
        for status in (400, 401, 402, 403, 404, 405, 410, 422, 451)
    },
}
UNKNOWN = {
    "closed unread": faults.close_unread,
    "read and closed": faults.read_and_close,
    "reset": faults.reset,
    "hangs": faults.hang,
    "half a body": faults.answer(response(200, YES, "Connection: close").replace(b"true}", b"tr")),
    "a byte at a time": faults.drip(response(200, YES)),
    "200 and a page": faults.answer(response(200, "<h1>OK</h1>", content_type="text/html")),
    "200 and a list": faults.answer(response(200, "[]")),
    "408": faults.answer(response(408, "")),
    "409": faults.answer(response(409, "")),
    "425": faults.answer(response(425, "")),
    "503 and a Retry-After that cannot be read": faults.answer(response(503, "", "Retry-After: soon")),
    "404 and a yes": faults.answer(response(404, YES)),
    **{str(status): faults.answer(response(status, "oops")) for status in (500, 501, 502, 503, 504, 505, 520)},
}
WITH_TEAM = {
    "200 and a yes": faults.answer(response(200, YES)),
    "200 and a yes as text": faults.answer(response(200, '{"success": "true"}')),
    "200 and an empty object": faults.answer(response(200, "{}")),
    "201 and more": faults.answer(response(201, '{"id": 7}')),
}
MATRIX = [
    pytest.param(behaviour, state, id=name)
    for state, table in (("waiting", WAITING), ("unknown", UNKNOWN), ("with_team", WITH_TEAM))
    for name, behaviour in table.items()
]


def ends(app: Flask, visitor: Visitor) -> str:
    """Ask, hand over once, and see what the request's page says."""
    page = visitor.asks()
    outbox, delivery = app.extensions["ringback"].outbox, app.extensions["ringback"].delivery
    claim = outbox.claim("test")
    assert claim
    delivery.hand_over(claim)
    later = visitor.opens(page.address)
    assert later.status == 200
    return str(visitor.opens(f"{page.address}.json").response.get_json()["state"])


@pytest.fixture
def make(make_app: Callable[..., Flask]) -> Callable[..., Flask]:
    limits = {"per_address": "100 per minute", "min_fill_seconds": 0}
    return lambda base_url, seconds=0.4: make_app(
        base_url=base_url, delivery={"timeout_seconds": seconds}, limits=limits
    )


@pytest.mark.parametrize(("behaviour", "state"), MATRIX)
def test_it_ends_in_the_state_the_table_says(make: Callable[..., Flask], behaviour: Any, state: str) -> None:
    with FaultServer(behaviour) as server:
        # What is answered may come late from a machine that is busy; what is unknown may hang.
        app = make(server.base_url, 0.4 if state == "unknown" else 10)
        assert ends(app, Visitor(app)) == state


@contextmanager
def no_such_name() -> Iterator[str]:
    # A name longer than a name can be: every resolver says no without asking the network.
    yield f"http://{'x' * 64}.invalid"


@contextmanager
def no_tls() -> Iterator[str]:
    with FaultServer(faults.answer(b"this is not TLS\r\n")) as server:
        yield server.base_url.replace("http:", "https:")


@pytest.mark.parametrize("nobody", [faults.refusing, faults.swallowing, no_such_name, no_tls])
def test_what_was_certainly_not_sent_waits(make: Callable[..., Flask], nobody: Any) -> None:
    with nobody() as base_url:
        app = make(base_url)
        assert ends(app, Visitor(app)) == "waiting"


def test_while_a_hand_over_hangs_the_form_is_answered_as_ever(make: Callable[..., Flask]) -> None:
    with FaultServer(faults.hang) as server:
        app = make(server.base_url)
        app.extensions["ringback"].delivery.start()
        visitor = Visitor(app)
        for index in range(12):
            assert visitor.asks(phone=f"020 7946 01{index:02}").headline == "We have your request"


@pytest.mark.parametrize("status", [502, pytest.param(503, marks=pytest.mark.long)])
def test_ten_minutes_of_an_outage_cost_a_handful_and_the_rest_go_out_once(
    make_app: Callable[..., Flask], clock: Clock, status: int
) -> None:
    down = True

    def behave(visit: faults.Visit) -> None:
        request = visit.read()
        visit.send(response(status, "") if down else response(200, YES))
        if not down and b"make_call" in request:
            rung.append(request)

    rung: list[bytes] = []
    with FaultServer(behave) as server:
        app = make_app(
            base_url=server.base_url,
            limits={"per_address": "1000 per minute", "per_widget": "1000 per hour", "min_fill_seconds": 0},
            widgets={"sales": {"team_name": "Sales", "region": "GB"}},
        )
        outbox, delivery = app.extensions["ringback"].outbox, app.extensions["ringback"].delivery
        app.config["WTF_CSRF_ENABLED"] = False
        pages = []
        for second in range(900):
            down = second < 600
            if second < 600 and second % 3 == 0:
                visitor = Visitor(app, f"198.51.100.{second // 60 + 1}")
                pages.append(visitor.posts("/sales", {"phone": f"020 7946 {second // 3:04}"}).location)
            if outbox.take_probe() and app.extensions["ringback"].samespace.probe():
                outbox.samespace_answers()
            while claim := outbox.claim("test"):
                delivery.hand_over(claim)
            clock.passes(seconds=1)

    ends = [visitor.opens(f"{page}.json").response.get_json()["state"] for page in pages]
    assert len(pages) == 200
    assert 1 <= ends.count("unknown") <= 6
    assert ends.count("with_team") == 200 - ends.count("unknown")
    assert len(rung) == ends.count("with_team")
