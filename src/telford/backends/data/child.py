"""Alembic and SQL in a process of its own: `python -m telford.backends.data.child`.

A migration is somebody else's program (`env.py` runs it), so it runs where it can be ended. One
JSON line on stdin says what to do; the answer is one JSON line on the descriptor that was stdout.
When stdin closes, the parent is gone: the process ends at once, and the data store rolls back.
Started by `children` and `offline`; imports nothing of the rest of Telford but this folder.
"""

import io
import json
import os
import pathlib
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from telford.backends.data import address as addresses
from telford.backends.data import ledger
from telford.basics.errors import TelfordError

# Of a foreign error; the rest is in nobody's interest.
SAID = 2000
DEFAULT_TABLE = "alembic_version"
# No placeholders are looked for in a person's SQL.
_AS_IT_IS = {"no_parameters": True}


def main() -> int:
    """Read what to do, do it, answer. Only the answer goes to stdout."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    asked = json.loads(sys.stdin.readline())
    threading.Thread(target=_until_parent_ends, daemon=True).start()
    answer = _answer(asked)
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
    return 0


def _until_parent_ends() -> None:
    while sys.stdin.read(4096):
        pass
    os._exit(1)


def _answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    if asked["mode"] == "offline":
        return _offline(asked)
    address = addresses.Address(asked["url"])
    try:
        return _act(address, asked)
    except sa.exc.SQLAlchemyError as error:
        kind = "locked" if addresses.lock_missed(error) else "failed"
        said = address.hidden(str(getattr(error, "orig", None) or error))
        return {"outcome": kind, "why": said[:SAID]}
    except (CommandError, TelfordError) as error:
        return {"outcome": "failed", "why": address.hidden(str(error))[:SAID]}
    except Exception as error:  # noqa: BLE001 - a migration may raise anything; it is its author's
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{pathlib.Path(where.filename).name}:{where.lineno}"
        said = address.hidden(f"{type(error).__name__}: {error} ({place})")
        return {"outcome": "failed", "why": said[:SAID]}


def _act(address: addresses.Address, asked: Mapping[str, Any]) -> dict[str, Any]:
    """One piece of work under the step's lock, at the generation that the ledger knows."""
    engine = address.engine()
    with _alone(engine, address, asked) as free:
        if not free:
            return {"outcome": "busy", "why": "another process still works on it"}
        if not _current(engine, asked):
            return {"outcome": "stale", "why": "a newer generation took it over"}
        if asked["mode"] == "sql":
            return _sql(engine, asked)
        return _revision(engine, address, asked)


@contextmanager
def _alone(
    engine: sa.Engine, address: addresses.Address, asked: Mapping[str, Any]
) -> Iterator[bool]:
    """Hold a lock of the session as long as we live, so that no two work on one step."""
    if not address.postgres:
        yield True
        return
    name = f"telford:{asked['service']}:{asked['step']}"
    with engine.connect() as plain:
        connection = plain.execution_options(isolation_level="AUTOCOMMIT")
        take = sa.select(sa.func.pg_try_advisory_lock(sa.func.hashtextextended(name, 0)))
        yield bool(connection.execute(take).scalar_one())


def _current(engine: sa.Engine, asked: Mapping[str, Any]) -> bool:
    with engine.begin() as connection:
        row = ledger.locked(connection, asked["service"], asked["step"])
        return row is not None and row.generation == asked["generation"]


# --- SQL --------------------------------------------------------------------------------------


def _sql(engine: sa.Engine, asked: Mapping[str, Any]) -> dict[str, Any]:
    """All statements and the note that they are done, in one transaction.

    What PostgreSQL takes outside of a transaction only (CONCURRENTLY) is sent by itself.
    """
    statements: list[str] = asked["statements"]
    apart = any("CONCURRENTLY" in one.upper() for one in statements)
    if apart:
        with engine.connect() as plain:
            connection = plain.execution_options(isolation_level="AUTOCOMMIT")
            _set_limits(connection, asked)
            for one in statements:
                connection.exec_driver_sql(one, execution_options=_AS_IT_IS)
    with engine.begin() as connection:
        addresses.limit(connection, asked["lock_seconds"], asked["statement_seconds"])
        row = ledger.locked(connection, asked["service"], asked["step"])
        if row is None or row.generation != asked["generation"]:
            return {"outcome": "stale", "why": "a newer generation took it over"}
        if not apart:
            for one in statements:
                connection.exec_driver_sql(one, execution_options=_AS_IT_IS)
        _note(connection, row, asked)
    return {"outcome": "done", "why": ""}


def _note(connection: sa.Connection, row: ledger.Row, asked: Mapping[str, Any]) -> None:
    if asked["undo"]:
        ledger.remove(connection, row)
    else:
        ledger.write(connection, row, {"status": "done", "why": ""}, time.time())


def _set_limits(connection: sa.Connection, asked: Mapping[str, Any]) -> None:
    if connection.dialect.name == "postgresql":
        for name in ("lock", "statement"):
            milliseconds = round(asked[f"{name}_seconds"] * 1000)
            connection.exec_driver_sql(f"SET {name}_timeout = {milliseconds}")


# --- Alembic ----------------------------------------------------------------------------------


def _revision(
    engine: sa.Engine, address: addresses.Address, asked: Mapping[str, Any]
) -> dict[str, Any]:
    _limit_everything(asked)
    config = _config(asked, address.text)
    if asked["undo"]:
        command.downgrade(config, f"{asked['revision']}-1")
    else:
        command.upgrade(config, asked["revision"])
    missing = "" if asked["undo"] else _missing(engine, config, asked["revision"])
    if missing:
        return {"outcome": "failed", "why": missing}
    with engine.begin() as connection:
        row = ledger.locked(connection, asked["service"], asked["step"])
        if row is not None and row.generation == asked["generation"]:
            _note(connection, row, asked)
    return {"outcome": "done", "why": ""}


def _limit_everything(asked: Mapping[str, Any]) -> None:
    """Whatever engine `env.py` makes: its connections wait and run no longer than declared."""

    @sa.event.listens_for(sa.Engine, "engine_connect")
    def _limited(connection: sa.Connection) -> None:
        if connection.dialect.name == "postgresql":
            cursor = connection.connection.cursor()
            for name in ("lock", "statement"):
                milliseconds = round(asked[f"{name}_seconds"] * 1000)
                cursor.execute(f"SET {name}_timeout = {milliseconds}")
            cursor.close()
            # A rollback would take the settings back with it.
            connection.connection.commit()


def _missing(engine: sa.Engine, config: Config, revision: str) -> str:
    """Why the upgrade did not reach this data store; "" where it did."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table(DEFAULT_TABLE):
            return (
                "Alembic ran, and this data store has no table alembic_version: env.py must use "
                "the option sqlalchemy.url, and no version table of another name"
            )
        version: sa.ColumnClause[str] = sa.column("version_num")
        query = sa.select(version).select_from(sa.table(DEFAULT_TABLE))
        heads = tuple(connection.execute(query).scalars())
    script = ScriptDirectory.from_config(config)
    known = {one.revision for one in script.iterate_revisions(heads, "base")} if heads else set()
    wanted = script.get_revision(revision).revision
    return (
        ""
        if wanted in known
        else f"Alembic ran, and the data store is at {', '.join(heads)}, not {wanted}"
    )


def _config(asked: Mapping[str, Any], url: str, output: TextIO | None = None) -> Config:
    """The project's alembic.ini where there is one, else its folder alone."""
    folder = pathlib.Path(asked["folder"])
    ini = folder / "alembic.ini"
    config = Config(str(ini) if ini.exists() else None, output_buffer=output)
    if not ini.exists():
        config.set_main_option("script_location", str(folder))
        config.set_main_option("path_separator", "os")
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    # Its logging is not ours to set up.
    config.attributes["configure_logger"] = False
    os.chdir(folder)
    return config


class _Traced(io.StringIO):
    """What Alembic would send, each piece with the line of the migration that sent it."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self._folder = folder
        self.pieces: list[tuple[str, str, int]] = []

    def write(self, text: str) -> int:
        frame = sys._getframe(1)  # noqa: SLF001 - the one way to know who writes
        file, line = "", 0
        while frame is not None:
            name = frame.f_code.co_filename
            if name.startswith(self._folder) and "versions" in pathlib.Path(name).parts:
                file, line = os.path.relpath(name, self._folder), frame.f_lineno
                break
            frame = frame.f_back  # type: ignore[assignment]
        self.pieces.append((text, file, line))
        return super().write(text)


def _offline(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The SQL of one revision, by Alembic's own offline mode."""
    folder = str(pathlib.Path(asked["folder"]).resolve())
    traced = _Traced(folder)
    try:
        config = _config(asked, asked["dialect_url"], traced)
        script = ScriptDirectory.from_config(config)
        revision = script.get_revision(asked["revision"])
        before = revision.down_revision
        if isinstance(before, tuple):
            return {"unknown": "it joins two branches, which is done by no statement"}
        command.upgrade(config, f"{before or 'base'}:{revision.revision}", sql=True)
    except Exception as error:  # noqa: BLE001 - a migration may raise anything
        said = f"{type(error).__name__}: {error}"
        return {"unknown": " ".join(said.split())[:SAID]}
    pieces = [{"sql": text, "file": file, "line": line} for text, file, line in traced.pieces]
    return {"pieces": pieces}


if __name__ == "__main__":
    sys.exit(main())
