"""Where values come from: every field of every kind, at base, in an overlay, and where it is not set,
has a chain of lines that ends with its value.
"""

from collections.abc import Iterator
from typing import Any

import every_field
import pytest

from telford.basics import yamltext
from telford.basics.errors import UsageError
from telford.estate import fields, loading, overlays, shapes
from telford.estate.kinds import registry
from telford.estate.model import Entity, Estate
from telford.estate.place import Place
from telford.road import yamlout

PLACES = [
    {"apiVersion": "telford/v1", "kind": "Environment", "name": "dev"},
    {"apiVersion": "telford/v1", "kind": "Environment", "name": "prod", "regions": ["eu"]},
    {"apiVersion": "telford/v1", "kind": "Region", "name": "eu"},
]
PROD = Place("prod", "eu")


def text_of(documents: list[dict[str, Any]]) -> str:
    return "---\n".join(yamlout.document(one) for one in [*PLACES, *documents])


def estate_of(text: str) -> Estate:
    loaded = loading.load({"all.yaml": text})
    assert not [d for d in loaded.diagnostics if d.severity == "error"]
    return loaded.estate


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    return list(every_field.documents())


def written_paths(value: Any, shape: shapes.Shape | None, path: str) -> Iterator[str]:
    """The model's paths that a document writes."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if shape is not None and shape.fields is not None and key in shape.fields:
                here = f"{path}.{key}" if path else key
                yield here
                yield from written_paths(inner, shape.fields[key], here)
            elif shape is not None:
                yield from written_paths(inner, shape.value, path)
    elif isinstance(value, list):
        for inner in value:
            yield from written_paths(inner, shape.item if shape else None, f"{path}[]")


def test_the_documents_write_every_field_of_every_kind(documents: list[dict[str, Any]]) -> None:
    for kind in registry.KINDS:
        wanted = set(shapes._paths(shapes.of(kind), ""))
        own = [one for one in documents if one["kind"] == kind.__name__]
        found = {path for one in own for path in written_paths(one, shapes.of(kind), "")}
        assert wanted - found == set()


def explained(estate: Estate, entity: Entity, place: Place | None, lines: list[str]) -> int:
    """Checks each leaf's chain against the value and the text; how many leaves there were."""
    count = 0
    for path, value in fields.leaves(overlays.at(estate, entity, place)):
        chain = overlays.chain(estate, str(entity.address), place, path)
        last = chain[-1]
        assert alike(last.value, value), (str(entity.address), path, value, chain)
        if last.layer == "default":
            assert last.position is None
        else:
            assert last.position is not None, (path, chain)
            points_at(lines, last.position.line, last.position.column, value, path)
        count += 1
    return count


def alike(said: Any, value: Any) -> bool:
    """Equal, but for numbers where a quantity is text and defaults filled into mappings."""
    if isinstance(value, dict) and isinstance(said, dict):
        return all(key in value and alike(item, value[key]) for key, item in said.items())
    if isinstance(value, list) and isinstance(said, list | tuple):
        return len(said) == len(value) and all(map(alike, said, value))
    return said == value or str(said) == str(value)


def points_at(lines: list[str], line: int, column: int, value: Any, path: str) -> None:
    """The text at a position begins with the value."""
    text = lines[line - 1][column - 1 :]
    if isinstance(value, str):
        assert text.lstrip("'\"").startswith(value.split("\n")[0][:40]), (path, value, text)
    elif isinstance(value, bool | int | float):
        assert yamltext.resolve(text.rstrip(" },")) == value, (path, value, text)
    else:
        assert text[:1] in ("-", "[", "{") or text.strip(), (path, value, text)


def test_every_leaf_of_every_kind_has_its_line(documents: list[dict[str, Any]]) -> None:
    """At base and in a place without an overlay, lists, maps and keys with dots included."""
    text = text_of(documents)
    estate, lines = estate_of(text), yamltext.lines(text)
    count = sum(
        explained(estate, entity, place, lines)
        for entity in estate.entities.values()
        for place in (None, PROD)
    )
    assert count > 4000


def overlaid(document: dict[str, Any]) -> dict[str, Any] | None:
    """The document with all that an overlay may say moved into one, and only the rest at base."""
    kind = registry.BY_NAME[document["kind"]]
    shape = shapes.of(kind)
    fixed = {*kind.identity, *shape.required}
    base = {key: value for key, value in document.items() if key in fixed}
    over = {key: value for key, value in document.items() if key not in fixed}
    if not over:
        return None
    return {**base, "in": {"prod": over}}


def test_every_leaf_of_an_overlay_has_its_line_there(documents: list[dict[str, Any]]) -> None:
    """The overlay's line in its place, and no trace of it elsewhere."""
    moved = [made for one in documents if (made := overlaid(one)) is not None]
    text = text_of(moved)
    estate, lines = estate_of(text), yamltext.lines(text)
    count = 0
    for entity in estate.entities.values():
        count += explained(estate, entity, PROD, lines)
        explained(estate, entity, Place("dev"), lines)
    assert count > 2000


def test_what_an_overlay_deletes_says_the_line_that_does(documents: list[dict[str, Any]]) -> None:
    """``null`` in an overlay is the last link of every field that it takes away."""
    for document in documents:
        kind = registry.BY_NAME[document["kind"]]
        shape = shapes.of(kind)
        fixed = {*kind.identity, *shape.required}
        gone = [key for key in document if key not in fixed]
        if not gone:
            continue
        text = text_of([{**document, "in": {"prod": dict.fromkeys(gone)}}])
        estate = estate_of(text)
        ends = (f"/{document['name']}", f".{document['name']}")
        address = next(a for a in estate.entities if a.endswith(ends))
        for key in gone:
            last = overlays.chain(estate, address, PROD, key)[-1]
            assert (last.layer, last.value) == ("prod", None), key
            assert last.position is not None
            inside = overlays.chain(estate, address, None, key)[-1]
            assert inside.layer == "base"


OPEN = """\
apiVersion: telford/v1
kind: Service
name: orders
x-cost: {centre: 4711, "a.b": [1, 2]}
run:
  x-note: small
  sidecars: [{name: proxy, image: "p:1", x-team: b}]
in:
  prod: {x-cost: {centre: 4712}}
"""


def test_open_keys_are_explained_like_fields() -> None:
    """``x-*`` keys at any depth, overlays included, and one that is not there is refused."""
    text = "---\n".join([*map(yamlout.document, PLACES), OPEN])
    estate, lines = estate_of(text), yamltext.lines(text)
    found = dict(fields.leaves(overlays.at(estate, estate.entities["service/orders"], PROD)))
    opened = {name: value for name, value in found.items() if "x-" in name}
    assert opened == {
        "x-cost.centre": 4712,
        "x-cost[a.b]": [1, 2],
        "run.x-note": "small",
        "run.sidecars[proxy].x-team": "b",
    }
    explained(estate, estate.entities["service/orders"], PROD, lines)
    chain = overlays.chain(estate, "service/orders", PROD, "x-cost.centre")
    assert [(link.layer, link.value) for link in chain] == [("base", 4711), ("prod", 4712)]
    with pytest.raises(UsageError, match="has no field x-none"):
        overlays.chain(estate, "service/orders", PROD, "x-none")
