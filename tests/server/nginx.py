"""nginx in front of Ringback, for one test: its configuration is the one of deploy/, without TLS."""

import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.running import ROOT

PROGRAM = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin:/usr/local/sbin")


@contextmanager
def proxied(folder: Path, port: int, upstream: int, without: str = "") -> Iterator[None]:
    """nginx on a port of this machine, before the one of Ringback; `without` a line of its configuration."""
    text = (ROOT / "deploy/nginx.conf").read_text()
    server = text[text.rindex("server {") :]
    server = re.sub(r"(?m)^ *(listen|ssl_\w+|server_name) .*\n", "", server)
    server = server.replace("server {", f"server {{ listen 127.0.0.1:{port};", 1)
    server = server.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}").replace("$host;", f"$host:{port};")
    assert not without or without in server
    server = re.sub(rf"(?m)^.*{re.escape(without)}.*\n", "", server) if without else server
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\nhttp {{ "
        + "".join(
            f"{kind}_temp_path {folder}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        + server
        + "}\n"
    )
    process = subprocess.Popen([str(PROGRAM), "-p", str(folder), "-c", str(folder / "nginx.conf")])
    try:
        _wait(port)
        yield
    finally:
        process.terminate()
        process.wait(20)


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)  # a port can only be asked
    raise RuntimeError("nginx did not start")
