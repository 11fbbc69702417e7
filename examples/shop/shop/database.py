"""The embedded data stores of orders and fulfilment: SQLite files in their state folders."""

import pathlib
import sqlite3

BUSY_SECONDS = 1.0  # two versions of a service share the file while one replaces the other


def connect(path: pathlib.Path, schema: str) -> sqlite3.Connection:
    """An open database with `schema` applied; statements commit at once unless one says BEGIN.

    WAL with NORMAL: a killed process loses nothing, a power cut may lose the last moments.
    """
    database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.executescript(schema)
    return database
