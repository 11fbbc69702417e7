"""SIGKILL of whoever changes data: what was committed stays, what was not is not there."""

import json
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable

import data_plans as plans
from telford.ports.data import DataTask

PROGRAM = pathlib.Path(__file__).resolve().parent / "runner_process.py"
ROWS = 3000


def start(url: str, folder: pathlib.Path, task: DataTask, step: str) -> "subprocess.Popen[bytes]":
    plan = json.dumps(task.to_json())
    words = [sys.executable, str(PROGRAM), str(folder), plan, step, "1"]
    return subprocess.Popen(words, env={**os.environ, "DATA_URL": url})


def until(said: Callable[[], bool]) -> None:
    limit = time.monotonic() + 60
    while not said():
        assert time.monotonic() < limit
        time.sleep(0.005)


def done(url: str) -> int:
    there = plans.ask(url, "SELECT to_regclass('telford_data_changes')::text")
    found = there != [(None,)] and plans.ask(url, "SELECT done FROM telford_data_changes")
    return int(found[0][0]) if found else 0


def test_a_backfill_killed_three_times_changes_every_row_once(
    postgres_url: str, tmp_path: pathlib.Path
) -> None:
    plans.customers(postgres_url, ROWS)
    task = plans.task(plans.fill(batch=20, pause=0.01))
    for part in (0.1, 0.3, 0.5):
        process = start(postgres_url, tmp_path, task, "fill-email")
        until(lambda: done(postgres_url) > part * ROWS)  # noqa: B023 - called at once
        process.kill()
        process.wait()
        assert done(postgres_url) < ROWS, "it was over before it was killed"
    assert start(postgres_url, tmp_path, task, "fill-email").wait(60) == 0
    assert plans.ask(postgres_url, "SELECT DISTINCT touched FROM customers") == [(1,)]
    assert done(postgres_url) == ROWS


def test_a_migration_dies_with_whoever_asked_for_it_and_is_rolled_back(
    postgres_url: str, tmp_path: pathlib.Path
) -> None:
    plans.customers(postgres_url, 3, email=False)
    first = tmp_path / "first"
    slow = f'''op.add_column("customers", sa.Column("email", sa.Text()))
    import pathlib
    mark = pathlib.Path("{first}")
    if not mark.exists():
        mark.touch()
        time.sleep(60)'''
    plans.alembic_project(tmp_path / "migrations", ("r1", slow, "pass"))
    add = plans.step("add-email", "expand", revision="r1", folder="migrations")
    process = start(postgres_url, tmp_path, plans.task(add), "add-email")
    until(first.exists)
    process.kill()
    process.wait()
    # The child ends by itself, and its lock with it: or the next one could not begin.
    assert start(postgres_url, tmp_path, plans.task(add), "add-email").wait(60) == 0
    assert plans.ask(postgres_url, "SELECT count(email) FROM customers") == [(0,)]
