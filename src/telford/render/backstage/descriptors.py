"""One descriptor for each thing that Backstage has a word for. Called by `target`.

https://backstage.io/docs/features/software-catalog/descriptor-format
"""

import posixpath
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from telford.estate.address import parse
from telford.estate.edges import Edge
from telford.estate.graph import Graph
from telford.estate.kinds import contracts, people, pipelines, structure
from telford.estate.kinds.base import Kind
from telford.estate.model import Entity
from telford.render.artifacts import Object
from telford.render.backstage import naming
from telford.render.scene import World
from telford.road import conventions, pipeline, subject, yamlout
from telford.road.openings import found_labels
from telford.road.sources import Sources

API_VERSION = "backstage.io/v1alpha1"
# Types that Backstage's own documentation uses, where our word is another.
_TYPES = {"http": "service", "object-store": "bucket", "protobuf": "grpc"}
# A link with such a title leads to the code of what it is about.
_CODE = frozenset({"code", "source", "source code", "repository", "sources"})
_KEY = re.compile(
    r"(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)


class Catalogue:
    """Everything about an estate that descriptors are made of."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.names = naming.Names(world.estate)
        self.graph = Graph(world.estate)
        self.repository = world.architecture.repository
        files = (entity.file for entity in world.estate.entities.values())
        self.sources = Sources(files, self.repository)

    def name(self, kind: str, text: str, referrer: Kind) -> str:
        """The Backstage name of what a reference means; the text where that is not known."""
        found = self.world.estate.refer(kind, text, referrer.system)
        return self.names.of(found[0].address) if len(found) == 1 else text

    def owner(self, spec: Kind) -> str:
        """The owner as Backstage refers to it: a group by name, a user as ``user:ada``."""
        kind, _, text = (spec.owner or "").rpartition("/")
        name = self.name(kind or "team", text, spec)
        return f"user:{name}" if kind == "person" else name

    def contracts_of(self, address: str) -> list[Entity]:
        """The contracts that a service or a stream keeps, and that can be shown."""
        return self._kept.get(address, [])

    @cached_property
    def _kept(self) -> dict[str, list[Entity]]:
        found: dict[str, list[Entity]] = {}
        for entity in self.world.estate.of_kind("Contract"):
            spec = entity.spec
            assert isinstance(spec, contracts.Contract), "a Contract is one"
            kind, text = ("service", spec.service) if spec.service else ("stream", spec.stream)
            keepers = self.world.estate.refer(kind, text, spec.system) if text else ()
            if len(keepers) == 1 and self.definition(entity) is not None:
                found.setdefault(str(keepers[0].address), []).append(entity)
        return found

    def definition(self, entity: Entity) -> str | dict[str, str] | None:
        """The text of a contract's newest version, or where it lies from here; None where that is
        not known.
        """
        spec = entity.spec
        assert isinstance(spec, contracts.Contract), "only contracts have definitions"
        newest = spec.versions[-1]
        if isinstance(newest.document, dict):
            return yamlout.document(newest.document)
        if newest.document is not None:
            return newest.document
        if self.repository is None or not self.repository.estate:
            return None
        folder = posixpath.dirname(self.sources.path(entity.file))
        written = posixpath.join(folder, newest.file or "")
        here = posixpath.join(self.repository.path, "backstage", "systems")
        return {"$text": posixpath.relpath(posixpath.normpath(written), here)}


def descriptor(known: Catalogue, kind: str, entity: Entity, spec: Object) -> Object:
    """A whole descriptor around what it says of its own kind."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": _metadata(known, entity),
        "spec": spec,
    }


def _metadata(known: Catalogue, entity: Entity) -> Object:
    spec = entity.spec
    labels, _ = subject.divided(spec.labels)
    tags = [f"tier-{spec.tier}"] if isinstance(spec, structure.Service) else []
    links = [{"url": one.url} | ({"title": one.title} if one.title else {}) for one in spec.links]
    parts: list[tuple[str, Any]] = [
        ("name", known.names.of(entity.address)),
        ("description", " ".join(spec.description.split())),
        ("labels", labels),
        ("annotations", dict(_annotations(known, entity))),
        ("tags", tags),
        ("links", links),
    ]
    return {key: value for key, value in parts if value}


def _annotations(known: Catalogue, entity: Entity) -> Iterator[tuple[str, str]]:
    spec = entity.spec
    yield conventions.ANNOTATION_ADDRESS, str(entity.address)
    page = known.sources.page(entity.file)
    if page:
        yield conventions.BACKSTAGE_VIEW, page
        yield conventions.BACKSTAGE_EDIT, page
    code = _code(known, spec)
    if code:
        yield conventions.BACKSTAGE_SOURCE, f"url:{code}/"
    selector = _selector(spec)
    if selector:
        yield conventions.BACKSTAGE_SELECTOR, selector
    # What the estate says itself stands last: it wins.
    yield from ((key, text) for key, text in spec.annotations.items() if _KEY.fullmatch(key))


def _code(known: Catalogue, spec: Kind) -> str:
    """Where the code of a thing is read: a link that says so, else a folder of the repository."""
    linked = next((one.url for one in spec.links if one.title.lower() in _CODE), "")
    if linked.startswith("https://"):
        return linked.rstrip("/")
    if not isinstance(spec, structure.Service):
        return ""
    folder = pipeline.said(known.world.estate, spec, conventions.ANNOTATION_SOURCE)
    return known.sources.folder(folder.format(name=spec.name)) if folder else ""


def _selector(spec: Kind) -> str:
    """The labels by which Backstage finds the pods of what runs."""
    if not isinstance(spec, structure.Service | structure.Datastore) or spec.run is None:
        return ""
    if spec.road == "as-found":
        return ",".join(f"{key}={text}" for key, text in found_labels(spec))
    if spec.run.image is None:
        return ""
    return ",".join(f"{key}={text}" for key, text in subject.selector_of(spec).items())


def component(known: Catalogue, entity: Entity) -> Object:
    """A Service or a Pipeline."""
    spec, address = entity.spec, str(entity.address)
    made = "pipeline" if isinstance(spec, pipelines.Pipeline) else getattr(spec, "type", "")
    edges = [edge for edge in known.graph.outgoing(address) if not edge.via]
    consumed = [api for edge in edges for api in _consumed(known, edge)]
    provided = [known.names.of(one.address) for one in known.contracts_of(address)]
    body: Object = {"type": _TYPES.get(made, made), "lifecycle": _lifecycle(known, entity)}
    body |= _place(known, spec)
    body |= _list("providesApis", provided if isinstance(spec, structure.Service) else [])
    body |= _list("consumesApis", consumed) | _list("dependsOn", _needed(known, edges))
    return descriptor(known, "Component", entity, body)


def resource(known: Catalogue, entity: Entity) -> Object:
    """A Datastore or a Stream. A stream's messages are described by its contract."""
    spec, address = entity.spec, str(entity.address)
    assert isinstance(spec, structure.Datastore | structure.Stream), "only these are resources"
    edges = [edge for edge in known.graph.outgoing(address) if not edge.via]
    needed = _needed(known, edges)
    needed += [known.names.reference(one.address) for one in known.contracts_of(address)]
    body = {"type": _TYPES.get(spec.engine, spec.engine)} | _place(known, spec)
    return descriptor(known, "Resource", entity, body | _list("dependsOn", needed))


def api(known: Catalogue, entity: Entity) -> Object | None:
    """A Contract in its newest version; None where its definition is not to be had."""
    spec, definition = entity.spec, known.definition(entity)
    assert isinstance(spec, contracts.Contract), "only contracts are APIs"
    if definition is None:
        return None
    body: Object = {"type": _TYPES.get(spec.type, spec.type)}
    body |= {"lifecycle": _lifecycle(known, entity)} | _place(known, spec)
    return descriptor(known, "API", entity, body | {"definition": definition})


def system(known: Catalogue, entity: Entity) -> Object:
    """A System."""
    spec = entity.spec
    assert isinstance(spec, structure.System), "only systems are systems"
    body = {"owner": known.owner(spec)} | ({"domain": spec.domain} if spec.domain else {})
    return descriptor(known, "System", entity, body)


def group(known: Catalogue, entity: Entity) -> Object:
    """A Team with the teams that say they belong to it."""
    spec = entity.spec
    assert isinstance(spec, people.Team), "only teams are groups"
    children = [
        known.names.of(one.address)
        for one in known.world.estate.of_kind("Team")
        if isinstance(one.spec, people.Team) and one.spec.parent == spec.name
    ]
    body: Object = {"type": "team"}
    body |= {"profile": {"email": spec.email}} if spec.email else {}
    body |= {"parent": spec.parent} if spec.parent else {}
    return descriptor(known, "Group", entity, body | {"children": children})


def user(known: Catalogue, entity: Entity) -> Object:
    """A Person."""
    spec = entity.spec
    assert isinstance(spec, people.Person), "only people are users"
    body: Object = {"profile": {"email": spec.email}} if spec.email else {}
    return descriptor(known, "User", entity, body | {"memberOf": [spec.team] if spec.team else []})


def _place(known: Catalogue, spec: Kind) -> Object:
    return {"owner": known.owner(spec)} | ({"system": spec.system} if spec.system else {})


def _list(key: str, found: list[str]) -> Object:
    return {key: list(dict.fromkeys(found))} if found else {}


def _needed(known: Catalogue, edges: list[Edge]) -> list[str]:
    targets = [parse(edge.target) for edge in edges]
    return [known.names.reference(one) for one in targets if one.kind in naming.KINDS]


def _consumed(known: Catalogue, edge: Edge) -> Iterator[str]:
    """The contracts of a service that is called."""
    if parse(edge.target).kind == "service" and parse(edge.source).kind == "service":
        yield from (known.names.of(one.address) for one in known.contracts_of(edge.target))


def _lifecycle(known: Catalogue, entity: Entity) -> str:
    """What the estate says; else production, where it is in production."""
    said: str | None = getattr(entity.spec, "lifecycle", None)
    if said:
        return said
    scenes = known.world.scenes_with(str(entity.address))
    return "production" if any(one.binding.production for one in scenes) else "experimental"
