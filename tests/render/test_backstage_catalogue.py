"""Backstage's own model accepts every catalogue, and our importer reads the same estate out of it."""

import json
import pathlib
import posixpath
import subprocess
from collections.abc import Iterable
from typing import Any

import pytest
import rendered
import target_estates
import yaml

import optional
from telford.estate import loading
from telford.estate.artifact import Artifact
from telford.estate.graph import Graph
from telford.estate.model import Estate
from telford.intake import backstage, surroundings
from telford.intake.format import Sources
from telford.intake.imported import Document, Imported, Options

# Kinds that come back from a catalogue as what they were.
KINDS = ("Contract", "Datastore", "Person", "Service", "Stream", "System", "Team")


def judged(entities: list[Any]) -> dict[str, Any]:
    """What Backstage says about entities: errors, and the relations that it sees."""
    done = subprocess.run(
        [optional.require_tool("backstage-validate")],
        input=json.dumps(entities),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def entities(artifacts: Iterable[Artifact]) -> list[Any]:
    found = [item for one in artifacts for item in yaml.load_all(one.text, yaml.CSafeLoader)]
    for item in found:
        definition = item["spec"].get("definition")
        if isinstance(definition, dict):
            # Backstage puts the file in the place of its name before it looks at the entity.
            item["spec"]["definition"] = f"(the text of {definition['$text']})"
    return found


@pytest.mark.proves(
    "backstage",
    tool="@backstage/catalog-model (npm)",
    shows="every entity of three estates is valid, and every relation means one that is there",
)
@pytest.mark.parametrize("name", target_estates.EXAMPLES)
def test_backstage_accepts_the_catalogue_of_an_example(name: str):
    found = entities(target_estates.artifacts("backstage", name))
    answer = judged(found)
    assert answer["errors"] == []
    assert len(answer["relations"]) > len(found)


@pytest.mark.proves(
    "backstage",
    tool="@backstage/catalog-model (npm)",
    shows="online-boutique and govuk, imported: every entity and relation is valid",
)
@pytest.mark.parametrize(
    ("folder", "least"), [("online-boutique/release", 12), ("govuk/production.yaml", 100)]
)
def test_backstage_accepts_the_catalogue_of_a_real_system(folder: str, least: int):
    estate = target_estates.imported(folder)
    found = entities(target_estates.of("backstage", estate).artifacts())
    assert len(found) >= least
    assert judged(found)["errors"] == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "Componant"}, "no kind that Backstage knows"),
        ({"metadata": {"name": "a b"}}, "metadata.name"),
        ({"spec": {"type": "service", "lifecycle": "production"}}, "owner"),
        ({"spec": {"type": "x", "lifecycle": "y", "owner": "nobody"}}, "not there"),
    ],
)
def test_backstage_refuses_a_broken_entity(change: dict[str, Any], said: str):
    text = target_estates.artifacts("backstage", "shop")
    component = next(item for item in entities(text) if item["kind"] == "Component")
    (error, *_) = judged([component | change])["errors"]
    assert said in error


def test_definitions_are_found_from_where_the_catalogue_lies():
    """`$text` is a path from the descriptor's own file to a file of the estate."""
    estate = optional.REPOSITORY / "examples" / "organisation"
    found = 0
    for artifact in target_estates.artifacts("backstage", "organisation"):
        for item in yaml.load_all(artifact.text, yaml.CSafeLoader):
            definition = item["spec"].get("definition")
            if isinstance(definition, dict):
                written = posixpath.join("deploy", posixpath.dirname(artifact.path))
                path = posixpath.normpath(posixpath.join(written, definition["$text"]))
                assert (estate / path).is_file(), path
                found += 1
    assert found == 3


def imported(artifacts: Iterable[Artifact], root: pathlib.Path) -> tuple[Document, ...]:
    """What our importer makes of a catalogue that lies in ``deploy`` beside the estate."""
    texts = {f"deploy/{one.path}": one.text for one in artifacts}
    for file in sorted((root / "estate").rglob("*")):
        path = file.relative_to(root)
        # A hidden folder holds what a run left there (records, logs), as it does for an import.
        if file.is_file() and not any(part.startswith(".") for part in path.parts):
            texts[path.as_posix()] = file.read_text(encoding="utf-8")
    answer = backstage.read(Sources(texts), Options())
    assert isinstance(answer, Imported)
    assert [d for d in answer.diagnostics if d.severity == "error"] == []
    return answer.documents


def told(estate: Estate) -> set[tuple[str, str]]:
    """Every thing with its owner, and every use, of an estate. A stream of no broker's engine is
    nothing that a catalogue tells.
    """
    lost = {str(e.address) for e in estate.of_kind("Stream") if e.spec.engine == "embedded"}
    found = {
        (str(one.address), one.spec.owner or "")
        for kind in KINDS
        for one in estate.of_kind(kind)
        if str(one.address) not in lost
    }
    uses = {
        (edge.source, edge.target)
        for edge in Graph(estate).edges
        if edge.kind == "uses" and edge.source.startswith("service/") and not edge.via
    }
    return found | {use for use in uses if use[1] not in lost}


def told_back(documents: Iterable[Document]) -> set[tuple[str, str]]:
    """The same of imported documents, without the system and the team of what is carried."""
    found = set()
    for document in documents:
        value = document.value
        if value["kind"] in KINDS:
            system = f"{value['system']}." if value.get("system") else ""
            address = f"{value['kind'].lower()}/{system}{value['name']}"
            found.add((address, value.get("owner", "")))
            for use in value.get("uses", ()):
                ((kind, name),) = use.items()
                found.add((address, f"{kind}/{name}"))
    return found - {("system/imported", surroundings.NOBODY), (surroundings.NOBODY, "")}


@pytest.mark.proves(
    "backstage",
    tool="telford import (intake/backstage)",
    shows="names, systems, owners and relations of three estates come back as they were",
)
@pytest.mark.parametrize("name", target_estates.EXAMPLES)
def test_an_estate_comes_back_from_its_catalogue(name: str):
    root = optional.REPOSITORY / "examples" / name
    documents = imported(target_estates.artifacts("backstage", name), root)
    assert told_back(documents) == told(target_estates.estate(name))


def test_things_of_one_name_in_two_systems_keep_apart():
    other = "apiVersion: telford/v1\nkind: System\nname: depot\nowner: team/shop\n---\n"
    twin = rendered.service("orders").replace("system: shop", "system: depot")
    user = rendered.service("door", "uses: [{service: depot.orders}]\n")
    estate = rendered.estate(other + rendered.service("orders") + twin + user)
    found = entities(target_estates.of("backstage", estate).artifacts())
    components = {e["metadata"]["name"]: e["spec"] for e in found if e["kind"] == "Component"}
    assert sorted(components) == ["depot.orders", "door", "shop.orders"]
    assert components["door"]["dependsOn"] == ["component:depot.orders"]
    assert judged(found)["errors"] == []


def test_names_that_are_too_long_with_their_systems_end_in_a_digest():
    systems = [f"{letter * 40}" for letter in "ab"]
    text = "".join(
        f"apiVersion: telford/v1\nkind: System\nname: {name}\nowner: team/shop\n---\n"
        + rendered.service("orders-" * 6 + "x").replace("system: shop", f"system: {name}")
        for name in systems
    )
    found = entities(target_estates.of("backstage", rendered.estate(text)).artifacts())
    names = [e["metadata"]["name"] for e in found if e["kind"] == "Component"]
    assert len(set(names)) == 2
    assert {len(name) for name in names} == {63}
    assert judged(found)["errors"] == []


def test_a_contract_whose_file_nobody_finds_is_said_and_left_out():
    contract = rendered.service(
        "orders", "type: openapi\nservice: orders\nversions: [{version: '1', file: o.yaml}]\n",
        kind="Contract", image="",
    )  # fmt: skip
    loaded = loading.load({"estate.yaml": rendered.PLACES + rendered.service("orders") + contract})
    made = target_estates.of("backstage", loaded.estate)
    (said,) = made.diagnostics
    assert (said.code, said.address) == ("TEL581", "contract/shop.orders")
    assert said.position is not None
    assert "API" not in {item["kind"] for item in entities(made.artifacts())}


def test_a_domain_is_owned_by_the_nearest_team_above_all_of_its_systems():
    text = """\
apiVersion: telford/v1
kind: Team
name: retail
---
apiVersion: telford/v1
kind: Team
name: depot
parent: {parent}
---
apiVersion: telford/v1
kind: System
name: a
owner: team/retail
domain: trade
---
apiVersion: telford/v1
kind: System
name: b
owner: team/depot
domain: trade
"""
    above = target_estates.of("backstage", rendered.estate(text.format(parent="retail")))
    apart = target_estates.of("backstage", rendered.estate(text.format(parent="shop")))
    domain = [e for e in entities(above.artifacts()) if e["kind"] == "Domain"]
    assert [one["spec"]["owner"] for one in domain] == ["retail"]
    assert above.diagnostics == ()
    assert [one.code for one in apart.diagnostics] == ["TEL582"]
