"""Edits in a row of the example estates, seeded, for tests of what a server keeps between them."""

import pathlib
import random

import optional

ESTATES = ("shop", "boutique", "organisation")


class Edits:
    """A copy of an example estate in a folder, and edits of it, each of another kind of document."""

    def __init__(self, name: str, folder: pathlib.Path) -> None:
        source = optional.REPOSITORY / "examples" / name / "estate"
        for path in source.rglob("*"):
            if path.is_file():
                where = folder / path.relative_to(source)
                where.parent.mkdir(parents=True, exist_ok=True)
                where.write_bytes(path.read_bytes())
        self._dice = random.Random(f"edits of {name}")
        self._files = sorted(folder.glob("*.yaml"))

    def make(self) -> pathlib.Path:
        """Edit one file; which it was."""
        path = self._dice.choice(self._files)
        path.write_text(_edited(path.read_text(encoding="utf-8"), self._dice), encoding="utf-8")
        return path


def _edited(text: str, dice: random.Random) -> str:
    """Another description, a document less, or a document moved: whatever is still an estate."""
    parts = text.split("\n---\n")
    at = dice.randrange(len(parts))
    way = dice.choice(["describe", "remove", "tier", "image", "lines"])
    if way == "remove" and len(parts) > 1:
        del parts[at]
    elif way == "tier":
        parts[at] = parts[at].replace("\ntier: 1\n", "\ntier: 2\n").replace(": 0\n", ": 1\n", 1)
    elif way == "image":
        parts[at] = parts[at].replace(":1.0.0", ":1.0.1").replace(":0.10.3", ":0.10.4")
    elif way == "lines":
        parts[at] = "# a line more\n" + parts[at]
    else:
        parts[at] = parts[at].rstrip("\n") + f"\nx-note: {dice.random()}\n"
    return "\n---\n".join(parts)
