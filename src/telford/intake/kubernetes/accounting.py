"""The fate of every leaf of the input. Called by `telford.intake.kubernetes.reading`."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from telford.intake.imported import Counted, Fate, Fates, SecretName, Status
from telford.intake.kubernetes import access, dropping
from telford.intake.kubernetes.documents import Written
from telford.intake.kubernetes.grouping import Scene
from telford.intake.kubernetes.objects import Found, Object, Path
from telford.road import patch

BEYOND = "no field of the model says it"
AS_TEXT = "a number written as text: Kubernetes takes both for the same quantity"


def fates(found: Found, written: Written) -> Fates:
    """One fate for each leaf, in the order of the input; objects that count for nothing last."""
    counts: Counter[Counted] = Counter()
    for item in found.objects:
        _count(item, written.carried.get(item.key, ()), counts)
    for item in found.replaced:
        counts[item.kind, Status.DROPPED, _aside(item)] += len(item.source.leaves)
    return Fates(counts, lambda: _told(found, written))


def _aside(item: Object) -> str:
    """Why an object as a whole counts for nothing."""
    return dropping.LIST if item.kind.endswith("List") else dropping.REPLACED


def _count(item: Object, carried: Iterable[Path], counts: Counter[Counted]) -> None:
    """Count the leaves of an object by fate, without looking at each of them."""
    rest = len(item.source.leaves)
    for path, reason in item.dropped.items():
        number = patch.count(_at(item.original, path))
        counts[item.kind, Status.DROPPED, reason] += number
        rest -= number
    paths = frozenset(carried)
    outermost = [path for path in paths if not _within(path, paths)]
    kept = sum(patch.count(_at(item.original, path)) for path in outermost)
    kept -= sum(
        patch.count(_at(item.original, path))
        for path in item.dropped
        if path in paths or _within(path, paths)
    )
    if kept:
        counts[item.kind, Status.CARRIED, ""] += kept
    if rest - kept:
        counts[item.kind, Status.MAPPED, ""] += rest - kept


def _within(path: Path, paths: frozenset[Path]) -> bool:
    """Whether a path leads into what another one means."""
    return any(path[:end] in paths for end in range(len(path)))


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _told(found: Found, written: Written) -> Iterator[Fate]:
    for item in found.objects:
        yield from _Walk(item, written.carried.get(item.key, ()), _marks(item, written)).told()
    for item in found.replaced:
        yield from _Walk(item, (), {Status.MAPPED: (Status.DROPPED, "", _aside(item))}).told()


_Mark = tuple[Status, str, str]


def _marks(item: Object, written: Written) -> Mapping[Status, _Mark]:
    """What is said of a leaf that is mapped, and of one that is carried."""
    home = written.homes.get(item.key, "")
    carried = (Status.CARRIED, home, written.reasons.get(item.key, BEYOND))
    return {Status.MAPPED: (Status.MAPPED, home, ""), Status.CARRIED: carried}


class _Walk:
    """Goes through one object; what is dropped or carried above a leaf holds for the leaf."""

    def __init__(
        self, item: Object, carried: Iterable[Path], marks: Mapping[Status, _Mark]
    ) -> None:
        self._item = item
        self._paths = frozenset(carried)
        self._marks = marks
        self._lines = iter(item.source.leaves)

    def told(self) -> Iterator[Fate]:
        """The fates of all leaves."""
        yield from self._step(self._item.original, (), "", self._marks[Status.MAPPED])

    def _step(self, value: Any, path: Path, text: str, mark: _Mark) -> Iterator[Fate]:
        """`text` is `path` with dots; `mark` is what holds so far."""
        if mark[0] is not Status.DROPPED:
            if path in self._item.dropped:
                mark = (Status.DROPPED, "", self._item.dropped[path])
            elif path in self._paths:
                mark = self._marks[Status.CARRIED]
        if isinstance(value, dict) and value:
            for key, item in value.items():
                here = f"{text}.{key}" if text else key
                yield from self._step(item, (*path, key), here, mark)
        elif isinstance(value, list) and value:
            for index, item in enumerate(value):
                yield from self._step(item, (*path, index), f"{text}.{index}", mark)
        else:
            status, to, reason = mark
            if status is Status.MAPPED and _becomes_text(path, value):
                reason = AS_TEXT
            label = self._item.label
            yield Fate(self._item.file, next(self._lines), label, text, status, to, reason)


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
