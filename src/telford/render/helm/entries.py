"""What `kubernetes` makes for one thing in one place, as values of the chart. Called by `target`.

An object that the values cannot say wholly is **carried**: it stands apart, as it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from telford.render.artifacts import Object
from telford.render.helm import parts, shapes, workloads
from telford.render.helm.taking import Taken, UnsaidError, Values
from telford.road import conventions

Labels = dict[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """What the chart knows of a place. `names` is the way out by which names are resolved there."""

    environment: str
    region: str
    namespace: str
    names: Values = field(default_factory=dict)


@dataclass(slots=True)
class Entry:
    """The values of a service, and the objects that are carried beside it."""

    values: Values = field(default_factory=dict)
    carried: list[Object] = field(default_factory=list)


def entry(objects: Sequence[Object], address: str, place: Place, defaults: Values) -> Entry:
    """The values of one thing. `defaults` are those of the chart, by kind of workload."""
    found = Entry()
    sayable = [item for item in objects if _is_known(item)]
    found.carried += [item for item in objects if not _is_known(item)]
    while sayable:
        about = _About(sayable, address, place)
        try:
            found.values = about.values(defaults)
            return found
        except _UnsaidObjectError as error:
            # What is common to the rest is looked for again without it.
            sayable = [item for item in sayable if item is not error.item]
            found.carried.append(error.item)
    return found


def _is_known(item: Object) -> bool:
    kind, version = str(item.get("kind")), str(item.get("apiVersion"))
    known = (kind, version) in parts.PARTS
    return known or (kind in workloads.KINDS and version in ("apps/v1", "batch/v1"))


class _UnsaidObjectError(Exception):
    """An object that the values cannot say."""

    def __init__(self, item: Object) -> None:
        super().__init__(item["kind"])
        self.item = item


class _About:
    """Some objects of one thing, with what they have in common."""

    def __init__(self, objects: Sequence[Object], address: str, place: Place) -> None:
        self.address = address
        self.place = place
        self.objects = objects
        # The objects beside the workload with their values, and the key that these are under.
        self.said: list[tuple[Object, str, Values]] = []
        self.workload = next((one for one in objects if one["kind"] in workloads.KINDS), None)
        first = self.workload or objects[0]
        self.name = str(first["metadata"]["name"])
        self.paved = _labels(first).get(conventions.LABEL_MANAGED_BY) == conventions.MANAGER
        self.labels = _shared(_labels(one) for one in objects)
        self.notes = _shared(_notes(one) for one in objects)

    def values(self, defaults: Values) -> Values:
        """All of it. Raises `_UnsaidObjectError`."""
        head = self._head() if self.paved else {"road": "as-found"}
        if not self.paved:
            self.labels, self.notes = {}, {}
        made: Values = {"name": self.name, **self._namespace(), **head}
        selector = self._selector(made)
        for item in self.objects:
            try:
                self._add(made, item, selector)
            except UnsaidError as error:
                raise _UnsaidObjectError(item) from error
        if self.paved and made.get("runsAs") == self.name:
            del made["runsAs"]
        elif self.paved and "runsAs" not in made and self.workload is not None:
            # The chart would say its name.
            raise _UnsaidObjectError(self.workload)
        if not shapes.fits("service", made):
            raise _UnsaidObjectError(self._misfit())
        return _ordered(_less(made, defaults) if self.paved else made)

    def _namespace(self) -> Values:
        namespaces = {
            item["metadata"].get("namespace", "")
            for item in self.objects
            if not item["kind"].startswith("Cluster")
        }
        if len(namespaces) > 1:
            first = (self.workload or self.objects[0])["metadata"].get("namespace", "")
            other = next(
                one for one in self.objects if one["metadata"].get("namespace", "") != first
            )
            raise _UnsaidObjectError(other)
        only = next(iter(namespaces), self.place.namespace)
        return {} if only == self.place.namespace else {"namespace": only}

    def _head(self) -> Values:
        """Who it is, as the chart makes labels and annotations of it."""
        labels, notes = dict(self.labels), dict(self.notes)
        expected = {
            conventions.LABEL_NAME: self.name,
            conventions.LABEL_MANAGED_BY: conventions.MANAGER,
            conventions.LABEL_ENVIRONMENT: self.place.environment,
        }
        if self.place.region:
            expected[conventions.LABEL_REGION] = self.place.region
        if any(labels.pop(key, None) != value for key, value in expected.items()):
            raise _UnsaidObjectError(self.objects[0])
        if notes.pop(conventions.ANNOTATION_ADDRESS, None) != self.address:
            raise _UnsaidObjectError(self.objects[0])
        made: Values = {
            "component": labels.pop(conventions.LABEL_COMPONENT, None),
            "system": labels.pop(conventions.LABEL_PART_OF, None),
            "tier": _number(labels.pop(conventions.LABEL_TIER, None)),
            "owner": notes.pop(conventions.ANNOTATION_OWNER, None),
            "labels": labels,
            "annotations": notes,
        }
        return {key: value for key, value in made.items() if value not in (None, {})}

    def _selector(self, made: Values) -> Labels:
        """The labels that select its pods, where the chart knows them."""
        chosen: Any = None
        if self.workload is not None and self.workload["kind"] not in ("Job", "CronJob"):
            chosen = self.workload["spec"].get("selector", {}).get("matchLabels")
        return self._usual(made) if chosen is None else dict(chosen)

    def _add(self, made: Values, item: Object, selector: Labels) -> None:
        found = Taken(item, item["kind"])
        own = _head_of(found, self.labels, self.notes, self.name)
        if item is self.workload:
            labels = self.labels if self.paved else {}
            usual = self._usual(made)
            made |= workloads.workload(item, labels, usual, self.address if self.paved else "")
            found.take("spec")
            made |= {"object": own} if own else {}
        elif item["kind"] in workloads.KINDS:
            raise UnsaidError("a second workload")
        else:
            where, make = parts.PARTS[item["kind"], item["apiVersion"]]
            said = own | make(found, selector)
            if where == "network":
                said = _with_names(said, self.place.names)
            if where == "scaling":
                said = _scaled(said, self.name, self.workload)
            if where in ("roles", "bindings"):
                said["kind"] = item["kind"]
            self.said.append((item, where, said))
            _put(made, where, said)
        found.done()

    def _misfit(self) -> Object:
        """The object whose values the schema refuses."""
        for item, where, said in self.said:
            if not shapes.fits(_ONE_OF.get(where, where), said):
                return item
        return self.workload or self.objects[0]

    def _usual(self, made: Values) -> Labels:
        """The selector that the chart gives by itself."""
        if not self.paved or "component" not in made:
            return {}
        part = {conventions.LABEL_PART_OF: made["system"]} if "system" in made else {}
        named = {conventions.LABEL_NAME: self.name}
        return named | {conventions.LABEL_COMPONENT: made["component"]} | part


# List of values -> what the schema calls one of them.
_ONE_OF = {
    "roles": "role",
    "bindings": "binding",
    "configs": "config",
    "storage": "storage",
    "endpoints": "endpoint",
    "ingresses": "ingress",
}


def _put(made: Values, where: str, said: Values) -> None:
    if where not in parts.SINGLE:
        made.setdefault(where, []).append(said)
    elif where not in made:
        made[where] = said
    else:
        known = made[where] if isinstance(made[where], list) else [made[where]]
        made[where] = [*known, said]


def _scaled(said: Values, name: str, workload: Object | None) -> Values:
    if said.pop("named") != name:
        raise UnsaidError("spec.scaleTargetRef")
    if workload is not None and workload["kind"] == said["of"]:
        del said["of"]
    return said


def _with_names(said: Values, names: Values) -> Values:
    """The way out to where names are resolved, as a word: nearly everything has it."""
    if not names or said.get("to", [])[:1] != [names]:
        return said
    return {**said, "to": said["to"][1:], "names": True}


def _head_of(found: Taken, labels: Labels, notes: Labels, name: str) -> Values:
    """What an object says of itself beside what the whole thing says."""
    found.take("apiVersion")
    found.take("kind")
    metadata = found.inside("metadata")
    metadata.take("namespace")
    own = metadata.take("name")
    said: Values = {} if own == name else {"name": own}
    more = {k: v for k, v in (metadata.take("labels") or {}).items() if k not in labels}
    noted = {k: v for k, v in (metadata.take("annotations") or {}).items() if k not in notes}
    metadata.done()
    digest = noted.pop(conventions.ANNOTATION_DIGEST, None)
    for key, value in (("labels", more), ("annotations", noted), ("digest", digest)):
        if value:
            said[key] = value
    return said


def _number(text: str | None) -> int | str | None:
    return int(text) if text is not None and text.isdigit() else text


def _labels(item: Object) -> Labels:
    return item["metadata"].get("labels") or {}


def _notes(item: Object) -> Labels:
    return item["metadata"].get("annotations") or {}


def _shared(every: Iterable[Mapping[str, str]]) -> Labels:
    """What all of them say alike."""
    known = list(every)
    first = dict(known[0])
    return {
        key: value for key, value in first.items() if all(one.get(key) == value for one in known)
    }


def _less(made: Values, defaults: Values) -> Values:
    """Without what the chart gives by itself; `without` names what it gives and this has not."""
    road = defaults.get(made.get("kind", "none"), {})
    kept = {key: value for key, value in made.items() if road.get(key, _NOTHING) != value}
    gone = [key for key in road if key not in made]
    for where in ("containers", "initialise"):
        if where in kept:
            kept[where] = [_container(one, defaults.get("container", {})) for one in kept[where]]
    return kept | ({"without": gone} if gone else {})


_NOTHING = object()
# In which order people read them: who it is, what runs, what is around it.
_FIRST = ("name", "kind", "road", "namespace", "component", "system", "tier", "owner", "labels")
_LAST = (
    *("account", "roles", "bindings", "configs", "storage", "endpoints", "ingresses"),
    *("network", "scaling", "disruption", "object", "without"),
)


def _ordered(made: Values) -> Values:
    between = [key for key in made if key not in _FIRST and key not in _LAST]
    return {key: made[key] for key in (*_FIRST, *between, *_LAST) if key in made}


def _container(made: Values, road: Values) -> Values:
    kept = {key: value for key, value in made.items() if road.get(key, _NOTHING) != value}
    gone = [key for key in road if key not in made]
    return kept | ({"without": gone} if gone else {})
