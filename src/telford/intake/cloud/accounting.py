"""The fate of every leaf of the input. Called by `telford.intake.cloud.reading`.

A leaf is a literal, an expression or an empty collection, as it is written. It is mapped where a
field of the estate says all of it, dropped where it is a secret or says nothing, else carried.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from telford.basics.yamltext import Mapping as MappingNode
from telford.basics.yamltext import Node
from telford.basics.yamltext import Sequence as Items
from telford.intake.cloud import secrets, tree
from telford.intake.cloud.resources import Found, Piece, Resource
from telford.intake.cloud.tree import Path
from telford.intake.imported import Fate, Status

HIDDEN = "a secret's value never enters an estate"
IN_PART = "only a part of what it says is a field"
BEYOND = "no field of the model says it"


@dataclass(slots=True)
class Homes:
    """What became of the pieces: by piece (its identity), the paths that fields say, the address
    that says or carries it, and why it is carried.
    """

    mapped: dict[int, set[Path]] = field(default_factory=dict)
    # Of the values of the pieces' first resources, to tell what is mapped in part.
    values: dict[int, tuple[Path, Node]] = field(default_factory=dict)
    address: dict[int, str] = field(default_factory=dict)
    reason: dict[int, str] = field(default_factory=dict)

    def say(self, resource: Resource, path: Path) -> None:
        """A field says what stands at a path of a resource."""
        piece = id(resource.piece)
        self.mapped.setdefault(piece, set()).add((*resource.prefix, *path))
        self.values.setdefault(piece, (resource.prefix, resource.body))

    def settle(self, piece: Piece, address: str) -> None:
        """A piece is said or carried by an address; the first one that says so counts."""
        self.address.setdefault(id(piece), address)


@dataclass(frozen=True, slots=True)
class Account:
    """The fates of one piece, and what is left of it to carry."""

    fates: tuple[Fate, ...]
    rest: object
    # Whether there is a rest: it may itself be null.
    kept: bool


def account(found: Found, homes: Homes, piece: Piece) -> Account:
    """The fate of every leaf of a piece, in its order, and the rest that is carried."""
    walk = _Walk(found, homes, piece)
    rest = walk.step(piece.node, (), None)
    kept = rest is not _NOTHING
    return Account(tuple(walk.fates), rest if kept else None, kept)


_NOTHING = object()
_Mark = tuple[Status, str]


class _Walk:
    """Goes through what is written in one piece."""

    def __init__(self, found: Found, homes: Homes, piece: Piece) -> None:
        self.fates: list[Fate] = []
        self._piece = piece
        self._dropped: Mapping[Path, str] = found.dropped.get(id(piece), {})
        self._mapped = homes.mapped.get(id(piece), set())
        self._inside = {path[:length] for path in self._mapped for length in range(len(path))}
        self._values = homes.values.get(id(piece))
        self._home = homes.address.get(id(piece), "")
        self._reason = homes.reason.get(id(piece), BEYOND)

    def step(self, node: Node, path: Path, mark: _Mark | None) -> object:
        """Append the fates of all leaves of a value; what of it is carried, or `_NOTHING`."""
        if mark is None and path in self._dropped:
            mark = Status.DROPPED, self._dropped[path]
        if mark is None and path in self._mapped:
            mark = Status.MAPPED, ""
        if isinstance(node, tree.Encoded):
            before = len(self.fates)
            rest = self.step(node.inner, path, mark)
            if any(fate.status is Status.DROPPED for fate in self.fates[before:]):
                # The text holds what was dropped, so only what it says besides is carried.
                return rest
            return _NOTHING if rest is _NOTHING else node.raw
        if isinstance(node, MappingNode) and node.values:
            kept = {key: self.step(item, (*path, key), mark) for key, item in node.values.items()}
            rests = {key: rest for key, rest in kept.items() if rest is not _NOTHING}
            return rests or _NOTHING
        if isinstance(node, Items) and node.items:
            listed = [
                self.step(item, (*path, index), mark) for index, item in enumerate(node.items)
            ]
            left = [rest for rest in listed if rest is not _NOTHING]
            return left or _NOTHING
        return self._leaf(node, path, mark)

    def _leaf(self, node: Node, path: Path, mark: _Mark | None) -> object:
        if mark is None and secrets.written_out(path, node):
            mark = Status.DROPPED, HIDDEN
        if mark is None and path in self._inside:
            whole = self._all_said(path)
            mark = (Status.MAPPED, "") if whole else (Status.CARRIED, IN_PART)
        status, reason = mark or (Status.CARRIED, self._reason)
        self.fates.append(
            Fate(
                self._piece.file,
                node.line,
                self._piece.subject,
                ".".join(map(str, path)),
                status,
                to="" if status is Status.DROPPED else self._home,
                reason=reason,
            )
        )
        return tree.plain(node) if status is Status.CARRIED else _NOTHING

    def _all_said(self, path: Path) -> bool:
        """Whether fields say all that an expression gives."""
        if self._values is None:
            return False
        prefix, body = self._values
        found = tree.at(body, path[len(prefix) :])
        if found is None:
            return False
        return all(self._said((*path, *inner)) for inner, _ in tree.leaves(found[1]))

    def _said(self, path: Path) -> bool:
        return any(path[:length] in self._mapped for length in range(len(path) + 1))
