"""The fate of every leaf of the input. Called by `telford.intake.kubernetes.reading`."""

from typing import Any

from telford.basics.yamltext import Mapping as MappingNode
from telford.basics.yamltext import Node, Sequence
from telford.intake.imported import Fate, SecretName, Status
from telford.intake.kubernetes import access, dropping
from telford.intake.kubernetes.documents import Written
from telford.intake.kubernetes.grouping import Scene
from telford.intake.kubernetes.objects import Found, Object, Path

BEYOND = "no field of the model says it"
AS_TEXT = "a number written as text: Kubernetes takes both for the same quantity"


def fates(found: Found, written: Written) -> tuple[Fate, ...]:
    """One fate for each leaf, in the order of the input; objects that count for nothing last."""
    listed: list[Fate] = []
    for item in found.objects:
        walk = _Walk(item, written, listed)
        walk.step(item.original, item.node, (), "", walk.mapped)
    for item in found.replaced:
        walk = _Walk(item, written, listed)
        reason = dropping.LIST if item.kind.endswith("List") else dropping.REPLACED
        walk.step(item.original, item.node, (), "", (Status.DROPPED, "", reason))
    return tuple(listed)


_Mark = tuple[Status, str, str]


class _Walk:
    """Goes through one object; what is dropped or carried above a leaf holds for the leaf."""

    def __init__(self, item: Object, written: Written, listed: list[Fate]) -> None:
        home = written.homes.get(item.key, "")
        self.mapped: _Mark = (Status.MAPPED, home, "")
        self._carried: _Mark = (Status.CARRIED, home, written.reasons.get(item.key, BEYOND))
        self._paths = frozenset(written.carried.get(item.key, ()))
        self._dropped = item.dropped
        self._file = item.file
        self._label = item.label
        self._listed = listed

    def step(self, value: Any, node: Node, path: Path, text: str, mark: _Mark) -> None:
        """Append the fates of all leaves of a value. `text` is `path` with dots; `mark` is what
        holds so far.
        """
        if mark[0] is not Status.DROPPED:
            if path in self._dropped:
                mark = (Status.DROPPED, "", self._dropped[path])
            elif path in self._paths:
                mark = self._carried
        if isinstance(value, dict) and value:
            for key, item in value.items():
                here = f"{text}.{key}" if text else key
                self.step(item, _step(node, key), (*path, key), here, mark)
        elif isinstance(value, list) and value:
            for index, item in enumerate(value):
                self.step(item, _step(node, index), (*path, index), f"{text}.{index}", mark)
        else:
            status, to, reason = mark
            if status is Status.MAPPED and _becomes_text(path, value):
                reason = AS_TEXT
            self._listed.append(
                Fate(self._file, node.line, self._label, text, status, to=to, reason=reason)
            )


def _becomes_text(path: Path, value: Any) -> bool:
    """Whether a leaf is a quantity that was written as a number."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and path[-3:-1] in (("resources", "requests"), ("resources", "limits"))


def secrets(scene: Scene) -> tuple[SecretName, ...]:
    """The Secrets that were found: names, never values."""
    found = []
    for item in scene.secrets:
        data = access.mapping(item.original, "data")
        texts = access.mapping(item.original, "stringData")
        found.append(SecretName(item.name, tuple({**data, **texts}), item.position))
    return tuple(found)


def _step(node: Node, step: str | int) -> Node:
    if isinstance(node, MappingNode) and step in node.values:
        return node.values[str(step)]
    if isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
        return node.items[step]
    return node
