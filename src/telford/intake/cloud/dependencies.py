"""What depends on what, from the references of the code. Called by
`telford.intake.cloud.reading`.

A reference counts where the table says that it means a dependency: a function that is given a
queue's address depends on the queue; one whose package lies in a bucket does not depend on the
bucket. What means nothing by itself (a role, a policy, a parameter) is looked through.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from telford.intake.cloud import purposes, tree
from telford.intake.cloud.meaning import TARGETS, Meaning, Thing
from telford.intake.cloud.resources import Resource
from telford.intake.cloud.tables import Entry
from telford.intake.cloud.tree import Path

# Role, attachment, policy, document: longer chains lead everywhere.
MAX_THROUGH = 5


@dataclass(slots=True)
class Dependency:
    """What one thing is seen to use: where that is said, and what a link says besides."""

    target: Thing
    origin: str
    use: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Dependencies:
    """The dependencies of every thing, by its place in `Meaning.things`, and the attributes that
    say them: the resource and the path.
    """

    of: dict[int, list[Dependency]] = field(default_factory=dict)
    said: list[tuple[Resource, Path, Thing]] = field(default_factory=list)


def infer(meaning: Meaning) -> Dependencies:
    """The dependencies between the things."""
    found = Dependencies({id(thing): [] for thing in meaning.things})
    for thing in meaning.things:
        if thing.kind == "Service":
            for resource, entry in thing.members:
                for path, key in _uses(resource, entry):
                    _follow(meaning, found, thing, resource, path, key)
    for resource, entry in meaning.links:
        _link(meaning, found, resource, entry)
    for listed in found.of.values():
        for one in listed:
            # A dependency is one role; who does both has to be said by a person.
            if one.use.get("role") == "both":
                del one.use["role"]
    return found


def _uses(resource: Resource, entry: Entry) -> Iterator[tuple[Path, str]]:
    """The references of the attributes that mean dependencies; all of a `through`."""
    if not entry.uses and entry.role == "through":
        yield from tree.references(resource.body)
    for steps in entry.uses:
        at = tree.at(resource.body, steps)
        if at is not None:
            path, node = at
            for inner, key in tree.references(node):
                yield (*path, *inner), key


def _follow(
    meaning: Meaning,
    found: Dependencies,
    thing: Thing,
    resource: Resource,
    path: Path,
    key: str,
) -> None:
    """A reference of a thing, and what is seen through it."""
    origin = _origin(resource, path)
    for target, use in _targets(meaning, key, purposes.of(resource.body, path)):
        if target is not thing:
            _add(found, thing, target, origin, use)
    if key in meaning.home:
        found.said.append((resource, path, thing))


def _targets(
    meaning: Meaning, key: str, use: Mapping[str, Any]
) -> Iterator[tuple[Thing, Mapping[str, Any]]]:
    """The things that a key means, seen through what is nothing by itself, and what for."""
    waiting, seen = [(key, use, 0)], {key}
    while waiting:
        here, purpose, depth = waiting.pop(0)
        home = meaning.home.get(here)
        if home is not None and home.kind in TARGETS:
            yield home, purpose
            continue
        if depth >= MAX_THROUGH:
            continue
        for resource, entry in meaning.throughs.get(here, ()):
            for path, other in _uses(resource, entry):
                said = purposes.of(resource.body, path) or purpose
                if home is None and other in meaning.home:
                    # Several statements may speak of one thing, each of another purpose.
                    waiting.append((other, said, depth + 1))
                elif other not in seen:
                    seen.add(other)
                    waiting.append((other, said, depth + 1))


def _link(meaning: Meaning, found: Dependencies, resource: Resource, entry: Entry) -> None:
    """A resource that says that one thing uses another."""
    assert entry.link is not None
    ends: list[tuple[Path, Sequence[Thing]]] = []
    for steps in (entry.link.source, entry.link.target):
        at = tree.at(resource.body, steps)
        keys = [key for _, key in tree.references(at[1])] if at is not None else []
        things = [thing for key in keys for thing, _ in _targets(meaning, key, {})]
        if at is None or not things:
            return
        ends.append((at[0], things))
    (source_path, sources), (target_path, targets) = ends
    source, target = sources[0], targets[0]
    if source is target or source.kind != "Service":
        return
    _add(found, source, target, _origin(resource, target_path), entry.link.use)
    found.said += [(resource, source_path, source), (resource, target_path, source)]


def _add(
    found: Dependencies, source: Thing, target: Thing, origin: str, use: Mapping[str, Any]
) -> None:
    known = next((one for one in found.of[id(source)] if one.target is target), None)
    if known is None:
        known = Dependency(target, origin)
        found.of[id(source)].append(known)
    allowed = _ALLOWED.get(target.kind, frozenset())
    said = {key: value for key, value in use.items() if key in allowed}
    known.use = purposes.joined(known.use, said)


_ALLOWED: Mapping[str, frozenset[str]] = {
    "Stream": frozenset({"role"}),
    "Datastore": frozenset({"access"}),
}


def _origin(resource: Resource, path: Path) -> str:
    piece = resource.piece
    line = piece.where((*resource.prefix, *path)).line
    return f"{'.'.join(map(str, path))} of {resource.label} in {piece.file}:{line}"
