"""Ours and the others, each served as in production, in processes of their own."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.running import ROOT, Server, deliver, free_port

# The limits of one number and of one address are the defaults: every visitor has their own. The brake of the
# widget is wide enough, and the waits short, so that nothing of a run is left to the next.
CONFIGURATION = """
[samespace]
space_id = "acme"
base_url = "{base_url}"
[limits]
per_widget = "100000 per minute"
min_fill_seconds = 0
[widgets.sales]
team_name = "Sales"
company = "Acme Ltd"
privacy_url = "https://www.acme.test/privacy"
region = "GB"
phone = "+44 20 7946 0000"
promise_minutes = 15
"""
SAME_WORKER = "ringback.server.worker.DeadlineWorker"


def environment(folder: Path, base_url: str, store_url: str = "", delivery: str = "inline") -> dict[str, str]:
    """What a process needs to know; the configuration is written to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ringback.toml").write_text(CONFIGURATION.format(base_url=base_url))
    port = free_port()
    return {
        "RINGBACK_CONFIG": str(folder / "ringback.toml"),
        "RINGBACK_DELIVERY": delivery,
        "SECRET_KEY": "a key for measuring only, and long enough",
        "DATABASE_URL": store_url or f"sqlite:///{folder}/ringback.db",
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "TRUSTED_PROXIES": "1",  # so that each visitor has an address of their own
    }


@contextmanager
def ringback(folder: Path, settings: dict[str, str]) -> Iterator[Server]:
    """`gunicorn app:app`, one process; and a second one that hands over, where that is not inline."""
    with web(folder, settings) as server, ExitStack() as stack:
        if settings["RINGBACK_DELIVERY"] == "worker":
            stack.enter_context(deliver(folder, settings))
        yield server


@contextmanager
def web(folder: Path, settings: dict[str, str]) -> Iterator[Server]:
    """`gunicorn app:app`, one process, alone."""
    command = [sys.executable, "-m", "gunicorn", "app:app"]
    server = Server(command, folder, settings, int(settings["PORT"]), cwd=ROOT).start()
    try:
        yield server
    finally:
        server.kill()  # what is in the air is not waited for


@contextmanager
def rival(name: str, folder: Path, settings: dict[str, str], worker: str = SAME_WORKER) -> Iterator[Server]:
    """One of `tools.bench.rivals`, one process, by the same worker as ours or by another."""
    options = ["-k", worker, "-b", f"127.0.0.1:{settings['PORT']}", "--keep-alive", "5", "--no-control-socket"]
    options += ["--threads", "8"] if worker == "gthread" else []
    command = [sys.executable, "-m", "gunicorn", *options, f"tools.bench.rivals:{name}()"]
    # From another folder, or gunicorn would read our configuration of it.
    server = Server(command, folder, settings | {"PYTHONPATH": str(ROOT)}, int(settings["PORT"]), cwd=folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
