"""A Samespace that takes its time, in a process of its own: it answers after so many seconds, or never.

Run as a program: the seconds as its argument, below 0 for never; it prints its port. `GET /calls` has every
number it was asked to ring, with the Unix time at which it had read that.
"""

import json
import subprocess
import sys
import time
import urllib.request
from typing import Any, Self

import gevent
from gevent.pywsgi import WSGIServer

from tests.running import ROOT

NEVER = -1.0


class Upstream:
    """That process. `delay_seconds` before each answer; `NEVER`: it takes every call and answers none."""

    def __init__(self, delay_seconds: float = 0) -> None:
        command = [sys.executable, "-m", "tools.bench.upstream", str(delay_seconds)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.base_url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def calls(self) -> list[tuple[str, float]]:
        """Each number with the time it was rung, oldest first."""
        with urllib.request.urlopen(f"{self.base_url}/calls", timeout=30) as answer:
            return [(number, at) for number, at in json.load(answer)]

    def wait_for(self, count: int, seconds: float) -> list[tuple[str, float]]:
        """`calls`, once there are so many. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.calls()
            if len(found) >= count:
                return found
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(found)} of {count} calls came")
            time.sleep(0.5)  # it is a process of its own, which can only be asked


def _serve(delay_seconds: float) -> None:
    calls: list[tuple[str, float]] = []

    def answer(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        body = environ["wsgi.input"].read()
        if environ["PATH_INFO"] == "/calls":
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(calls).encode()]
        if body:
            calls.append((json.loads(body)["number"], time.time()))
        gevent.sleep(delay_seconds if delay_seconds >= 0 else 3600)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b'{"success": true}']

    server = WSGIServer(("127.0.0.1", 0), answer, log=None, error_log=None)
    server.start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    _serve(float(sys.argv[1]))
