"""The disk: what lies on it is nobody else's, and when it is full that is told before somebody asks in vain."""

import logging
import os
import resource
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from flask import Flask
from pydantic import SecretStr

from ringback.handover.auth_token import AuthToken, LockedOutError
from ringback.outbox.request import Answers
from ringback.store.database import Database
from ringback.store.failures import STORE_ERRORS, StoreError
from ringback.store.tables import about
from tests.conftest import Clock, make_settings
from tests.running import production
from tests.server.test_journey import ask, eventually, fetch
from tests.web.test_health import ready

TOKEN, BEFORE = "the-token-in-use-unmistakable", "the-token-before-unmistakable"


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o277])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


def filled(path: Path) -> Database:
    """A store with its log beside it, while it is open."""
    database = Database(f"sqlite:///{path}")
    database.migrate("production")
    with database.write() as connection:
        connection.execute(about.insert().values(key="a", value="b"))
    return database


# --- nobody else's ---


@pytest.mark.parametrize(
    "content",
    [b"root:x:0:0:root:/root:/bin/bash\n", b"\n", b"SQLite format 3", b"PK\x03\x04" + b"\0" * 600, b"\0" * 4096],
    ids=["a text", "a line", "a header cut short", "an archive", "zeros"],
)
def test_a_file_that_is_no_store_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    file, beside = tmp_path / "notes.txt", tmp_path / "notes.txt-journal"
    for each in (file, beside):
        each.write_bytes(content)
        each.chmod(0o644)
    with pytest.raises(StoreError) as told:
        Database(f"sqlite:///{file}").migrate("production")

    assert modes(tmp_path) == {"notes.txt": 0o644, "notes.txt-journal": 0o644}
    assert file.read_bytes() == content
    assert str(told.value) == f"DATABASE_URL: {file} is there and no SQLite database; nothing of it was changed"


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir], ids=["a pipe", "a folder"])
def test_what_is_no_file_is_left_as_it_is(tmp_path: Path, make: Callable[[Path], None]) -> None:
    made = tmp_path / "made"
    make(made)
    before = modes(tmp_path)
    with pytest.raises(StoreError, match="is there and no SQLite database"):
        Database(f"sqlite:///{made}").migrate("production")

    assert modes(tmp_path) == before


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "ringback.db").touch(0o644)
    filled(tmp_path / "ringback.db").close()

    assert modes(tmp_path)["ringback.db"] == 0o600


def test_a_store_is_its_users_alone_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    folder = tmp_path / "var" / "ringback"
    database = filled(folder / "ringback.db")
    found = modes(folder)
    database.sweep()
    after_a_sweep = modes(folder)
    database.close()

    assert found == dict.fromkeys([f"ringback.db{end}" for end in ("", "-wal", "-shm", "-mark")], 0o600)
    assert set(after_a_sweep.values()) == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


def test_a_store_of_a_version_before_is_taken_from_everybody_else(tmp_path: Path) -> None:
    first = filled(tmp_path / "ringback.db")
    for file in tmp_path.iterdir():
        file.chmod(0o644)
    folder_before = stat.S_IMODE(tmp_path.stat().st_mode)
    second = Database(f"sqlite:///{tmp_path}/ringback.db")
    second.migrate("production")
    found = modes(tmp_path)
    second.close()
    first.close()

    assert len(found) == 4
    assert set(found.values()) == {0o600}
    assert stat.S_IMODE(tmp_path.stat().st_mode) == folder_before, "a folder that was there is left as it is"


def test_a_store_that_is_not_ours_to_change_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    filled(tmp_path / "ringback.db").close()
    (tmp_path / "ringback.db").chmod(0o664)

    def refuse(self: Path, _mode: int) -> None:
        raise PermissionError(1, "not the owner")

    monkeypatch.setattr(Path, "chmod", refuse)
    store = Database(f"sqlite:///{tmp_path}/ringback.db")
    store.migrate("production")
    store.close()

    told = f"{tmp_path}/ringback.db can be read by others and is not ours to change (PermissionError): chmod 600"
    assert [record.message for record in caplog.records if record.levelno == logging.WARNING] == [told]


def test_a_store_that_cannot_be_made_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match=r"DATABASE_URL: .*/file/ringback.db cannot be made"):
        Database(f"sqlite:///{tmp_path}/file/ringback.db").migrate("production")


# --- the token ---


def keys(*fallbacks: str, now: str) -> dict[str, Any]:
    return {"secret_key_fallbacks": tuple(map(SecretStr, fallbacks)), "secret_key": SecretStr(now)}


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    database = Database(store_url)
    database.migrate("production")
    yield database
    database.close()


def token(database: Database, **secret_keys: Any) -> AuthToken:
    settings = make_settings("sqlite:///unused.db").model_copy(update=secret_keys)
    return AuthToken(database, settings)


def stored(database: Database) -> list[str]:
    with database.read() as connection:
        found = (
            sa.select(about.c.value).where(about.c.key.startswith("samespace_auth_token")).order_by(about.c.key)
        )
        return list(connection.execute(found).scalars())


def test_the_token_is_kept_encrypted(database: Database, tmp_path: Path) -> None:
    kept = token(database, **keys(now="k" * 32))
    kept.replace(BEFORE, TOKEN)

    assert kept.current() == TOKEN
    assert len(stored(database)) == 2
    assert "unmistakable" not in "".join(stored(database))
    files = b"".join(file.read_bytes() for file in tmp_path.glob("ringback.db*"))
    assert b"unmistakable" not in files


def test_a_token_that_a_version_before_left_in_clear_is_encrypted_at_the_start(
    store_url: str, database: Database, make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    with database.write() as connection:
        rows = [{"key": "samespace_auth_token", "value": TOKEN}]
        rows += [{"key": "samespace_auth_token_before", "value": BEFORE}]
        connection.execute(about.insert(), rows)
    assert token(database, **keys(now="k" * 32)).current() == TOKEN
    app = make_app(store_url)

    assert "unmistakable" not in "".join(stored(database))
    assert AuthToken(database, app.extensions["ringback"].settings).current() == TOKEN
    files = b"".join(file.read_bytes() for file in tmp_path.glob("ringback.db*"))
    assert b"unmistakable" not in files, "nor does it lie where it was"


def test_a_key_that_was_changed_may_go_after_the_next_start(database: Database) -> None:
    token(database, **keys(now="old" * 11)).replace(BEFORE, TOKEN)
    changed = token(database, **keys("old" * 11, now="new" * 11))
    assert changed.current() == TOKEN
    changed.lock_up()
    with_new_alone = token(database, **keys(now="new" * 11))
    locked = stored(database)
    with_new_alone.lock_up()

    assert with_new_alone.current() == TOKEN
    assert stored(database) == locked, "what is locked with the present key is left alone"


def test_a_token_that_no_key_opens_is_told_in_a_sentence(
    store_url: str, make_app: Callable[..., Flask], database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    token(database, **keys(now="lost" * 8)).replace(BEFORE, TOKEN)
    locked = stored(database)
    app = make_app(store_url)
    result = app.test_cli_runner().invoke(args=["samespace", "reset-token"])

    with pytest.raises(LockedOutError):
        AuthToken(database, app.extensions["ringback"].settings).current()
    for said in (caplog.text, result.output):
        assert "opens with none of our keys: put the SECRET_KEY it was kept with into SECRET_KEY_FALLBACKS" in said
    assert result.exit_code == 1
    assert "set SAMESPACE_AUTH_TOKEN and reset the token with --given" in result.output
    assert stored(database) == locked


def test_a_lost_key_is_no_dead_end(database: Database) -> None:
    token(database, **keys(now="lost" * 8)).replace(BEFORE, TOKEN)
    kept = token(database, **keys(now="new" * 11), samespace_auth_token=SecretStr("a-new-one"))
    given = kept.given()
    assert given == "a-new-one"
    kept.replace(given, TOKEN)

    assert kept.current() == TOKEN
    assert Fernet.generate_key() not in stored(database)


# --- full ---

FULL = "DO $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = 'disk_full'; END $$"


def store_one(app: Flask, turn: int) -> bool:
    answers = Answers("sales", f"4420794{turn:05}", "GB", name="Ann Example", message="m" * 1000)
    try:
        app.extensions["ringback"].outbox.accept(answers)
    except STORE_ERRORS:
        return False
    return True


def fill_up(database: Database) -> Callable[[], None]:
    """Let the store take not one page more, as SQLite finds a full disk; how to make room again."""
    with database.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    most = [pages]

    def bound(connection: Any, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {most[0]}")

    sa.event.listen(database.engine, "checkout", bound)

    def make_room() -> None:
        most[0] = 1_000_000

    return make_room


def test_a_full_disk_is_told_before_anybody_asks_in_vain_and_no_longer_than_it_is_full(
    app: Flask, clock: Clock
) -> None:
    make_room = fill_up(app.extensions["ringback"].database)
    assert ready(app)[1]["store"] == "not answering"
    taken = [store_one(app, turn) for turn in range(40)]
    clock.passes(seconds=3)

    assert not all(taken)
    assert ready(app)[1]["store"] == "not answering"
    make_room()
    clock.passes(seconds=3)
    assert ready(app)[1]["store"] == "ok"
    assert store_one(app, 41)


def test_a_request_that_could_not_be_stored_counts_until_something_was_written(
    make_app: Callable[..., Flask], store_url: str, clock: Clock
) -> None:
    app = make_app(store_url)
    database = app.extensions["ringback"].database
    assert ready(app)[1]["store"] == "ok"
    with pytest.raises(STORE_ERRORS), database.write() as connection:
        connection.exec_driver_sql("SELECT * FROM nowhere" if database.is_sqlite else FULL)

    assert ready(app)[1]["store"] == "not answering"
    clock.passes(seconds=3)
    assert ready(app)[1]["store"] == "ok"


@pytest.mark.parametrize("asks", [50])
def test_whoever_asks_whether_we_are_ready_makes_no_work(
    make_app: Callable[..., Flask], store_url: str, clock: Clock, asks: int
) -> None:
    app = make_app(store_url)
    written: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(("INSERT", "DELETE", "UPDATE")):
            written.append(statement)

    sa.event.listen(app.extensions["ringback"].database.engine, "before_cursor_execute", note)
    assert {ready(app)[0] for _ in range(asks)} == {200}
    assert len(written) == 2
    clock.passes(days=-400)
    assert ready(app)[0] == 200
    assert len(written) == 4, "a clock that was put back does not keep what was found in its future"
    with app.extensions["ringback"].database.read() as connection:
        left = connection.execute(sa.select(about.c.key).where(about.c.key.startswith("probe"))).all()
    assert left == []


def test_served_from_a_disk_that_is_full_we_are_not_ready(tmp_path: Path, samespace: Any) -> None:
    """A real limit on what files may hold, as near as one comes to a full disk without one of its own."""
    server = production(tmp_path, samespace.base_url).start()
    try:
        ask(server)
        assert fetch(f"{server.url}/readyz")[0] == 200
        (worker,) = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        _, hard = resource.prlimit(int(worker), resource.RLIMIT_FSIZE)
        # What is there may be written over, and a page or two be added.
        largest = max(file.stat().st_size for file in tmp_path.glob("ringback.db*")) + 2 * 4120
        resource.prlimit(int(worker), resource.RLIMIT_FSIZE, (largest, hard))
        statuses = set()
        for turn in range(10):
            try:
                ask(server, phone=f"020 7946 01{turn:02}")
            except AssertionError:
                statuses.add(fetch(f"{server.url}/readyz")[0])
        assert statuses == {503}
        resource.prlimit(int(worker), resource.RLIMIT_FSIZE, (hard, hard))
        eventually(lambda: fetch(f"{server.url}/readyz")[0] == 200)
        ask(server, phone="020 7946 0199")
    finally:
        server.stop()
