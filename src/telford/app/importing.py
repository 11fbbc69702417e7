"""Import a system that exists: read its files, make an estate of them, check it, write it.

Nothing is written where the input cannot be read, or where a file stands in the way that an
import did not write. Called by `telford.cli.import_` and `telford.app.initialise`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from telford.app import loading
from telford.backends import files
from telford.basics import diagnostics
from telford.basics.diagnostics import Diagnostic
from telford.basics.errors import PermanentError, RefusedError, UsageError
from telford.intake import emission
from telford.intake.imported import Imported, Options, Report
from telford.intake.kubernetes import reading

SUFFIXES = (".yaml", ".yml", ".json")
# Folder names that say what is in them, not which system it is.
_GENERIC = frozenset(
    {
        *("kubernetes", "manifests", "kubernetes-manifests", "k8s", "kube", "yaml", "rendered"),
        *("release", "releases", "deploy", "deployment", "deployments", "base", "overlays"),
        *("config", "configs", "templates", "output", "out", "src", "app", "apps", "infra", "ops"),
        *("work", "home", "tmp", "production", "staging"),
    }
)
# Named one by one in a refusal; the rest is counted.
_MAX_NAMED = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """What an import did, or would do.

    `files` maps paths under `out` to texts; `written` are those that changed; `left` are files of
    an earlier import that this one does not write.
    """

    report: Report
    diagnostics: tuple[Diagnostic, ...]
    files: Mapping[str, str]
    out: Path
    written: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is an error."""
        return not diagnostics.has_errors(self.diagnostics)

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "ok": self.ok,
            "out": self.out.as_posix(),
            "files": sorted(self.files),
            "written": list(self.written),
            "left": list(self.left),
            "diagnostics": [item.as_json() for item in self.diagnostics],
            "report": self.report.as_json(),
        }


def run(
    paths: Sequence[Path],
    out: Path,
    options: Options,
    *,
    force: bool = False,
    dry_run: bool = False,
) -> Answer:
    """Import the Kubernetes YAML under `paths` into the folder `out`.

    Raises `UsageError` for a path that is not there, `RefusedError` where a file is in the way.
    """
    read = files.read(paths, SUFFIXES)
    texts = _renamed(read.texts, paths)
    if not texts and not read.diagnostics:
        raise UsageError("there is no YAML file there", fix="name the folder with the manifests")
    chosen = replace(options, fallback=_system(paths))
    with loading.undisturbed():
        imported = reading.read(texts, chosen)
    found = diagnostics.ordered([*read.diagnostics, *imported.diagnostics])
    made = emission.files(imported.documents) if imported.report.objects else {}
    answer = Answer(imported.report, found, made, out)
    if not answer.ok or not made:
        return answer
    answer = replace(answer, diagnostics=(*found, *_checked(made)))
    return answer if dry_run else _written(answer, force=force)


def write_report(answer: Answer, path: Path) -> None:
    """Write the fate of every leaf as JSON. Raises `PermanentError` where the disk says no."""
    text = json.dumps({"version": 1, **answer.report.as_json()}, indent=1, ensure_ascii=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(path, text + "\n")
    except OSError as error:
        raise PermanentError(f"{path} cannot be written: {error.strerror}") from error


def survey(paths: Sequence[Path]) -> Imported:
    """What an import of these paths would find; nothing is written."""
    read = files.read(paths, SUFFIXES)
    with loading.undisturbed():
        return reading.read(_renamed(read.texts, paths), Options())


def _checked(made: Mapping[str, str]) -> list[Diagnostic]:
    """What `telford check` finds in what is about to be written."""
    return list(loading.of_texts(files.Texts(dict(made))).diagnostics)


def _written(answer: Answer, *, force: bool) -> Answer:
    blocked = [name for name in answer.files if not force and _blocked(answer.out / name)]
    if blocked:
        names = ", ".join(blocked[:_MAX_NAMED])
        more = f" and {len(blocked) - _MAX_NAMED} more" if len(blocked) > _MAX_NAMED else ""
        raise RefusedError(
            f"{answer.out} has files that import did not write, or that were edited since: "
            f"{names}{more}",
            fix="choose another folder with --out, or say --force to replace them",
        )
    left = _left(answer)
    changed = files.write_all(answer.out, answer.files)
    return replace(answer, written=tuple(changed), left=left)


def _blocked(path: Path) -> bool:
    if not path.exists():
        return path.is_symlink()
    found = files.read([path])
    return not all(emission.untouched(text) for text in found.texts.values()) or not found.texts


def _left(answer: Answer) -> tuple[str, ...]:
    """Files of an earlier import that this one would not write."""
    if not answer.out.is_dir():
        return ()
    found = files.read([answer.out])
    names = {Path(name).relative_to(answer.out).as_posix(): name for name in found.texts}
    return tuple(
        sorted(
            name
            for name, full in names.items()
            if name not in answer.files and emission.untouched(found.texts[full])
        )
    )


def _renamed(texts: Mapping[str, str], paths: Sequence[Path]) -> dict[str, str]:
    """The texts under names that mean the same on every machine: relative as they were given,
    or from the named folder on.
    """
    roots = sorted({path for path in paths if path.is_absolute()}, key=lambda p: -len(p.parts))
    renamed: dict[str, str] = {}
    for name, text in texts.items():
        short = _short(Path(name), roots)
        renamed[short if short not in renamed else name] = text
    return renamed


def _short(path: Path, roots: Sequence[Path]) -> str:
    for root in roots:
        if path.is_relative_to(root):
            return path.relative_to(root.parent).as_posix()
    return path.as_posix()


def _system(paths: Sequence[Path]) -> str:
    """A name for the system of what names none: the nearest folder whose name says something."""
    first = paths[0].resolve()
    folder = first if first.is_dir() else first.parent
    for candidate in (folder, *folder.parents):
        if candidate.name and candidate.name.lower() not in _GENERIC:
            return candidate.name
    return "imported"
