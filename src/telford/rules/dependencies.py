"""Dependencies: `uses` says things that can be, once each, and nothing needs itself."""

from collections.abc import Iterator

from telford.basics.diagnostics import Severity
from telford.estate import overlays, pruning
from telford.estate.codes import Code, document, documents, service
from telford.estate.graph import Edge, Graph
from telford.estate.kinds.structure import Datastore, Service
from telford.estate.model import Entity
from telford.estate.place import Place
from telford.rules.rule import EstateRule, Finding, Rule, Subject, World, base

_USERS = (Service, Datastore)
_OTHER = document("Service", "catalogue", "")
_STORE = document("Datastore", "book", "engine: postgres")
_STREAM = document("Stream", "placed", "engine: kafka")


def _self(subject: Subject) -> Iterator[Finding]:
    assert isinstance(subject.spec, _USERS)
    for index, use in enumerate(subject.spec.uses):
        kind, text = use.target
        found = subject.world.index.refer(kind, text, subject.spec)
        if found == [str(subject.entity.address)]:
            yield Finding(
                ("uses", index, kind), f"`{subject.spec.name}` uses itself", "remove this use"
            )


def _twice(subject: Subject) -> Iterator[Finding]:
    assert isinstance(subject.spec, _USERS)
    seen: set[tuple[str, str, object, object]] = set()
    for index, use in enumerate(subject.spec.uses):
        kind, text = use.target
        key = (kind, text, use.role, use.port)
        if subject.lost("uses", index, "role") or subject.lost("uses", index, "port"):
            continue
        if key in seen:
            yield Finding(
                ("uses", index, kind),
                f"the {kind} `{text}` is used twice",
                "put both into one item: overlays could not tell them apart",
            )
        seen.add(key)


def _access(subject: Subject) -> Iterator[Finding]:
    assert isinstance(subject.spec, _USERS)
    for index, use in enumerate(subject.spec.uses):
        kind, _ = use.target
        if use.access is not None and kind != "datastore":
            yield Finding(
                ("uses", index, "access"),
                f"`access` is said of data stores, and this uses a {kind}",
                "remove it" if kind == "service" else "say `role: publish` or `role: consume`",
                key=True,
            )


def _role(subject: Subject) -> Iterator[Finding]:
    assert isinstance(subject.spec, _USERS)
    for index, use in enumerate(subject.spec.uses):
        kind, _ = use.target
        if use.role is not None and kind != "stream":
            yield Finding(
                ("uses", index, "role"),
                f"`role` is said of streams, and this uses a {kind}",
                "remove it" if kind == "service" else "say `access: read` or `access: readwrite`",
                key=True,
            )


def _no_role(subject: Subject) -> Iterator[Finding]:
    assert isinstance(subject.spec, _USERS)
    for index, use in enumerate(subject.spec.uses):
        if use.stream is not None and use.role is None and not subject.lost("uses", index, "role"):
            yield Finding(
                ("uses", index, "stream"),
                f"whether it publishes to or consumes `{use.stream}` is not said",
                "add `role: publish` or `role: consume`",
            )


def _cycles(world: World) -> Iterator[Finding]:
    """Cycles at base, then those that exist in a place only because an overlay makes them."""
    seen: set[tuple[str, ...]] = set()
    for place, graph in _graphs(world):
        for cycle in graph.critical_cycles(_unsure(world, place, graph)):
            if cycle not in seen:
                seen.add(cycle)
                yield _cycle(world, graph, cycle, str(place or ""))


def _unsure(world: World, place: Place | None, graph: Graph) -> frozenset[Edge]:
    """The edges that are critical only because what was said of it could not be read."""
    if not world.partial:
        return frozenset()
    estate = world.estate
    nodes = {
        address: overlays.at(estate, entity, place).node or entity.node
        for address, entity in estate.entities.items()
        if place is None or not overlays.absent(estate, entity, place)
    }
    return frozenset(
        edge
        for edge in graph.edges
        if edge.kind == "uses"
        and pruning.lost(nodes[edge.source], ("uses", edge.index, "critical"))
    )


def _graphs(world: World) -> Iterator[tuple[Place | None, Graph]]:
    """The graph at base, and of every place where overlays change what is used."""
    yield None, world.graph
    entities = world.estate.entities.values()
    if not any("uses" in reach.sets for e in entities for reach in e.reaches):
        return
    for place in overlays.places(world.estate):
        # Where an overlay is in error the place cannot be resolved, and that is said already.
        if all(_resolves(world, entity, place) for entity in entities):
            yield place, Graph(overlays.bind(world.estate, place))


def _resolves(world: World, entity: Entity, place: Place) -> bool:
    if not overlays.key(entity, place)[1] or overlays.absent(world.estate, entity, place):
        return True
    return overlays.known(world.estate, entity, place) is not None


def _cycle(world: World, graph: Graph, cycle: tuple[str, ...], place: str) -> Finding:
    entity = world.estate.entities[cycle[0]]
    edge = next(e for e in graph.outgoing(cycle[0]) if _closes(e, cycle))
    kind = edge.target.partition("/")[0]
    where = f" (in {place})" if place else ""
    return Finding(
        ("uses", edge.index, kind),
        f"a cycle of critical dependencies, {len(cycle)} long",
        "make one of them `critical: false` and give it a fallback",
        detail=" -> ".join([*cycle, cycle[0]]) + where,
        lenient=any(world.is_as_found(world.estate.entities[a].spec) for a in cycle),
        subject=base(entity, world),
    )


def _closes(edge: Edge, cycle: tuple[str, ...]) -> bool:
    return edge.kind == "uses" and edge.critical and edge.target == cycle[1]


RULES = (
    Rule(
        Code(
            "TEL140",
            "a thing that uses itself",
            "It could never start, and every picture and policy made from it would be wrong.",
            service("uses: [{service: orders}]"),
            documents(service("uses: [{service: catalogue}]"), _OTHER),
            "No item of `uses` names the thing that it stands in.",
        ),
        _USERS,
        _self,
    ),
    Rule(
        Code(
            "TEL142",
            "the same dependency twice",
            "Overlays merge `uses` by what is used: with two items they would change the first only.",
            documents(service("uses: [{service: catalogue}, {service: catalogue}]"), _OTHER),
            documents(service("uses: [{service: catalogue}]"), _OTHER),
            "Each target stands once in `uses` (a stream once a role).",
        ),
        _USERS,
        _twice,
    ),
    Rule(
        Code(
            "TEL143",
            "access to something that is no data store",
            "Rights are made from it; on a service or a stream it means nothing.",
            documents(service("uses: [{service: catalogue, access: read}]"), _OTHER),
            documents(service("uses: [{datastore: book, access: read}]"), _STORE),
            "`access` stands beside `datastore` only.",
        ),
        _USERS,
        _access,
    ),
    Rule(
        Code(
            "TEL144",
            "a role on something that is no stream",
            "A consumer needs a stream to consume from.",
            documents(service("uses: [{service: catalogue, role: consume}]"), _OTHER),
            documents(service("uses: [{stream: placed, role: consume}]"), _STREAM),
            "`role` stands beside `stream` only.",
        ),
        _USERS,
        _role,
    ),
    Rule(
        Code(
            "TEL145",
            "a stream without a role",
            "Whether it publishes or consumes decides who starves when it stops.",
            documents(service("uses: [{stream: placed}]"), _STREAM),
            documents(service("uses: [{stream: placed, role: publish}]"), _STREAM),
            "Every use of a stream says `role: publish` or `role: consume`.",
        ),
        _USERS,
        _no_role,
        severity=Severity.WARNING,
    ),
)
ESTATE_RULES = (
    EstateRule(
        Code(
            "TEL141",
            "a cycle of critical dependencies",
            "None of them can start or recover before the others: one failure takes all of them, and"
            " a cold start never ends.",
            documents(
                service("uses: [{service: catalogue}]"),
                document("Service", "catalogue", "uses: [{service: orders}]"),
            ),
            documents(
                service("uses: [{service: catalogue}]"),
                document("Service", "catalogue", "uses: [{service: orders, critical: false}]"),
            ),
            "Following critical `uses` never leads back. It is a warning where a member is `as-found`.",
        ),
        _cycles,
    ),
)
