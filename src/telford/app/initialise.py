"""Start an estate in a folder: a small one to grow from, or what the manifests there describe.

It asks nothing that it can find out and overwrites nothing. Called by `telford.cli.init`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from telford.app import importing
from telford.backends import files
from telford.basics import resources
from telford.basics.errors import RefusedError, UsageError
from telford.intake.imported import Imported

STARTER = ("people.yaml", "places.yaml", "hello.yaml", "promises.yaml")
# Where an estate goes when the folder holds other things already.
ESTATE = "estate"
# Enough to tell what a file is.
_HEAD = 4096


class Finding(StrEnum):
    """What a folder holds: nothing of an estate's concern, manifests, or an estate."""

    NOTHING = "nothing"
    MANIFESTS = "manifests"
    ESTATE = "estate"


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found in `folder`, and where its estate is to be written (`out`).

    `manifests` holds what an import would give where there are manifests.
    """

    folder: Path
    out: Path
    finding: Finding
    manifests: Imported | None = None

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        found = self.manifests.report.objects if self.manifests is not None else {}
        return {
            "folder": self.folder.as_posix(),
            "out": self.out.as_posix(),
            "found": self.finding.value,
            "objects": dict(sorted(found.items())),
        }


def survey(folder: Path) -> Survey:
    """Look at a folder; one that is not there yet is empty. Raises `UsageError` for a file."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", fix="name a folder")
    if not folder.exists() or not any(folder.iterdir()):
        return Survey(folder, folder, Finding.NOTHING)
    texts = files.read([folder], importing.SUFFIXES).texts
    if any("apiVersion: telford/" in text[:_HEAD] for text in texts.values()):
        return Survey(folder, folder, Finding.ESTATE)
    candidates = {name: text for name, text in texts.items() if _may_be_manifest(text)}
    if candidates:
        found = importing.survey([folder])
        if found.report.objects:
            return Survey(folder, folder / ESTATE, Finding.MANIFESTS, found)
    return Survey(folder, folder / ESTATE, Finding.NOTHING)


def start(found: Survey) -> tuple[str, ...]:
    """Write the starter estate; the files, relative to `out`.

    Raises `RefusedError` where one of them is there already: nothing is overwritten.
    """
    if found.finding is Finding.ESTATE:
        raise RefusedError(
            f"there is an estate in {found.folder} already",
            fix="run `telford check` there, or name another folder",
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


def _may_be_manifest(text: str) -> bool:
    return "apiVersion" in text and "kind" in text
