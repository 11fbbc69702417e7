"""Safe looks into foreign values, which may have any shape. Called all over this package."""

from typing import Any


def mapping(value: Any, *path: str) -> dict[str, Any]:
    """The mapping at a path, or an empty one where there is none."""
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """The list, or an empty one."""
    return value if isinstance(value, list) else []


def mappings(value: Any) -> list[dict[str, Any]]:
    """The mappings of a list; anything else in it is passed over."""
    return [item for item in items(value) if isinstance(item, dict)]


def text(value: Any) -> str:
    """The text, or "" where it is none."""
    return value if isinstance(value, str) else ""


def texts(value: Any) -> dict[str, str] | None:
    """The mapping where all its values are texts, else None."""
    if isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
        return value
    return None


def whole(value: Any) -> int | None:
    """The whole number, or None where it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def strings(value: Any) -> list[tuple[tuple[str | int, ...], str]]:
    """Every text of a tree, with its path."""
    found: list[tuple[tuple[str | int, ...], str]] = []
    _collect(value, (), found)
    return found


def _collect(
    value: Any, path: tuple[str | int, ...], found: list[tuple[tuple[str | int, ...], str]]
) -> None:
    # A list to fill, for generators inside of generators cost a step for each level.
    if isinstance(value, str):
        found.append((path, value))
    elif isinstance(value, dict):
        for key, item in value.items():
            _collect(item, (*path, key), found)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _collect(item, (*path, index), found)


def under(value: Any, *keys: str) -> list[tuple[tuple[str | int, ...], str]]:
    """Every text of a tree that stands under one of these keys, with its path."""
    found: list[tuple[tuple[str | int, ...], str]] = []
    _search(value, (), keys, found)
    return found


def _search(
    value: Any,
    path: tuple[str | int, ...],
    keys: tuple[str, ...],
    found: list[tuple[tuple[str | int, ...], str]],
) -> None:
    for step, item in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(item, str):
            if step in keys:
                found.append(((*path, step), item))
        elif isinstance(item, dict | list):
            _search(item, (*path, step), keys, found)
