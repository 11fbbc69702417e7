"""Bring a database to the newest schema: run at every opening, by any number of processes at once.

The whole migration is one transaction that begins by taking the writer's lock (SQLite) or an
advisory lock (PostgreSQL); whoever comes second finds the newest version and does nothing. Alembic
keeps what it works on in globals, so threads of one process take turns, whatever their databases.
"""

import threading
from functools import cache
from importlib import resources

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from telford.basics.errors import PermanentError
from telford.store import engine as engines

_TURN = threading.Lock()


def upgrade(engine: sa.Engine) -> None:
    """Migrate to the newest revision. Raises `PermanentError` where the store is from a newer
    Telford than this one.
    """
    with engine.connect() as plain:
        connection = plain.execution_options(**{engines.WRITE_OPTION: True})
        with connection.begin():
            engines.lock(connection, engines.MIGRATION_LOCK)
            current = MigrationContext.configure(connection).get_current_revision()
            if current == newest():
                return
            config = _config()
            _refuse_newer(ScriptDirectory.from_config(config), current)
            config.attributes["connection"] = connection
            with _TURN:
                command.upgrade(config, "head")


@cache
def newest() -> str | None:
    """The newest revision that this Telford knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    folder = resources.files("telford.store").joinpath("migrations")
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _refuse_newer(scripts: ScriptDirectory, current: str | None) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    if current is not None and current not in known:
        raise PermanentError(
            f"the store was written by a newer Telford (its schema is {current})",
            fix="use that version, or a store of your own",
        )
