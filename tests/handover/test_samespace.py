"""The client of Samespace: every way a call can end, over real sockets, each with its type."""

import gc
import gzip
import json
import logging
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from ringback.handover.outcomes import (
    Accepted,
    Busy,
    Misconfigured,
    NewToken,
    NotLoggedIn,
    NotSent,
    Refused,
    Unclear,
)
from ringback.handover.samespace import Samespace
from tests import faults
from tests.faults import FaultServer, response

TIMEOUT = 0.7
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NUMBER = "442079460123"
ATTRIBUTES = {"name": "Zoë Fictitious", "email": "zoe@example.com"}
YES = '{"success": true}'
LONG_YES = YES.encode() + b" " * 60
NO = '{"success": false, "message": "Cant make call! Not logged In"}'
HTML = "<!doctype html><h1>It works!</h1>"
DATE = "Tue, 24 Nov 2026 12:02:00 GMT"

CLIENT_ERRORS = [status for status in HTTPStatus if 400 <= status < 500]
SERVER_ERRORS = [*(status for status in HTTPStatus if 500 <= status < 600), 520, 599]


@pytest.fixture(autouse=True)
def _no_thread_is_left_behind() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.fixture(autouse=True, scope="module")
def _no_socket_is_left_open() -> Iterator[None]:
    yield
    gc.collect()  # What was not closed warns now, and warnings are errors.


def client(base_url: str, timeout: float = TIMEOUT) -> Samespace:
    return Samespace(base_url, "alpha", timeout, clock=lambda: NOW)


def call(base_url: str, timeout: float = TIMEOUT) -> Any:
    return client(base_url, timeout).make_call("helpdesk", NUMBER, ATTRIBUTES)


def outcome_of(behaviour: faults.Behaviour, timeout: float = TIMEOUT) -> Any:
    with FaultServer(behaviour) as server:
        outcome = call(server.base_url, timeout)
        assert server.connections == 1  # Whatever happens, it is not tried again from in here.
        return outcome


def outcome_of_answer(status: int, body: str | bytes = b"", *headers: str, **more: Any) -> Any:
    # Nothing here waits for the time to run out, so a slow machine may have a lot of it.
    return outcome_of(faults.answer(response(status, body, *headers, **more)), timeout=10)


# What is sent


def test_the_body_is_exactly_the_documented_one() -> None:
    with FaultServer(faults.answer(response(200, YES))) as server:
        call(server.base_url)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.splitlines()[0] == b"POST /apiv1/team/make_call HTTP/1.1"
    assert json.loads(body) == {
        "space_id": "alpha",
        "team_name": "helpdesk",
        "number": NUMBER,
        "attributes": ATTRIBUTES,
    }


def test_no_header_is_sent_that_is_not_named_here() -> None:
    with FaultServer(faults.answer(response(200, YES))) as server:
        call(server.base_url)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert headers == {
        "Host": f"127.0.0.1:{server.port}",
        "User-Agent": "Ringback",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }


def test_the_environments_proxies_and_passwords_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login tom password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with faults.refusing() as proxy, FaultServer(faults.answer(response(200, YES))) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("http_proxy", proxy)
        assert isinstance(call(server.base_url), Accepted)
    assert b"authorization" not in server.requests[0].lower()


def test_each_call_has_a_connection_of_its_own() -> None:
    with FaultServer(faults.answer(response(200, YES))) as server:
        same = client(server.base_url)
        for _ in range(3):
            assert isinstance(same.make_call("helpdesk", NUMBER, {}), Accepted)
    assert server.connections == 3


# Never sent


def test_a_refused_connection_is_not_sent() -> None:
    with faults.refusing() as base_url:
        outcome = call(base_url)
    assert outcome == NotSent("could not connect: Connection refused")


def test_a_name_that_does_not_exist_is_not_sent() -> None:
    # A name longer than a name can be: every resolver says no without asking the network.
    name = ".".join(["a" * 63] * 5)
    assert call(f"http://{name}.invalid") == NotSent("the name could not be looked up")


@pytest.mark.parametrize("base_url", ["http://a..b", "http://[::1", "http://", "nonsense", "http://127.0.0.1:x"])
def test_an_address_that_is_none_is_not_sent(base_url: str) -> None:
    assert isinstance(call(base_url), NotSent)


def test_a_name_service_that_is_silent_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = threading.Event()
    asked: list[threading.Thread] = []
    look_up = socket.getaddrinfo

    def getaddrinfo(*_: object, **__: object) -> list[Any]:
        asked.append(threading.current_thread())
        silent.wait(3)  # Too late for the call; then there is an address, and it refuses.
        return look_up("127.0.0.1", 9)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    outcome = call("http://samespace.invalid:9")
    silent.set()
    asked[0].join()
    assert outcome == NotSent("no connection in time")


def test_a_connection_that_nobody_takes_is_not_sent() -> None:
    with faults.swallowing() as base_url:
        assert call(base_url) == NotSent("no connection in time")


def test_an_address_that_swallows_everything_leaves_time_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    look_up = socket.getaddrinfo

    def two_addresses(host: str, *args: Any, **options: Any) -> list[Any]:
        hosts = ["127.0.0.2", "127.0.0.1"] if host == "samespace.invalid" else [host]
        return [found for each in hosts for found in look_up(each, *args, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", two_addresses)
    with (
        FaultServer(faults.answer(response(200, YES))) as server,
        faults.swallowing("127.0.0.2", server.port),
    ):
        assert isinstance(call(f"http://samespace.invalid:{server.port}", timeout=2), Accepted)


def greet_in_another_language(visit: faults.Visit) -> None:
    visit.send(b"SSH-2.0-OpenSSH_9.2\r\n")


def reset_upon_the_first_byte(visit: faults.Visit) -> None:
    visit.connection.recv(1)
    faults.reset_unread(visit)


@pytest.mark.parametrize("behaviour", [faults.close_unread, reset_upon_the_first_byte, greet_in_another_language])
def test_a_server_that_speaks_no_tls_is_not_sent(behaviour: faults.Behaviour) -> None:
    with FaultServer(behaviour) as server:
        outcome = call(server.base_url.replace("http:", "https:"), timeout=10)
    assert isinstance(outcome, NotSent)


TLS_RECORD = b"\x16\x03\x03\x40\x00"  # announces 16 kB of handshake


@pytest.mark.parametrize(
    "behaviour",
    [lambda visit: visit.rest() and None, faults.drip(bytes(200), at_once=TLS_RECORD, read=False)],
    ids=["silent", "drips"],
)
def test_a_tls_handshake_that_does_not_end_is_not_sent(behaviour: faults.Behaviour) -> None:
    with FaultServer(behaviour) as server:
        outcome = call(server.base_url.replace("http:", "https:"))
    assert outcome == NotSent("no connection in time")


def test_a_certificate_that_nobody_vouches_for_is_not_sent(tmp_path: Path) -> None:
    tls = faults.server_tls(faults.write_certificate(tmp_path))
    with FaultServer(faults.answer(response(200, YES)), tls) as server:
        outcome = call(server.base_url, timeout=10)
    assert isinstance(outcome, NotSent)
    assert outcome.reason.startswith("the certificate was not accepted: ")
    assert server.requests == []


# Sent, and no telling


@pytest.mark.parametrize("behaviour", [faults.close_unread, faults.read_and_close, faults.reset])
def test_a_connection_that_breaks_without_an_answer_is_unclear(behaviour: faults.Behaviour) -> None:
    assert outcome_of(behaviour, timeout=10) == Unclear("no answer came: ConnectionError", None, "")


def test_silence_is_unclear() -> None:
    assert outcome_of(faults.hang) == Unclear("no whole answer within 0.7 s", None, "")


# A byte comes well within any time-out that starts anew with each of them, and the whole answer,
# a good one, well after the call's time is up.
@pytest.mark.parametrize(
    "behaviour",
    [
        faults.drip(response(200, YES)),
        faults.drip(response(404).partition(b"\n")[2], at_once=b"HTTP/1.1 404 Not Found\r\n"),
        faults.drip(LONG_YES, at_once=b"HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n"),
        faults.drip(LONG_YES, at_once=b"HTTP/1.1 200 OK\r\n\r\n"),
        faults.drip(
            b"4d\r\n" + LONG_YES + b"\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        faults.drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 5 + response(200, YES)),
        faults.drip(b" " * 60, at_once=b"HTTP/1.1 200 OK\r\n\r\n" + YES.encode()),
    ],
    ids=["head", "head_of_a_404", "body", "body_without_length", "chunks", "continues", "after_the_body"],
)
def test_an_answer_that_drips_is_unclear_when_the_time_is_up(behaviour: faults.Behaviour) -> None:
    with FaultServer(behaviour) as server:
        outcome = call(server.base_url)
        assert server.finished == 0  # The client hung up; it did not wait for the end.
    assert isinstance(outcome, Unclear)
    assert outcome.reason == "no whole answer within 0.7 s"


@pytest.mark.parametrize(
    "content",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + YES.encode(),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n" + YES.encode() + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" + YES.encode(),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n" + YES.encode(),
    ],
    ids=["length", "last_chunk", "half_a_chunk", "no_chunk"],
)
def test_half_an_answer_is_unclear_and_its_half_is_kept(content: bytes) -> None:
    outcome = outcome_of(faults.answer(content), timeout=10)
    assert isinstance(outcome, Unclear)
    assert (outcome.reason, outcome.status) == ("the answer broke off", 200)
    assert outcome.reply in (YES, "")


def test_an_answer_cut_by_a_reset_is_unclear() -> None:
    outcome = outcome_of(faults.answer_and_reset(b"HTTP/1.1 200 OK\r\n\r\n" + YES.encode()), timeout=10)
    assert isinstance(outcome, Unclear)
    assert (outcome.reason, outcome.status) == ("the answer broke off", 200)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"HTTP/1.1 2",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"220 smtp.example.com\r\n",
        b"\x00" * 999,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 99_999 + b"\r\n\r\n",
    ],
    ids=["nothing", "half_a_status", "status", "half_a_header", "smtp", "nul", "many_headers", "long_header"],
)
def test_an_answer_that_is_no_http_is_unclear(content: bytes) -> None:
    assert isinstance(outcome_of(faults.answer(content), timeout=10), Unclear)


@pytest.mark.parametrize(
    "body",
    [
        "",
        HTML,
        "[]",
        '"x"',
        "true",
        "null",
        "{",
        '{"success": true',
        "[" * 15_000,
        '{"n": ' + "9" * 9_000 + "}",
        b"\xff\xfe",
    ],
    ids=range(11),
)
def test_a_200_that_is_no_json_object_is_unclear(body: str | bytes) -> None:
    outcome = outcome_of_answer(200, body)
    assert isinstance(outcome, Unclear)
    assert (outcome.reason, outcome.status) == ("the answer is not a JSON object", 200)


@pytest.mark.parametrize("success", ['"yes"', '"truely"', '""', '"true false"', "1", "0", "null", "[]", "{}"])
def test_a_success_that_is_no_boolean_is_unclear(success: str) -> None:
    outcome = outcome_of_answer(200, f'{{"success": {success}}}')
    assert isinstance(outcome, Unclear)
    assert outcome.reason == "`success` is neither true nor false"


def test_a_204_is_unclear() -> None:
    assert outcome_of_answer(204) == Unclear("the answer is not a JSON object", 204, "")


@pytest.mark.parametrize("status", [102, 103, 408, 409, 425, *SERVER_ERRORS])
def test_a_status_that_does_not_say_whether_anything_was_done_is_unclear(status: int) -> None:
    outcome = outcome_of_answer(status, HTML)
    assert isinstance(outcome, Unclear)
    assert outcome.status == status


@pytest.mark.parametrize("status", [408, 409, 500, 502, 504])
def test_a_time_to_come_back_does_not_make_such_a_status_clear(status: int) -> None:
    assert isinstance(outcome_of_answer(status, "", "Retry-After: 7"), Unclear)


@pytest.mark.parametrize("headers", [(), ("Retry-After: 7",)], ids=["plain", "retry_after"])
@pytest.mark.parametrize("answer", [YES, '{"success": "true"}'])
@pytest.mark.parametrize("status", [302, *CLIENT_ERRORS, 500, 503])
def test_a_status_that_says_no_over_an_answer_that_says_yes_is_unclear(
    status: int, answer: str, headers: tuple[str, ...]
) -> None:
    assert isinstance(outcome_of_answer(status, answer, *headers), Unclear)


def test_an_endless_answer_is_read_for_20_kb_and_no_more() -> None:
    outcome = outcome_of(faults.flood(b"HTTP/1.1 200 OK\r\n\r\n"), timeout=10)
    assert isinstance(outcome, Unclear)
    assert (outcome.reason, len(outcome.reply)) == ("the answer is too long", 2_000)


def test_a_small_answer_that_unpacks_to_an_endless_one_is_read_for_20_kb_and_no_more() -> None:
    bomb = gzip.compress(b" " * 10_000_000 + YES.encode())
    outcome = outcome_of_answer(200, bomb, "Content-Encoding: gzip")
    assert isinstance(outcome, Unclear)
    assert outcome.reason == "the answer is too long"


# Taken, or not


@pytest.mark.parametrize(
    "body",
    [
        YES,
        "{}",
        '{"message": "queued"}',
        '\ufeff{"success": true, "id": 7}',
        '{"success": "true"}',
        '{"success": " True"}',
    ],
)
@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_json_object_that_does_not_say_no_is_accepted(status: int, body: str) -> None:
    outcome = outcome_of_answer(status, body)
    assert isinstance(outcome, Accepted)
    assert outcome.reply == body.removeprefix("\ufeff")


def test_an_answer_in_chunks_packed_though_we_did_not_ask_for_it_is_read() -> None:
    body = gzip.compress(YES.encode())
    content = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    content += f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    outcome = outcome_of(faults.answer(content), timeout=10)
    assert isinstance(outcome, Accepted)
    assert outcome.reply == YES


@pytest.mark.parametrize("status", [200, 302, *CLIENT_ERRORS, 500, 502, 503, 504])
def test_success_false_is_a_refusal_whatever_the_status(status: int) -> None:
    outcome = outcome_of_answer(status, NO)
    assert outcome == Refused("Cant make call! Not logged In", NO)


@pytest.mark.parametrize("no", ['"false"', '"False"', '" FALSE "'])
@pytest.mark.parametrize("status", [200, 409, 422, 503])
def test_success_false_is_read_from_text_as_well(status: int, no: str) -> None:
    answer = NO.replace("false", no)
    assert outcome_of_answer(status, answer) == Refused("Cant make call! Not logged In", answer)


def test_a_refusal_without_words_is_one_too() -> None:
    assert outcome_of_answer(200, '{"success": false}') == Refused("", '{"success": false}')


def test_a_refusal_keeps_the_time_it_names() -> None:
    outcome = outcome_of_answer(429, NO, "Retry-After: 7")
    assert isinstance(outcome, Refused)
    assert outcome.retry_after == 7


# Turned away


@pytest.mark.parametrize("status", [101, *(s for s in CLIENT_ERRORS if s not in (408, 409, 425, 429))])
@pytest.mark.parametrize("body", ["", HTML])
def test_a_status_that_everybody_gets_is_a_misconfiguration(status: int, body: str) -> None:
    assert outcome_of_answer(status, body) == Misconfigured(status, "" if status == 101 else body)


def test_a_long_error_page_does_not_hide_the_status() -> None:
    outcome = outcome_of(faults.flood(b"HTTP/1.1 404 Not Found\r\n\r\n"), timeout=10)
    assert isinstance(outcome, Misconfigured)


def test_a_broken_off_error_page_does_not_hide_the_status() -> None:
    outcome = outcome_of(faults.answer(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 99\r\n\r\n<h1>"), timeout=10)
    assert outcome == Misconfigured(403, "<h1>")


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308])
def test_a_redirect_is_a_misconfiguration_and_not_followed(status: int) -> None:
    with FaultServer(faults.answer(response(200, YES))) as elsewhere:
        outcome = outcome_of_answer(status, b"", f"Location: {elsewhere.base_url}/apiv1/team/make_call")
    assert isinstance(outcome, Misconfigured)
    assert outcome.status == status
    assert elsewhere.connections == 0


@pytest.mark.parametrize("location", ["", "http://[", "http://a..b/", "\xff", "//", "gopher://x"])
def test_where_a_redirect_leads_is_not_even_read(location: str) -> None:
    assert isinstance(outcome_of_answer(302, b"", f"Location: {location}"), Misconfigured)


@pytest.mark.parametrize("body", ["", HTML])
@pytest.mark.parametrize(("status", "seconds"), [(429, None), (429, 7), (425, 7), (503, 7)])
def test_a_request_that_was_turned_away_unread_is_busy(status: int, seconds: float | None, body: str) -> None:
    headers = [] if seconds is None else [f"Retry-After: {seconds}"]
    assert outcome_of_answer(status, body, *headers) == Busy(seconds, status)


@pytest.mark.parametrize("status", [425, 429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 120 ", 120),
        ("007", 7),
        (DATE, 120),
        ("Tuesday, 24-Nov-26 12:02:00 GMT", 120),
        ("Tue, 24 Nov 2026 14:02:00 +0200", 120),
        ("Tue, 24 Nov 2026 12:02:00 -0000", 120),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        ("86401", 86_400),
        ("9" * 400, 86_400),
        ("-5", None),
        ("+5", None),
        ("1.5", None),
        ("soon", None),
        ("Tue, 99 Nov 2026 12:02:00 GMT", None),
        ("²", None),
        ("", None),
        ("1, 2", None),
        ("inf", None),
    ],
)
def test_retry_after_is_read_in_both_its_forms(status: int, header: str, seconds: float | None) -> None:
    """One that cannot be read is none: a 503 with it does not say that nothing was done."""
    outcome = outcome_of_answer(status, b"", f"Retry-After: {header}")
    if seconds is None and status != 429:
        assert isinstance(outcome, Unclear)
    else:
        assert outcome == Busy(seconds, status)


# What is kept and what is told


def test_a_reply_is_kept_in_one_line_without_control_characters() -> None:
    outcome = outcome_of_answer(200, '{"success": true,\r\n\t"a": "b\x1b[31m\u202e\x00c\u2028d\x7f"}')
    # RFC 8259 forbids a control character in a string, so this is no JSON.
    assert isinstance(outcome, Unclear)
    assert outcome.reply == '{"success": true, "a": "b[31mc d"}'


def test_a_message_with_half_a_character_can_be_stored() -> None:
    outcome = outcome_of_answer(200, r'{"success": false, "message": "no \ud83d call \u001b[2J\u0007"}')
    assert isinstance(outcome, Refused)
    assert outcome.message.encode() == b"no call [2J"


def test_a_long_reply_is_cut() -> None:
    outcome = outcome_of_answer(200, json.dumps({"success": False, "message": "no" * 2_000}))
    assert isinstance(outcome, Refused)
    assert (len(outcome.message), len(outcome.reply)) == (2_000, 2_000)


@pytest.mark.parametrize(
    ("behaviour", "line"),
    [
        (faults.answer(response(200, json.dumps({"success": True, **ATTRIBUTES}))), "Accepted, status 200"),
        (faults.answer(response(200, NO.replace("call!", NUMBER))), "Refused, status 200"),
        (faults.answer(response(401, NUMBER)), "Misconfigured, status 401"),
        (faults.answer(response(502, NUMBER)), "Unclear, status 502"),
        (faults.reset, "Unclear, status None"),
        (faults.answer(response(503)), "Unclear, status 503"),
        (faults.answer(response(503, "", "Retry-After: 7")), "Busy, status 503"),
    ],
    ids=["accepted", "refused", "misconfigured", "unclear", "reset", "unavailable", "busy"],
)
def test_a_call_is_one_line_in_the_log_and_names_nobody(
    behaviour: faults.Behaviour, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with FaultServer(behaviour) as server:
        outcome = call(server.base_url.replace("//", "//tom:s3cret@"), timeout=10)
    (record,) = [record for record in caplog.records if record.name == "ringback.handover.samespace"]
    assert record.levelno == logging.INFO
    assert record.getMessage().startswith(f"Samespace call ended: {line}, ")
    for secret in (NUMBER, *ATTRIBUTES.values(), "Fictitious", "s3cret", "helpdesk"):
        assert secret not in caplog.text
        assert secret not in repr(outcome)


# Over TLS


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    certificate = faults.write_certificate(tmp_path)
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate))
    return faults.server_tls(certificate)


def test_a_call_over_tls_is_accepted(tls: ssl.SSLContext) -> None:
    with FaultServer(faults.answer(response(200, YES)), tls) as server:
        assert isinstance(call(server.base_url, timeout=10), Accepted)
    assert server.requests[0].startswith(b"POST /apiv1/team/make_call ")


def test_a_certificate_of_another_name_is_not_sent(tls: ssl.SSLContext) -> None:
    with FaultServer(faults.answer(response(200, YES)), tls) as server:
        outcome = call(server.base_url.replace("127.0.0.1", "127.1"), timeout=10)  # the same place
    assert isinstance(outcome, NotSent)
    assert "127.1" in outcome.reason
    assert server.requests == []


@pytest.mark.parametrize(
    "behaviour",
    [
        faults.hang,
        faults.drip(LONG_YES, at_once=b"HTTP/1.1 200 OK\r\n\r\n"),
    ],
    ids=["hang", "drip"],
)
def test_the_time_is_up_over_tls_as_well(behaviour: faults.Behaviour, tls: ssl.SSLContext) -> None:
    with FaultServer(behaviour, tls) as server:
        outcome = call(server.base_url, timeout=1)
        assert server.finished == 0
    assert isinstance(outcome, Unclear)
    assert outcome.reason == "no whole answer within 1 s"


@pytest.mark.parametrize("behaviour", [faults.close_unread, faults.read_and_close, faults.reset])
def test_a_connection_that_breaks_after_the_handshake_is_unclear(
    behaviour: faults.Behaviour, tls: ssl.SSLContext
) -> None:
    with FaultServer(behaviour, tls) as server:
        assert isinstance(call(server.base_url, timeout=10), Unclear)


# The other two APIs


def test_click_to_call_sends_only_what_is_given() -> None:
    with FaultServer(faults.answer(response(200, YES))) as server:
        samespace = client(server.base_url)
        samespace.click_to_call("tom@alpha", NUMBER)
        samespace.click_to_call("tom@alpha", NUMBER, "+445346543434", {"name": "Alex", "vip": True})
    bodies = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in server.requests]
    assert bodies == [
        {"username": "tom@alpha", "number": NUMBER},
        {
            "username": "tom@alpha",
            "number": NUMBER,
            "callerId": "+445346543434",
            "custom": {"name": "Alex", "vip": True},
        },
    ]
    assert all(request.startswith(b"POST /apiv1/make_call HTTP/1.1") for request in server.requests)


def dial_outcome(status: int, body: str) -> Any:
    with FaultServer(faults.answer(response(status, body))) as server:
        return client(server.base_url, 10).click_to_call("tom@alpha", NUMBER)


@pytest.mark.parametrize("status", [200, 400, 401, 408, 409, 422, 503])
@pytest.mark.parametrize("no", ["false", '"false"'])
def test_an_agent_who_is_not_logged_in_is_an_outcome_of_its_own(status: int, no: str) -> None:
    assert dial_outcome(status, NO.replace("false", no)) == NotLoggedIn("Cant make call! Not logged In")


def test_a_gateway_may_say_that_an_agent_is_not_logged_in_by_status_and_words() -> None:
    answer = '{"message": "Cant make call! Not logged In"}'
    assert dial_outcome(422, answer) == NotLoggedIn("Cant make call! Not logged In")
    assert isinstance(dial_outcome(500, answer), Unclear)


def test_another_refusal_of_a_click_to_call_is_a_refusal() -> None:
    assert isinstance(dial_outcome(200, '{"success": false, "message": "Busy"}'), Refused)
    assert isinstance(dial_outcome(502, ""), Unclear)


def reset_outcome(status: int, body: str) -> Any:
    with FaultServer(faults.answer(response(status, body))) as server:
        outcome = client(server.base_url, 10).reset_token("old-token")
    assert server.requests[0].startswith(b"POST /router/api/v2/token/reset HTTP/1.1")
    sent = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])
    assert sent == {"cloud_id": "alpha", "auth_token": "old-token"}
    return outcome


@pytest.mark.parametrize(
    "body",
    [
        {"auth_token": "new-token"},
        {"token": "new-token"},
        {"success": True, "data": {"auth_token": "new-token"}},
        {"success": True, "data": {"token": "new-token"}},
        {"success": "ok", "token": " new-token\n"},
        {"auth_token": "", "token": None, "data": {"token": "new-token"}},
        {"token": "new-token", "data": "nothing"},
    ],
)
def test_a_new_token_is_found_wherever_it_may_stand_and_shown_nowhere(
    body: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    outcome = reset_outcome(200, json.dumps(body))
    assert outcome == NewToken("new-token")
    assert "new-token" not in repr(outcome) + caplog.text
    assert "old-token" not in repr(outcome) + caplog.text


@pytest.mark.parametrize("body", [YES, "{}", '{"token": 7}', '{"data": []}', '"new-token"', HTML])
def test_an_answer_without_a_token_is_unclear_since_the_old_one_may_be_gone(body: str) -> None:
    outcome = reset_outcome(200, body)
    assert isinstance(outcome, Unclear)
    assert outcome.reply == body
    assert "token" not in repr(outcome).replace("no token in the answer", "")


def test_a_token_that_comes_with_a_no_is_no_new_token() -> None:
    assert isinstance(reset_outcome(200, '{"success": false, "auth_token": "old-token"}'), Refused)
    assert isinstance(reset_outcome(422, '{"success": "false", "auth_token": "old-token"}'), Refused)
    assert isinstance(reset_outcome(401, '{"token": "old-token"}'), Misconfigured)


@pytest.mark.parametrize("status", [409, 422, 503])
def test_a_token_that_comes_with_a_yes_and_a_status_that_says_no_is_shown_to_the_operator(status: int) -> None:
    answer = '{"success": true, "token": "new-token"}'
    outcome = reset_outcome(status, answer)
    assert isinstance(outcome, Unclear)
    assert outcome.reply == answer


# Whether anybody is there


@pytest.mark.parametrize(
    ("status", "there"), [(200, True), (302, True), (404, True), (429, True), (500, False), (503, False)]
)
def test_any_answer_below_500_says_that_samespace_is_there(status: int, there: bool) -> None:
    with FaultServer(faults.answer(response(status, HTML))) as server:
        assert client(server.base_url, 10).probe() is there
    assert server.requests[0].startswith(b"GET / HTTP/1.1\r\n")
    assert server.requests[0].endswith(b"\r\n\r\n")
    assert b"content-" not in server.requests[0].lower()


@pytest.mark.parametrize("behaviour", [faults.hang, faults.reset, faults.drip(response(200))])
def test_no_answer_says_that_samespace_is_not_there(behaviour: faults.Behaviour) -> None:
    with FaultServer(behaviour) as server:
        assert client(server.base_url).probe() is False


def test_a_refused_connection_says_that_samespace_is_not_there(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ringback.handover.samespace")
    with faults.refusing() as base_url:
        assert client(base_url).probe() is False
    assert "Unreachable, status None" in caplog.text


# Under gevent, as in production

UNDER_GEVENT = """
from gevent import monkey; monkey.patch_all()
import gevent, logging, sys, threading
sys.path[:0] = sys.argv[1:]
from tests import faults

from ringback.handover.samespace import Samespace

together = threading.Barrier(5)

def when_all_are_there(visit):
    visit.read()
    together.wait()
    visit.send(faults.response(200, '{"success": true}'))

def calls(behaviour, timeout, tls=False):
    with faults.FaultServer(behaviour) as server:
        base_url = server.base_url.replace("http:", "https:") if tls else server.base_url
        samespace = Samespace(base_url, "alpha", timeout)
        jobs = [gevent.spawn(samespace.make_call, "helpdesk", "442079460123", {}) for _ in range(5)]
        print(*sorted({type(job.get()).__name__ for job in jobs}))

calls(when_all_are_there, 30)
calls(faults.hang, 0.7)
calls(faults.drip(faults.response(200, '{"success": true}')), 0.7)
calls(faults.reset, 30)
calls(faults.drip(bytes(200), b"\\x16\\x03\\x03\\x40\\x00", read=False), 0.7, tls=True)
with faults.swallowing() as base_url:
    print(type(Samespace(base_url, "alpha", 0.7).make_call("helpdesk", "442079460123", {})).__name__)
print(type(Samespace("http://" + ".".join(["a" * 63] * 5), "a", 30).make_call("b", "4", {})).__name__)
print(threading.active_count())
"""


def test_the_same_holds_under_gevent() -> None:
    root = Path(__file__).parent.parent.parent
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", UNDER_GEVENT, str(root)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.split() == [
        "Accepted",
        "Unclear",
        "Unclear",
        "Unclear",
        "NotSent",
        "NotSent",
        "NotSent",
        "1",
    ]
