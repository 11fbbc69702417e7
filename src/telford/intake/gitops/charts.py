"""Charts and kustomizations among the files of an input: which there are, which are parts of
others, and which files only they read. Called by `telford.intake.gitops.reading` and, for
`--render`, by `telford.app.importing`.
"""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from telford.basics import yamltext
from telford.basics.diagnostics import Position
from telford.basics.yamltext import Mapping as MappingNode
from telford.basics.yamltext import Node, Scalar, Sequence
from telford.intake.format import Rendering

CHART = "Chart.yaml"
# https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/ (2026-11)
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
# Fields that name other files and folders, and those that name patches of objects.
_BASES = ("resources", "bases", "components", "crds", "generators", "transformers")
_PATCHES = ("patchesStrategicMerge", "configurations", "replacements")


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of charts and kustomizations, by what they hold.

    `bases` are kustomizations that another one builds on; `subcharts` lie in a chart's ``charts``.
    `named` are the files that a kustomization names: its resources and its patches.
    """

    charts: tuple[str, ...]
    subcharts: frozenset[str]
    kustomizations: tuple[str, ...]
    bases: frozenset[str]
    named: frozenset[str]
    patches: frozenset[str]

    def chart_of(self, path: str) -> str | None:
        """The chart that a file belongs to, or None."""
        return next((one for one in self.charts if path.startswith(_below(one))), None)


def layout(texts: Mapping[str, str]) -> Layout:
    """Where charts and kustomizations are among some files."""
    charts = sorted({_folder(path) for path in texts if posixpath.basename(path) == CHART})
    subcharts = {
        one for one in charts if any(one.startswith(f"{_below(c)}charts/") for c in charts)
    }
    found = {_folder(path): path for path in texts if posixpath.basename(path) in KUSTOMIZATIONS}
    bases: set[str] = set()
    named: set[str] = set()
    patches: set[str] = set()
    for folder, path in found.items():
        for field, name in _references(texts[path], path):
            target = posixpath.normpath(posixpath.join(folder, name))
            if target in found:
                bases.add(target)
            elif field in _BASES:
                named.add(target)
            else:
                patches.add(target)
    return Layout(
        tuple(charts),
        frozenset(subcharts),
        tuple(sorted(found)),
        frozenset(bases),
        frozenset(named),
        frozenset(patches),
    )


def renderable(texts: Mapping[str, str]) -> tuple[Rendering, ...]:
    """What a tool could render by itself: charts that are no part of another, and kustomizations
    that no other builds on.
    """
    found = layout(texts)
    helm = [
        Rendering("helm", one, Position(_join(one, CHART), 1, 1), name=posixpath.basename(one))
        for one in found.charts
        if one not in found.subcharts
    ]
    kustomize = [
        Rendering("kustomize", one, Position(_file(texts, one), 1, 1))
        for one in found.kustomizations
        if one not in found.bases
    ]
    return (*helm, *kustomize)


def covered(texts: Mapping[str, str], tools: Iterable[str]) -> frozenset[str]:
    """The files that are no manifests by themselves: patches of kustomizations always, and with
    the tools that render them the templates of charts and the resources of kustomizations.
    """
    found = layout(texts)
    rendered = frozenset(tools)
    paths = set(found.patches)
    if "kustomize" in rendered:
        paths |= found.named
    if "helm" in rendered:
        paths |= {path for path in texts if found.chart_of(path) is not None}
    return frozenset(paths & texts.keys())


def _file(texts: Mapping[str, str], folder: str) -> str:
    return next(_join(folder, name) for name in KUSTOMIZATIONS if _join(folder, name) in texts)


def _folder(path: str) -> str:
    return posixpath.dirname(path) or "."


def _join(folder: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(folder, name))


def _below(folder: str) -> str:
    return "" if folder == "." else f"{folder}/"


def _references(text: str, path: str) -> Iterator[tuple[str, str]]:
    """The field and the text of everything local that a kustomization names."""
    nodes, _ = yamltext.read(text, path)
    for node in nodes[:1]:
        if not isinstance(node, MappingNode):
            continue
        for field in (*_BASES, *_PATCHES):
            for name in _texts(node.values.get(field)):
                yield field, name
        for patch in _items(node.values.get("patches")) + _items(
            node.values.get("patchesJson6902")
        ):
            found = patch.values.get("path") if isinstance(patch, MappingNode) else None
            if isinstance(found, Scalar) and isinstance(found.value, str):
                yield "patches", found.value


def _items(node: Node | None) -> list[Node]:
    return node.items if isinstance(node, Sequence) else []


def _texts(node: Node | None) -> Iterator[str]:
    for item in _items(node):
        if isinstance(item, Scalar) and isinstance(item.value, str):
            remote = "://" in item.value or item.value.startswith(("git@", "github.com/"))
            if not remote and "\n" not in item.value:
                yield item.value
