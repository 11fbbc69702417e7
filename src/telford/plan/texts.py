"""A change of a text as a unified diff. Called by `telford.app.planning`."""

import difflib


def diff(path: str, old: str, new: str) -> str:
    """The unified diff with three lines around each change; "" where nothing changes."""
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{path}", f"b/{path}"
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
