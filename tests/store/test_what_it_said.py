"""A store that does not work says why, in SQLite's or PostgreSQL's own words, and never a value."""

import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from ringback.store.database import Database
from ringback.store.failures import StoreError, said
from ringback.store.tables import about
from tests.running import free_port
from tests.visitor import Visitor

NOBODY = 65534
WORD = "Ann Example-Unmistakable"


def refusal(url: str) -> str:
    database = Database(url)
    with pytest.raises(StoreError) as error:
        database.migrate("production")
    database.close()
    told = str(error.value)
    assert told.startswith("DATABASE_URL: ")
    assert "\n" not in told
    return told


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """As another user than the one whose files these are; who is not root is one already for what is root's."""
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(0)
    else:
        yield


@pytest.fixture
def of_another_user() -> Iterator[Path]:
    """A folder that may be entered and belongs to somebody else."""
    if os.geteuid() == 0:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)
            yield Path(folder)
    else:
        yield Path("/etc")


def test_a_store_in_somebody_elses_folder_is_told_with_whose_it_is(of_another_user: Path) -> None:
    with as_somebody_else():
        told = refusal(f"sqlite:///{of_another_user}/ringback.db")

    assert f"{of_another_user}/ringback.db cannot be made (PermissionError: Permission denied" in told
    assert f"{of_another_user} belongs to root, and this runs as " in told
    assert ": run it as root, or chown " in told


def test_a_store_of_another_user_is_told_with_whose_it_is(of_another_user: Path) -> None:
    store = of_another_user / ("ringback.db" if os.geteuid() == 0 else "passwd")
    if os.geteuid() == 0:
        of_another_user.chmod(0o777)
        Database(f"sqlite:///{store}").migrate("production")
    with as_somebody_else():
        told = refusal(f"sqlite:///{store}")

    assert f"{store} belongs to root, and this runs as " in told


def test_a_store_that_became_somebody_elses_is_told_while_it_runs(
    make_app: Callable[..., Flask], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app()
    database = app.extensions["ringback"].database
    with database.write() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")  # as a file that may only be read answers
    try:
        assert app.test_client().get("/readyz").status_code == 503
    finally:
        database.close()

    assert "DATABASE_URL: the store cannot be used (" in caplog.text
    assert "OperationalError: attempt to write a readonly database" in caplog.text


def test_what_root_makes_belongs_to_whom_the_folder_does(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(tmp_path, NOBODY, NOBODY)
    database = Database(f"sqlite:///{tmp_path}/var/ringback.db")
    database.migrate("production")
    owners = {path.stat().st_uid for path in (tmp_path, *tmp_path.rglob("*"))}
    database.close()

    assert owners == {NOBODY if os.geteuid() == 0 else os.geteuid()}


@pytest.mark.parametrize(
    ("change", "words", "mend"),
    [
        ({"username": "ann"}, 'role "ann" does not exist', "mend user and password"),
        ({"database": "nowhere"}, 'database "nowhere" does not exist', "make that database"),
        ({"host": "127.0.0.1", "port": free_port(), "query": {}}, "Connection refused", "is PostgreSQL there?"),
        ({"query": {"connection_limit": "1"}}, 'invalid connection option "connection_limit"', "take that out"),
        ({"host": "/nowhere", "query": {}}, "No such file or directory", "is PostgreSQL there?"),
    ],
)
def test_a_postgresql_that_turns_us_away_is_quoted(
    postgres_url: str, change: dict[str, object], words: str, mend: str
) -> None:
    url = sa.make_url(postgres_url).set(password="hunter2").set(**change)  # type: ignore[arg-type]
    told = refusal(url.render_as_string(hide_password=False))

    assert told.startswith("DATABASE_URL: the store cannot be used (")
    assert words in told
    assert told.endswith(f"; {mend}") or f"; {mend}" in told
    assert "hunter2" not in told


def test_a_user_without_rights_is_told_so(postgres_url: str) -> None:
    owner = sa.create_engine(sa.make_url(postgres_url).set(drivername="postgresql+psycopg"))
    with owner.begin() as connection:
        connection.exec_driver_sql("CREATE ROLE ann LOGIN PASSWORD 'hunter2'")
        connection.exec_driver_sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    url = sa.make_url(postgres_url).set(username="ann", password="hunter2")
    try:
        told = refusal(url.render_as_string(hide_password=False))
    finally:
        with owner.begin() as connection:
            connection.exec_driver_sql("DROP ROLE ann")
        owner.dispose()

    assert "permission denied for table" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    "statement",
    [
        sa.text("SELECT CAST(:word AS integer) + CAST(:word AS timestamp)"),
        sa.text("INSERT INTO about (key, value) VALUES (:word, :word), (:word, :word)"),
        sa.text("INSERT INTO about (key, value) VALUES (:word, NULL)"),
        sa.text("SELECT :word FROM nowhere"),
    ],
)
def test_no_value_is_in_what_a_store_said(store_url: str, statement: sa.TextClause) -> None:
    database = Database(store_url)
    database.migrate("production")
    told = "nothing: SQLite takes some of them"
    try:
        with database.write() as connection:
            connection.execute(statement, {"word": WORD})
    except sa.exc.SQLAlchemyError as error:
        told = said(error)
    database.close()

    assert "Error: " in told or database.is_sqlite
    assert "Unmistakable" not in told


def test_a_visitor_s_503_is_one_line_that_names_the_setting(
    make_app: Callable[..., Flask], store_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(store_url)
    visitor = Visitor(app)
    page = visitor.opens("/sales")
    with app.extensions["ringback"].database.write() as connection:
        about.drop(connection)
        connection.exec_driver_sql("ALTER TABLE requests RENAME TO gone")
    for _ in range(3):
        assert visitor.sends(page, name=WORD, phone="020 7946 0123").status == 503

    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    (line,) = [line for line in lines if line.startswith("DATABASE_URL: ")]
    assert ("no such table: requests" in line) or ('relation "requests" does not exist' in line)
    assert WORD not in line
