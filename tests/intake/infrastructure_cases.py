"""What the tests of infrastructure code share: folders of texts, readers asked until they answer,
and leaves counted by somebody else than the reader.
"""

import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from telford.basics.diagnostics import Diagnostic
from telford.intake import emission
from telford.intake.format import Format, Needs, Sources
from telford.intake.imported import Fate, Imported, Options, Status

FOLDER = pathlib.Path(__file__).parent / "infrastructure"
# What no file, report or message of an import may ever hold.
SECRET = "not-in-any-estate"


def texts(name: str, format_: Format) -> dict[str, str]:
    """The files of a folder of this test that a format claims."""
    found = {}
    for path in sorted((FOLDER / name).rglob("*")):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            label = path.relative_to(FOLDER).as_posix()
            if format_.claims(label, text):
                found[label] = text
    return found


def read(format_: Format, given: Mapping[str, str], options: Options | None = None) -> Imported:
    """What a format makes of texts, when nothing else can be had."""
    sources = Sources(given)
    for _ in range(10):
        answer = format_.read(sources, options or Options())
        if isinstance(answer, Imported):
            return answer
        sources = refused(sources, answer)
    raise AssertionError("it asks again for what it was refused")


def refused(sources: Sources, needs: Needs) -> Sources:
    """The sources, with everything that is needed said not to be there."""
    paths = [wanted.path for wanted in needs.files]
    paths += [rendering.output for rendering in needs.renderings]
    return Sources(sources.texts, {**sources.unreadable, **dict.fromkeys(paths, "it is not there")})


def documents(imported: Imported) -> dict[str, dict[str, Any]]:
    """The documents by ``kind/name``."""
    return {
        f"{item.value['kind'].lower()}/{item.value['name']}": dict(item.value)
        for item in imported.documents
    }


def edges(imported: Imported) -> set[tuple[str, str]]:
    """The dependencies that were inferred, as bare names."""
    return {
        (edge.source.rpartition(".")[2], edge.target.rpartition(".")[2])
        for edge in imported.report.edges
    }


def fates(imported: Imported, subject: str) -> dict[str, Fate]:
    """The fates of one object's leaves, by path."""
    return {item.path: item for item in imported.report.fates if item.subject == subject}


def count(imported: Imported, status: Status) -> int:
    """How many leaves ended so."""
    return sum(item.status is status for item in imported.report.fates)


def plain_leaves(value: object) -> int:
    """Scalars and empty collections of a plain value."""
    if isinstance(value, dict) and value:
        return sum(map(plain_leaves, value.values()))
    if isinstance(value, list) and value:
        return sum(map(plain_leaves, value))
    return 1


def written(imported: Imported) -> str:
    """Everything that an import puts anywhere: files, report, messages."""
    parts: list[object] = [*emission.files(imported.documents).values()]
    parts += [imported.report.as_json()]
    parts += [item.as_json() for item in imported.diagnostics]
    return "\n".join(map(str, parts))


def accounted(imported: Imported) -> None:
    """Assert that each leaf has one fate, and says where it went or why not."""
    seen: set[tuple[str, str, str, int]] = set()
    for item in imported.report.fates:
        key = (item.file, item.subject, item.path, item.line)
        assert key not in seen, item
        seen.add(key)
        assert item.to if item.status is not Status.DROPPED else item.reason, item
    addresses = {
        f"{d.value['kind'].lower()}/{_system(d.value)}{d.value['name']}" for d in imported.documents
    }
    missing = {item.to for item in imported.report.fates if item.to and item.to not in addresses}
    assert not missing, missing


def _system(value: Mapping[str, Any]) -> str:
    return f"{value['system']}." if value.get("system") else ""


def codes(diagnostics: Iterable[Diagnostic]) -> list[str]:
    """The codes, in their order."""
    return [item.code for item in diagnostics]
