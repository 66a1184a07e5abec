"""gevent comes first, or nothing is served: an app that was made before it would hang at each form."""

from pathlib import Path

import pytest

from tests.config.test_settings import typed
from tests.running import CONFIGURATION, ROOT, production

PATCH = "from gevent import monkey; monkey.patch_all()\n"
IMPORT = "from app import app\n"
ASK = "for path in ('/sales', '/healthz'): print(app.test_client().get(path, base_url='https://acme.test').status_code)\n"
# Loaded before gevent has patched Python, they wait for one visitor and keep all others.
NOT_BEFORE_THE_WORKERS = {"app", "flask", "psycopg", "urllib3", "requests", "redis", "ringback.factory"}


def environment(folder: Path) -> dict[str, str]:
    (folder / "ringback.toml").write_text(CONFIGURATION.format(base_url="http://127.0.0.1:9"))
    return {
        "SECRET_KEY": "a key for tests only, and long enough",
        "DATABASE_URL": f"sqlite:///{folder}/ringback.db",
        "PUBLIC_URL": "https://acme.test",
        "PYTHONWARNINGS": "ignore",
    }


@pytest.mark.parametrize(
    ("program", "statuses", "is_told"),
    [
        (PATCH + IMPORT + ASK, "200\n200\n", False),
        pytest.param(IMPORT + ASK, "200\n200\n", False, marks=pytest.mark.long),  # as in most tests
        (IMPORT + PATCH + ASK, "503\n503\n", True),
    ],
    ids=["gevent first", "no gevent", "gevent late"],
)
def test_an_app_that_gevent_came_too_late_for_says_so_and_serves_nothing(
    tmp_path: Path, program: str, statuses: str, is_told: bool
) -> None:
    done = typed(tmp_path, "-c", program, **environment(tmp_path))

    assert done.stdout == statuses, done.stderr
    assert ("gevent patched Python after the app was made" in done.stderr) is is_told
    assert ("call monkey.patch_all() before anything is imported" in done.stderr) is is_told


@pytest.mark.parametrize(
    "worker", ["ringback.server.worker.DeadlineWorker", pytest.param("gthread", marks=pytest.mark.long)]
)
def test_gunicorn_is_not_started_with_preload(tmp_path: Path, worker: str) -> None:
    server = production(tmp_path, "http://127.0.0.1:9", GUNICORN_CMD_ARGS=f"--preload -k {worker}")
    with pytest.raises(RuntimeError, match="--preload: leave it out"):
        server.start()

    assert server.stop() == 1


def test_gunicorn_s_first_process_loads_nothing_that_gevent_has_to_patch(tmp_path: Path) -> None:
    program = f"import runpy, sys; runpy.run_path({str(ROOT / 'gunicorn.conf.py')!r}); print(*sys.modules)"
    done = typed(tmp_path, "-c", program, **environment(tmp_path))

    assert done.returncode == 0, done.stderr
    assert NOT_BEFORE_THE_WORKERS & set(done.stdout.split()) == set()
