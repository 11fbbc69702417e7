"""Pictures of graphs: nothing lies on anything else, and the file is one that everything can read."""

import itertools
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graph_estates as ge
from graph_estates import Drawn, drawn
from telford.app import (
    catalogue,
    connections,
    graph,
    graph_languages,
    graph_picture,
    layered,
    map_page,
)
from telford.app.graph_picture import Thing, Wire
from telford.app.layered import Box, Layout, Rect

some = settings(max_examples=80, deadline=None)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def organisation() -> tuple[catalogue.Index, connections.Connections]:
    estate = ge.estate(ge.organisation())
    return catalogue.index(estate), connections.connect(estate)


def apart(one: Rect, other: Rect) -> bool:
    return (
        one.x + one.width <= other.x
        or other.x + other.width <= one.x
        or one.y + one.height <= other.y
        or other.y + other.height <= one.y
    )


def inside(one: Rect, frame: Rect) -> bool:
    return (
        frame.x <= one.x
        and frame.y + layered.TITLE <= one.y
        and one.x + one.width <= frame.x + frame.width
        and one.y + one.height <= frame.y + frame.height
    )


def sound(layout: Layout, groups: dict[str, str]) -> None:
    """Boxes and frames apart, boxes in their frames, everything on the sheet."""
    boxes = list(layout.boxes.items())
    for (_, one), (_, other) in itertools.combinations(boxes, 2):
        assert apart(one, other)
    for one, other in itertools.combinations(layout.frames.values(), 2):
        assert apart(one, other)
    for name, rect in boxes:
        assert inside(
            rect, Rect(0, -layered.TITLE, layout.width + 0.2, layout.height + 0.2 + layered.TITLE)
        )
        for group, frame in layout.frames.items():
            assert inside(rect, frame) if groups[name] == group else apart(rect, frame)


@some
@given(drawn(most=14), st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=14, max_size=14))
def test_nothing_overlaps_and_boxes_stand_in_their_frames(one: Drawn, groups: list[str]):
    boxes = [Box(ge.address(n), 168, 42, groups[n]) for n in range(one.size)]
    pairs = [(ge.address(a), ge.address(b)) for a, b in one.uses]
    layout = layered.grouped(boxes, pairs)
    assert set(layout.boxes) == {box.id for box in boxes}
    sound(layout, {box.id: box.group for box in boxes})


@some
@given(drawn(most=14), st.integers(1, 5), st.booleans())
def test_arrows_without_cycles_lead_one_way_and_pass_between_boxes(
    one: Drawn, most: int, down: bool
):
    boxes = [Box(ge.address(n), 168, 42) for n in range(one.size)]
    pairs = sorted({(ge.address(min(p)), ge.address(max(p))) for p in one.uses})
    layout = layered.layered(boxes, pairs, most=most, down=down)
    sound(layout, {box.id: "" for box in boxes})
    for (a, b), points in layout.routes.items():
        along = [y if down else x for x, y in points]
        assert along == sorted(along)
        for name, rect in layout.boxes.items():
            if name not in (a, b):
                assert not any(
                    rect.x < x < rect.x + rect.width and rect.y < y < rect.y + rect.height
                    for x, y in points
                )


@some
@given(drawn(most=14), st.data())
def test_columns_that_are_given_are_kept(one: Drawn, data: st.DataObject):
    layers = {ge.address(n): data.draw(st.integers(-2, 2)) for n in range(one.size)}
    boxes = [Box(name, 168, 42) for name in layers]
    pairs = [(ge.address(a), ge.address(b)) for a, b in one.uses]
    layout = layered.columned(boxes, pairs, layers)
    sound(layout, dict.fromkeys(layers, ""))
    for a, b in itertools.permutations(layers, 2):
        if layers[a] < layers[b]:
            assert layout.boxes[a].x < layout.boxes[b].x


@pytest.mark.parametrize(
    "query",
    [map_page.Query(), map_page.Query(opened=("all",)), map_page.Query(opened=("payments", "web"))],
    ids=["folded", "open", "two"],
)
def test_five_hundred_things_do_not_overlap_either(
    organisation: tuple[catalogue.Index, connections.Connections], query: map_page.Query
):
    view = map_page.draw(*organisation, query)
    drawing = map_page.picture(view)
    rects = {thing.id: rect for thing, rect in drawing.things}
    frames = dict(drawing.frames)
    layout = Layout(rects, frames, {}, drawing.width, drawing.height)
    sound(layout, {thing.id: thing.group for thing, _ in drawing.things})
    assert len(rects) == len(view.nodes)


def test_many_arrows_between_systems_are_one_each_and_their_own_are_hidden(
    organisation: tuple[catalogue.Index, connections.Connections],
):
    drawing = map_page.picture(map_page.draw(*organisation, map_page.Query(opened=("all",))))
    pairs = {(w.source, w.target) for w, _ in drawing.bundles}
    assert len(pairs) == len(drawing.bundles)
    assert sum(w.count for w, _ in drawing.bundles) + sum(
        1 for w, _ in drawing.wires if frame(drawing, w.source) == frame(drawing, w.target)
    ) == sum(w.count for w, _ in drawing.wires)


def frame(drawing: graph_picture.Drawing, name: str) -> str:
    return next(thing.group for thing, _ in drawing.things if thing.id == name)


def test_where_everything_needs_everything_the_picture_is_no_ladder():
    names = [f"s{n}" for n in range(40)]
    things = [Thing(name, name, "System") for name in names]
    wires = [Wire(a, b) for a, b in itertools.permutations(names, 2)]
    drawing = graph_picture.draw(things, wires)
    assert len(drawing.wires) == len(wires)
    assert 0.5 < drawing.width / drawing.height < 5, "no ladder"
    for (_, one), (_, other) in itertools.combinations(drawing.things, 2):
        assert apart(one, other)


HOSTILE = "\"'><script>alert(1)</script>&amp;\x00]]> é 𝄞"


def test_a_file_of_its_own_has_no_script_no_reference_and_escapes_everything():
    things = [Thing("a", HOSTILE, "Service", HOSTILE, HOSTILE, HOSTILE), Thing("b", "b", HOSTILE)]
    drawing = graph_picture.draw(things, [Wire("a", "b", title=HOSTILE)])
    text = graph_picture.standalone(drawing, HOSTILE, HOSTILE)
    root = ET.fromstring(text)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "style", "defs", "marker", "path", "rect", "g", "text"}
    values = [v for element in root.iter() for v in element.attrib.values()]
    assert [v for v in values if "url(" in v] == ["url(#arrow)"]
    assert not any(
        name.startswith("on") or "href" in name for e in root.iter() for name in e.attrib
    )
    assert "@import" not in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_a_file_of_its_own_says_what_it_is_and_reads_in_light_and_dark():
    view = graph.answer(ge.estate(ge.organisation(50, 5)), graph.Question())
    root = ET.fromstring(graph_languages.svg(view))
    assert root.attrib["role"] == "img"
    named = {element.attrib.get("id"): element.text or "" for element in root}
    title, description = [named[key] for key in root.attrib["aria-labelledby"].split()]
    assert title == "All: the estate"
    assert description.startswith("50 things and ")
    style = root.findtext(f"{SVG}style") or ""
    light, dark = style.split("@media (prefers-color-scheme:dark)")
    for part in (light, dark):
        ink = re.search(r"text\{[^}]*fill:(#\w+)", part)
        for ground in (
            r"\.shape\{fill:(#\w+)",
            r"\.ground\{fill:(#\w+)",
            r"frame rect\{fill:(#\w+)",
        ):
            found = re.search(ground, part)
            assert ink is not None
            assert found is not None
            assert contrast(ink[1], found[1]) >= 4.5


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio."""

    def luminance(colour: str) -> float:
        digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
        parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_a_picture_of_nothing_is_a_picture():
    drawing = graph_picture.draw([], [])
    ET.fromstring(graph_picture.standalone(drawing, "nothing", "nothing"))
