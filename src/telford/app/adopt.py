"""`telford adopt`: move something as-found onto the road, one capability after the other, by plan."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from telford.app import changing, loading
from telford.app.changing import Edit, Rewrite
from telford.backends import files
from telford.basics.diagnostics import Position
from telford.basics.errors import RefusedError, UsageError
from telford.estate import fields, overlays
from telford.estate.editing import Change, Delete, Set
from telford.estate.kinds import structure
from telford.estate.model import Binding, Bound, Entity, Estate
from telford.plan import fields as plan_fields
from telford.render import registry
from telford.render.artifacts import Unit
from telford.render.kubernetes import adopted, target
from telford.road import capabilities, found, reach
from telford.road.capabilities import Capability

PAVED = "paved"
_RUNS = (structure.Service, structure.Datastore)


@dataclass(frozen=True, slots=True)
class ArtifactChange:
    """What changes in one artifact: its path, and each field."""

    path: str
    fields: tuple[plan_fields.Change, ...]

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {"path": self.path, "fields": [change.as_json() for change in self.fields]}


@dataclass(frozen=True, slots=True)
class Offer:
    """A capability, whether it is adopted, what adopting it would change in each artifact, what
    contradicts it ("" where nothing does), and what to do first to get more of it.
    """

    capability: Capability
    adopted: bool
    changes: tuple[ArtifactChange, ...]
    refused: str = ""
    hint: str = ""

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "capability": self.capability.name,
            "title": self.capability.title,
            "adopted": self.adopted,
            "refused": self.refused or None,
            "hint": self.hint or None,
            "changes": [change.as_json() for change in self.changes],
        }


@dataclass(frozen=True, slots=True)
class Adoption:
    """The plan of an adoption: the edit of the estate, and what a build would then change."""

    address: str
    names: tuple[str, ...]
    paved: bool
    rewrite: Rewrite
    changes: tuple[ArtifactChange, ...]

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "address": self.address,
            "adopts": list(self.names),
            "paved": self.paved,
            "diff": self.rewrite.diff(),
            "changes": [change.as_json() for change in self.changes],
        }


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something as-found with the estate around it, bound to every place in which it exists."""

    folder: Path
    texts: files.Texts
    estate: Estate
    entity: Entity
    bindings: tuple[tuple[Binding, reach.Reach], ...]

    @property
    def spec(self) -> structure.Service | structure.Datastore:
        """Its base."""
        spec = self.entity.spec
        assert isinstance(spec, _RUNS), "checked when it was found"
        return spec

    @property
    def address(self) -> str:
        """Its canonical address."""
        return str(self.entity.address)


def candidate(folder: Path, address: str) -> Candidate:
    """What could adopt something. Raises `UsageError` where there is no such thing or it is not
    as-found, `RefusedError` where the estate has errors.
    """
    texts = files.read([folder])
    estate = loading.require(loading.of_texts(texts))
    entity = overlays.one(estate, address)
    spec = entity.spec
    if not isinstance(spec, _RUNS):
        raise UsageError(f"a {spec.kind} adopts nothing", fix="name a service or a datastore")
    if spec.road == PAVED:
        raise UsageError(
            f"{entity.address} is on the road already", fix="what is `road: as-found` can adopt"
        )
    bindings = []
    for place in overlays.places(estate):
        if not overlays.absent(estate, entity, place):
            binding = overlays.bind(estate, place)
            bindings.append((binding, reach.reach(binding, reach.names(binding))))
    if not bindings:
        raise UsageError(f"{entity.address} exists in no place, so nothing is built of it")
    return Candidate(folder, texts, estate, entity, tuple(bindings))


def offers(known: Candidate) -> tuple[Offer, ...]:
    """Every capability that is for it, with what adopting it alone would change."""
    made = []
    for capability in capabilities.of(known.spec):
        if capability.name in known.spec.adopted:
            made.append(Offer(capability, True, ()))
        else:
            more = {"adopted": (*known.spec.adopted, capability.name)}
            changes = tuple(_changes(known, more))
            refused = _contradiction(known, capability)
            made.append(Offer(capability, False, changes, refused, _hint(known, capability)))
    return tuple(made)


def _hint(known: Candidate, capability: Capability) -> str:
    """What keeps a capability from doing all that it could."""
    if capability.name != "network":
        return ""
    for binding, edges in known.bindings:
        workload = target.found_workload(
            binding, known.address, binding.entities[known.address], edges
        )
        if workload is not None and workload.ways.guessed:
            count = len(workload.ways.guessed)
            some = f"{count} of its connections are" if count > 1 else "one of its connections is"
            return f"{some} only inferred: `telford confirm` them first"
    return ""


def adopt(known: Candidate, names: Sequence[str]) -> Adoption:
    """The plan for adopting capabilities; nothing is written. What is adopted already is left out.

    With the last of them the thing is on the road: `road: paved`, where nothing is carried. Raises
    `UsageError` for a capability that there is not or that is not for it, `RefusedError` where
    something carried contradicts one.
    """
    chosen = [_named(known, name) for name in dict.fromkeys(names)]
    new = [one for one in chosen if one.name not in known.spec.adopted]
    for capability in new:
        refused = _contradiction(known, capability)
        if refused:
            raise RefusedError(
                f"{known.address} cannot adopt {capability.name}: {refused}",
                fix="take it out of `carried`, or say it in a field of the document",
            )
    every = (*known.spec.adopted, *(one.name for one in new))
    whole = {one.name for one in capabilities.of(known.spec)} <= set(every)
    paved = bool(new) and whole and not known.spec.carried
    changes = _paving(known) if paved else [Set(("adopted",), list(every))] if new else []
    update: dict[str, object] = {"road": PAVED, "adopted": ()} if paved else {"adopted": every}
    if paved:
        update["run"] = _kept(known.spec)
    edit = Edit(known.entity.file, known.entity.address, tuple(changes))
    rewrite = changing.rewrite(known.folder, known.texts, [edit] if changes else [])
    names_new = tuple(one.name for one in new)
    effect = tuple(_changes(known, update)) if new else ()
    return Adoption(known.address, names_new, paved, rewrite, effect)


def _named(known: Candidate, name: str) -> Capability:
    fitting = {one.name: one for one in capabilities.of(known.spec)}
    for one_name, one in fitting.items():
        if one_name == name:
            return one
    kind = found.workload_kind(known.spec)
    some = any(one.name == name for one in capabilities.every())
    problem = f"{name} is not for a {kind}" if some else f"there is no capability {name}"
    raise UsageError(problem, fix=f"one of: {', '.join(fitting)}")


def _paving(known: Candidate) -> list[Change]:
    """The last step: on the road, with the selector and the container's name that it has."""
    changes: list[Change] = [Set(("road",), PAVED), Delete(("adopted",))]
    run = known.spec.run
    if run is not None and run.selector is None:
        changes.append(Set(("run", "selector"), _selector(known.spec)))
    if run is not None and run.container is None:
        changes.append(Set(("run", "container"), known.spec.name))
    return changes


def _kept(spec: structure.Service | structure.Datastore) -> object:
    """How it runs, with what must not change by moving onto the road said aloud."""
    run = spec.run
    if run is None:
        return None
    container = run.container or spec.name
    selector = _selector(spec) if run.selector is None else run.selector
    return run.model_copy(update={"selector": selector, "container": container})


def _selector(spec: structure.Service | structure.Datastore) -> dict[str, str]:
    run = spec.run
    labels = spec.labels if run is None or run.pod_labels is None else run.pod_labels
    return dict(labels)


def _changes(known: Candidate, update: Mapping[str, object]) -> Iterator[ArtifactChange]:
    """What a build changes once fields of the document say something else, in each place."""
    for binding, _ in known.bindings:
        before = binding.entities[known.address]
        old = _unit(binding, known.address)
        new = _unit(_with(binding, known.address, before, update), known.address)
        if old is None or new is None:
            continue
        changed = plan_fields.changes(old.make(), new.make())
        if changed:
            yield ArtifactChange(new.path, changed)


def _unit(binding: Binding, address: str) -> Unit | None:
    """The manifests of one thing, where it has some."""
    units = target.entity(registry.scene(binding, [target.NAME]), address).units
    return units[0] if units else None


def _with(binding: Binding, address: str, before: Bound, update: Mapping[str, object]) -> Binding:
    spec = before.spec.model_copy(update=dict(update))
    bound = Bound(before.entity, spec, before.layers, before.node)
    return replace(binding, entities={**binding.entities, address: bound})


def _contradiction(known: Candidate, capability: Capability) -> str:
    """What is carried and says otherwise than a capability would; "" where nothing does."""
    for binding, edges in known.bindings:
        bound = binding.entities[known.address]
        workload = target.found_workload(binding, known.address, bound, edges)
        if workload is None:
            continue
        for addition in adopted.additions(workload, capability.name):
            said = _carried(bound, addition)
            if said is not None:
                return said
    return ""


def _carried(bound: Bound, addition: adopted.Addition) -> str | None:
    """What a carried patch says at the path of an addition, if that is something else."""
    carried: Sequence[structure.Carried] = getattr(bound.spec, "carried", ())
    for index, entry in enumerate(carried):
        if entry.object != addition.object:
            continue
        there, value = _said(entry.patch, addition.path)
        if there and value != addition.value:
            where = ".".join(addition.path)
            position = _position(bound, ("carried", index, "patch", *_steps(addition.path)))
            return f"`carried` says {value!r} at {where} of {addition.object} ({position})"
    return None


def _said(patch: object, path: adopted.Path) -> tuple[bool, object]:
    """Whether a patch says something at a path, and what. What it deletes was only not there."""
    current = patch
    for step in path:
        key, equals, name = step.partition("=")
        if equals and isinstance(current, list):
            named = (one for one in current if isinstance(one, dict) and one.get(key) == name)
            current = next(named, None)
        else:
            current = current.get(step) if isinstance(current, dict) else None
        if current is None:
            return False, None
    return True, current


def _steps(path: adopted.Path) -> tuple[str, ...]:
    """A path as positions of nodes are asked for: list items by name."""
    return tuple(step.replace("=", ":", 1) for step in path)


def _position(bound: Bound, path: tuple[str | int, ...]) -> Position:
    """The nearest line that says something on the way to a path."""
    entity = bound.entity
    for end in range(len(path), 0, -1):
        node = fields.node_at(bound.node, path[:end])
        if node is not None:
            return Position(entity.file, node.line, node.column)
    return Position(entity.file)
