"""The estate itself: entities, and one place's binding of them.

An **entity** is what lives at an address. A **binding** is the whole estate resolved for one
place: every overlay applied, every value with the chain of texts that set it. Made by
`telford.estate.loading.load` and `telford.estate.overlays.bind`; read by every floor above.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from telford.basics.diagnostics import Diagnostic, Position
from telford.basics.yamltext import Mapping as MappingNode
from telford.basics.yamltext import Scalar
from telford.estate.address import Address
from telford.estate.kinds.base import Kind
from telford.estate.place import Place


@dataclass(frozen=True, slots=True)
class Reach:
    """Which places a layer is for. `layer` is its place key ("prod/eu-west-1"); a region's has no
    environment. `absent`: the thing does not exist there (``in: {prod: null}``). `sets` are the
    keys of the document that it changes.
    """

    layer: str
    environment: str
    region: str
    cluster: str
    absent: bool = field(default=False, kw_only=True)
    sets: tuple[str, ...] = field(default=(), kw_only=True)

    def applies(self, place: Place) -> bool:
        """Whether it is for `place`."""
        return (
            self.environment in ("", place.environment)
            and self.region in ("", place.region)
            and self.cluster in ("", place.cluster)
        )


@dataclass(frozen=True, slots=True)
class Overlay(Reach):
    """A partial document for one place or one kind of place, from an ``in:`` block.

    `rank` is how special it is: 1 region, 2 environment, 3 environment/region, 4 with a cluster.
    `node` is an empty mapping where the thing is absent.
    """

    rank: int
    key: Scalar
    node: MappingNode


class Resolving(Protocol):
    """Makes what an entity is in a place, when it is asked for."""

    def resolved(self, entity: "Entity", layers: tuple[str, ...]) -> Kind:
        """The fields with these layers over the base."""
        ...

    def merged(self, entity: "Entity", layers: tuple[str, ...]) -> MappingNode:
        """The tree with these layers over the base."""
        ...


class Source(Resolving, Protocol):
    """Where an entity that was read before gets what it was not given: from what was kept of it,
    or from its text.
    """

    def spec(self) -> Kind:
        """The base."""
        ...

    def document(self) -> tuple[MappingNode, tuple[Overlay, ...]]:
        """The positioned tree and the overlays."""
        ...


class Entity:
    """One thing: its address, its base fields, and the text it came from.

    `node` is the positioned YAML tree of the whole document (``in:`` included); `digest` is the
    SHA-256 of its base fields in canonical JSON, overlays left out: what a release is made of.
    `mark` is a hash of base and overlays. `overlays` are in the order in which they apply, and
    `reaches` says the same of their places only.

    An entity that was read before (`LaterEntity`) makes `spec`, `node` and `overlays` on first use, so
    that an estate of which nothing changed costs nearly nothing. Scans over a whole estate ask
    `address`, not `spec`, for kind, system and name.
    """

    __slots__ = (
        "_node",
        "_overlays",
        "_source",
        "_spec",
        "address",
        "digest",
        "file",
        "mark",
        "reaches",
    )

    def __init__(
        self,
        address: Address,
        spec: Kind,
        file: str,
        node: MappingNode,
        digest: str,
        overlays: tuple[Overlay, ...] = (),
        mark: str = "",
    ) -> None:
        self.address = address
        self.file = file
        self.digest = digest
        self.mark = mark or digest
        self.reaches: tuple[Reach, ...] = overlays
        self._spec: Kind | None = spec
        self._node: MappingNode | None = node
        self._overlays: tuple[Overlay, ...] = overlays
        self._source: Source | None = None

    @property
    def spec(self) -> Kind:
        """The base fields."""
        if self._spec is None:
            assert self._source is not None, "an entity has its fields or can get them"
            self._spec = self._source.spec()
        return self._spec

    @property
    def node(self) -> MappingNode:
        """The positioned tree of the document."""
        return self._read()[0]

    @property
    def overlays(self) -> tuple[Overlay, ...]:
        """The overlays, in the order in which they apply."""
        return self._read()[1] if self.reaches else ()

    def known(self, layers: tuple[str, ...]) -> "Bound | None":
        """The entity with some of its layers, where it was checked before that they are right."""
        return None if self._source is None else LaterBound(self, layers, self._source)

    def _read(self) -> tuple[MappingNode, tuple[Overlay, ...]]:
        if self._node is None:
            assert self._source is not None, "an entity has its tree or can get it"
            # The tree is set last: another thread that sees it sees the overlays too.
            node, self._overlays = self._source.document()
            self._node = node
        return self._node, self._overlays

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Entity):
            return NotImplemented
        return (self.address, self.file, self.digest, self.node, self.overlays, self.spec) == (
            (other.address, other.file, other.digest, other.node, other.overlays, other.spec)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Entity({self.address}, {self.file!r})"


class LaterEntity(Entity):
    """An entity of which only the head is known yet."""

    __slots__ = ()

    def __init__(
        self,
        address: Address,
        file: str,
        digest: str,
        mark: str,
        reaches: tuple[Reach, ...],
        source: Source,
    ) -> None:
        self.address = address
        self.file = file
        self.digest = digest
        self.mark = mark
        self.reaches = reaches
        self._spec = None
        self._node = None
        self._overlays = ()
        self._source = source


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain behind a value: which layer set it, where, and to what.

    `layer` is "default", "base", the place key of an overlay ("prod", "prod/eu-west-1"), or, where
    the document says nothing, "road" and the address of what speaks over it ("recipe/small").
    `why` says what of the thing that matched.
    """

    layer: str
    value: object
    position: Position | None
    why: str = ""


class Bound:
    """An entity in a place: its resolved fields, and the overlay layers that applied, in order.

    `node` is the merged document; every part of it still knows the line that wrote it; None for
    what was never written as one. Both are made on first use where the entity was read before.
    """

    __slots__ = ("_node", "_source", "_spec", "entity", "layers")

    def __init__(
        self, entity: Entity, spec: Kind, layers: tuple[str, ...], node: MappingNode | None = None
    ) -> None:
        self.entity = entity
        self.layers = layers
        self._spec: Kind | None = spec
        self._node = node
        self._source: Resolving | None = None

    @property
    def spec(self) -> Kind:
        """The resolved fields."""
        if self._spec is None:
            assert self._source is not None, "a bound entity has its fields or can get them"
            self._spec = self._source.resolved(self.entity, self.layers)
        return self._spec

    @property
    def node(self) -> MappingNode | None:
        """The merged document."""
        if self._node is None and self._source is not None:
            self._node = self._source.merged(self.entity, self.layers)
        return self._node


class LaterBound(Bound):
    """An entity in a place whose resolved fields are made when they are asked for."""

    __slots__ = ()

    def __init__(self, entity: Entity, layers: tuple[str, ...], source: Resolving) -> None:
        self.entity = entity
        self.layers = layers
        self._spec = None
        self._node = None
        self._source = source


class _Base:
    """The source of an entity that no layer changes: the entity itself."""

    @staticmethod
    def resolved(entity: Entity, layers: tuple[str, ...]) -> Kind:
        return entity.spec

    @staticmethod
    def merged(entity: Entity, layers: tuple[str, ...]) -> MappingNode:
        return entity.node


BASE = _Base()


@dataclass(frozen=True, slots=True)
class Binding:
    """The estate in one place. `entities` is keyed by canonical address text, sorted."""

    place: Place
    namespace: str
    production: bool
    entities: Mapping[str, Bound]

    def of_kind(self, kind: str) -> Iterator[Bound]:
        """All of a kind (``Service``), by address."""
        wanted = kind.lower()
        return (b for b in self.entities.values() if b.entity.address.kind == wanted)


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
        return iter(self.by_kind.get(kind.lower(), ()))

    @cached_property
    def by_kind(self) -> Mapping[str, tuple[Entity, ...]]:
        """Kind in small letters -> its entities, by address."""
        found: dict[str, list[Entity]] = {}
        for entity in self.entities.values():
            found.setdefault(entity.address.kind, []).append(entity)
        return {kind: tuple(entities) for kind, entities in found.items()}

    @cached_property
    def by_short(self) -> Mapping[str, tuple[Entity, ...]]:
        """Short address text -> the entities that have it (more than one: ambiguous)."""
        found: dict[str, list[Entity]] = {}
        for entity in self.entities.values():
            found.setdefault(entity.address.short, []).append(entity)
        return {short: tuple(entities) for short, entities in found.items()}

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
    # What the next reading of the same files may take over: never part of the value.
    memory: "Memory | None" = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file in which nothing is wrong, as it was read: its entities in their order, each with
    its fields as a row of JSON (`telford.estate.kept`), and the warnings about it.
    """

    entities: tuple[Entity, ...]
    rows: tuple[str, ...]
    warnings: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Memory:
    """What reading left behind: file name -> what it says, and what was resolved. `places` is a
    hash of the places that overlays were checked against: with other places, only files without
    overlays count.
    """

    places: str
    files: Mapping[str, KeptFile]
    resolved: Mapping[tuple[str, tuple[str, ...]], Bound]
