"""All problems at once: a mistake hides no other, and is never reported as a second one."""

import copy
import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import estate_sample as sample
import pytest
import yaml

from telford.app import loading
from telford.backends import files
from telford.basics import yamltext
from telford.basics.errors import RefusedError

CASE = pathlib.Path(__file__).resolve().parent.parent / "golden" / "broken-documents"
Path = tuple[str | int, ...]
DOCUMENTS: dict[str, Any] = {
    f"{document['kind']}/{document['name']}": document
    for document in (yamltext.plain(node) for node in yamltext.read(sample.TEXT, "")[0])
    if isinstance(document, dict)
}
# A mistake in a document: where it is made, the bad value, its code, and what else it is about.
PLANTS: list[tuple[str, Path, Any, str, list[Path]]] = [
    ("Service/orders", ("delivery",), "nosuch", "TEL130", []),
    ("Service/orders", ("owner",), "service/x", "TEL132", []),
    ("Service/orders", ("run", "replicas", "min"), 40, "TEL150", [("run", "replicas", "max")]),
    ("Service/orders", ("run", "image"), "shop/orders", "TEL159", []),
    ("Service/orders", ("run", "resources", "limits"), {"memory": "1Mi"}, "TEL152",
     [("run", "resources", "requests", "memory")]),
    ("Service/orders", ("run", "ports", 1, "port"), 8080, "TEL160", [("run", "ports", 0)]),
    ("Service/orders", ("run", "health", "ready", "port"), "web", "TEL161",
     [("run", "ports"), ("run", "health", "ready", "path")]),
    ("Service/orders", ("run", "stop"), 30, "TEL116", []),
    ("Service/orders", ("uses", 0, "access"), "read", "TEL143", [("uses", 0, "service")]),
    ("Service/orders", ("uses", 1, "datastore"), "nosuch", "TEL130", []),
    ("Service/orders", ("uses", 2, "timeout"), 3, "TEL116", []),
    ("Service/orders", ("uses", 0, "service"), "orders", "TEL140", []),
    ("Service/orders", ("tier",), 9, "TEL119", []),
    ("Service/orders", ("in", "nowhere"), {"tier": 1}, "TEL121", []),
    ("Service/orders", ("in", "prod", "run", "replicas", "max"), 1, "TEL150",
     [("run", "replicas")]),
    ("Service/orders", ("in", "us", "run", "stop"), 45, "TEL116", []),
    ("Delivery/canary", ("steps", 0, "weight"), "60%", "TEL190", [("steps", 1)]),
    ("Delivery/canary", ("tick",), "5m", "TEL193", [("stale",)]),
    ("Delivery/canary", ("deadline",), "1m", "TEL192", [("steps",)]),
    ("Delivery/canary", ("system",), "nosuch", "TEL130", []),
    ("Datastore/book", ("size",), "20Gx", "TEL116", []),
    ("Datastore/book", ("backup", "every"), 1, "TEL116", []),
    ("Stream/placed", ("deadLetter",), "placed", "TEL146", []),
    ("Stream/placed", ("partitions",), 0, "TEL119", []),
    ("Objective/orders-up", ("service",), "nosuch", "TEL130", []),
    ("Objective/orders-up", ("target",), "100%", "TEL180", []),
    ("Objective/orders-up", ("sli", "latency", "threshold"), "0ms", "TEL181", []),
    ("Environment/prod", ("regions", 1), "nosuch", "TEL130", []),
    ("Environment/prod", ("clusters",), ["nowhere/a"], "TEL170", [("regions",)]),
    ("Service/packer", ("uses", 0, "stream"), "nosuch", "TEL130", []),
    ("Team/shop", ("parent",), "nosuch", "TEL130", []),
    ("Person/ann", ("level",), "P9", "TEL117", []),
]  # fmt: skip


def found(documents: dict[str, Any]) -> list[tuple[str, str]]:
    """Code and address of everything wrong, sorted."""
    dumper: Any = yaml.CSafeDumper
    text = yaml.dump_all(documents.values(), Dumper=dumper, sort_keys=False)
    loaded = loading.of_texts(files.Texts(texts={"estate.yaml": str(text)}))
    return sorted((d.code, d.summary) for d in loaded.diagnostics)


def slots(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every value in a document."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs:
        yield (*path, key)
        if isinstance(inner, dict | list):
            yield from slots(inner, (*path, key))


def holder(document: Any, path: Path) -> Any:
    for step in path[:-1]:
        document = document.setdefault(step, {}) if isinstance(document, dict) else document[step]
    return document


def spoilt(documents: dict[str, Any], name: str, path: Path) -> None:
    """Put a value of the wrong type at a path."""
    around = holder(documents[name], path)
    around[path[-1]] = "wrong" if isinstance(around[path[-1]], list) else [["wrong"]]


def planted(name: str, path: Path, value: Any) -> dict[str, Any]:
    documents = copy.deepcopy(DOCUMENTS)
    holder(documents[name], path)[path[-1]] = copy.deepcopy(value)
    return documents


def overlap(one: Path, other: Path) -> bool:
    return all(a == b for a, b in zip(one, other, strict=False))


def in_base(path: Path) -> Path:
    """Where in a base a path of an overlay is about."""
    return path[2:] if path[0] == "in" else path


# Names stand for what others refer to, `x-` keys for nothing.
SKIPPED = {("name",), ("kind",), ("apiVersion",), ("x-cost-centre",)}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_value_of_the_wrong_type_is_one_diagnostic_wherever_it_stands(name: str):
    for path in slots(DOCUMENTS[name]):
        if path in SKIPPED:
            continue
        documents = copy.deepcopy(DOCUMENTS)
        spoilt(documents, name, path)
        said = found(documents)
        assert len(said) == 1, (path, said)


@pytest.mark.parametrize(
    ("name", "at", "value", "code", "about"),
    PLANTS,
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else None,
)
def test_a_broken_field_hides_no_mistake_in_another_and_adds_none(
    name: str, at: Path, value: Any, code: str, about: list[Path]
):
    documents = planted(name, at, value)
    alone = found(documents)
    assert [c for c, _ in alone] == [code]
    for path in slots(documents[name]):
        concerns = [at, *about]
        related = any(overlap(in_base(path), in_base(c)) for c in concerns if in_base(path))
        if path in SKIPPED or related or overlap(path, at):
            continue
        both = copy.deepcopy(documents)
        spoilt(both, name, path)
        said = found(both)
        assert len(said) == 2, (path, said)
        assert alone[0] in said, (path, said)


def golden() -> loading.Loaded:
    read = files.read([CASE / "estate"])
    texts = {pathlib.PurePath(name).name: text for name, text in read.texts.items()}
    return loading.of_texts(files.Texts(texts=texts))


def test_broken_documents_read_as_they_did():
    """Every diagnostic of a golden of documents with several mistakes; TELFORD_GOLDENS=write
    refreshes.
    """
    text = json.dumps([d.as_json() for d in golden().diagnostics], indent=1) + "\n"
    if os.environ.get("TELFORD_GOLDENS") == "write":
        (CASE / "expected.json").write_text(text)
    assert (CASE / "expected.json").read_text() == text


def test_broken_documents_are_refused_and_in_no_estate():
    loaded = golden()
    assert "service/orders" not in loaded.estate.entities
    with pytest.raises(RefusedError):
        loading.require(loaded)
