"""Behind a pooler that gives each transaction another server, as hosts of PostgreSQL have it."""

import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from ringback.outbox import transitions
from ringback.outbox.claims import Settlement
from ringback.services import services_of
from ringback.store.database import Database
from tests.pgbouncer import PgBouncer
from tests.visitor import Visitor


@pytest.fixture(scope="session")
def pgbouncer(postgres_server: str) -> Iterator[PgBouncer]:
    with PgBouncer(postgres_server) as pooler:
        yield pooler


@pytest.fixture
def pooled_url(pgbouncer: PgBouncer, postgres_url: str) -> str:
    return pgbouncer.url_of(postgres_url)


@pytest.fixture(params=["pooled_url", "postgres_url"])
def each_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def database(each_url: str) -> Iterator[Database]:
    database = Database(each_url)
    yield database
    database.close()


def side_by_side(how_many: int, act: Callable[[int], None]) -> None:
    """At once in so many threads; what one raises is raised."""
    raised: list[BaseException] = []

    def run(number: int) -> None:
        try:
            act(number)
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(how_many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in raised:
        raise error


def test_every_form_is_taken_and_handed_over_through_a_pooler(
    make_app: Callable[..., Flask], pooled_url: str
) -> None:
    app = make_app(pooled_url, limits={"min_fill_seconds": 0, "per_address": "1000 per minute"})
    statuses: list[int] = []

    def asks(number: int) -> None:
        for turn in range(8):  # psycopg prepares what it has run five times
            visitor = Visitor(app)
            phone = f"020 7946 0{100 + number * 8 + turn}"
            statuses.append(visitor.sends(visitor.opens("/sales"), name="Ann", phone=phone).status)

    side_by_side(6, asks)
    outbox = services_of(app).outbox
    handed_over = []
    while claim := outbox.claim("test"):
        handed_over.append(outbox.settle(claim, Settlement(transitions.TAKEN)))

    assert statuses == [303] * 48
    assert len(handed_over) == 48
    assert app.test_client().get("/readyz").get_json()["store"] == "ok"


def test_what_a_transaction_waits_for_is_limited_and_nobody_else_s_is(database: Database, each_url: str) -> None:
    def limits(connection: sa.Connection) -> list[str]:
        return [connection.exec_driver_sql(f"SHOW {name}_timeout").scalar_one() for name in ("statement", "lock")]

    with database.read() as reading:
        found = [limits(reading)]
        with database.write() as writing:
            found.append(limits(writing))
    # The same servers, for another program that shares the pooler.
    address = each_url.replace("postgresql+psycopg", "postgresql")
    others = [psycopg.connect(address, autocommit=True, prepare_threshold=None) for _ in range(3)]
    theirs = [other.execute("SHOW statement_timeout").fetchone() for other in others]
    for other in others:
        other.close()

    assert found == [["8s", "8s"]] * 2
    assert theirs == [("0",)] * 3


def test_a_statement_that_takes_too_long_is_broken_off(database: Database) -> None:
    with pytest.raises(sa.exc.OperationalError, match="statement timeout"), database.write() as connection:
        connection.exec_driver_sql("SET LOCAL statement_timeout = '20ms'; SELECT pg_sleep(5)")
    with database.read() as connection:
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "8s"


def test_statements_are_prepared_where_each_connection_is_one_server_s(database: Database, each_url: str) -> None:
    """Behind a pooler the next transaction's server knows nothing of them, or another one by the same name."""
    for _ in range(8):
        with database.read() as connection:
            assert connection.execute(sa.select(sa.literal(1) + 1)).scalar_one() == 2
            prepared = connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar_one()

    assert (prepared > 0) is ("host=" in each_url)


def test_what_failed_in_a_transaction_does_not_stay_on_the_connection(database: Database) -> None:
    for _ in range(4):
        with pytest.raises(sa.exc.ProgrammingError), database.write() as connection:
            connection.exec_driver_sql("SELECT * FROM nowhere")
        with database.write() as connection:
            connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS there (id int)")
            connection.exec_driver_sql("INSERT INTO there VALUES (1)")
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM there").scalar_one() == 4


def test_nothing_is_kept_of_a_transaction_that_raised(database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE there (id int PRIMARY KEY)")
    with pytest.raises(sa.exc.IntegrityError), database.write() as connection:
        [connection.exec_driver_sql("INSERT INTO there VALUES (1)") for _ in range(2)]
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM there").scalar_one() == 0


def test_what_hosts_put_into_the_address_for_other_programs_is_passed_over(postgres_url: str) -> None:
    """Supabase's begins so: it tells Prisma what it is behind."""
    url = sa.make_url(postgres_url).update_query_dict({"pgbouncer": "true"})
    database = Database(url.render_as_string(hide_password=False))
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
    database.close()
