"""The exported JSON Schema and the loader say the same about a document.

Whatever `load` takes, the schema takes. What the schema takes and `load` refuses is one of a listed
set of checks that no schema can say.
"""

import copy
import functools
import json
import pathlib
import random
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from telford.basics import yamltext
from telford.estate import loading, schema

ROOT = pathlib.Path(__file__).resolve().parents[2]
ESTATES = (
    ROOT / "examples" / "organisation" / "estate",
    ROOT / "examples" / "shop" / "estate",
)
# What the loader says and a schema cannot: a day that is in the calendar, an order of two days, a
# number that YAML wrote as 1.0, one address twice, and overlays: which place, what they add up to.
UNSAYABLE = re.compile(
    r"there is no day|is before the first|must be a whole number, not (1\.0|a number)|has the same address"
    r"|names no place|is set twice|an overlay"
)


def documents() -> list[dict[str, Any]]:
    found = []
    for folder in ESTATES:
        for path in sorted(folder.glob("*.yaml")):
            nodes, problems = yamltext.read(path.read_text(), path.name)
            assert not problems
            found += [yamltext.plain(node) for node in nodes]
    return found


DOCUMENTS = documents()


@functools.cache
def validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema.document())


def loads(document: dict[str, Any], *others: dict[str, Any]) -> list[str]:
    """The errors that `load` reports for a document among the places of its estate."""
    texts = {"a.yaml": json.dumps(document)} | {
        f"b{i}.yaml": json.dumps(other) for i, other in enumerate(others)
    }
    found = loading.load(texts).diagnostics
    # A document of another format is left alone, with a warning.
    return [d.summary for d in found if d.severity.value == "error" or d.code == "TEL111"]


REGIONS = ["eu-west-1", "eu-central-1", "westeurope", "europe-west4", "harbour"]
HEAD = {"apiVersion": "telford/v1"}
PLACES: list[dict[str, Any]] = [
    *({**HEAD, "kind": "Region", "name": name} for name in REGIONS),
    *(
        {**HEAD, "kind": "Environment", "name": e, "regions": REGIONS}
        for e in ("dev", "staging", "prod")
    ),
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: f"{d['kind']}-{d['name']}")
def test_the_schema_takes_every_example(document: dict[str, Any]):
    assert not list(validator().iter_errors(document))


VALUES = (
    None, True, False, 0, 1, -1, 7, 1.5, 10_000, "", "x", "X y", "30s", "5", "99.9%", "130%", "128Mi",
    "250m", "2026-02-28", "2026-02-30", "service/x", "Service", [], ["x"], [1], {}, {"x": "y"},
    {"x": None}, [{}], [None], "http", "redis",
)  # fmt: skip


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every path into a document."""
    if path:
        yield path
    items = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    for key, value in items:
        yield from places(value, (*path, key))  # fmt: skip


def mutated(document: dict[str, Any], random: random.Random) -> dict[str, Any]:
    """The document with one thing changed: a value, a key, an item."""
    result = copy.deepcopy(document)
    path = random.choice(list(places(result)))
    holder = result
    for step in path[:-1]:
        holder = holder[step]
    last = path[-1]
    act = random.choice(("value", "value", "value", "remove", "rename", "borrow", "x"))
    if act == "value":
        holder[last] = copy.deepcopy(random.choice(VALUES))
    elif act == "remove":
        del holder[last]
    elif act == "rename" and isinstance(holder, dict):
        holder[f"{last}s"] = holder.pop(last)
    elif act == "x" and isinstance(holder, dict):
        holder["x-own"] = random.choice(VALUES)
    else:
        other = random.choice(DOCUMENTS)
        source = random.choice(list(places(other)))
        value: Any = other
        for step in source:
            value = value[step]
        holder[last] = copy.deepcopy(value)
    return result


@pytest.mark.parametrize("seed", range(20))
def test_schema_and_loader_agree_on_mutated_documents(seed: int):
    source = random.Random(seed)
    for _ in range(150):
        document = mutated(source.choice(DOCUMENTS), source)
        others = [
            p
            for p in PLACES
            if (p["kind"], p["name"]) != (document.get("kind"), document.get("name"))
        ]
        said = loads(document, *others)
        taken = validator().is_valid(document)
        if taken:
            # What an overlay adds up to with its base is not for a schema to say.
            alone = {key: value for key, value in document.items() if key != "in"}
            said = said and loads(alone, *others)
            assert all(UNSAYABLE.search(text) for text in said), (document, said)
        else:
            assert said, (document, [e.message for e in validator().iter_errors(document)])


def test_every_kind_refuses_what_is_wrong():
    """One document of each kind, with an unknown key, a wrong type and without its name."""
    seen = set()
    for document in DOCUMENTS:
        if document["kind"] in seen:
            continue
        seen.add(document["kind"])
        assert not validator().is_valid(document | {"frobnicate": 1})
        assert not validator().is_valid(document | {"labels": [1]})
        assert not validator().is_valid({k: v for k, v in document.items() if k != "name"})
    assert len(seen) == len(schema.registry.KINDS) == len(schema.document()["allOf"])
