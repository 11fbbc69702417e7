"""Options that many commands share, and the settings of this process.

Commands import the annotated types by name, so that one option is spelled and described in one
way everywhere.
"""

import datetime as dt
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated

import typer

from telford.app.settings import Settings
from telford.backends import cache as caches
from telford.basics.errors import UsageError

Estate = Annotated[
    Path | None,
    typer.Option(
        "--estate",
        metavar="DIR",
        help="the folder of the estate (or set TELFORD_ESTATE; default: this folder)",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="print JSON, made to be read by programs")]
In = Annotated[
    str,
    typer.Option(
        "--in", metavar="ENV[/REGION]", help="the place, such as prod or prod/eu-west-1",
        show_default=False,
    ),
]  # fmt: skip

Day = Annotated[
    str,
    typer.Option(
        "--day", metavar="DATE", help="judge what runs out by this day (default: today)",
        show_default=False,
    ),
]  # fmt: skip


def day(text: str) -> dt.date:
    """The day that was asked for, else today. Raises `UsageError` for what is no day."""
    if not text:
        return dt.datetime.now(tz=dt.UTC).date()
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{text} is no day", fix="write YEAR-MONTH-DAY, such as 2026-11-22"
        ) from error


@cache
def settings() -> Settings:
    """What the environment says, read once a process."""
    return Settings.from_environment(os.environ)


def environment() -> Mapping[str, str]:
    """This process's environment, for whoever is told names of variables: keys of webhooks."""
    return os.environ


def folder(estate: Path | None) -> Path:
    """The estate's folder: the option, else the setting, else this folder."""
    return estate if estate is not None else Path(settings().estate)


def cache_folder() -> Path:
    """Where caches live: TELFORD_CACHE, else the user's cache folder."""
    return caches.default_folder(settings().cache, os.environ.get("XDG_CACHE_HOME", ""))


def estate_cache() -> caches.FileCache:
    """What is kept of estates from one command to the next, by the hashes of their files."""
    return caches.FileCache(cache_folder() / "check")
