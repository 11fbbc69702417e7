"""Every value that people wrote, one by one, and the same document with another value in its place.

The source map finds out which lines of an artifact hang on a value by asking what they would be if
it were another one; this module makes those other documents. Pure. Called by
`telford.app.source_trials`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from telford.basics import resources
from telford.basics.diagnostics import Position
from telford.basics.yamltext import Mapping, Node, Scalar, Sequence
from telford.estate import documents, shapes
from telford.estate.address import Address
from telford.estate.model import Entity, Overlay
from telford.estate.shapes import Shape
from telford.road import defaults, given

# What a document says about itself; another value would make another kind of thing of it.
_HEAD = frozenset({"apiVersion", "kind"})
# The keys that are part of an address.
NAMING = frozenset({"name", "system"})
# Stands for a value that is taken out.
GONE = object()


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """One value that is written somewhere: in the document at an address, or ("") in the road's
    defaults. `field` is its path; `node` is the value itself in the tree of the document.
    """

    address: str
    field: str
    position: Position
    text: str
    value: Any
    node: Scalar | None = None

    @property
    def naming(self) -> bool:
        """Whether it is part of the address of its document."""
        return self.field in NAMING


def leaves(entity: Entity) -> Iterator[Leaf]:
    """Every value of a document, overlays included, in written order, and the keys that people chose
    themselves.
    """
    shape = shapes.of(type(entity.spec))
    for key, node in entity.node.values.items():
        if key == documents.OVERLAYS and isinstance(node, Mapping):
            for place, inner in node.values.items():
                yield from _leaves(entity, inner, f"{key}.{place}", shape)
        elif key not in _HEAD:
            yield from _leaves(entity, node, key, _below(shape, key))


def _leaves(entity: Entity, node: Node, path: str, shape: Shape | None) -> Iterator[Leaf]:
    if isinstance(node, Mapping):
        free = shape is not None and shape.value is not None
        for key, inner in node.values.items():
            if free:
                yield _leaf(entity, node.keys[key], f"{path}.{key}")
            yield from _leaves(entity, inner, f"{path}.{key}", _below(shape, key))
    elif isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            inner_shape = shape.item if shape is not None else None
            yield from _leaves(entity, item, f"{path}.{index}", inner_shape)
    elif isinstance(node, Scalar) and node.value is not None:
        yield _leaf(entity, node, path)


def _leaf(entity: Entity, node: Scalar, path: str) -> Leaf:
    position = Position(entity.file, node.line, node.column)
    return Leaf(str(entity.address), path, position, node.text, node.value, node)


def _below(shape: Shape | None, key: str) -> Shape | None:
    if shape is None:
        return None
    return (shape.fields or {}).get(key) or shape.value


def others(leaf: Leaf, entity: Entity) -> Iterator[tuple[str, Entity]]:
    """The document with another value for a leaf, as far as its kind takes it: first close to the
    one that it is, last without it. Each with the text that now stands there.
    """
    for value in (*_near(leaf.value), *_choices(leaf, entity), GONE):
        made = with_value(entity, leaf, value)
        if made is not None:
            yield "" if value is GONE else written(value), made


def written(value: Any) -> str:
    """A value as YAML writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _near(value: Any) -> Iterator[Any]:
    """Values of the same type that are something else."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield value + 1
        # Where sums are rounded, a little more is nothing.
        yield value * 10
        if value > 1:
            yield value - 1
    elif isinstance(value, str):
        yield from _near_text(value)


def _near_text(text: str) -> Iterator[str]:
    """The text with another number in it, or a letter more."""
    digits = [index for index, letter in enumerate(text) if letter in "0123456789"]
    if digits:
        first, last = digits[0], digits[-1]
        other = "3" if text[last] == "7" else "7"
        yield f"{text[:last]}{other}{text[last + 1 :]}"
        yield f"{text[:first]}9{text[first:]}"
    yield f"{text}x"
    yield f"x{text}"


def _choices(leaf: Leaf, entity: Entity) -> Iterator[Any]:
    """The other words that the kind knows there."""
    shape: Shape | None = shapes.of(type(entity.spec))
    steps = leaf.field.split(".")
    if steps[0] == documents.OVERLAYS:
        steps = steps[2:]
    for step in steps:
        shape = _below(shape, step) or (shape.item if shape is not None else None)
    if shape is not None:
        yield from (choice for choice in shape.choices if choice != leaf.value)


def with_value(entity: Entity, leaf: Leaf, value: Any) -> Entity | None:
    """A document with another value for a leaf (`GONE`: none); None where its kind refuses that."""
    node = leaf.node
    assert node is not None, "a leaf of a document has its node"
    root = _copied(entity.node, node, value)
    overlays = tuple(
        replace(overlay, node=_copied(overlay.node, node, value)) for overlay in entity.overlays
    )
    kind = type(entity.spec)
    reader = documents.Reader(kind)
    spec = reader.validate(root)
    if spec is None or not reader.whole or not _sound(entity, overlays):
        return None
    address = Address(entity.address.kind, spec.system or "", spec.name)
    return Entity(address, spec, entity.file, root, f"{entity.digest}~", overlays)


def _sound(entity: Entity, overlays: tuple[Overlay, ...]) -> bool:
    """Whether overlays still have the structure that their kind has."""
    for overlay in overlays:
        reader = documents.Reader(type(entity.spec))
        reader.overlay(overlay.node)
        if reader.problems:
            return False
    return True


def _copied(root: Mapping, node: Scalar, value: Any) -> Mapping:
    copied = _copy(root, node, value)
    assert isinstance(copied, Mapping), "a document is a mapping"
    return copied


def _copy(current: Node, node: Scalar, value: Any) -> Node | None:
    """A tree that shares nothing but scalars with the one that it is of: reading may prune it."""
    if current is node:
        return None if value is GONE else replace(node, value=value, text=written(value))
    if isinstance(current, Mapping):
        values = {key: _copy(inner, node, value) for key, inner in current.values.items()}
        kept = {key: inner for key, inner in values.items() if inner is not None}
        keys = {key: current.keys[key] for key in kept}
        chosen = next((key for key, known in keys.items() if known is node), None)
        if chosen is not None:
            inner = kept.pop(chosen)
            del keys[chosen]
            if value is not GONE:
                kept[str(value)], keys[str(value)] = (
                    inner,
                    replace(node, value=value, text=str(value)),
                )
        return replace(current, keys=keys, values=kept)
    if isinstance(current, Sequence):
        items = [_copy(inner, node, value) for inner in current.items]
        return replace(current, items=[inner for inner in items if inner is not None])
    return current


@cache
def of_defaults() -> tuple[Leaf, ...]:
    """Every entry of the road's defaults."""
    tables: dict[str, dict[str, Any]] = resources.toml("telford.road", "defaults.toml")
    lines = _lines()
    return tuple(
        Leaf(
            "",
            f"{table}.{entry}",
            Position(given.FILE, lines[table, entry], 1),
            written(value),
            value,
        )
        for table, entries in tables.items()
        for entry, value in entries.items()
    )


@cache
def _lines() -> dict[tuple[str, str], int]:
    """Table and entry of `defaults.toml` -> its line."""
    found: dict[tuple[str, str], int] = {}
    table = ""
    text = resources.text("telford.road", "defaults.toml")
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("["):
            table = line.strip("[] ")
        elif "=" in line and not line.startswith("#"):
            found[table, line.partition("=")[0].strip()] = number
    return found


def other_defaults(leaf: Leaf) -> Iterator[tuple[str, defaults.Defaults]]:
    """The road's defaults with another value for an entry."""
    table, _, entry = leaf.field.partition(".")
    for value in _other_entries(leaf.value):
        yield written(value), defaults.with_entries({(table, entry): value})


def _other_entries(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        yield [f"{item}x" for item in value]
    elif isinstance(value, dict):
        yield {key: f"{item}x" for key, item in value.items()}
    else:
        yield from _near(value)
