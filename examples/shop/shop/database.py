"""The embedded data stores of orders and fulfilment: SQLite files in their state folders."""

import pathlib
import sqlite3

BUSY_SECONDS = 1.0  # two versions of a service share the file while one replaces the other


def connect(path: pathlib.Path, schema: str) -> sqlite3.Connection:
    """An open database with `schema` applied; statements commit at once unless one says BEGIN.

    WAL without waiting for the disk: a killed process loses nothing, a power cut may. On a laptop
    a disk that is busy with something else would otherwise look like a slow release.
    """
    database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = OFF")
    database.executescript(schema)
    return database
