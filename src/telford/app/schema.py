"""`telford schema`: one JSON Schema for the documents of an estate."""

from collections.abc import Sequence
from pathlib import Path

from telford.backends import files
from telford.basics.errors import UsageError
from telford.estate import schema, suggestions
from telford.estate.kinds import registry


def document(kinds: Sequence[str] = ()) -> dict[str, object]:
    """The schema of documents of these kinds, by name; of all kinds where there are none.

    Raises `UsageError` for a kind that there is not.
    """
    for name in kinds:
        if name not in registry.BY_NAME:
            fix = suggestions.for_value(name, list(registry.BY_NAME))
            raise UsageError(f"there is no kind `{name}`", fix=fix)
    chosen = [kind for kind in registry.KINDS if not kinds or kind.__name__ in kinds]
    return schema.document(chosen)


def write(path: Path, text: str) -> None:
    """Write the schema to a file, whole or not at all. Raises `OSError`."""
    files.write_text(path, text)
