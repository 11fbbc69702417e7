"""SIGKILL of whoever changes data: what was committed stays, what was not is not there."""

import json
import os
import pathlib
import subprocess
import sys

import data_plans as plans
from telford.ports.data import DataTask

PROGRAM = pathlib.Path(__file__).resolve().parent / "runner_process.py"
ROWS = 1000
BATCH = 50


def start(url: str, folder: pathlib.Path, task: DataTask, step: str) -> "subprocess.Popen[bytes]":
    plan = json.dumps(task.to_json())
    words = [sys.executable, str(PROGRAM), str(folder), plan, step, "1"]
    return subprocess.Popen(words, env={**os.environ, "DATA_URL": url})


def done(url: str) -> int:
    there = plans.ask(url, "SELECT to_regclass('telford_data_changes')::text")
    found = there != [(None,)] and plans.ask(url, "SELECT done FROM telford_data_changes")
    return int(found[0][0]) if found else 0


def test_a_backfill_killed_three_times_changes_every_row_once(
    postgres_url: str, tmp_path: pathlib.Path
) -> None:
    plans.customers(postgres_url, ROWS)
    fill = plans.fill(batch=BATCH, lock_timeout=100, statement_timeout=100, statement=plans.GATED)
    task = plans.task(fill)
    for batches in (2, 6, 10):
        # It has begun the next batch, and stands still in it.
        with plans.holding(postgres_url, (batches + 1) * BATCH) as waits:
            process = start(postgres_url, tmp_path, task, "fill-email")
            plans.until(waits)
            process.kill()
            process.wait()
            assert done(postgres_url) == batches * BATCH, "what was committed, and no more"
    assert start(postgres_url, tmp_path, task, "fill-email").wait(120) == 0
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
    plans.until(first.exists)
    process.kill()
    process.wait()
    # The child ends by itself, and its lock with it: or the next one could not begin.
    assert start(postgres_url, tmp_path, plans.task(add), "add-email").wait(120) == 0
    assert plans.ask(postgres_url, "SELECT count(email) FROM customers") == [(0,)]
