"""What each resource means: a thing of the estate with fields, a part of one, a link, or nothing
that is known. Called by `telford.intake.cloud.reading`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from telford.basics.yamltext import Mapping as MappingNode
from telford.basics.yamltext import Node, Scalar
from telford.basics.yamltext import Sequence as Items
from telford.intake.cloud import converting, secrets, tree
from telford.intake.cloud.resources import Resource
from telford.intake.cloud.tables import Entry, Field
from telford.intake.cloud.tree import Path

# Kinds that something can depend on.
TARGETS = ("Service", "Datastore", "Stream")
# Containers and settings beyond this are no definition that a person reads.
MAX_LISTED = 1_000


@dataclass(slots=True)
class Thing:
    """A resource that the estate has a kind for, with its parts.

    `fields` maps dotted fields to values; `said_by` a dotted field to the member and path that
    says it, so that a refused value can be taken back.
    """

    resource: Resource
    entry: Entry
    wish: str
    fields: dict[str, Any] = field(default_factory=dict)
    said_by: dict[str, tuple[Resource, Path]] = field(default_factory=dict)
    members: list[tuple[Resource, Entry]] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    # Dotted fields that name another resource: the field and the key.
    references: dict[str, str] = field(default_factory=dict)
    # Settings that are secrets: their names, and the keys of the secrets.
    secrets: dict[str, str] = field(default_factory=dict)
    # Settings whose values are secrets that the code writes out.
    hidden: list[str] = field(default_factory=list)
    # Settings that are secrets and come from elsewhere: the key of what they refer to, or "".
    withheld: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The kind of the estate."""
        return self.entry.kind


@dataclass(slots=True)
class Meaning:
    """Things in the order of the input, and the rest."""

    things: list[Thing]
    links: list[tuple[Resource, Entry]]
    throughs: dict[str, list[tuple[Resource, Entry]]]
    opaque: list[Resource]
    # Key of a resource -> the thing that it is or is a part of.
    home: dict[str, Thing]


def of(resources: Sequence[Resource], table: Mapping[str, Entry]) -> Meaning:
    """What the resources mean by a table."""
    meaning = Meaning([], [], {}, [], {})
    parts: list[tuple[Resource, Entry]] = []
    definitions: dict[str, tuple[Resource, Entry]] = {}
    for resource in resources:
        entry = table.get(resource.kind)
        if entry is None or entry.role == "opaque":
            meaning.opaque.append(resource)
        elif entry.role == "definition":
            definitions[resource.key] = resource, entry
        elif entry.role == "part":
            parts.append((resource, entry))
        elif entry.role == "link":
            meaning.links.append((resource, entry))
        elif entry.role == "through":
            meaning.throughs.setdefault(resource.key, []).append((resource, entry))
        else:
            _thing(meaning, resource, entry)
    for resource, entry in parts:
        _part(meaning, resource, entry)
    for thing in meaning.things:
        _join(meaning, thing, definitions)
        _counted(thing)
        for name, value in thing.entry.default.items():
            thing.fields.setdefault(name, value)
    meaning.opaque += [item for item, _ in definitions.values() if item.key not in meaning.home]
    return meaning


def _thing(meaning: Meaning, resource: Resource, entry: Entry) -> None:
    thing = Thing(resource, entry, _name(resource, entry))
    for name, value in entry.fixed.items():
        thing.fields[name] = value
    if not _fill(thing, resource, entry):
        meaning.opaque.append(resource)
        return
    thing.members.append((resource, entry))
    meaning.things.append(thing)
    # Instances of one block share a key: whoever refers to it means the first, as far as is known.
    meaning.home.setdefault(resource.key, thing)


def _part(meaning: Meaning, resource: Resource, entry: Entry) -> None:
    """Add a part to the thing, or to what is looked through, that it refers to."""
    found = tree.at(resource.body, entry.of) if entry.of is not None else None
    keys = [key for _, key in tree.references(found[1])] if found is not None else []
    for key in keys:
        thing = meaning.home.get(key)
        if thing is not None:
            _fill(thing, resource, entry)
            thing.members.append((resource, entry))
            if found is not None and entry.of is not None:
                thing.said_by[f"{resource.label}.{entry.of}"] = resource, found[0]
            meaning.home.setdefault(resource.key, thing)
            return
        if key in meaning.throughs:
            meaning.throughs[key].append((resource, entry))
            meaning.opaque.append(resource)
            return
    meaning.opaque.append(resource)


def _join(
    meaning: Meaning, thing: Thing, definitions: Mapping[str, tuple[Resource, Entry]]
) -> None:
    """Add the definitions that a thing names (the task definition of a service)."""
    for path in thing.entry.joins:
        found = tree.at(thing.resource.body, path)
        keys = [key for _, key in tree.references(found[1])] if found is not None else []
        for key in keys:
            if found is None or key not in definitions:
                continue
            resource, entry = definitions[key]
            thing.said_by[f"join.{key}"] = thing.resource, found[0]
            _fill(thing, resource, entry)
            thing.members.append((resource, entry))
            meaning.home.setdefault(key, thing)


def _counted(thing: Thing) -> None:
    """Fields that say how many parts of a type there are."""
    for entry in {entry.type: entry for _, entry in thing.members if entry.counts}.values():
        count = sum(1 for _, other in thing.members if other.type == entry.type)
        if 0 < count < 10 and entry.counts not in thing.fields:
            thing.fields[entry.counts] = count


def _name(resource: Resource, entry: Entry) -> str:
    """What it is called: by its own attribute where that is known, else by its code."""
    for path in entry.names:
        found = tree.at(resource.body, path)
        if found is not None and isinstance(found[1], Scalar) and found[1].value:
            return str(found[1].value)
    return resource.name


def _fill(thing: Thing, resource: Resource, entry: Entry) -> bool:
    """Set the fields that a resource says; False where one that is required is not there."""
    for path in entry.said:
        thing.said_by[f"{resource.label}.{path}"] = resource, path
    for path in entry.names if entry.role == "thing" else ():
        found = tree.at(resource.body, path)
        if found is not None and isinstance(found[1], Scalar):
            thing.said_by.setdefault("name", (resource, found[0]))
    for one in entry.fields:
        if not _field(thing, resource, one) and one.required:
            return False
    if entry.labels is not None:
        _labels(thing, resource, entry.labels)
    return True


def _field(thing: Thing, resource: Resource, one: Field) -> bool:
    found = tree.at(resource.body, one.source)
    if found is None:
        return False
    path, node = found
    if one.convert == "presence":
        for name, other in one.also.items():
            thing.fields.setdefault(name, other)
        return True
    if one.convert == "reference":
        keys = [key for _, key in tree.references(node)]
        if keys:
            thing.references.setdefault(one.to, keys[0])
            thing.said_by.setdefault(one.to, (resource, path))
        return bool(keys)
    if one.convert == "secrets":
        return _secrets(thing, resource, path, node)
    if one.convert in _STRUCTURES:
        return _structure(thing, resource, one, path, node)
    if not tree.known(node):
        return False
    value = tree.plain(node)
    if one.values:
        value = _meant(one.values, value)
    elif value is not None:
        value = converting.converted(one.convert, value)
    if value is None or one.to in thing.fields:
        return False
    thing.fields[one.to] = value
    thing.said_by[one.to] = resource, path
    for name, other in one.also.items():
        thing.fields.setdefault(name, other)
    return True


def _meant(values: Mapping[str, Any], value: Any) -> Any:
    key = str(value).lower() if isinstance(value, bool) else str(value)
    return values.get(key) if isinstance(value, str | int | float) else None


def _labels(thing: Thing, resource: Resource, path: Path) -> None:
    """Tags that are known; CloudFormation writes them as a list of pairs."""
    found = tree.at(resource.body, path)
    if found is None:
        return
    where, node = found
    for key, value, place in _pairs(node, where):
        if key and key not in thing.labels and not secrets.setting(key, value):
            thing.labels[key] = value
            for one in place:
                thing.said_by[f"labels.{key}.{one}"] = resource, one


def _pairs(node: Node, path: Path) -> Iterator[tuple[str, str, tuple[Path, ...]]]:
    """Key, value and the paths that say them, of a mapping or a list of pairs."""
    if isinstance(node, MappingNode):
        for key, value in node.values.items():
            if isinstance(value, Scalar) and value.value is not None:
                yield key, value.text, ((*path, key),)
    elif isinstance(node, Items):
        for index, item in enumerate(node.items[:MAX_LISTED]):
            named = _pair(item)
            if named is not None:
                name, text, keys = named
                yield name, text, tuple((*path, index, key) for key in keys)


def _withheld(node: Node) -> Iterator[tuple[str, str]]:
    """Settings whose values are secrets that only the tool knows, and the key of what they are of."""
    for key, value in _settings(node):
        if isinstance(value, tree.Unknown) and (value.sensitive or secrets.named(key)):
            yield key, next((reference for _, reference in tree.references(value)), "")


def _settings(node: Node) -> Iterator[tuple[str, Node]]:
    """Names and values, of a mapping or a list of pairs."""
    if isinstance(node, MappingNode):
        yield from node.values.items()
    for item in node.items[:MAX_LISTED] if isinstance(node, Items) else ():
        values = item.values if isinstance(item, MappingNode) else {}
        for name_key, value_key in _PAIRS:
            name, value = values.get(name_key), values.get(value_key)
            if isinstance(name, Scalar) and value is not None:
                yield name.text, value


_PAIRS = (("Key", "Value"), ("key", "value"), ("name", "value"), ("Name", "Value"))


def _pair(item: Node) -> tuple[str, str, tuple[str, str]] | None:
    if not isinstance(item, MappingNode):
        return None
    for keys in _PAIRS:
        name, value = item.values.get(keys[0]), item.values.get(keys[1])
        if isinstance(name, Scalar) and isinstance(value, Scalar) and value.value is not None:
            return str(name.value), _text(value), keys
    return None


def _text(value: Scalar) -> str:
    if isinstance(value.value, bool):
        return "true" if value.value else "false"
    return value.text


def _structure(thing: Thing, resource: Resource, one: Field, path: Path, node: Node) -> bool:
    """Fields that are made of several attributes: settings, ports."""
    made: dict[str, Any] = {}
    said: list[Path] = []
    if one.convert == "pairs":
        thing.withheld.update(_withheld(node))
    for key, value, paths in _STRUCTURES[one.convert](node, path):
        if isinstance(value, str) and secrets.setting(key, value):
            thing.hidden.append(key)
            continue
        made[key] = value
        said += paths
    if not made:
        return bool(thing.hidden or thing.withheld)
    listed = one.convert in _LISTS
    before = thing.fields.get(one.to)
    if isinstance(before, dict) and not listed:
        made = {**made, **before}
    thing.fields[one.to] = list(made.values()) if listed else made
    for number, each in enumerate(said):
        thing.said_by[f"{one.to}#{number}"] = resource, each
    return True


def _secrets(thing: Thing, resource: Resource, path: Path, node: Node) -> bool:
    """Settings whose values a secret holds, as a list of ``name`` and ``valueFrom``."""
    for index, item in enumerate(node.items[:MAX_LISTED] if isinstance(node, Items) else ()):
        if not isinstance(item, MappingNode):
            continue
        for name_key, value_key in (("name", "valueFrom"), ("Name", "ValueFrom")):
            name, value = item.values.get(name_key), item.values.get(value_key)
            keys = [key for _, key in tree.references(value)] if value is not None else []
            if isinstance(name, Scalar) and keys:
                thing.secrets.setdefault(name.text, keys[0])
                for key in (name_key, value_key):
                    where: Path = (*path, index, key)
                    thing.said_by[f"secret.{name.text}.{key}"] = resource, where
    return bool(thing.secrets)


def _ports(node: Node, path: Path) -> Iterator[tuple[str, Any, tuple[Path, ...]]]:
    """Ports of a container: ``containerPort``, or ``container_port``."""
    if not isinstance(node, Items):
        return
    for index, item in enumerate(node.items[:MAX_LISTED]):
        if not isinstance(item, MappingNode):
            continue
        for key in ("containerPort", "container_port", "ContainerPort"):
            found = item.values.get(key)
            number = found.value if isinstance(found, Scalar) else None
            if isinstance(number, int) and not isinstance(number, bool) and 0 < number < 65_536:
                name = "http" if index == 0 else f"port-{number}"
                yield str(number), {"name": name, "port": number}, ((*path, index, key),)


_STRUCTURES = {"pairs": _pairs, "ports": _ports}
_LISTS = frozenset({"ports"})
