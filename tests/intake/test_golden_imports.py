"""Small systems of our own, imported: every file, number and diagnostic as it was approved."""

import json
import os
import pathlib

import import_cases as cases
import pytest

from telford.basics import diagnostics
from telford.intake import emission
from telford.intake.imported import Options
from telford.intake.kubernetes import reading
from telford.road import patch

NAMES = sorted(path.name for path in cases.GOLDEN.glob("import-*"))


def _written(name: str) -> dict[str, str]:
    imported = reading.read(cases.texts(cases.GOLDEN / name / "manifests"), Options())
    files = {f"estate/{file}": text for file, text in emission.files(imported.documents).items()}
    report = imported.report.as_json()
    report["leaves"] = [leaf.as_json() for leaf in imported.report.fates if leaf.status != "mapped"]
    files["report.json"] = json.dumps(report, indent=1) + "\n"
    files["diagnostics.txt"] = "\n".join(map(diagnostics.human, imported.diagnostics)) + "\n"
    return files


@pytest.mark.parametrize("name", NAMES)
def test_golden_imports_are_as_approved(name: str) -> None:
    """TELFORD_GOLDENS=write refreshes; read the difference."""
    folder = cases.GOLDEN / name / "expected"
    written = _written(name)
    if os.environ.get("TELFORD_GOLDENS") == "write":
        _refresh(folder, written)
    expected = {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    assert written == expected


def _refresh(folder: pathlib.Path, written: dict[str, str]) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            path.unlink()
    for name, text in written.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_golden_imports_check_clean_and_are_given_back(name: str) -> None:
    """Everything but Secrets, the cluster's own fields, and null: quantities as texts."""
    given = cases.texts(cases.GOLDEN / name / "manifests")
    imported = reading.read(given, Options())
    estate = cases.loaded(imported)
    assert cases.errors(estate) == []
    wanted = {(item["apiVersion"], cases.label(item)): item for item in cases.objects(given)}
    built = {(item["apiVersion"], cases.label(item)): item for item in cases.built(estate)}
    assert built.keys() == {key for key in wanted if not key[1].startswith("Secret/")}
    kept = {(fate.subject, fate.path) for fate in imported.report.fates if fate.status != "dropped"}
    for (version, label), item in built.items():
        for path, value in patch.leaves(wanted[version, label]):
            dotted = ".".join(map(str, path))
            if (label, dotted) in kept:
                assert _at(item, path) == (str(value) if "resources" in path else value)


def _at(value: object, path: tuple[str | int, ...]) -> object:
    for step in path:
        value = value[step]  # type: ignore[index]
    return value
