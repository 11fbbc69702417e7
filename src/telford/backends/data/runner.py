"""`telford.ports.data.DataChanges`: steps of a plan, carried out on the data stores that they name.

A call works for a few seconds at most: batches until then, or a child that goes on between calls.
What is known afterwards stands in the data store's own ledger, so that any process goes on from
there after a kill anywhere. Made by `telford.app.wiring`; nothing here keeps an address.
"""

import json
import pathlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from telford.backends.data import address as addresses
from telford.backends.data import batches, children, ledger, offline
from telford.basics import clock as clocks
from telford.basics.errors import PermanentError, RefusedError, TemporaryError
from telford.deliver import data_compatibility
from telford.deliver.data_changes import DataStep, DataView, Statement, aligned
from telford.ports.data import DataTask

SLICE_SECONDS = 2.0
# A command that wants to be called again (EX_TEMPFAIL of sysexits.h).
AGAIN = 75
# What every child may know of this process's environment, beside what its plan names.
PLAIN = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV", "PYTHONPATH", "TMPDIR")
_CHILD = ("-m", "telford.backends.data.child")
_ENDED = frozenset({"done", "failed"})


@dataclass(frozen=True, slots=True)
class _Work:
    """One step of one task under way at a generation."""

    task: DataTask
    step: DataStep
    generation: int
    address: addresses.Address = field(repr=False)

    @property
    def key(self) -> str:
        return f"{self.task.service}:{self.step.name}"


class DataRunner:
    """See the module. `folder` is the estate's, `environment` where secrets are looked up."""

    def __init__(
        self, folder: pathlib.Path, environment: Mapping[str, str], clock: clocks.Clock
    ) -> None:
        self._folder = folder
        self._environment = dict(environment)
        self._clock = clock
        self._children = children.Children()

    def run(self, task: DataTask, name: str, generation: int) -> tuple[DataView, ...]:
        """See `DataChanges.run`."""
        work = self._work(task, name, generation)
        until = self._clock.monotonic() + SLICE_SECONDS
        engine = work.address.engine()
        with addresses.wrapped(work.address):
            with engine.begin() as connection:
                addresses.limit(connection, *batches.limits(work.step))
                row = ledger.claim(connection, task, work.step, generation, self._clock.now())
                ready = ledger.mine(row, task, generation)
                if ready and work.step.phase == "contract":
                    ready = not self._reopened(connection, work)
            if ready:
                self._act(engine, work, until)
            return self._known(engine, work)

    def pause(self, task: DataTask, name: str, generation: int) -> tuple[DataView, ...]:
        """See `DataChanges.pause`."""
        work = self._work(task, name, generation)
        self._children.end(work.key)
        engine = work.address.engine()
        with addresses.wrapped(work.address):
            with engine.begin() as connection:
                addresses.limit(connection, *batches.limits(work.step))
                row = ledger.claim(connection, task, work.step, generation, self._clock.now())
                if ledger.mine(row, task, generation):
                    fields = {"status": "paused", "why": "paused by hand"}
                    ledger.write(connection, row, fields, self._clock.now())
            return self._views(engine, task)

    def state(self, task: DataTask) -> tuple[DataView, ...]:
        """See `DataChanges.state`."""
        if not task.steps:
            return ()
        found: dict[str, DataView] = {}
        for reference in dict.fromkeys(one.setting("url") for one in task.steps):
            address = addresses.resolve(reference, self._environment)
            with addresses.wrapped(address):
                for view in self._views(address.engine(), task):
                    if task.step(view.name).setting("url") == reference:
                        found[view.name] = view
        return aligned(task.steps, found.values())

    def undo(self, task: DataTask, name: str, generation: int) -> tuple[DataView, ...]:
        """See `DataChanges.undo`."""
        work = self._work(task, name, generation)
        if not work.step.reversible or not (
            work.step.setting("down") or work.step.setting("revision")
        ):
            raise RefusedError(
                f"the data step {name} says no way back",
                fix="write `down` in it, or mend what is wrong forward",
            )
        engine = work.address.engine()
        with addresses.wrapped(work.address):
            self._reopen(engine, work)
            until = self._clock.monotonic() + float(work.step.setting("statement_timeout", "60"))
            self._child(engine, work, self._statements(work, undo=True), until, undo=True)
            return self._views(engine, task)

    def statements(self, task: DataTask) -> tuple[Statement, ...]:
        """See `DataChanges.statements`."""
        words = (sys.executable, *_CHILD)
        return tuple(
            found
            for step in task.steps
            if step.phase == "expand"
            for found in offline.statements(
                step, self._path(step), words, self._environment_of(step)
            )
        )

    def _known(self, engine: sa.Engine, work: _Work) -> tuple[DataView, ...]:
        """How the steps stand. A child that wrote down its end itself is not asked again."""
        views = self._views(engine, work.task)
        if any(one.name == work.step.name and one.status in _ENDED for one in views):
            self._children.end(work.key)
        return views

    # --- one step -----------------------------------------------------------------------------

    def _work(self, task: DataTask, name: str, generation: int) -> _Work:
        step = task.step(name)
        address = addresses.resolve(step.setting("url"), self._environment)
        return _Work(task, step, generation, address)

    def _act(self, engine: sa.Engine, work: _Work, until: float) -> None:
        if work.step.setting("table"):
            self._fill(engine, work, until)
        elif work.step.setting("command"):
            self._command(engine, work, until)
        else:
            self._child(engine, work, self._statements(work), until)

    def _fill(self, engine: sa.Engine, work: _Work, until: float) -> None:
        backfill = batches.Backfill(work.task, work.step, work.generation)
        try:
            batches.work(engine, backfill, self._clock, until)
        except sa.exc.SQLAlchemyError as error:
            said = work.address.hidden(str(getattr(error, "orig", None) or error))
            if addresses.lock_missed(error):
                self._missed(engine, work, said)
            elif addresses.gone(error):
                raise
            else:
                self._fail(engine, work, said)

    def _child(  # one more than the house's usual four: what, where, how long, which way
        self,
        engine: sa.Engine,
        work: _Work,
        statements: list[str],
        until: float,
        *,
        undo: bool = False,
    ) -> None:
        """Alembic or SQL in a child; it may go on after we have answered."""
        lock, takes = batches.limits(work.step)
        asked = {
            "mode": "sql" if statements else "revision",
            "url": work.address.text,
            "service": work.task.service,
            "step": work.step.name,
            "generation": work.generation,
            "folder": str(self._path(work.step)),
            "revision": work.step.setting("revision"),
            "statements": statements,
            "lock_seconds": lock,
            "statement_seconds": takes,
            "undo": undo,
        }
        environment, folder = self._environment_of(work.step), str(self._path(work.step))
        words = (sys.executable, *_CHILD)
        child = self._children.ask(
            work.key,
            f"{'undo' if undo else 'do'} {work.task.version}",
            lambda: children.start(words, environment, folder, asked),
            max(until - self._clock.monotonic(), 0.0),
        )
        if child is None:
            self._touch(engine, work)
            return
        self._note(engine, work, children.answer(child))

    def _command(self, engine: sa.Engine, work: _Work, until: float) -> None:
        words = json.loads(work.step.setting("command"))
        environment, folder = self._environment_of(work.step), str(self._path(work.step))
        environment["TELFORD_DATA_URL"] = work.address.text
        child = self._children.ask(
            work.key,
            f"do {work.task.version}",
            lambda: children.start(words, environment, folder, {"step": work.step.name}),
            max(until - self._clock.monotonic(), 0.0),
        )
        if child is None or child.process.returncode == AGAIN:
            self._touch(engine, work)
        elif child.process.returncode == 0:
            self._write(engine, work, {"status": "done", "why": ""})
        else:
            said = work.address.hidden(child.words["err"] or child.words["out"])[-children.SAID :]
            self._fail(engine, work, said or f"exit code {child.process.returncode}")

    def _statements(self, work: _Work, *, undo: bool = False) -> list[str]:
        step = work.step
        text = step.setting("down") if undo else step.setting("sql")
        if not undo and step.setting("file"):
            text = offline.read(self._path(step), step.setting("file"))
        if not text:
            return []
        dialect = "postgres" if work.address.postgres else "sqlite"
        return [sql for sql, _ in data_compatibility.split(text, dialect)]

    # --- what is written down -----------------------------------------------------------------

    def _note(self, engine: sa.Engine, work: _Work, found: Mapping[str, Any]) -> None:
        outcome, why = found.get("outcome"), work.address.hidden(str(found.get("why", "")))
        if outcome == "locked":
            self._missed(engine, work, why)
        elif outcome in {"failed", "died"}:
            self._fail(engine, work, why)
        elif outcome == "busy":
            raise TemporaryError(why)
        elif outcome == "stale":
            raise RefusedError(f"the data step {work.step.name}: {why}")

    def _missed(self, engine: sa.Engine, work: _Work, why: str) -> None:
        """No lock in time: others go on, and it is tried again, not for ever."""
        most = int(work.step.setting("lock_attempts", "5"))
        with engine.begin() as connection:
            row = ledger.locked(connection, work.task.service, work.step.name)
            if row is None or not ledger.mine(row, work.task, work.generation):
                return
            tries = row.tries + 1
            waits = f"it did not get its lock within {batches.limits(work.step)[0]:g} s"
            fields = {"tries": tries, "why": f"{waits}, try {tries} of {most}: {why}"}
            # The turn stays: whoever asks again does so after a pause, in which others have it.
            fields["turn"] = row.turn
            if tries >= most:
                fields["status"] = "failed"
            ledger.write(connection, row, fields, self._clock.now())

    def _fail(self, engine: sa.Engine, work: _Work, why: str) -> None:
        self._write(engine, work, {"status": "failed", "why": why})

    def _touch(self, engine: sa.Engine, work: _Work) -> None:
        self._write(engine, work, {})

    def _write(self, engine: sa.Engine, work: _Work, fields: Mapping[str, Any]) -> None:
        with engine.begin() as connection:
            row = ledger.locked(connection, work.task.service, work.step.name)
            if row is not None and ledger.mine(row, work.task, work.generation):
                ledger.write(connection, row, fields, self._clock.now())

    def _reopened(self, connection: sa.Connection, work: _Work) -> bool:
        """Before anything is taken away: rows that are not filled are filled first."""
        for step in work.task.steps:
            if step.phase != "migrate" or step.setting("url") != work.step.setting("url"):
                continue
            left = batches.still_to_do(connection, step)
            row = ledger.locked(connection, work.task.service, step.name) if left else None
            if left and row is not None:
                batches.again(connection, row, left, self._clock.now())
                mine = ledger.locked(connection, work.task.service, work.step.name)
                assert mine is not None, "it was claimed in this transaction"
                why = f"{left:,} rows of {step.name} are to be filled first"
                ledger.write(connection, mine, {"status": "waiting", "why": why}, self._clock.now())
                return True
        return False

    def _reopen(self, engine: sa.Engine, work: _Work) -> None:
        """Of a step that is to be taken back: the last of those that have begun."""
        views = self._views(engine, work.task)
        begun = [one.name for one in views if one.status != "waiting"]
        if not begun or begun[-1] != work.step.name:
            last = f"the last one that has begun is {begun[-1]}" if begun else "none has begun"
            raise RefusedError(f"steps are taken back from the last one on: {last}")
        with engine.begin() as connection:
            row = ledger.locked(connection, work.task.service, work.step.name)
            assert row is not None, "it has begun"
            if row.generation > work.generation:
                raise RefusedError(f"the data step {work.step.name} was taken over")
            fields = {"status": "running", "generation": work.generation, "place": work.task.place}
            ledger.write(connection, row, fields, self._clock.now())

    def _views(self, engine: sa.Engine, task: DataTask) -> tuple[DataView, ...]:
        with engine.connect() as connection:
            return ledger.views(connection, task)

    # --- where --------------------------------------------------------------------------------

    def _path(self, step: DataStep) -> pathlib.Path:
        path = (self._folder / step.setting("folder", ".")).resolve()
        if not path.is_dir():
            raise PermanentError(
                f"the folder {step.setting('folder', '.')} of the data step {step.name} is not there",
                fix="write it from the estate's folder on: dataChanges.folder",
            )
        return path

    def _environment_of(self, step: DataStep) -> dict[str, str]:
        """What a child may know: plain things, and what the plan names."""
        named = json.loads(step.setting("environment", "[]"))
        found = {name: self._environment.get(name, "") for name in (*PLAIN, *named)}
        kind, _, name = step.setting("url").partition(":")
        if kind == "env":
            found[name] = self._environment.get(name, "")
        return {name: text for name, text in found.items() if text}
