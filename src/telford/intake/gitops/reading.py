"""Argo CD, Flux, Helm charts and kustomizations as a format. Listed in `telford.intake.formats`.

    files -> charts and kustomizations -> deliveries -> what must be rendered -> Kubernetes objects

What is delivered is read by the reader of Kubernetes objects: what a tool renders (only where the
person who imports says `--render`), and what needs no tool. What delivers it is carried as it was
found, and says clusters and environments.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from telford.basics import yamltext
from telford.basics.diagnostics import Diagnostic, ordered
from telford.intake.cloud import tree
from telford.intake.format import Format, Needs, Rendering, Sources, Wanted
from telford.intake.gitops import charts, delivery, places, problems
from telford.intake.gitops.charts import Layout
from telford.intake.gitops.delivery import Delivery, Read
from telford.intake.imported import Document, Fate, Imported, Options, Status, count_comments
from telford.intake.kubernetes import objects, reading

_GROUPS = re.compile(
    r"""^[ \t{]*["']?apiVersion["']?[ \t]*:[ \t]*["']?"""
    r"(argoproj\.io/v1alpha1|(kustomize|helm|source)\.toolkit\.fluxcd\.io/)",
    re.MULTILINE,
)
# Kinds of Argo's other projects (Rollouts, Workflows) share its group.
_ARGO_KINDS = re.compile(
    r"""^[ \t{]*["']?kind["']?[ \t]*:[ \t]*["']?(Application|ApplicationSet|AppProject)["']?\s*$""",
    re.MULTILINE,
)
# Other formats that live in folders of this name and have braces too.
_OTHERS = re.compile(r"backstage\.io/|^[ \t]*openslo", re.MULTILINE)
_DESCRIBES = "it describes a chart: what the chart makes is imported when it is rendered"
_COMPOSES = "it says what to render: what that gives is imported when it is rendered"


def claims(path: str, text: str) -> bool:
    """Whether a document delivers, or belongs to a chart or a kustomization."""
    name = posixpath.basename(path)
    if name in (charts.CHART, *charts.KUSTOMIZATIONS) and _GROUPS.search(text) is None:
        return True
    if "templates" in path.split("/")[:-1] and "{{" in text and not _OTHERS.search(text):
        return True
    # The words first: they are found much faster than an expression, and most documents have none.
    if "argoproj.io/" not in text and "fluxcd.io/" not in text:
        return False
    found = _GROUPS.search(text)
    if found is None:
        return False
    return found[1] != "argoproj.io/v1alpha1" or _ARGO_KINDS.search(text) is not None


@dataclass(slots=True)
class _Scene:
    """What one import knows."""

    sources: Sources
    options: Options
    layout: Layout
    read: Read
    # What is to be rendered, and for which delivery (None: it stands by itself).
    renderings: list[tuple[Rendering, Delivery | None]] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)


def read(sources: Sources, options: Options) -> Imported | Needs:
    """What the files deliver, as far as it is in the input and was rendered."""
    layout = charts.layout(sources.texts)
    written = _written(sources, layout)
    found = delivery.read(list(objects.read(written).objects), _folders(layout))
    scene = _Scene(sources, options, layout, found)
    chosen = places.chosen(found.deliveries, options)
    _plan(scene, chosen.deliveries)
    needs = _needs(scene)
    if needs is not None:
        return needs
    texts = dict(written)
    for rendering, _ in scene.renderings:
        if rendering.output in sources.texts:
            texts[rendering.output] = sources.texts[rendering.output]
    texts |= _plain_templates(scene)
    imported = reading.read(texts, options)
    scene.diagnostics += problems.of(scene.renderings, sources, found, chosen, layout)
    return _completed(scene, imported, places.documents(found.deliveries, options))


def _written(sources: Sources, layout: Layout) -> dict[str, str]:
    """The files that deliver: no charts, no kustomizations, nothing rendered."""
    return {
        path: text
        for path, text in sources.texts.items()
        if _GROUPS.search(text) is not None
        and "/<" not in path
        and layout.chart_of(path) is None
        and claims(path, text)
    }


def _folders(layout: Layout) -> tuple[str, ...]:
    """The folders that a generator may range over, from the root of the input and one below: the
    input's own name may stand before them.
    """
    known = [*layout.charts, *layout.kustomizations]
    shorter = [folder.partition("/")[2] for folder in known]
    return tuple(sorted({folder for folder in (*known, *shorter) if folder}))


def _plan(scene: _Scene, deliveries: tuple[Delivery, ...]) -> None:
    """What is to be rendered: for each delivery its source, then charts and kustomizations that
    nothing delivers.
    """
    delivered: set[str] = set()
    for one in scene.read.deliveries:
        folder = _resolved(scene.layout, one)
        if folder is not None:
            delivered.add(folder)
    planned: dict[str, tuple[Rendering, Delivery]] = {}
    for one in deliveries:
        rendering = _rendering(scene.layout, one)
        if rendering is None:
            continue
        first = planned.setdefault(rendering.output, (rendering, one))
        if first[1] is one:
            scene.renderings.append((rendering, one))
        elif replace(rendering, position=first[0].position) != first[0]:
            scene.diagnostics.append(problems.twice(one, first[1], rendering))
    for rendering in charts.renderable(scene.sources.texts):
        if rendering.path not in delivered:
            values = _stage_values(scene, rendering)
            scene.renderings.append((replace(rendering, values=values), None))


def _resolved(layout: Layout, one: Delivery) -> str | None:
    """The chart or kustomization of the input that a delivery names by its path."""
    if not one.path:
        return None
    known = (*layout.charts, *layout.kustomizations)
    exact = [folder for folder in known if folder == one.path]
    ending = [folder for folder in known if folder.endswith(f"/{one.path}")]
    return min((*exact, *ending), key=len, default=None)


def _rendering(layout: Layout, one: Delivery) -> Rendering | None:
    folder = _resolved(layout, one)
    if folder is None:
        return None
    tool = "helm" if folder in layout.charts else "kustomize"
    # From the repository's root, which the input may have a name for.
    root = folder.removesuffix(one.path).rstrip("/")
    values = [
        posixpath.normpath(
            posixpath.join(root, file[1:]) if file.startswith("/") else f"{folder}/{file}"
        )
        for file in one.values
    ]
    helm = tool == "helm"
    return Rendering(
        tool,
        folder,
        one.position,
        name=one.name,
        namespace=one.namespace if helm else "",
        values=tuple(values) if helm else (),
        settings=one.settings if helm else (),
    )


def _stage_values(scene: _Scene, rendering: Rendering) -> tuple[str, ...]:
    """The file with the values of the environment, where a chart has one."""
    if rendering.tool != "helm":
        return ()
    candidates = _candidates(rendering.path, scene.options.environment)
    return tuple(path for path in candidates if path in scene.sources.texts)[:1]


def _candidates(folder: str, environment: str) -> tuple[str, ...]:
    names = (
        f"values-{environment}.yaml",
        f"values.{environment}.yaml",
        f"values/{environment}.yaml",
    )
    return tuple(posixpath.normpath(f"{folder}/{name}") for name in names)


def _needs(scene: _Scene) -> Needs | None:
    """The values files that renderings name, then the renderings; None where nothing is missing."""
    wanted: dict[str, Wanted] = {}
    for rendering, one in scene.renderings:
        listed = rendering.values
        if rendering.tool == "helm" and one is None:
            listed = _candidates(rendering.path, scene.options.environment)
        for path in listed:
            if scene.sources.lacks(path):
                wanted.setdefault(path, Wanted(path, rendering.position))
    if wanted:
        return Needs(files=tuple(wanted.values()))
    missing = [
        rendering
        for rendering, _ in scene.renderings
        if scene.sources.lacks(rendering.output)
        and not any(path in scene.sources.unreadable for path in rendering.values)
    ]
    return Needs(renderings=tuple(missing)) if missing else None


def _plain_templates(scene: _Scene) -> dict[str, str]:
    """What has braces in a folder called ``templates`` and belongs to no chart: plain manifests."""
    return {
        path: text
        for path, text in scene.sources.texts.items()
        if "templates" in path.split("/")[:-1]
        and "/<" not in path
        and scene.layout.chart_of(path) is None
        and posixpath.basename(path) not in charts.KUSTOMIZATIONS
    }


def _completed(scene: _Scene, imported: Imported, said: places.Said) -> Imported:
    """The import of the objects, with places, and with the files that describe accounted for."""
    fates = tuple(
        replace(fate, status=Status.MAPPED, to=said.homes[key], reason="")
        if (key := (fate.file, fate.subject, fate.path)) in said.homes
        else fate
        for fate in imported.report.fates
    )
    described = list(_described(scene))
    counted = Counter(imported.report.objects)
    counted.update(
        "Chart" if posixpath.basename(path) == charts.CHART else "kustomization"
        for path in scene.sources.texts
        if posixpath.basename(path) in (charts.CHART, *charts.KUSTOMIZATIONS)
    )
    own = {path: text for path, text in scene.sources.texts.items() if "/<" not in path}
    report = replace(
        imported.report,
        fates=(*fates, *described),
        objects=counted,
        comments=count_comments(own),
    )
    documents = _with_places(imported.documents, said)
    diagnostics = ordered([*imported.diagnostics, *scene.diagnostics])
    rendered = {path: text for path, text in scene.sources.texts.items() if "/<" in path}
    return replace(
        imported,
        documents=documents,
        report=report,
        diagnostics=diagnostics,
        rendered=rendered,
    )


def _with_places(documents: tuple[Document, ...], said: places.Said) -> tuple[Document, ...]:
    """The documents with the clusters and environments that deliveries name."""
    known = {(document.value["kind"], document.value["name"]) for document in documents}
    kept = [
        replace(document, value=_in_namespace(document.value, said.namespace))
        if document.value["kind"] == "Environment"
        else document
        for document in documents
    ]
    more = [one for one in said.documents if (one.value["kind"], one.value["name"]) not in known]
    return (*kept, *more)


def _in_namespace(value: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    """The environment with the namespace that deliveries name; the reader of objects calls it
    ``default`` where no object names one, which is nothing that is said.
    """
    plain = {key: item for key, item in value.items() if key != "namespace"}
    found = namespace or (value.get("namespace") if value.get("namespace") != "default" else "")
    return plain | ({"namespace": found} if found else {})


def _described(scene: _Scene) -> Iterator[Fate]:
    """The leaves of the files that only say what is to be rendered."""
    for path, text in scene.sources.texts.items():
        name = posixpath.basename(path)
        if name not in (charts.CHART, *charts.KUSTOMIZATIONS):
            continue
        nodes, problems_found = yamltext.read(text, path)
        scene.diagnostics += problems_found
        kind = "Chart" if name == charts.CHART else "kustomization"
        reason = _DESCRIBES if kind == "Chart" else _COMPOSES
        for node in nodes:
            for steps, leaf in tree.leaves(node):
                where = ".".join(map(str, steps))
                yield Fate(path, leaf.line, f"{kind}/{path}", where, Status.DROPPED, reason=reason)


FORMAT = Format(
    name="gitops",
    title="Argo CD, Flux, charts and kustomizations",
    suffixes=(".yaml", ".yml"),
    claims=claims,
    read=read,
    names=("Kustomization",),
)
