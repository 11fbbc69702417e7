"""What expanding steps would send, without a data store: SQL as it stands, Alembic's offline mode.

Each statement keeps the line that sends it: of the file of SQL, or of the migration's Python.
Used by `runner`.
"""

import pathlib
from collections.abc import Iterator, Mapping, Sequence

from telford.backends.data import children
from telford.basics.errors import PermanentError
from telford.deliver.data_changes import DataStep, Statement

LIMIT_SECONDS = 60.0
# Nobody is asked at it: offline mode wants a URL for its dialect only.
_NOWHERE = "postgresql+psycopg://offline"


def read(folder: pathlib.Path, name: str) -> str:
    """A file of SQL beside the estate. Raises `PermanentError` where it cannot be read."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise PermanentError(f"{name} is outside of {folder}")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PermanentError(f"cannot read {name} in {folder}: {error}") from error


def statements(
    step: DataStep, folder: pathlib.Path, words: Sequence[str], environment: Mapping[str, str]
) -> Iterator[Statement]:
    """Of one step; nothing for what sends no SQL of its own (a backfill, a contracting step)."""
    if step.setting("sql"):
        yield Statement(step.name, step.setting("sql"), line=1, whole=True)
    elif step.setting("file"):
        name = step.setting("file")
        yield Statement(step.name, read(folder, name), name, 1, whole=True)
    elif step.setting("revision"):
        yield from _alembic(step, folder, words, environment)
    elif step.setting("command"):
        yield Statement(step.name, "", unknown="what a command does shows only when it is done")


def _alembic(
    step: DataStep, folder: pathlib.Path, words: Sequence[str], environment: Mapping[str, str]
) -> Iterator[Statement]:
    asked = {
        "mode": "offline",
        "folder": str(folder),
        "revision": step.setting("revision"),
        "dialect_url": _NOWHERE,
    }
    child = children.start(words, environment, str(folder), asked)
    if not child.ended(LIMIT_SECONDS):
        child.process.kill()
        yield Statement(step.name, "", unknown=f"Alembic took more than {LIMIT_SECONDS:g} s")
        return
    found = children.answer(child)
    if "pieces" not in found:
        why = found.get("unknown") or found.get("why", "")
        yield Statement(step.name, "", unknown=f"Alembic cannot say what it would do: {why}")
        return
    for piece in found["pieces"]:
        if piece["file"] and piece["sql"].strip():
            yield Statement(step.name, piece["sql"], piece["file"], piece["line"])
