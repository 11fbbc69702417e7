"""Mermaid itself reads and draws every diagram, with the boxes and arrows of the estate."""

from collections.abc import Iterator

import pytest
import rendered
import target_estates
from playwright.sync_api import Error, Page, sync_playwright

import optional
from telford.render.artifacts import Rendering
from telford.road import flowchart

SCRIPT = optional.REPOSITORY / "frontend" / "node_modules" / "@mermaid-js/tiny/dist/mermaid.tiny.js"
# Read and drawn by the tool: the type, the texts of the boxes, and how many arrows there are.
DRAW = """async text => {
  const parsed = await mermaid.parse(text);
  const drawn = await mermaid.render('drawing', text);
  const page = new DOMParser().parseFromString(drawn.svg, 'text/html');
  return [parsed.diagramType, page.querySelectorAll('.node').length,
          page.querySelectorAll('.flowchart-link').length];
}"""


@pytest.fixture(scope="module")
def mermaid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page with Mermaid in it."""
    sheet = tmp_path_factory.mktemp("mermaid") / "sheet.html"
    sheet.write_text("<!doctype html><title>mermaid</title>")
    executable = optional.require_tool("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.goto(sheet.as_uri())
        page.add_script_tag(path=SCRIPT)
        yield page
        browser.close()


def counted(text: str) -> tuple[int, int]:
    """Boxes and arrows that a text means to have."""
    lines = [line.strip() for line in text.splitlines()]
    arrows = [line for line in lines if "-->" in line or "==>" in line or "-.->" in line]
    framed = ("subgraph", "end", "flowchart", "%%")
    return len(lines) - len(arrows) - sum(line.startswith(framed) for line in lines), len(arrows)


@pytest.mark.proves(
    "mermaid",
    tool="mermaid (npm @mermaid-js/tiny)",
    shows="every diagram of three estates is read and drawn, box for box and arrow for arrow",
)
@pytest.mark.parametrize("name", target_estates.EXAMPLES)
def test_mermaid_draws_every_diagram(name: str, mermaid: Page):
    artifacts = target_estates.artifacts("mermaid", name)
    assert len(artifacts) >= 2
    for artifact in artifacts:
        kind, boxes, arrows = mermaid.evaluate(DRAW, artifact.text)
        assert kind.startswith("flowchart")
        assert (boxes, arrows) == counted(artifact.text), artifact.path
        assert boxes > 0


@pytest.mark.proves(
    "mermaid",
    tool="mermaid (npm @mermaid-js/tiny)",
    shows="the diagrams of online-boutique and govuk, imported, are read; the small ones drawn",
)
@pytest.mark.parametrize("folder", ["online-boutique/release", "govuk/production.yaml"])
def test_mermaid_reads_the_diagrams_of_a_real_system(folder: str, mermaid: Page):
    """Drawing hundreds of boxes takes the browser long; reading them does not."""
    made = target_estates.of("mermaid", target_estates.imported(folder)).artifacts()
    assert made
    for artifact in made:
        boxes, _ = counted(artifact.text)
        kind = mermaid.evaluate("async t => (await mermaid.parse(t)).diagramType", artifact.text)
        assert kind.startswith("flowchart")
        if boxes < 40:
            assert tuple(mermaid.evaluate(DRAW, artifact.text)[1:]) == counted(artifact.text)


def test_mermaid_refuses_a_broken_diagram(mermaid: Page):
    text = target_estates.artifacts("mermaid", "shop")[-1].text
    with pytest.raises(Error):
        mermaid.evaluate(DRAW, text.replace("==>", "==|"))


def made(text: str) -> Rendering:
    return target_estates.of("mermaid", rendered.estate(text))


HOSTILE = rendered.service("orders", "description: end\n") + rendered.service(
    "end", "uses: [{service: orders, critical: false}]\n"
)


def test_names_that_are_words_of_the_language_and_hosts_with_signs_are_drawn(mermaid: Page):
    """`end` closes a frame, and quotes close a text: neither does as a name."""
    route = rendered.service(
        "door",
        "hosts: ['*.example.com']\nrules: [{to: [{service: end, port: 80}]}]\n",
        kind="Route",
        image="",
    )
    for artifact in made(HOSTILE + route).artifacts():
        _, boxes, arrows = mermaid.evaluate(DRAW, artifact.text)
        assert (boxes, arrows) == counted(artifact.text), artifact.path


def test_a_system_of_more_boxes_than_anybody_reads_is_said():
    (said,) = made("".join(rendered.service(f"s{n}") for n in range(61))).diagnostics
    assert (said.code, said.address) == ("TEL580", "system/shop")
    assert "61 boxes" in said.summary


def test_names_that_differ_in_a_sign_alone_are_two_boxes():
    names = flowchart.identifiers(["service/a.b-c", "service/a-b.c", "service/a.b-c.d"])
    assert list(names.values()) == ["service_a_b_c", "service_a_b_c_2", "service_a_b_c_d"]
