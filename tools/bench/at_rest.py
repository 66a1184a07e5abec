"""What a process costs while nobody comes: memory, and processor time, beside an app with nothing to look after.

The default process hands over, purges and sends alerts as well; the other one only waits for posts.
"""

import os
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.running import Server
from tools.bench import served
from tools.bench.load import Crowd, send
from tools.bench.record import Bar, at_most, machine, record, table
from tools.bench.upstream import Upstream

REST_SECONDS = 120
SETTLE_SECONDS = 5
_TICK = os.sysconf("SC_CLK_TCK")


def worker_of(server: Server) -> int:
    """The one worker of a gunicorn."""
    (found,) = subprocess.run(
        ["pgrep", "-P", str(server.pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    return int(found)


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> list[Bar]:
    measured_on = machine()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        samespace = stack.enter_context(Upstream())
        ours, other = (served.environment(Path(name) / which, samespace.base_url) for which in ("ours", "other"))
        servers = {
            "ours, hand-over inline": stack.enter_context(served.ringback(Path(name) / "ours", ours)),
            "(b) posts before it answers": stack.enter_context(served.rival("naive", Path(name) / "other", other)),
        }
        for server in servers.values():
            send(Crowd(server.port, 200))  # so that all that is loaded late is there
        time.sleep(SETTLE_SECONDS)  # what the posts left to be done is over
        workers = {app: worker_of(server) for app, server in servers.items()}
        before = {app: processor_seconds(pid) for app, pid in workers.items()}
        time.sleep(REST_SECONDS)  # rest is what is measured
        used = {app: (processor_seconds(pid) - before[app]) / REST_SECONDS * 3600 for app, pid in workers.items()}
        memory = {app: resident_mb(pid) for app, pid in workers.items()}
    mine, theirs = servers
    rows = [
        (
            "resident memory of the worker, MB",
            *(f"{memory[app]:.0f}" for app in servers),
            f"{memory[mine] / memory[theirs]:.2f}",
        ),
        (
            "processor seconds in an idle hour",
            *(f"{used[app]:.1f}" for app in servers),
            f"{used[mine] / max(used[theirs], 0.01):.1f}",
        ),
    ]
    record(
        "at-rest", f"{table('one worker at rest, ours with hand-over inline, (b), ratio', rows)}\n\n{measured_on}."
    )
    return [at_most("resident memory, one process", memory[mine], 120, " MB")]


if __name__ == "__main__":
    main()
