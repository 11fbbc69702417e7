"""What a rule is, what it sees, and what it gives back.

A **rule** looks at one subject (an entity at its base, or as an overlay makes it in a place) or at
the whole estate, and yields findings: a path in the document and a sentence. The runner in
`telford.rules.registry` turns them into diagnostics at the exact token. Rules are pure functions.
"""

import datetime as dt
import functools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from telford.basics.diagnostics import Severity
from telford.basics.yamltext import Mapping as MappingNode
from telford.estate import overlays, pruning
from telford.estate.address import Address
from telford.estate.codes import Code
from telford.estate.graph import Graph, Index
from telford.estate.kinds.base import Kind, Reference
from telford.estate.model import BASE, Bound, Entity, Estate, LaterBound
from telford.estate.place import Place
from telford.rules.offered import Offered

Path = tuple[str | int, ...]

# A guess among ten thousand names takes 50 ms; whoever deletes a file that thousands of things
# name is told about each of them, and of the first ones what else they may have meant.
MAX_GUESSES = 200


@dataclass(frozen=True)
class World:
    """The estate around a subject. `broken` are addresses of documents that could not be used;
    `partial` says that others are there only in part (`Subject.lost`).
    """

    estate: Estate
    broken: frozenset[Address]
    partial: bool = False
    # The codes of all rules, for rules about rules; none where they are not known.
    codes: frozenset[str] = frozenset()
    # The day on which it is looked at; rules about days say nothing where there is none.
    today: dt.date | None = None
    # Files of other formats that documents name: path -> text, None for one that is not there.
    beside: Mapping[str, str | None] = field(default_factory=dict, compare=False)

    @cached_property
    def graph(self) -> Graph:
        """The dependencies at base."""
        return Graph(self.estate)

    @cached_property
    def offered(self) -> Offered:
        """The contracts, read when somebody asks."""
        return Offered(self.estate, self.graph, self.beside)

    @cached_property
    def index(self) -> Index:
        """Looks references up."""
        return Index(self.estate)

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Every place of the estate."""
        return overlays.places(self.estate)

    @cached_property
    def _guesses(self) -> Iterator[int]:
        return iter(range(MAX_GUESSES))

    def may_guess(self) -> bool:
        """Whether to look once more for what may have been meant, or leave that to people."""
        return next(self._guesses, None) is not None

    @cached_property
    def names(self) -> Callable[[str], Collection[str]]:
        """All names of a kind, with and without their systems."""
        return functools.cache(self._names)

    def _names(self, kind: str) -> Collection[str]:
        addresses = [entity.address for entity in self.estate.of_kind(kind)]
        whole = [str(address).partition("/")[2] for address in addresses]
        # In a stable order: of equally near ones the first is shown.
        return sorted({*whole, *(address.name for address in addresses)})

    def is_broken(self, kind: str, name: str) -> bool:
        """Whether an error may hide a thing: a reference to it is no second mistake."""
        return not self._broken_names.isdisjoint({(kind.lower(), name), ("", name)})

    @cached_property
    def _broken_names(self) -> frozenset[tuple[str, str]]:
        return frozenset((address.kind, address.name) for address in self.broken)

    @cached_property
    def as_found_systems(self) -> frozenset[str]:
        """Systems of which everything with a road is as it was found."""
        roads: dict[str, set[str]] = {}
        for entity in self.estate.entities.values():
            road = getattr(entity.spec, "road", None)
            if road is None or not entity.spec.system:
                continue
            if not self.partial or not pruning.key_lost(entity.node, "road"):
                roads.setdefault(entity.spec.system, set()).add(road)
        return frozenset(system for system, found in roads.items() if found == {"as-found"})

    def is_as_found(self, spec: Kind) -> bool:
        """Whether a thing was imported and is not on the road yet."""
        road = getattr(spec, "road", None)
        if road is not None:
            return bool(road == "as-found")
        system = spec.name if spec.kind == "System" else spec.system
        return system in self.as_found_systems


@dataclass(frozen=True, slots=True)
class Subject:
    """One entity as a rule sees it. `spec` is what `bound` is; `references` pairs every reference
    with the addresses that it may mean.
    """

    entity: Entity
    spec: Kind
    bound: Bound
    world: World
    references: tuple[tuple[Reference, tuple[str, ...]], ...]

    @property
    def node(self) -> MappingNode:
        """The (merged) document; it is made when somebody asks for it."""
        node = self.bound.node
        assert node is not None, "what is judged was written as a document"
        return node

    def lost(self, *path: str | int) -> bool:
        """Whether the value there was wrong, reported and left out, or stood in such a part.

        A rule asks before it builds on a default or on something missing.
        """
        return self.world.partial and pruning.lost(self.node, path)

    def shortened(self, *path: str | int) -> bool:
        """Whether the list there is incomplete for the same reason."""
        return self.world.partial and pruning.shortened(self.node, path)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at a path of the subject's document.

    With `key`, the key at the path is marked instead of its value. `subject` says whose document,
    where a rule looks at the whole estate. `lenient` makes it a warning.
    """

    path: Path
    summary: str
    fix: str = ""
    detail: str = ""
    key: bool = False
    lenient: bool = False
    subject: Subject | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule about one entity at a time, for the given kinds (all kinds where there are none).

    `as_found` is how severe it is for what was imported as it was found; None: not applied.
    """

    code: Code
    kinds: tuple[type[Kind], ...]
    find: Callable[[Subject], Iterable[Finding]]
    severity: Severity = Severity.ERROR
    as_found: Severity | None = Severity.WARNING


@dataclass(frozen=True, slots=True)
class EstateRule:
    """A rule about the estate as a whole; its findings carry their subject."""

    code: Code
    find: Callable[[World], Iterable[Finding]]
    severity: Severity = Severity.ERROR


def base(entity: Entity, world: World) -> Subject:
    """An entity at its base, as a subject."""
    return subject(LaterBound(entity, (), BASE), world)


def subject(bound: Bound, world: World) -> Subject:
    """An entity as it is in some place, as a subject."""
    refer, spec = world.index.refer, bound.spec
    references = tuple((r, tuple(refer(r.kind, r.text, spec))) for r in spec.references())
    return Subject(bound.entity, spec, bound, world, references)
