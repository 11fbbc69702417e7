"""What releases of the soak's `gated` row meet outside of the place: a gate, data, a listener.

Their gate is a command that counts its calls; before they get requests they add a column and fill it
in batches (SQLite, or PostgreSQL where the records are there); a subscription tells what happens to
a server of the soak. `Outside.check` says what is not right in the end: every row filled exactly
once for each release, every event told, in order. Called by tools/soak_world.py; `described` is the
controllers' side of it.
"""

import http.server
import json
import os
import pathlib
import sys
import threading

import sqlalchemy as sa

from telford.app import loading, standing_by, workloads
from telford.deliver.data_changes import DataStep
from telford.deliver.gate_settings import Command, pairs
from telford.deliver.gates import Gate
from telford.estate.place import Place
from telford.store.store import Store

PLACE = "soak"
ROWS = 40
SETTINGS = {"lock_timeout": "1", "statement_timeout": "20", "url": "env:SOAK_DATA"}
ASKED = "asked"
_ASK = Command(("/bin/sh", "-c", f"echo $TELFORD_RELEASE >> {ASKED}"), interval=0.2)
GATES = (Gate("look", "command", "start", pairs(_ASK)), Gate("see", "command", "step", pairs(_ASK)))
ESTATE, DATA = "estate", "data.url"
_ESTATE = """
apiVersion: telford/v1
kind: Team
name: soak
---
apiVersion: telford/v1
kind: Environment
name: soak
---
apiVersion: telford/v1
kind: Subscription
name: everything
owner: team/soak
to: {webhook: {url: "URL"}}
"""


def steps(service: str, number: int) -> tuple[DataStep, ...]:
    """A column of its own for a release, and the batches that fill it."""
    table, column = service.replace("-", "_"), f"c{number}"
    fill = (
        f"UPDATE {table} SET {column} = id, touched = touched + 1 WHERE id BETWEEN :first AND :last"
    )
    expand = {"sql": f"ALTER TABLE {table} ADD COLUMN {column} integer", "compatible": "soak"}
    backfill = {"table": table, "key": "id", "statement": fill, "batch": "10", "pause": "0"}
    backfill["remaining"] = f"SELECT count(*) FROM {table} WHERE {column} IS NULL"
    return (
        _step(f"add-{column}", "expand", expand),
        _step(f"fill-{column}", "migrate", backfill),
    )


def described(root: pathlib.Path) -> standing_by.Described | None:
    """What a controller is told of the estate, where the world has one; its data's address goes
    into its environment.
    """
    folder = root / ESTATE
    if not folder.is_dir():
        return None
    os.environ["SOAK_DATA"] = (root / DATA).read_text(encoding="utf-8")
    estate = loading.require(loading.load_folder(folder))
    local = workloads.Local(str(folder), sys.executable)
    return standing_by.Described(estate, Place(PLACE), local)


class Outside:
    """The server that listens, and the tables; `url` is the data's, "" for SQLite in `root`."""

    def __init__(self, root: pathlib.Path, url: str, services: list[str]) -> None:
        self._root, self._services = root, services
        self._url = url or f"sqlite:///{root / 'data.db'}"
        self.told: list[str] = []
        told = self.told

        class Listening(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                told.append(json.loads(self.rfile.read(length))["id"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listening)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        (root / ESTATE).mkdir()
        address = f"http://127.0.0.1:{self._server.server_port}/"
        (root / ESTATE / "soak.yaml").write_text(_ESTATE.replace("URL", address), encoding="utf-8")
        (root / DATA).write_text(self._url, encoding="utf-8")
        self._tables()

    def _tables(self) -> None:
        with self._engine().begin() as connection:
            for service in self._services:
                table = service.replace("-", "_")
                connection.exec_driver_sql(
                    f"CREATE TABLE {table} (id integer PRIMARY KEY, touched integer NOT NULL)"
                )
                rows = ", ".join(f"({number}, 0)" for number in range(ROWS))
                connection.exec_driver_sql(f"INSERT INTO {table} VALUES {rows}")

    def _engine(self) -> sa.Engine:
        return sa.create_engine(self._url, poolclass=sa.pool.NullPool)

    def untold(self, store: Store) -> list[str]:
        """The events that nobody heard of yet."""
        heard = set(self.told)
        return [one.id for one in store.events.following(PLACE, 0, 10**6) if one.id not in heard]

    def check(self, store: Store, rounds: int) -> list[str]:
        """What is not right after that many rounds."""
        problems = [f"never told: {one}" for one in self.untold(store)]
        order = [one.id for one in store.events.following(PLACE, 0, 10**6)]
        first = list(dict.fromkeys(self.told))
        if first != [one for one in order if one in set(first)]:
            problems.append("events were told out of order")
        with self._engine().begin() as connection:
            for service in self._services:
                table = service.replace("-", "_")
                query = sa.text(f"SELECT DISTINCT touched FROM {table}")
                touched = connection.execute(query).scalars().all()
                if touched != [rounds]:
                    problems.append(f"{service}: rows filled {touched} times in {rounds} rounds")
        return problems

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()


def _step(name: str, phase: str, settings: dict[str, str]) -> DataStep:
    return DataStep(name, phase, True, tuple(sorted((SETTINGS | settings).items())))
