"""Import a system that exists: read its files, make an estate of them, check it, write it.

    files -> environments -> documents to formats -> readers -> joined -> merged -> checked -> written

Nothing is written where the input cannot be read, or where a file stands in the way that an
import did not write. Called by `telford.cli.import_` and `telford.app.initialise`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from telford.app import inputs, loading, roundtrip
from telford.app.inputs import Inputs, Renderer
from telford.app.roundtrip import Verified
from telford.backends import files, rendering
from telford.basics import diagnostics
from telford.basics.diagnostics import Diagnostic
from telford.basics.errors import PermanentError, RefusedError, UsageError
from telford.intake import emission, formats, joining, plaintext, routing, settled
from telford.intake.environments import merging, stages
from telford.intake.environments.stages import Recognition
from telford.intake.format import Rendering
from telford.intake.gitops import charts
from telford.intake.gitops import reading as gitops
from telford.intake.imported import Imported, Options, Report
from telford.intake.kubernetes import format as kubernetes

# Folder names that say what is in them, not which system it is.
_GENERIC = frozenset(
    {
        *("kubernetes", "manifests", "kubernetes-manifests", "k8s", "kube", "yaml", "rendered"),
        *("release", "releases", "deploy", "deployment", "deployments", "base", "overlays"),
        *("config", "configs", "templates", "output", "out", "src", "app", "apps", "infra", "ops"),
        *("work", "home", "tmp", "production", "staging", "docker", "compose", "docker-compose"),
        *("terraform", "cloudformation", "helm", "charts", "gitops"),
    }
)
# Named one by one in a refusal; the rest is counted.
_MAX_NAMED = 3


class UndecidedError(UsageError):
    """The input may be several environments, and nobody said whether it is."""

    def __init__(self, recognition: Recognition) -> None:
        names = ", ".join(item.environment for item in recognition.proposals)
        super().__init__(
            f"the input names several environments ({names}); one estate of all of them, or none?",
            fix="say `--environments yes` or `no`, or `--environment NAME=PATH` for each",
        )
        self.recognition = recognition


@dataclass(frozen=True, slots=True)
class Order:
    """What to import, and what was decided about it.

    `assigned` maps an environment to the paths that are its alone; `recognised` says whether names
    of folders and files tell environments (None: ask, by `UndecidedError`); `render` are the tools
    that may be run on charts and kustomizations, and `say` is told each command before it runs.
    """

    paths: tuple[Path, ...]
    options: Options = field(default_factory=Options)
    assigned: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    recognised: bool | None = None
    render: frozenset[str] = frozenset()
    say: Callable[[str], None] = lambda command: None

    def everything(self) -> tuple[Path, ...]:
        """All paths, in their order."""
        more = [path for listed in self.assigned.values() for path in listed]
        return tuple(dict.fromkeys([*self.paths, *more]))


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the readers gave: one estate's documents, and how they were come by.

    `formats` counts files by the title of their format; `unknown` are files of none.
    `environments` maps each environment to what it was read from.
    """

    imported: Imported
    read: Inputs
    formats: Mapping[str, int]
    unknown: tuple[str, ...]
    environments: Mapping[str, Mapping[str, str]]


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
    gathered: Gathered
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
            "formats": dict(sorted(self.gathered.formats.items())),
            "unknown": list(self.gathered.unknown),
            "environments": sorted(self.gathered.environments),
            "files": sorted(self.files),
            "written": list(self.written),
            "left": list(self.left),
            "diagnostics": [item.as_json() for item in self.diagnostics],
            "report": self.report.as_json(),
        }


def run(
    order: Order,
    out: Path,
    *,
    force: bool = False,
    dry_run: bool = False,
) -> Answer:
    """Import what an order names into the folder `out`.

    Raises `UsageError` for a path that is not there, `UndecidedError` where environments must be
    decided, `RefusedError` where a file is in the way.
    """
    return finish(gather(order), out, force=force, dry_run=dry_run)


def finish(gathered: Gathered, out: Path, *, force: bool = False, dry_run: bool = False) -> Answer:
    """Check what was gathered, and write it. Raises as `run` does."""
    imported = gathered.imported
    if not gathered.read.texts and not gathered.read.diagnostics:
        raise UsageError(
            "there is no file there that can be read",
            fix="name the folder with the manifests, compose files or infrastructure code",
        )
    found = diagnostics.ordered([*gathered.read.diagnostics, *imported.diagnostics])
    documents = settled.apply(imported.documents, _settled(out))
    made = emission.files(documents) if imported.report.objects else {}
    answer = Answer(imported.report, found, made, out, gathered)
    if not answer.ok or not made:
        return answer
    answer = replace(answer, diagnostics=(*found, *_checked(made)))
    return answer if dry_run else _written(answer, force=force)


def verify(answer: Answer) -> Verified:
    """Whether a build of what was imported gives the Kubernetes objects of the input back."""
    estate = loading.of_texts(files.Texts(dict(answer.files))).estate
    objects = {name: _objects(texts) for name, texts in answer.gathered.environments.items()}
    return roundtrip.verify(estate, {name: texts for name, texts in objects.items() if texts})


def _objects(texts: Mapping[str, str]) -> dict[str, str]:
    """The texts that hold Kubernetes objects: also those of Argo CD and Flux are given back. A file
    that has both is there twice, each time with the rest of it blanked out.
    """
    routed = routing.route(texts, formats.FORMATS)
    return {
        f"{path} ({one.name})": text
        for one in (kubernetes.FORMAT, gitops.FORMAT)
        for path, text in routed.of(one).items()
    }


def _settled(out: Path) -> settled.Settled:
    """What people settled in the estate that is there already."""
    return settled.of_texts(files.read([out]).texts if out.is_dir() else {})


def gather(order: Order) -> Gathered:
    """What an import of these paths would give; nothing is written. Raises as `run` does."""
    read = inputs.read(order.everything())
    routed = routing.route(read.texts, formats.FORMATS)
    split = _split(order, read, routed)
    counted = {one.title: len(routed.of(one)) for one in formats.FORMATS if routed.of(one)}
    options = replace(order.options, fallback=_system(order.everything()), named=read.named)
    with loading.undisturbed():
        parts = {
            name: _one(texts, routed, read, replace(options, environment=name), order)
            for name, texts in split.items()
        }
        known = {name: stage for name in parts if (stage := stages.stage_of(name)) is not None}
        imported = merging.merge(parts, known) if len(parts) > 1 else next(iter(parts.values()))
        told = (*imported.diagnostics, *plaintext.found(imported.documents))
        imported = replace(imported, diagnostics=told)
    given = {name: _given(texts, parts[name], order) for name, texts in split.items()}
    return Gathered(imported, read, counted, tuple(routed.unknown), given)


def _given(texts: Mapping[str, str], imported: Imported, order: Order) -> Mapping[str, str]:
    """What an environment was read from: what was rendered in the place of what makes it."""
    covered = charts.covered(texts, order.render)
    alone = {path: text for path, text in texts.items() if path not in covered}
    # What a tool printed has no file's name; it is YAML.
    return alone | {f"{path}.yaml": text for path, text in imported.rendered.items()}


def _one(
    texts: Mapping[str, str], routed: routing.Routed, read: Inputs, options: Options, order: Order
) -> Imported:
    """One environment: each reader its documents, and all of them joined."""
    # What a chart or kustomization holds is read once it is rendered, not by itself.
    covered = charts.covered(texts, order.render)
    everything = routed.among(texts.keys())
    alone = routed.among(texts.keys() - covered) if covered else everything
    parts = []
    for one in formats.FORMATS:
        mine = (everything if one is gitops.FORMAT else alone).of(one)
        if mine:
            parts.append(inputs.gather(one, mine, read, options, _renderer(order)))
    return joining.join(parts, options)


def _renderer(order: Order) -> Renderer:
    """Runs the tools that the person named, and no other."""

    def run(one: Rendering, folder: Path, root: Path) -> tuple[str | None, str]:
        if one.tool not in order.render:
            return None, f"nothing is run without `--render {one.tool}`"
        return rendering.render(one, folder, say=order.say, within=root)

    return run


def _split(order: Order, read: Inputs, routed: routing.Routed) -> dict[str, dict[str, str]]:
    """Environment -> its texts; what belongs to none of several belongs to all of them."""
    paths = _environments(order, read, routed)
    if not paths:
        return {order.options.environment: read.texts}
    taken = {path for listed in paths.values() for path in listed}
    shared = {path: text for path, text in read.texts.items() if path not in taken}
    return {
        name: shared | {path: read.texts[path] for path in listed} for name, listed in paths.items()
    }


def _environments(
    order: Order, read: Inputs, routed: routing.Routed
) -> Mapping[str, Sequence[str]]:
    """Environment -> the paths that are its alone, in the order in which a change travels."""
    if order.assigned:
        return {name: read.under(paths) for name, paths in order.assigned.items()}
    if order.recognised is False:
        return {}
    unknown = set(routed.unknown)
    known = [path for path in read.texts if path not in unknown]
    recognition = stages.recognise(known)
    if not recognition.several:
        return {}
    if order.recognised is None:
        raise UndecidedError(recognition)
    read.diagnostics.extend(stages.doubts(recognition))
    return {item.environment: item.paths for item in recognition.proposals}


def write_report(answer: Answer, path: Path) -> None:
    """Write the fate of every leaf as JSON. Raises `PermanentError` where the disk says no."""
    text = json.dumps({"version": 1, **answer.report.as_json()}, indent=1, ensure_ascii=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(path, text + "\n")
    except OSError as error:
        raise PermanentError(f"{path} cannot be written: {error.strerror}") from error


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


def _system(paths: Sequence[Path]) -> str:
    """A name for the system of what names none: the nearest folder whose name says something."""
    first = paths[0].resolve()
    folder = first if first.is_dir() else first.parent
    for candidate in (folder, *folder.parents):
        if candidate.name and candidate.name.lower() not in _GENERIC:
            return candidate.name
    return "imported"
