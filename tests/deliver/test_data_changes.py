"""Data changes, decided purely: order, what waits for what, and when there is no way back."""

import pytest

from telford.deliver import data_changes as data
from telford.deliver import data_compatibility as compatibility
from telford.deliver.data_changes import DataStep, DataView, Holder, Statement

AFTER = (("when", data.AFTER_PROMOTION),)
STEPS = (
    DataStep("add", "expand"),
    DataStep("fill", "migrate"),
    DataStep("tidy", "migrate", settings=AFTER),
    DataStep("drop", "contract", reversible=False),
)


def stood(*statuses: str) -> tuple[DataView, ...]:
    return tuple(
        DataView(one.name, one.phase, status) for one, status in zip(STEPS, statuses, strict=False)
    )


@pytest.mark.parametrize(
    ("statuses", "moment", "due"),
    [
        ((), data.START, "add"),
        (("running",), data.START, "add"),
        (("done",), data.START, "fill"),
        (("done", "done"), data.SWITCH, None),
        (("done", "done"), data.PROMOTED, "tidy"),
        (("done", "done", "done"), data.SWITCH, None),
        (("done", "done", "done"), data.PROMOTED, "drop"),
        (("done", "running"), data.BACK, None),
        (("done",) * 4, data.PROMOTED, None),
    ],
)
def test_the_first_step_that_is_not_done_is_due_at_its_moment(
    statuses: tuple[str, ...], moment: str, due: str | None
) -> None:
    found = data.due(STEPS, stood(*statuses), moment)
    assert (found.name if found else None) == due


def test_the_start_waits_for_expanding_and_the_switch_for_what_is_filled_before_it() -> None:
    assert "add, which is waiting" in data.waits(STEPS, (), data.START)
    assert data.waits(STEPS, stood("done"), data.START) == ""
    half = (DataView("add", "expand", "done"), DataView("fill", "migrate", "running", 400, 1000))
    assert "fill, which is running, 400 of about 1,000 rows" in data.waits(STEPS, half, data.SWITCH)
    assert data.waits(STEPS, stood("done", "done"), data.SWITCH) == ""
    assert data.waits((), (), data.START) == ""


@pytest.mark.parametrize("status", ["running", "paused", "failed", "done"])
def test_once_it_has_begun_an_irreversible_step_leaves_no_way_back(status: str) -> None:
    assert data.forward_fix(STEPS, stood("done", "done", "done", "waiting")) == ""
    assert "drop" in data.forward_fix(STEPS, stood("done", "done", "done", status))


def test_what_ran_before_the_new_version_is_old_and_what_came_after_it_is_not() -> None:
    history = ("1", "2", "3")
    assert data.is_old(history, "1", "2")
    assert not data.is_old(history, "2", "2")
    assert not data.is_old(history, "3", "2")
    assert data.is_old(("1",), "1", "2"), "the new one has not come here yet"
    done = stood("done", "done", "done", "done")
    assert "drop" in data.refuses_version(STEPS, done, "2", "1", history)
    assert data.refuses_version(STEPS, done, "2", "4", history) == ""


def test_the_plan_says_before_the_start_from_where_there_is_no_way_back() -> None:
    said = data.announce(STEPS)
    assert "add (expand) before the new version starts" in said
    assert "Once drop has begun there is no way back" in said
    assert data.announce(STEPS[:2]).endswith("Every step leaves a way back.")
    assert data.announce(()) == ""


def test_a_lock_names_whoever_holds_it_and_counts_the_rest() -> None:
    holders = [Holder("prod/eu", "1", "it runs there") for _ in range(5)]
    assert data.locked(holders).endswith("2 more")
    assert data.locked(()) == ""


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("ALTER TABLE a DROP COLUMN b", "drops the column b of a"),
        ("ALTER TABLE a RENAME COLUMN b TO c", "renames the column b"),
        ("ALTER TABLE a RENAME TO c", "renames a"),
        ("ALTER TABLE a ADD COLUMN b int NOT NULL", "NOT NULL without a default"),
        ("ALTER TABLE a ALTER COLUMN b TYPE bigint", "changes the type"),
        ("ALTER TABLE a ALTER COLUMN b SET NOT NULL", "forbids NULL"),
        ("ALTER TABLE a ALTER COLUMN b DROP DEFAULT", "drops the default"),
        ("ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID", "adds a constraint"),
        ("ALTER TABLE a ADD COLUMN b uuid DEFAULT gen_random_uuid()", "written anew"),
        ("ALTER TABLE a ADD COLUMN b bigserial", "written anew"),
        ("CREATE INDEX i ON a (b)", "nobody may write"),
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON a (b)", "be unique"),
        ("ALTER TABLE a ADD COLUMN b int, DROP COLUMN c", "drops the column c"),
        ("UPDATE a SET b = 1", "in one transaction"),
        ("DROP TABLE a", "drops the table a"),
        ("TRUNCATE a", "empties"),
        ("DO $$ BEGIN; END $$", "nothing that can be judged"),
        ("ALTER TABLE a VALIDATE CONSTRAINT c, DROP COLUMN b", "nothing that can be judged"),
        ("this is no SQL (", "nothing that can be judged"),
        ("(" * 5000, "nothing that can be judged"),
    ],
)
def test_what_the_version_before_may_not_bear_does_not_fit_into_expanding(
    sql: str, why: str
) -> None:
    found = compatibility.unfit([Statement("add", sql)])
    assert why in found[0].summary
    assert found[0].fix


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE a ADD COLUMN b int",
        "ALTER TABLE a ADD COLUMN b int DEFAULT 3 NOT NULL",
        "ALTER TABLE a ADD COLUMN b timestamptz DEFAULT now() NOT NULL",
        "ALTER TABLE a ALTER COLUMN b DROP NOT NULL",
        "ALTER TABLE a VALIDATE CONSTRAINT c",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a (b)",
        "CREATE TABLE n (id serial PRIMARY KEY, v int NOT NULL); CREATE UNIQUE INDEX i ON n (v)",
        "ALTER TABLE a ADD COLUMN z int; CREATE UNIQUE INDEX CONCURRENTLY i ON a (z)",
        "UPDATE alembic_version SET version_num = '2' WHERE alembic_version.version_num = '1'",
        "INSERT INTO a (b) VALUES ('a;b'); -- DROP TABLE a;",
        "ALTER TYPE mood ADD VALUE 'fine'",
    ],
)
def test_what_only_adds_fits(sql: str) -> None:
    assert compatibility.unfit([Statement("add", sql)]) == ()


def test_the_line_that_sends_it_is_named() -> None:
    sql = "ALTER TABLE a\n  ADD COLUMN b int;\n\nALTER TABLE a DROP COLUMN c;\n"
    found = compatibility.unfit([Statement("add", sql, "add.sql", 10, whole=True)])
    assert [(one.file, one.line) for one in found] == [("add.sql", 13)]
    found = compatibility.unfit([Statement("add", sql, "r1.py", 10)])
    assert [(one.file, one.line) for one in found] == [("r1.py", 10)]
