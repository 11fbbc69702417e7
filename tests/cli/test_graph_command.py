"""`telford graph`: every question and every language, on the example shop and on a larger estate."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest
from cli_runs import run
from playwright.sync_api import Page, sync_playwright

import optional

SHOP = str(optional.REPOSITORY / "examples" / "shop" / "estate")
MODULES = optional.REPOSITORY / "frontend" / "node_modules"
HEAD = "apiVersion: telford/v1\nkind: "
# Two systems, a cycle, something inferred, an orphan, a stream, a route and a pipeline.
TEXT = f"""{HEAD}Team
name: a
---
{HEAD}System
name: end
owner: team/a
---
{HEAD}System
name: graph
owner: team/a
---
{HEAD}Route
name: front
system: end
rules: [{{to: [{{service: web}}]}}]
---
{HEAD}Service
name: web
system: end
owner: team/a
tier: 0
uses: [{{service: graph.api, timeout: 1s}}, {{datastore: graph.book, inferred: {{from: URL}}}}]
---
{HEAD}Service
name: api
system: graph
owner: team/a
tier: 1
uses: [{{datastore: book, access: readwrite}}, {{service: node, critical: false}}, {{stream: placed, role: publish}}]
---
{HEAD}Service
name: node
system: graph
uses: [{{service: api, timeout: 2s, retries: 1}}]
---
{HEAD}Service
name: subgraph
---
{HEAD}Pipeline
name: sums
system: graph
inputs: [{{stream: placed}}]
outputs: [{{datastore: totals}}]
---
{HEAD}Datastore
name: totals
system: graph
engine: postgres
---
{HEAD}Datastore
name: book
system: graph
engine: postgres
---
{HEAD}Stream
name: placed
system: graph
engine: kafka
"""


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("graph")
    (folder / "e.yaml").write_text(TEXT)
    return str(folder)


def said(capsys: pytest.CaptureFixture[str], estate: str, *arguments: str) -> str:
    ran = run(capsys, "graph", *arguments, "--estate", estate)
    assert ran.code == 0
    return str(ran.out)


QUESTIONS = [
    (),
    ("service/web",),
    ("service/web", "service/node", "--both"),
    ("system/graph", "--dependents", "--depth", "1"),
    ("datastore/book", "--blast-radius"),
    ("service/web", "--to", "datastore/book"),
    ("service/node", "--to", "route/front"),
    ("--shared",),
    ("service/web", "service/node", "--shared"),
    ("--critical-path",),
    ("service/web", "--critical-path"),
    ("--cycles",),
    ("--orphans",),
    ("--contexts",),
    ("--system", "graph"),
    ("--team", "a", "--tier", "1"),
    ("--orphans", "--system", "end"),
    ("--cycles", "--team", "a"),
    ("--contexts", "--system", "graph"),
    ("--shared", "--system", "graph"),
    ("--critical-path", "--system", "nowhere"),
]
names = pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: " ".join(q) or "everything")


@names
def test_every_question_has_an_answer_in_every_form(
    question: tuple[str, ...], estate: str, capsys: pytest.CaptureFixture[str]
):
    assert said(capsys, estate, *question).strip() or question
    found = json.loads(said(capsys, estate, *question, "--json"))
    assert found["version"] == 1
    ends = {e["source"] for e in found["edges"]} | {e["target"] for e in found["edges"]}
    assert ends <= set(found["nodes"])
    drawn = ET.fromstring(said(capsys, estate, *question, "--format", "svg"))
    boxes = [g for g in drawn.iter() if g.attrib.get("class", "").startswith("node")]
    assert len(boxes) == len(found["nodes"])


@pytest.mark.parametrize(
    ("question", "lines"),
    [
        (
            ("service/web", "--depth", "1"),
            [
                "service/end.web",
                "├─ service/graph.api  [timeout 1s]",
                "└─ datastore/graph.book  [inferred]",
            ],
        ),
        (
            ("route/front", "--to", "datastore/book"),
            [
                "route/end.front -> service/end.web -> datastore/graph.book",
                "route/end.front -> service/end.web -> service/graph.api -> datastore/graph.book",
                "every way goes through service/end.web",
            ],
        ),
        (
            ("service/subgraph", "--to", "datastore/book"),
            ["service/subgraph does not need datastore/graph.book"],
        ),
        (
            ("--cycles",),
            ["service/graph.api -> service/graph.node -> service/graph.api  [not critical]"],
        ),
    ],
)
def test_answers_are_lines_that_a_person_reads(
    question: tuple[str, ...], lines: list[str], estate: str, capsys: pytest.CaptureFixture[str]
):
    assert said(capsys, estate, *question).splitlines() == lines


def test_both_ways_are_two_trees(estate: str, capsys: pytest.CaptureFixture[str]):
    out = said(capsys, estate, "service/graph.api", "--both", "--depth", "1").splitlines()
    assert out[0] == "needs"
    middle = out.index("is needed by")
    assert "└─ stream/graph.placed  [publish]" in out[:middle], out
    assert "├─ service/end.web  [timeout 1s]" in out[middle:]
    assert not any("stream/graph.placed  [publish]" in line for line in out[middle:])


def test_orphans_and_contexts_are_tables(estate: str, capsys: pytest.CaptureFixture[str]):
    out = said(capsys, estate, "--orphans")
    assert "isolated   service/subgraph" in out
    out = said(capsys, estate, "--contexts")
    assert "1 call, 1 data store" in out


def test_a_filter_keeps_what_leads_to_what_it_lets_through(
    estate: str, capsys: pytest.CaptureFixture[str]
):
    found = json.loads(said(capsys, estate, "route/front", "--system", "graph", "--json"))
    assert "service/end.web" in found["nodes"]
    only = json.loads(said(capsys, estate, "--system", "graph", "--json"))
    assert all(node.partition("/")[2].startswith("graph.") for node in only["nodes"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--dependents",), "of what?"),
        (("service/web", "service/api", "--blast-radius"), "one thing at a time"),
        (("service/web", "--cycles"), "asked of the whole estate"),
        (("--cycles", "--orphans"), "several questions"),
        (("--contexts", "--depth", "2"), "--depth is said of"),
        (("service/web", "--depth", "0"), "--depth is 1 to"),
        (("service/web", "--to", "service/nobody"), "nobody"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_do(
    arguments: tuple[str, ...], words: str, estate: str, capsys: pytest.CaptureFixture[str]
):
    ran = run(capsys, "graph", *arguments, "--estate", estate)
    assert ran.code == 2
    assert words in ran.err


def test_the_commands_of_the_guide_run_as_they_stand_there(capsys: pytest.CaptureFixture[str]):
    guide = (optional.REPOSITORY / "docs" / "guides" / "graph.md").read_text()
    commands = re.findall(r"^telford (graph.*)$", guide, re.MULTILINE)
    assert len(commands) > 12
    answers = [run(capsys, *line.split(), "--estate", SHOP) for line in commands]
    assert [answer.code for answer in answers] == [0] * len(commands)
    assert answers[0].out in guide


# ---- the tools' own parsers ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def parsers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page with Mermaid and Graphviz themselves."""
    sheet = tmp_path_factory.mktemp("parsers") / "sheet.html"
    sheet.write_text("<!doctype html><title>parsers</title>")
    executable = optional.require_tool("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.goto(sheet.as_uri())
        for script in ("@mermaid-js/tiny/dist/mermaid.tiny.js", "@viz-js/viz/dist/viz-global.js"):
            page.add_script_tag(path=MODULES / script)
        yield page
        browser.close()


MERMAID = """async text => {
  const parsed = await mermaid.parse(text);
  const drawn = await mermaid.render('drawing', text);
  const page = new DOMParser().parseFromString(drawn.svg, 'text/html');
  return [parsed.diagramType, [...page.querySelectorAll('.node')].map(n => n.textContent.trim()),
          page.querySelectorAll('.flowchart-link').length];
}"""
DOT = """async text => {
  const graph = (await Viz.instance()).renderJSON(text);
  return [(graph.objects || []).filter(o => !o.name.startsWith('cluster_')).map(o => o.name),
          (graph.edges || []).length];
}"""


def distinct(found: dict[str, list[dict[str, str]]]) -> int:
    """Arrows of a picture: one for two neighbours, none for what is drawn through a stream."""
    edges = [e for e in found["edges"] if e["via"] not in found["nodes"]]
    return len({(e["source"], e["target"]) for e in edges})


@names
def test_mermaid_and_graphviz_read_what_is_written_for_them(
    question: tuple[str, ...], estate: str, capsys: pytest.CaptureFixture[str], parsers: Page
):
    found = json.loads(said(capsys, estate, *question, "--json"))
    kind, boxes, arrows = parsers.evaluate(
        MERMAID, said(capsys, estate, *question, "--format", "mermaid")
    )
    assert kind.startswith("flowchart")
    assert sorted(boxes) == sorted(found["nodes"])
    assert arrows == distinct(found)
    objects, count = parsers.evaluate(DOT, said(capsys, estate, *question, "--format", "dot"))
    assert sorted(objects) == sorted(found["nodes"])
    assert count == distinct(found)
