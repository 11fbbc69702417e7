"""The fate of every leaf of the input, kept as files are read and services mapped.

A leaf may be read more than once (a service that two others extend): the best fate counts. Called
all over this package.
"""

from dataclasses import dataclass
from typing import Any

from telford.intake.compose import hiding, nodes
from telford.intake.compose.nodes import Leaf, Node, Origin, Row, Table
from telford.intake.imported import Fate, Status

UNREAD = "nothing that is read refers to it"
BEYOND = "no field of the model says it"

_RANK = {Status.DROPPED: 1, Status.CARRIED: 2, Status.MAPPED: 3}
_PARTS = ("services", "networks", "volumes", "secrets", "configs", "models", "jobs")


@dataclass(frozen=True, slots=True)
class _Mark:
    status: Status
    to: str
    reason: str


class Ledger:
    """Which leaves there are, in the order in which their files were read, and what became of
    each.
    """

    def __init__(self) -> None:
        self._leaves: dict[tuple[str, int, nodes.Path], Origin] = {}
        self._marks: dict[tuple[str, int, nodes.Path], _Mark] = {}
        self._objects: dict[str, set[str]] = {}

    def enter(self, node: Node) -> None:
        """Take in every leaf of a file."""
        for leaf in nodes.leaves(node):
            self._leaves.setdefault(leaf.origin.key, leaf.origin)
        for part in _PARTS:
            names = nodes.table(node, part)
            self._objects.setdefault(part, set()).update(
                f"{node.origin.file}#{name}" for name in names
            )

    def enter_line(self, origin: Origin) -> None:
        """Take in one setting of a file of variables."""
        self._leaves.setdefault(origin.key, origin)

    def mark(self, node: Node, status: Status, to: str = "", reason: str = "") -> None:
        """Say what became of every leaf of a node, unless something better is known."""
        mark = _Mark(status, to, reason)
        for leaf in nodes.leaves(node):
            self.mark_origin(leaf.origin, mark.status, to, reason)

    def carry(self, node: Node, value: Any, to: str, reason: str) -> None:
        """Each leaf is carried as `value` has it, or dropped where it was cleared of a secret."""
        if isinstance(node, Table) and node.items:
            for key, item in node.items.items():
                self.carry(item, value[key], to, reason)
        elif isinstance(node, Row) and node.items:
            for item, kept in zip(node.items, value, strict=True):
                self.carry(item, kept, to, reason)
        elif isinstance(node, Leaf) and value != nodes.plain(node):
            self.mark(node, Status.DROPPED, "", hiding.HIDDEN)
        else:
            self.mark(node, Status.CARRIED, to, reason)

    def forget(self, origin: Origin) -> None:
        """What was said of a leaf does not hold."""
        self._marks.pop(origin.key, None)

    def mark_origin(self, origin: Origin, status: Status, to: str = "", reason: str = "") -> None:
        """The same for one leaf."""
        known = self._marks.get(origin.key)
        if known is None or _RANK[status] > _RANK[known.status]:
            self._marks[origin.key] = _Mark(status, to, reason)

    def fates(self) -> tuple[Fate, ...]:
        """One for each leaf; what nothing spoke of is dropped as unread."""
        unread = _Mark(Status.DROPPED, "", UNREAD)
        return tuple(
            _fate(origin, self._marks.get(key, unread)) for key, origin in self._leaves.items()
        )

    def objects(self) -> dict[str, int]:
        """How many services, networks and so on the files speak of."""
        return {part: len(names) for part, names in self._objects.items() if names}


def _fate(origin: Origin, mark: _Mark) -> Fate:
    subject, path = _named(origin.path)
    if origin.document:
        subject += f"#{origin.document + 1}"
    dotted = ".".join(map(str, path))
    return Fate(
        origin.file, origin.line, subject, dotted, mark.status, to=mark.to, reason=mark.reason
    )


def _named(path: nodes.Path) -> tuple[str, nodes.Path]:
    """``services/web`` and the path inside of it; ``project`` for what belongs to no part."""
    if path[:1] == ("variables",):
        return "variables", path[1:]
    if len(path) > 1 and path[0] in _PARTS:
        return f"{path[0]}/{path[1]}", path[2:]
    return "project", path
