"""One id in the log from the visitor's HTTP request to the hand-over, whichever process does it."""

import json
import logging
from collections.abc import Callable, Iterator
from io import StringIO
from ipaddress import ip_network

import pytest
from flask import Flask

from ringback.logs import JsonLines, trace
from ringback.sandbox.samespace import SandboxSamespace
from tests.conftest import Clock
from tests.visitor import Visitor

BEHIND_A_PROXY = {"trusted_proxies": 1, "proxy_addresses": (ip_network("127.0.0.1"),)}
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, str]]]]:
    written = StringIO()
    handler, root = logging.StreamHandler(written), logging.getLogger()
    handler.setFormatter(JsonLines())
    root.addHandler(handler)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.removeHandler(handler)


def about_requests(lines: list[dict[str, str]]) -> list[tuple[str, str]]:
    """What happened, and under which id."""
    found = [line for line in lines if line["message"].startswith("request RB-")]
    return [(line["message"].partition(": ")[2], line.get("request_id", "")) for line in found]


@pytest.mark.parametrize(
    ("given", "known_as"),
    [
        ({"X-Request-ID": "a1b2c3d4-e5f6"}, "a1b2c3d4-e5f6"),
        ({"traceparent": TRACEPARENT}, "4bf92f3577b34da6"),
        ({"X-Request-ID": 'x", "level": "y', "traceparent": "00-zz"}, None),
        ({}, None),
    ],
)
def test_the_hand_over_is_logged_under_the_id_of_its_visitors_request(
    make_app: Callable[..., Flask],
    samespace: SandboxSamespace,
    lines: Callable[[], list[dict[str, str]]],
    given: dict[str, str],
    known_as: str | None,
) -> None:
    web = make_app(base_url=samespace.base_url, environment=BEHIND_A_PROXY)
    worker = make_app(base_url=samespace.base_url)
    visitor = Visitor(web, "127.0.0.1")
    form = visitor.opens("/sales")
    sent = {"X-Forwarded-For": "198.51.100.9", **given}
    assert visitor.sends(form, sent, name="Ann", phone="020 7946 0123").status == 303
    worker.extensions["ringback"].delivery.run_once()

    (received, first), (handed_over, second) = about_requests(lines())
    assert (received, handed_over) == ("received", "attempt 1, now with_team")
    assert first == second
    assert first == known_as if known_as else len(first) == 16
    assert trace.get() == ""
    (call,) = samespace.calls
    assert first not in json.dumps(call.attributes)


def test_who_is_no_proxy_of_ours_names_nothing_in_our_log(
    app: Flask, lines: Callable[[], list[dict[str, str]]]
) -> None:
    visitor = Visitor(app)
    form = visitor.opens("/sales")
    visitor.sends(form, {"X-Request-ID": "a1b2c3d4-e5f6"}, name="Ann", phone="020 7946 0123")

    assert [name for _, name in about_requests(lines()) if name == "a1b2c3d4-e5f6"] == []


def test_an_error_is_one_line_with_its_place(lines: Callable[[], list[dict[str, str]]], clock: Clock) -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("ringback.test").exception("it\nfailed")

    (line,) = [line for line in lines() if line["logger"] == "ringback.test"]
    assert line["message"] == "it\nfailed"
    assert "ValueError" in line["error"]
    assert line["level"] == "error"
    assert line["time"].endswith("+00:00")
