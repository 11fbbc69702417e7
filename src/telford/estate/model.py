"""The estate itself: entities, and one place's binding of them.

An **entity** is what lives at an address. A **binding** is the whole estate resolved for one
place: every overlay applied, every value with the chain of texts that set it. Made by
`telford.estate.loading.load` and `telford.estate.overlays.bind`; read by every floor above.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from telford.basics.diagnostics import Diagnostic, Position
from telford.basics.yamltext import Mapping as MappingNode
from telford.basics.yamltext import Scalar
from telford.estate.address import Address
from telford.estate.kinds.base import Kind
from telford.estate.place import Place


@dataclass(frozen=True, slots=True)
class Overlay:
    """A partial document for one place or one kind of place, from an ``in:`` block.

    `layer` is its place key ("prod/eu-west-1"); a region's overlay has no environment. `rank` is
    how special it is: 1 region, 2 environment, 3 environment/region, 4 with a cluster.
    """

    layer: str
    rank: int
    environment: str
    region: str
    cluster: str
    key: Scalar
    node: MappingNode

    def applies(self, place: Place) -> bool:
        """Whether it is for `place`."""
        return (
            self.environment in ("", place.environment)
            and self.region in ("", place.region)
            and self.cluster in ("", place.cluster)
        )


@dataclass(frozen=True, slots=True)
class Entity:
    """One thing: its address, its base fields, and the text it came from.

    `node` is the positioned YAML tree of the whole document (``in:`` included); `digest` is the
    SHA-256 of its base fields in canonical JSON, overlays left out: what a release is made of.
    """

    address: Address
    spec: Kind
    file: str
    node: MappingNode
    digest: str
    # In the order in which they apply.
    overlays: tuple[Overlay, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain behind a value: which layer set it, where, and to what.

    `layer` is "default", "base", or the place key of an overlay ("prod", "prod/eu-west-1").
    """

    layer: str
    value: object
    position: Position | None


@dataclass(frozen=True, slots=True)
class Bound:
    """An entity in a place: its resolved fields, and the overlay layers that applied, in order.

    `node` is the merged document; every part of it still knows the line that wrote it.
    """

    entity: Entity
    spec: Kind
    layers: tuple[str, ...]
    node: MappingNode | None = None


@dataclass(frozen=True, slots=True)
class Binding:
    """The estate in one place. `entities` is keyed by canonical address text, sorted."""

    place: Place
    namespace: str
    production: bool
    entities: Mapping[str, Bound]

    def of_kind(self, kind: str) -> Iterator[Bound]:
        """All of a kind (``Service``), by address."""
        return (bound for bound in self.entities.values() if bound.spec.kind == kind)


@dataclass(frozen=True)
class Estate:
    """Everything described. `entities` is keyed by canonical address text, sorted."""

    entities: Mapping[str, Entity]
    digest: str = ""
    # What is resolved already, by (canonical address, layers): a memo, never part of the value.
    resolved: dict[tuple[str, tuple[str, ...]], Bound] = field(
        default_factory=dict, compare=False, repr=False
    )

    def of_kind(self, kind: str) -> Iterator[Entity]:
        """All of a kind (``Service``), by address."""
        return (entity for entity in self.entities.values() if entity.spec.kind == kind)

    @cached_property
    def by_short(self) -> Mapping[str, tuple[Entity, ...]]:
        """Short address text -> the entities that have it (more than one: ambiguous)."""
        found: dict[str, tuple[Entity, ...]] = {}
        for entity in self.entities.values():
            key = entity.address.short
            found[key] = (*found.get(key, ()), entity)
        return found

    def find(self, text: str) -> tuple[Entity, ...]:
        """The entities that an address text, canonical or short, names: none, one or several."""
        exact = self.entities.get(text)
        return (exact,) if exact is not None else self.by_short.get(text, ())

    def refer(self, kind: str, text: str, system: str | None) -> tuple[Entity, ...]:
        """What a reference names. `text` is ``name`` or ``system.name``; a bare name means the
        referrer's own system first, then the whole estate.
        """
        lower = kind.lower()
        if system is not None:
            own = self.entities.get(f"{lower}/{system}.{text}")
            if own is not None:
                return (own,)
        return self.find(f"{lower}/{text}")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading gives: the estate of all that could be read, and every problem at once.

    `draft` is the estate with what is left of documents with errors, for rules and nothing else;
    None where no document lost anything. `broken` holds the addresses of documents of which too
    little is left even for that: a reference to one of them is no second mistake. Where not even
    the kind or the system is known, that part of the address is empty.
    """

    estate: Estate
    diagnostics: tuple[Diagnostic, ...] = field(default=())
    broken: frozenset[Address] = field(default=frozenset())
    draft: Estate | None = None
