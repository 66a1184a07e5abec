"""OpenTelemetry and Sentry, in processes as they are served: what leaves, and what must not."""

import gzip
import http.client
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from ringback.telemetry import only_what_may_leave
from tests.crash.served import eventually
from tests.running import Server, production

REFUSED = "442079460999"
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SECRETS = ("Ann Example", "7946", "swordfish", "ann@example.org", "198.51.100")


class Listener(ThreadingHTTPServer):
    """A collector, a Sentry and a Samespace in one, which keeps what each was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: list[Span] = []
        self.sent: list[bytes] = []  # to the collector and to Sentry, as it came
        self.events: list[dict[str, Any]] = []
        self.calls: list[dict[str, str]] = []  # the headers of what Samespace was sent

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def take(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        if path == "/v1/traces":
            self.sent.append(body)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        elif path.endswith("/envelope/"):
            self.sent.append(body)
            items = [json.loads(line) for line in body.splitlines() if line.startswith(b"{")]
            self.events += [item for item in items if "logentry" in item]
        else:
            self.calls.append(headers)
            return (404, {}) if REFUSED.encode() in body else (200, {"success": True})
        return 200, {}


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        status, answer = self.server.take(self.path, dict(self.headers), body)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode() if status == 200 and "team" in self.path else b"")

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[Listener]:
    server = Listener()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def ask(server: Server, number: str, trace: str = TRACEPARENT) -> int:
    """A visitor, behind a proxy that names their request."""
    headers = {"X-Forwarded-For": "198.51.100.7", "traceparent": trace}
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)

    def fetch(method: str, path: str, fields: dict[str, str] | None = None) -> tuple[int, str, str]:
        form = {"Content-Type": "application/x-www-form-urlencoded"} if fields else {}
        connection.request(method, path, urlencode(fields) if fields else None, headers | form)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Location") or "", answer.read().decode()

    _, _, page = fetch("GET", "/sales?plan=swordfish&lang=en")
    (token,) = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    fields = {"name": "Ann Example", "email": "ann@example.org", "message": "swordfish and more"}
    status, location, _ = fetch("POST", "/sales", fields | {"phone": f"+{number}", "csrf_token": token})
    fetch("GET", urlsplit(location).path)
    fetch("GET", "/swordfish/nowhere")
    connection.close()
    return status


@pytest.mark.parametrize("visitors", [8, pytest.param(3000, marks=pytest.mark.long)])
def test_spans_and_errors_leave_without_a_word_of_a_visitor_and_nothing_locks_up(
    listener: Listener, tmp_path: Path, visitors: int
) -> None:
    server = production(
        tmp_path,
        listener.url,
        TRUSTED_PROXIES="1",
        OTEL_EXPORTER_OTLP_ENDPOINT=listener.url,
        OTEL_BSP_SCHEDULE_DELAY="200",
        OTEL_SERVICE_NAME="callback",
        SENTRY_DSN=f"http://key@127.0.0.1:{listener.server_port}/1",
    )
    server.start()
    try:
        numbers = [f"44207946{place % 900:04}" for place in range(visitors - 1)]
        with ThreadPoolExecutor(8) as crowd:
            statuses = Counter(crowd.map(lambda number: ask(server, number), [*numbers, REFUSED]))
        # The one that is refused comes last, and what waits before it goes first.
        eventually(lambda: len(listener.events) >= 1, seconds=20 + visitors / 10)
    finally:
        server.stop()

    names = Counter(span.name for span in listener.spans)
    assert statuses.total() == visitors
    assert names["GET /<key>"] == names["POST /<key>"] == names["GET /requests/<id>"] == visitors, names
    assert names["hand over"] >= 1
    assert {span.trace_id.hex() for span in listener.spans if span.name == "POST /<key>"} == {TRACEPARENT[3:35]}
    ids = {
        value.value.string_value
        for span in listener.spans
        for value in span.attributes
        if value.key == "ringback.request_id" and span.name in ("hand over", "POST /<key>")
    }
    assert ids == {"4bf92f3577b34da6"}, "what is handed over is found by the id of its visitor's request"
    assert any("Unless it is the number" in event["logentry"]["message"] for event in listener.events)
    whole = b"\n".join(listener.sent).decode(errors="replace")
    assert [word for word in SECRETS if word in whole] == []
    assert re.findall(r"/requests/[0-9a-f]{32}", whole) == []
    assert {name.lower() for headers in listener.calls for name in headers} & {
        "traceparent",
        "tracestate",
        "baggage",
        "sentry-trace",
    } == set()


def test_of_an_exception_its_kind_and_place_leave_and_nothing_else() -> None:
    frame = {"function": "accept", "lineno": 7, "vars": {"name": "Ann"}, "context_line": "Ann", "abs_path": "/x"}
    event = {
        "level": "error",
        "logentry": {"message": "it failed"},
        "request": {"url": "https://callback.acme.test/requests/1"},
        "user": {"ip_address": "198.51.100.7"},
        "breadcrumbs": {"values": [{"message": "Ann"}]},
        "exception": {"values": [{"type": "ValueError", "value": "Ann", "stacktrace": {"frames": [frame]}}]},
    }

    assert only_what_may_leave(event) == {
        "level": "error",
        "logentry": {"message": "it failed"},
        "exception": {
            "values": [
                {"type": "ValueError", "stacktrace": {"frames": [{"function": "accept", "lineno": 7}]}},
            ]
        },
    }


def test_without_the_packages_the_log_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from ringback import telemetry

    def missing(_environ: object) -> None:
        raise ImportError

    monkeypatch.setattr(telemetry, "_start_spans", missing)
    telemetry.start({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"})

    assert "opentelemetry-sdk and -exporter-otlp-proto-http is not installed" in caplog.text
