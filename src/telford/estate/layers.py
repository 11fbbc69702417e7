"""The ``in:`` block of a document: which overlay is for which place, and how two trees merge.

Order: base < region < environment < environment/region < environment/region/cluster. A key may
name several places, separated by commas. Mappings merge key by key, ``null`` deletes, a list with
merge keys merges item by item, every other list is replaced. ``in: {prod: null}`` says that the
thing does not exist there. Called by `telford.estate.loading` and `telford.estate.overlays`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from telford.basics import yamltext
from telford.basics.yamltext import Mapping, Node, Scalar, Sequence
from telford.estate import documents, pruning, suggestions
from telford.estate.kinds.base import Kind
from telford.estate.model import Overlay, Reach

# What a place, a person's duty or a name stands on: it is there everywhere, or nowhere.
EVERYWHERE = frozenset({"Team", "Person", "System", "Environment", "Region", "Account"})


@dataclass(frozen=True, slots=True)
class Known:
    """The places that an estate describes: environment -> its regions, and all clusters."""

    environments: dict[str, tuple[str, ...]]
    regions: frozenset[str]
    clusters: frozenset[str] = frozenset()
    # What may be a place, or have places, that an error elsewhere hides.
    unclear: frozenset[str] = frozenset()

    def names(self) -> list[str]:
        """Everything an overlay key may say."""
        pairs = [f"{env}/{region}" for env, found in self.environments.items() for region in found]
        return [*self.environments, *self.regions, *pairs, *self.clusters]


def named(reaches: Iterable[Reach]) -> Known:
    """The places that the overlays of a document are known to name."""
    known = tuple(reaches)
    environments: dict[str, tuple[str, ...]] = {}
    regions = {reach.region for reach in known if not reach.environment}
    clusters: set[str] = set()
    for reach in known:
        if not reach.environment:
            continue
        # An environment whose own document is broken was taken for a region: then only the whole
        # key says that it is known.
        if reach.environment in regions:
            clusters.add(reach.layer)
            continue
        earlier = environments.get(reach.environment, ())
        environments[reach.environment] = (*earlier, reach.region) if reach.region else earlier
        if reach.cluster:
            clusters.add(reach.layer)
    return Known(environments, frozenset(regions), frozenset(clusters))


def read(node: Mapping, known: Known, reader: documents.Reader) -> tuple[Overlay, ...]:
    """The overlays of a document in the order in which they apply; problems go to `reader`."""
    block = node.values.get(documents.OVERLAYS)
    if block is None or (isinstance(block, Scalar) and block.value is None):
        return ()
    if not isinstance(block, Mapping):
        reader.report(
            "TEL115",
            block,
            "`in` must be a mapping from places to partial documents",
            "write `in: {prod: {...}}`",
        )
        return ()
    found: list[Overlay] = []
    for key, value in block.values.items():
        if key.startswith(documents.OPEN_PREFIX):
            continue
        absent = isinstance(value, Scalar) and value.value is None
        partial = (_nothing if absent else _partial)(block.keys[key], value, reader)
        if partial is None:
            continue
        for part in key.split(","):
            overlay = _place(part.strip(), block.keys[key], partial, known, reader)
            if overlay is not None:
                found.append(replace(overlay, absent=True) if absent else overlay)
    found.sort(key=lambda overlay: overlay.rank)
    _conflicts(found, reader)
    return tuple(found)


def _nothing(key: Scalar, value: Node, reader: documents.Reader) -> Mapping | None:
    """An empty partial document for a place in which the thing does not exist; None where that
    cannot be, or is not said clearly.
    """
    kind = reader.kind.__name__
    if isinstance(value, Scalar) and not value.text:
        reader.report(
            "TEL126",
            key,
            f"the overlay for `{key.text}` is empty",
            "write `null` if the thing does not exist there, or remove the key",
        )
        return None
    if kind in EVERYWHERE:
        reader.report(
            "TEL125",
            key,
            f"a {kind} cannot be absent from a place",
            "remove it: what stands in a place can be absent, not what places and owners are",
        )
        return None
    return Mapping(value.line, value.column)


def _partial(key: Scalar, value: Node, reader: documents.Reader) -> Mapping | None:
    """The partial document under a key, its identity fields taken out; None where it is none."""
    if not isinstance(value, Mapping):
        reader.report(
            "TEL115",
            value,
            f"the overlay for `{key.text}` must be a mapping",
            "write a part of the document under it, such as `run: {replicas: 3}`",
        )
        return None
    for name in [*reader.kind.identity, documents.OVERLAYS]:
        if name not in value.values:
            continue
        mark = value.keys[name]
        reader.report(
            "TEL123",
            mark,
            f"an overlay cannot change `{name}`",
            "remove it here; what a thing is stays the same in every place",
        )
        del value.keys[name], value.values[name]
    reader.overlay(value)
    return value


def _place(
    text: str, key: Scalar, node: Mapping, known: Known, reader: documents.Reader
) -> Overlay | None:
    parts = text.split("/")
    problem = _unknown(text, parts, known)
    if problem is not None:
        code, summary, fix = problem
        reader.report(code, key, summary, fix)
        return None
    if len(parts) > 1:
        environment, region, cluster = (*parts, "")[:3]
        rank = len(parts) + 1
    elif text in known.environments:
        environment, region, cluster, rank = text, "", "", 2
    else:
        environment, region, cluster, rank = "", text, "", 1
    sets = tuple(node.values)
    return Overlay(text, environment, region, cluster, rank, key, node, sets=sets)


def _unknown(text: str, parts: list[str], known: Known) -> tuple[str, str, str] | None:
    """Code, summary and fix of a key that names no place, or two kinds of place."""
    if len(parts) == 1 and text in known.environments and text in known.regions:
        return (
            "TEL122",
            f"`{text}` names an environment and a region",
            "rename one of the two, or write ENVIRONMENT/REGION",
        )
    if text in known.names() or parts[0] in known.unclear:
        return None
    if 1 < len(parts) <= 3 and parts[0] in known.environments:
        regions = known.environments[parts[0]]
        if parts[1] in known.regions and parts[1] not in regions:
            return (
                "TEL121",
                f"the environment `{parts[0]}` is not in the region `{parts[1]}`",
                f"add `{parts[1]}` to the `regions` of environment/{parts[0]}, or fix the key",
            )
    fix = suggestions.for_name(text, known.names(), "an Environment or a Region of that name")
    return "TEL121", f"`{text}` names no place", fix


def _conflicts(overlays: list[Overlay], reader: documents.Reader) -> None:
    """Report values that two equally special overlays of one place set differently."""
    seen: dict[str, dict[str, tuple[Node, Overlay]]] = {}
    first_of: dict[str, Overlay] = {}
    for overlay in overlays:
        earlier = first_of.setdefault(overlay.layer, overlay)
        if earlier.absent != overlay.absent:
            reader.report(
                "TEL124",
                overlay.key,
                f"the thing exists and does not exist in `{overlay.layer}`",
                f"keep one of the two; the first is on line {earlier.key.line}",
            )
        layer = seen.setdefault(overlay.layer, {})
        for path, node in _leaves(overlay.node, ""):
            if path not in layer:
                layer[path] = (node, overlay)
                continue
            first = layer[path][0]
            if first is not node and yamltext.plain(first) != yamltext.plain(node):
                reader.report(
                    "TEL124",
                    node,
                    f"`{path}` is set twice for `{overlay.layer}`, to different values",
                    f"keep one of the two; the first is on line {first.line}",
                )


def _leaves(node: Node, path: str) -> Iterator[tuple[str, Node]]:
    if isinstance(node, Mapping):
        for key, value in node.values.items():
            yield from _leaves(value, f"{path}.{key}" if path else key)
    else:
        yield path, node


def merge(base: Mapping, overlay: Mapping, kind: type[Kind], system: str | None) -> Mapping:
    """`base` with `overlay` laid over it. Neither is changed; unchanged parts are shared."""
    return _Merger(kind, system).mapping(base, overlay, "")


@dataclass(frozen=True, slots=True)
class _Merger:
    """The merge keys of one kind at work. `system` lets ``shop.orders`` and ``orders`` be one."""

    kind: type[Kind]
    system: str | None

    def mapping(self, base: Mapping, overlay: Mapping, path: str) -> Mapping:
        result = Mapping(base.line, base.column, dict(base.keys), dict(base.values))
        # What the overlay says of a lost key is not known, so the base's value does not stand.
        for key in overlay.lost:
            result.keys.pop(key, None)
            result.values.pop(key, None)
        result.lost = (base.lost - overlay.values.keys()) | overlay.lost
        for key, value in overlay.values.items():
            if isinstance(value, Scalar) and value.value is None:
                result.keys.pop(key, None)
                result.values.pop(key, None)
                continue
            inner = f"{path}.{key}" if path else key
            result.keys[key] = overlay.keys[key]
            old = result.values.get(key)
            if pruning.key_lost(base, key):
                old = pruning.remains(value)
            result.values[key] = self._value(old, value, inner)
        return result

    def _value(self, old: Node | None, new: Node, path: str) -> Node:
        if isinstance(new, Mapping):
            start = old if isinstance(old, Mapping) else Mapping(new.line, new.column)
            return self.mapping(start, new, path)
        if isinstance(new, Sequence) and isinstance(old, Sequence):
            keys = self.kind.merge_keys.get(path)
            if keys is not None:
                return self._items(old, new, keys, path)
        return new

    def _items(self, old: Sequence, new: Sequence, keys: tuple[str, ...], path: str) -> Sequence:
        result = Sequence(old.line, old.column, list(old.items), old.lost or new.lost)
        index = {self._identity(item, keys, path): i for i, item in enumerate(result.items)}
        for item in new.items:
            at = index.get(self._identity(item, keys, path))
            if at is None or not isinstance(item, Mapping):
                result.items.append(item)
                continue
            target = result.items[at]
            assert isinstance(target, Mapping)
            result.items[at] = self.mapping(target, item, f"{path}[]")
        return result

    def _identity(self, item: Node, keys: tuple[str, ...], path: str) -> tuple[str, str] | int:
        """What an item is known by; its own object id where it has no name."""
        if not isinstance(item, Mapping):
            return id(item)
        for key in keys:
            value = item.values.get(key)
            if isinstance(value, Scalar) and value.value is not None:
                text = value.text
                return key, text.removeprefix(f"{self.system}.") if self.system else text
        # A port without a name is called http (`telford.estate.kinds.running.Port`).
        return (keys[0], "http") if path.endswith("ports") else id(item)
