"""The data runner on a real PostgreSQL: steps done once, in bounded time, by who is not overtaken."""

import pathlib
import threading
import time

import pytest
import sqlalchemy as sa

import data_plans as plans
from telford.backends.data import children
from telford.backends.data import runner as runners
from telford.basics.errors import PermanentError, RefusedError, TemporaryError
from telford.testing.clock import FakeClock

ADD = plans.step("add-email", "expand", sql="ALTER TABLE customers ADD COLUMN email text")


def finish(runner, task, name, generation=1, seconds=120.0):
    """Ask until the step is neither running nor waiting for its turn."""
    limit = time.monotonic() + seconds
    while True:
        views = runner.run(task, name, generation)
        mine = next(one for one in views if one.name == name)
        if mine.status != "running":
            return mine
        assert time.monotonic() < limit, mine


def test_sql_is_sent_once_however_often_it_is_asked_for(
    postgres_url: str, tmp_path: pathlib.Path
) -> None:
    plans.customers(postgres_url, 3, email=False)
    runner, task = plans.runner(postgres_url, tmp_path), plans.task(ADD)
    assert finish(runner, task, "add-email").status == "done"
    assert finish(runner, task, "add-email", 2).status == "done"
    assert runner.state(task)[0].status == "done"


def test_every_row_is_changed_once_and_what_came_meanwhile_is_found(
    postgres_url: str, tmp_path: pathlib.Path
) -> None:
    plans.customers(postgres_url, 1234)
    runner = plans.runner(postgres_url, tmp_path)
    fill = plans.fill(statement=plans.FILL + " AND email IS NULL")
    task = plans.task(fill)
    runner.run(task, "fill-email", 1)
    # The version before writes a row behind the cursor.
    plans.ask(postgres_url, "UPDATE customers SET email = NULL, touched = 0 WHERE id = 5")
    plans.ask(postgres_url, "UPDATE telford_data_changes SET status = 'running'")
    view = finish(runner, task, "fill-email")
    assert (view.status, view.why) == ("done", "")
    assert plans.ask(postgres_url, "SELECT DISTINCT touched FROM customers") == [(1,)]


def test_rows_that_the_statement_never_changes_are_said_and_end_it(
    postgres_url: str, tmp_path: pathlib.Path
) -> None:
    plans.customers(postgres_url, 10)
    fill = plans.fill(statement=plans.FILL + " AND id <> 7")
    view = finish(plans.runner(postgres_url, tmp_path), plans.task(fill), "fill-email")
    assert view.status == "failed"
    assert "1 rows are left" in view.why


def test_a_caller_that_was_overtaken_changes_nothing(
    postgres_url: str, tmp_path: pathlib.Path
) -> None:
    plans.customers(postgres_url, 300)
    runner, task = plans.runner(postgres_url, tmp_path), plans.task(plans.fill(pause=30))
    runner.run(task, "fill-email", 5)
    before = plans.ask(postgres_url, "SELECT * FROM telford_data_changes")
    with pytest.raises(RefusedError, match="comes late"):
        runner.run(task, "fill-email", 4)
    assert plans.ask(postgres_url, "SELECT * FROM telford_data_changes") == before
    # Another place waits for whoever has it, without an error.
    other = plans.task(*task.steps, place="prod")
    assert runner.run(other, "fill-email", 3)[0].done == 100


def test_a_pause_stops_who_works_and_it_goes_on_from_there(
    postgres_url: str, tmp_path: pathlib.Path
) -> None:
    plans.customers(postgres_url, 500)
    runner, task = plans.runner(postgres_url, tmp_path), plans.task(plans.fill(pause=2))
    worker = threading.Thread(target=runner.run, args=(task, "fill-email", 1))
    worker.start()
    plans.until(lambda: runner.state(task)[0].done > 0)
    view = runner.pause(task, "fill-email", 2)[0]
    worker.join()
    assert view.status == "paused"
    assert runner.state(task)[0].done == view.done < 500
    quick = plans.task(plans.fill(pause=0))
    assert finish(runner, quick, "fill-email", 3).done == 500
    assert plans.ask(postgres_url, "SELECT DISTINCT touched FROM customers") == [(1,)]


def test_a_rest_that_is_longer_than_a_call_ends_however_often_it_is_asked(
    tmp_path: pathlib.Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    plans.customers(url, 250)
    clock = FakeClock()
    runner = runners.DataRunner(tmp_path, {"DATA_URL": url}, clock)
    task, done = plans.task(plans.fill(pause=30)), []
    for _ in range(20):
        done.append(runner.run(task, "fill-email", 1)[0].done)
        clock.advance(7)
    assert done[:11] == [100] * 5 + [200] * 5 + [250]


def test_others_are_not_kept_waiting_behind_a_lock_that_is_not_to_be_had(
    postgres_url: str, tmp_path: pathlib.Path
) -> None:
    """A long transaction reads the table; the step asks for its exclusive lock and gives up."""
    plans.customers(postgres_url, 3, email=False)
    lock = 0.5
    add = plans.step(
        "add-email", "expand", sql=ADD.setting("sql"), lock_timeout=lock, lock_attempts=2
    )
    runner, task = plans.runner(postgres_url, tmp_path), plans.task(add)
    engine = sa.create_engine(postgres_url, poolclass=sa.pool.NullPool)
    waited: list[float] = []
    refused: list[str] = []
    over = threading.Event()

    def reader() -> None:
        with engine.connect() as connection:
            while not over.is_set():
                began = time.monotonic()
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{10 * lock}s'")
                try:
                    connection.exec_driver_sql("SELECT count(*) FROM customers").all()
                except sa.exc.OperationalError as error:
                    refused.append(str(error.orig))
                connection.rollback()
                waited.append(time.monotonic() - began)
                time.sleep(0.005)

    with engine.connect() as blocker:
        blocker.exec_driver_sql("SELECT count(*) FROM customers").all()
        thread = threading.Thread(target=reader)
        thread.start()
        view = finish(runner, task, "add-email")
        over.set()
        thread.join()
    assert view.status == "failed"
    assert "try 2 of 2" in view.why
    assert refused == [], "a reader waited ten times as long as the step's own limit"
    assert max(waited) > lock / 2, "the reader was never behind the step: nothing was shown"
    assert finish(runner, task, "add-email", 2).status == "done"


def test_alembic_runs_in_a_child_with_limits_and_can_be_taken_back(
    postgres_url: str, tmp_path: pathlib.Path
) -> None:
    plans.customers(postgres_url, 3, email=False)
    plans.alembic_project(
        tmp_path / "migrations",
        (
            "r1",
            'op.add_column("customers", sa.Column("email", sa.Text()))',
            'op.drop_column("customers", "email")',
        ),
    )
    add = plans.step("add-email", "expand", revision="r1", folder="migrations")
    runner, task = plans.runner(postgres_url, tmp_path), plans.task(add)
    view = finish(runner, task, "add-email")
    assert (view.status, view.why) == ("done", "")
    assert plans.ask(postgres_url, "SELECT count(email) FROM customers") == [(0,)]
    assert runner.undo(task, "add-email", 2)[0].status == "waiting"
    with pytest.raises(sa.exc.ProgrammingError, match="email"):
        plans.ask(postgres_url, "SELECT email FROM customers")


def test_a_migration_that_fails_says_where_and_leaves_nothing(
    postgres_url: str, tmp_path: pathlib.Path
) -> None:
    plans.alembic_project(
        tmp_path / "migrations",
        ("r1", 'op.execute("CREATE TABLE half (a int)"); raise ValueError("on purpose")', "pass"),
    )
    add = plans.step("add-email", "expand", revision="r1", folder="migrations")
    view = finish(plans.runner(postgres_url, tmp_path), plans.task(add), "add-email")
    assert view.status == "failed"
    assert "ValueError: on purpose (r1.py:12)" in view.why
    assert plans.ask(postgres_url, "SELECT to_regclass('half')::text") == [(None,)]


def test_nothing_is_taken_away_while_rows_are_not_filled(
    postgres_url: str, tmp_path: pathlib.Path
) -> None:
    plans.customers(postgres_url, 20)
    drop = plans.step("drop", "contract", sql="ALTER TABLE customers DROP COLUMN contact")
    runner, task = plans.runner(postgres_url, tmp_path), plans.task(plans.fill(), drop)
    finish(runner, task, "fill-email")
    plans.ask(postgres_url, "INSERT INTO customers (id, contact) VALUES (99, 'late')")
    views = runner.run(task, "drop", 2)
    assert [(one.name, one.status) for one in views] == [
        ("fill-email", "running"),
        ("drop", "waiting"),
    ]
    finish(runner, task, "fill-email", 3)
    assert finish(runner, task, "drop", 4).status == "done"
    assert plans.ask(postgres_url, "SELECT count(*) FROM customers WHERE email IS NULL") == [(0,)]


def test_another_step_of_the_same_name_is_refused(
    postgres_url: str, tmp_path: pathlib.Path
) -> None:
    plans.customers(postgres_url, 1, email=False)
    runner = plans.runner(postgres_url, tmp_path)
    finish(runner, plans.task(ADD), "add-email")
    other = plans.step("add-email", "expand", sql="ALTER TABLE customers ADD COLUMN other text")
    with pytest.raises(PermanentError, match="with other content"):
        runner.run(plans.task(other), "add-email", 2)


def test_the_password_is_in_nothing_that_is_said(tmp_path: pathlib.Path) -> None:
    secret = "hunter2"
    runner = plans.runner(f"postgresql://bob:{secret}@127.0.0.1:1/none", tmp_path)
    with pytest.raises(TemporaryError) as caught:
        runner.run(plans.task(ADD), "add-email", 1)
    assert secret not in caught.value.message
    assert caught.value.__cause__ is None
    with pytest.raises(PermanentError, match="DATA_URL, which is not set"):
        plans.runner("", tmp_path).state(plans.task(ADD))


def test_sqlite_does_for_a_laptop(tmp_path: pathlib.Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    plans.customers(url, 250, email=False)
    drop = plans.step("drop", "contract", sql="ALTER TABLE customers DROP COLUMN contact")
    runner, task = plans.runner(url, tmp_path), plans.task(ADD, plans.fill(), drop)
    for generation, name in enumerate(("add-email", "fill-email", "drop"), 1):
        assert finish(runner, task, name, generation).status == "done"
    assert plans.ask(url, "SELECT count(*), min(touched), max(touched) FROM customers") == [
        (250, 1, 1)
    ]


def test_a_child_that_ended_between_two_questions_keeps_nobody_from_working(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It wrote its end down itself, so nobody asks for it again."""
    monkeypatch.setattr(runners, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(children, "MOST", 1)
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    plans.customers(url, 3, email=False)
    undo = "ALTER TABLE customers DROP COLUMN name"
    name = plans.step("add-name", "expand", down=undo, sql=undo.replace("DROP", "ADD") + " text")
    runner, task = plans.runner(url, tmp_path), plans.task(ADD, name)
    for step in ("add-email", "add-name"):
        assert finish(runner, task, step).status == "done"
    runner.undo(task, "add-name", 2)
    assert plans.ask(url, "SELECT count(email) FROM customers") == [(0,)]
    with pytest.raises(sa.exc.OperationalError, match="no such column"):
        plans.ask(url, "SELECT name FROM customers")
