"""Opening a store: migrations, durability, and failures told in sentences."""

import concurrent.futures
import dataclasses
import multiprocessing
import pathlib
import sqlite3

import pytest
import sqlalchemy as sa
import store_samples
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from telford.basics.clock import SystemClock
from telford.basics.errors import PermanentError, TemporaryError, UsageError
from telford.store import engine as engines
from telford.store import migrate, schema
from telford.store.releases import Query
from telford.store.store import Store
from telford.testing.clock import FakeClock


def _open(url: str, queue: "multiprocessing.Queue[str]") -> None:
    try:
        Store(url, SystemClock()).close()
        queue.put("")
    except Exception as error:  # noqa: BLE001 - the test shows whatever it was
        queue.put(repr(error))


def _write_much(store: Store) -> None:
    with store.writing() as writing:
        for number in range(2000):
            store.audit.append(writing, "ann", "wrote", f"s{number}", {"text": "x" * 100})


def test_the_migrations_make_exactly_the_tables_of_the_schema(store: Store, url: str) -> None:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []
    engine.dispose()


def test_an_older_store_learns_the_strategies_of_its_releases(
    store: Store, url: str, clock: FakeClock
) -> None:
    rows = {key: store_samples.a_release(key, 1.0, f"service/shop.{key}") for key in ("r1", "r2")}
    rolling = dataclasses.replace(rows["r2"], policy={"strategy": "rolling"})
    with store.writing() as writing:
        for row in (rows["r1"], rolling):
            store.releases.create(writing, row)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.downgrade(config, "0009")
    engine.dispose()
    opened = Store(url, clock)
    found = {
        strategy: [row.id for row in opened.releases.search(Query(strategy=strategy))]
        for strategy in ("canary", "rolling")
    }
    opened.close()
    assert found == {"canary": ["r1"], "rolling": ["r2"]}


def test_opening_again_changes_nothing(sqlite_url: str, clock: FakeClock) -> None:
    Store(sqlite_url, clock).close()
    before = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    dump = list(before.iterdump())
    Store(sqlite_url, clock).close()
    assert list(before.iterdump()) == dump
    before.close()


@pytest.mark.parametrize("fixture", ["sqlite_url", "postgres_url"])
def test_several_processes_may_open_a_new_store_at_once(
    request: pytest.FixtureRequest, fixture: str
) -> None:
    url = request.getfixturevalue(fixture)
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue[str] = context.Queue()
    processes = [context.Process(target=_open, args=(url, queue)) for _ in range(4)]
    for process in processes:
        process.start()
    answers = [queue.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(timeout=60)
    assert answers == [""] * 4


def test_sqlite_runs_in_wal_with_full_synchronisation_and_foreign_keys(sqlite_url: str) -> None:
    engine = engines.open_engine(sqlite_url)
    with engine.connect() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    engine.dispose()
    assert found == ["wal", 2, 1]


def test_a_full_disk_is_a_temporary_error_and_nothing_is_half_written(
    sqlite_url: str, clock: FakeClock
) -> None:
    store = Store(sqlite_url, clock)
    with store._database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1")  # it may not grow by a page
    with pytest.raises(TemporaryError, match="disk is full"):
        _write_much(store)
    assert store.audit.tail() == ()
    store.close()


def test_a_folder_that_is_not_there_is_said_with_what_to_do(tmp_path: pathlib.Path) -> None:
    with pytest.raises(PermanentError) as caught:
        Store(f"sqlite:///{tmp_path}/none/store.db", FakeClock())
    assert "folder exists" in caught.value.fix


def test_a_file_that_is_no_database_is_said(tmp_path: pathlib.Path) -> None:
    (tmp_path / "store.db").write_text("this is not a database, but it is long enough" * 100)
    with pytest.raises(PermanentError, match="damaged"):
        Store(f"sqlite:///{tmp_path}/store.db", FakeClock())


def test_a_store_of_a_newer_telford_is_refused(
    meddler: sa.Connection, url: str, clock: FakeClock
) -> None:
    meddler.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(PermanentError, match="newer Telford"):
        Store(url, clock)


def test_a_url_that_is_none_is_a_usage_error_and_shows_no_password() -> None:
    with pytest.raises(UsageError) as caught:
        Store("nonsense://ann:secret@host/db", FakeClock())
    assert "secret" not in str(caught.value)


def test_threads_of_one_process_open_stores_of_their_own_at_once(tmp_path: pathlib.Path) -> None:
    """Alembic itself keeps what it works on in globals."""
    urls = [f"sqlite:///{tmp_path / f'{number}.db'}" for number in range(6)]
    with concurrent.futures.ThreadPoolExecutor(len(urls)) as pool:
        stores = list(pool.map(lambda url: Store(url, SystemClock()), urls))
    for store in stores:
        assert store.releases.revisions("dev") == {}
        store.close()
