"""An independent parser reads every workspace, and finds the things of the estate in it."""

import json
import re
import subprocess
from typing import Any

import pytest
import rendered
import target_estates

import optional
from telford.estate.graph import Graph
from telford.estate.model import Estate


def parsed(text: str) -> dict[str, Any]:
    """What the parser says: errors, and how often each rule of the language was met."""
    done = subprocess.run(
        [optional.require_tool("structurizr-parse")],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def workspace(name: str) -> str:
    (artifact,) = target_estates.artifacts("structurizr", name)
    return artifact.text


def text_of(estate: Estate) -> str:
    (artifact,) = target_estates.of("structurizr", estate).artifacts()
    return artifact.text


@pytest.mark.proves(
    "structurizr",
    tool="structurizr-parser (npm)",
    shows="the workspaces of three estates are read, with every system, container, relation and view",
)
@pytest.mark.parametrize("name", target_estates.EXAMPLES)
def test_an_independent_parser_finds_everything_in_a_workspace(name: str):
    estate = target_estates.estate(name)
    graph = Graph(estate)
    answer = parsed(workspace(name))
    assert answer["errors"] == []
    found = answer["elements"]
    systems = len(list(estate.of_kind("System")))
    alone = sum(1 for one in graph.things if not graph.system_of(one))
    assert found["softwareSystemSection"] == systems + alone
    assert found["containerSection"] == len(graph.things) - alone
    assert found["systemContextView"] == found["containerView"] == systems
    environments = len(list(estate.of_kind("Environment")))
    assert found["deploymentEnvironmentSection"] == environments >= 2
    assert found["deploymentSection"] == environments * systems
    pairs = {(e.source, e.target) for e in graph.picture(graph.things)}
    assert 0 < found["explicitRelationship"] <= len(pairs)


@pytest.mark.proves(
    "structurizr",
    tool="structurizr-parser (npm)",
    shows="the workspaces of online-boutique and bank-of-anthos, imported, are read",
)
@pytest.mark.parametrize(
    ("folder", "least"),
    [("online-boutique/release", 12), ("bank-of-anthos/kubernetes-manifests", 9)],
)
def test_an_independent_parser_reads_the_workspace_of_a_real_system(folder: str, least: int):
    found = parsed(text_of(target_estates.imported(folder)))
    assert found["errors"] == []
    assert found["elements"]["containerSection"] >= least


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("softwareSystem", "softwareSistem"),
        (" -> ", " > "),
        ("autoLayout lr\n", "autoLayout lr }\n"),
    ],
)
def test_a_broken_workspace_is_refused(old: str, new: str):
    text = workspace("shop")
    assert old in text
    assert parsed(text.replace(old, new, 1))["errors"]


@pytest.mark.parametrize("name", target_estates.EXAMPLES)
def test_every_identifier_is_said_once_and_before_it_is_used(name: str):
    """The parser reads words; that they mean something is asked here."""
    said: list[str] = []
    for line in workspace(name).splitlines():
        words = line.split()
        if len(words) > 1 and words[1] == "=":
            said.append(words[0])
        elif "->" in words[:2]:
            assert {words[0], words[2]} <= set(said), line
        elif words and words[0] in ("containerInstance", "systemContext", "container"):
            assert words[1] in said, line
    assert len(said) == len(set(said)) > 5


def test_the_same_two_things_have_one_relation():
    text = workspace("organisation")
    ends = re.findall(r"^ +(\w+ -> \w+) ", text, re.MULTILINE)
    assert len(ends) == len(set(ends)) > 30


TWINS = rendered.service("orders", "description: 'Says \"yes\".\\n Or \\ no.'\n") + (
    rendered.service("orders", "engine: postgres\n", kind="Datastore", image="")
)


def test_things_of_one_name_and_texts_with_quotes_are_kept_apart():
    text = text_of(rendered.estate(TWINS))
    assert parsed(text)["errors"] == []
    assert 'shop_orders = container "orders (datastore)"' in text
    assert 'shop_orders_service = container "orders (service)"' in text
    assert r"\"yes\"" in text


def test_words_of_the_language_are_no_identifiers():
    system = "apiVersion: telford/v1\nkind: System\nname: views\nowner: team/shop\n---\n"
    text = text_of(rendered.estate(system + rendered.service("orders")))
    assert "views_system = softwareSystem" in text
    assert parsed(text)["errors"] == []
