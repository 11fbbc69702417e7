"""Start an estate in a folder: a small one to grow from, or what the files there describe.

It asks nothing that it can find out and overwrites nothing. Called by `telford.cli.init`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from telford.app import importing, inputs
from telford.app.importing import Gathered, Order
from telford.backends import files
from telford.basics import resources
from telford.basics.errors import RefusedError, UsageError
from telford.intake import codeowners, formats, routing
from telford.intake.environments import stages
from telford.intake.environments.stages import Recognition

STARTER = ("people.yaml", "places.yaml", "hello.yaml", "promises.yaml")
# Where an estate goes when the folder holds other things already.
ESTATE = "estate"
_OURS = "apiVersion: telford/"
# Enough to tell what a file is.
_HEAD = 4096


class Finding(StrEnum):
    """What a folder holds: nothing of an estate's concern, what can be imported, or an estate."""

    NOTHING = "nothing"
    IMPORTABLE = "importable"
    ESTATE = "estate"


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found in `folder`, and where its estate is to be written (`out`).

    `gathered` is what can be imported; `environments` what names say about environments; `document`
    is a file of the estate that is there.
    """

    folder: Path
    out: Path
    finding: Finding
    gathered: Gathered | None = None
    environments: Recognition = field(default_factory=Recognition)
    document: str = ""

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        found = self.gathered
        return {
            "folder": self.folder.as_posix(),
            "out": self.out.as_posix(),
            "found": self.finding.value,
            "formats": dict(sorted(found.formats.items())) if found else {},
            "objects": dict(sorted(found.imported.report.objects.items())) if found else {},
            "environments": [item.environment for item in self.environments.proposals],
        }


def survey(folder: Path) -> Survey:
    """Look at a folder; one that is not there yet is empty. Raises `UsageError` for a file."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", fix="name a folder")
    if not folder.exists() or not any(folder.iterdir()):
        return Survey(folder, folder, Finding.NOTHING)
    texts = inputs.read([folder]).texts
    ours = next((name for name, text in texts.items() if _OURS in text[:_HEAD]), "")
    if ours:
        return Survey(folder, folder, Finding.ESTATE, document=ours)
    routed = routing.route(texts, formats.FORMATS)
    if routed.texts.keys() <= {codeowners.FORMAT.name}:
        return Survey(folder, folder / ESTATE, Finding.NOTHING)
    unknown = set(routed.unknown)
    recognition = stages.recognise(path for path in texts if path not in unknown)
    gathered = importing.gather(Order((folder,), recognised=recognition.several))
    return Survey(folder, folder / ESTATE, Finding.IMPORTABLE, gathered, recognition)


def start(found: Survey) -> tuple[str, ...]:
    """Write the starter estate; the files, relative to `out`.

    Raises `RefusedError` where one of them is there already: nothing is overwritten.
    """
    if found.finding is Finding.ESTATE:
        raise RefusedError(
            f"there is an estate in {found.folder} already: {found.document} is of it",
            fix="run `telford check --estate` with its folder, or name another folder here",
        )
    starter = _starter()
    there = [name for name in starter if (found.out / name).exists()]
    if there:
        raise RefusedError(
            f"{found.out / there[0]} is there already, and init overwrites nothing",
            fix="name another folder",
        )
    return tuple(files.write_all(found.out, starter))


def _starter() -> Mapping[str, str]:
    return {name: resources.text("telford.app", f"starter/{name}") for name in STARTER}
