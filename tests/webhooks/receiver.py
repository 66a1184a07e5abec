"""Programs that are told, each at a path of its own of one server: some answer, some never do."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Told:
    """One POST that came."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def event(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def type(self) -> str:
        return str(self.event["type"])


@dataclass
class Receiver:
    """Answers what `answer` says for a path and how often it was asked there: a status, or None for never."""

    answer: Callable[[str, int], int | None] = lambda path, count: 204
    told: list[Told] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    came: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self.server = _Server(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}{path}"

    def types(self, path: str | None = None) -> list[str]:
        return [told.type for told in self.told if path in (None, told.path)]

    def waits_for(self, what: Callable[[], bool], seconds: float = 30) -> None:
        with self.came:
            assert self.came.wait_for(what, seconds), [told.path for told in self.told]

    def stop(self) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 2_000


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length).decode()
            if len(body) < length:
                return  # its sender was killed in the midst of it, and nobody was told
            with receiver.came:
                receiver.told.append(Told(self.path, dict(self.headers), body))
                count = sum(told.path == self.path for told in receiver.told)
                receiver.came.notify_all()
            status = receiver.answer(self.path, count)
            if status is None:
                receiver.over.wait(60)
                return
            self.send_response(status)
            if status == 302:
                self.send_header("Location", receiver.url("/elsewhere"))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
