"""Part of a graph as a picture: boxes, frames of systems and arrows, as SVG.

One drawing for two readers: `standalone` is a file of its own (no script, nothing from elsewhere,
readable in light and dark), `inline` is the portal's map, whose colours come from its style sheet
and whose boxes are links. Called by `telford graph --format svg` and the portal. Everything that an
estate says is escaped.
"""

import html
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from telford.app import layered
from telford.app.layered import Box, Layout, Pair, Point, Rect

WIDTH, HEIGHT = 168.0, 42.0
MARGIN = 16.0
MAX_OWN_WIRES = 90
"""Arrows between systems that are drawn one by one; more become one arrow for each two systems."""
BUSY = 70
"""With more arrows than this they are drawn fainter, so that names stay in front."""
_LABEL = 23
"""Letters that a box holds at 12 pixels: 6.6 pixels each on average, in the widest usual font."""
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Thing:
    """One box: a thing, or a system that stands for `size` of its own. `group` is the frame it
    stands in, `title` what is said of it when it is pointed at.
    """

    id: str
    label: str
    kind: str
    sub: str = ""
    group: str = ""
    title: str = ""
    focus: bool = False


@dataclass(frozen=True, slots=True)
class Wire:
    """An arrow from what needs to what is needed; it stands for `count` dependencies."""

    source: str
    target: str
    critical: bool = True
    inferred: bool = False
    count: int = 1
    title: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything with its place. `bundles` are arrows between frames that stand for `own` ones,
    which are shown only when one of their ends is pointed at; a path is SVG.
    """

    things: tuple[tuple[Thing, Rect], ...]
    frames: tuple[tuple[str, Rect], ...]
    wires: tuple[tuple[Wire, str], ...]
    bundles: tuple[tuple[Wire, str], ...]
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Links:
    """Where a click on a box or on a frame's name leads; "" is nowhere."""

    thing: Callable[[Thing], str]
    frame: Callable[[str], str]


def draw(
    things: Sequence[Thing], wires: Sequence[Wire], layers: Mapping[str, int] | None = None
) -> Drawing:
    """The drawing. With `layers` things stand in those columns; otherwise in frames of their
    groups, where there are several groups, and in columns along the arrows.
    """
    boxes = [Box(one.id, WIDTH, HEIGHT, "" if layers else one.group) for one in things]
    wires = merged([w for w in wires if w.source != w.target])
    # What stands for most, and what must not break, is led around boxes first.
    ranked = sorted(wires, key=lambda w: (-w.count, not w.critical, w.inferred))
    pairs = [(wire.source, wire.target) for wire in ranked]
    if layers is not None:
        layout = layered.columned(boxes, pairs, layers)
    elif len({box.group for box in boxes}) > 1:
        layout = layered.grouped(boxes, pairs)
    else:
        plain = [replace(box, group="") for box in boxes]
        layout = layered.grouped(plain, pairs)
    return _drawn(things, wires, layout)


def merged(wires: Sequence[Wire]) -> list[Wire]:
    """One arrow for each two boxes: critical where one is, inferred where all are."""
    found: dict[Pair, Wire] = {}
    for wire in wires:
        ends = (wire.source, wire.target)
        known = found.get(ends)
        if known is None:
            found[ends] = wire
            continue
        found[ends] = Wire(
            *ends,
            critical=known.critical or wire.critical,
            inferred=known.inferred and wire.inferred,
            count=known.count + wire.count,
            title="; ".join(dict.fromkeys(t for t in (known.title, wire.title) if t)),
        )
    return [found[ends] for ends in sorted(found)]


def _drawn(things: Sequence[Thing], wires: Sequence[Wire], layout: Layout) -> Drawing:
    frame_of = {one.id: one.group for one in things if one.group in layout.frames}
    drawn: list[tuple[Wire, str]] = []
    across: dict[Pair, list[tuple[Wire, str]]] = {}
    for wire in wires:
        ends = (wire.source, wire.target)
        if ends in layout.routes:
            down = layout.down or wire.source in frame_of
            drawn.append((wire, path(layout.routes[ends], down=down)))
            continue
        frames = tuple(f"frame:{frame_of[end]}" if end in frame_of else end for end in ends)
        pair = (frames[0], frames[1])
        points = _through(layout, ends, layout.routes.get(pair, ()))
        across.setdefault(pair, []).append((wire, path(points, down=layout.down)))
    own = [one for several in across.values() for one in several]
    bundles: list[tuple[Wire, str]] = []
    if len(own) > MAX_OWN_WIRES:
        bundles = [
            (_bundle(pair, [w for w, _ in several]), path(layout.routes[pair], down=layout.down))
            for pair, several in sorted(across.items())
            if pair in layout.routes
        ]
    return Drawing(
        tuple((one, layout.boxes[one.id]) for one in things),
        tuple(sorted(layout.frames.items())),
        (*drawn, *own),
        tuple(bundles),
        layout.width + 2 * MARGIN,
        layout.height + 2 * MARGIN,
    )


def _bundle(pair: Pair, wires: Sequence[Wire]) -> Wire:
    count = sum(wire.count for wire in wires)
    names = " to ".join(end.removeprefix("frame:") for end in pair)
    return Wire(
        *pair,
        critical=any(wire.critical for wire in wires),
        inferred=all(wire.inferred for wire in wires),
        count=count,
        title=f"{names}: {count} dependenc{'y' if count == 1 else 'ies'}",
    )


def _through(layout: Layout, ends: Pair, route: Sequence[Point]) -> list[Point]:
    """From box to box by the way of their frames, or straight where there is none."""
    one, other = layout.boxes[ends[0]], layout.boxes[ends[1]]
    if not route:
        route = ((other.x, other.y), (one.x, one.y))
        return [_side(one, route[0], layout.down), _side(other, route[1], layout.down)]
    points = [_side(one, route[0], layout.down), *route, _side(other, route[-1], layout.down)]
    return [p for n, p in enumerate(points) if n == 0 or p != points[n - 1]]


def _side(box: Rect, towards: Point, down: bool) -> Point:
    """The middle of the side of a box that faces a point."""
    if down:
        return box.x + box.width / 2, box.y + (box.height if towards[1] > box.y else 0)
    return box.x + (box.width if towards[0] > box.x else 0), box.y + box.height / 2


def path(points: Sequence[Point], *, down: bool = False) -> str:
    """A smooth way through the points; it leaves and arrives along the layers' direction."""
    parts = [f"M{_at(points[0])}"]
    for (x1, y1), (x2, y2) in itertools.pairwise(points):
        if (y1 == y2 and not down) or (x1 == x2 and down):
            parts.append(f"L{_at((x2, y2))}")
            continue
        first, second = _controls((x1, y1), (x2, y2), down)
        parts.append(f"C{_at(first)} {_at(second)} {_at((x2, y2))}")
    return "".join(parts)


def _controls(one: Point, other: Point, down: bool) -> tuple[Point, Point]:
    (x1, y1), (x2, y2) = one, other
    if down:
        middle = (y1 + y2) / 2 if abs(y2 - y1) > 1 else y1 + 26
        return (x1, middle), (x2, middle)
    middle = (x1 + x2) / 2 if abs(x2 - x1) > 1 else x1 + 26
    return (middle, y1), (middle, y2)


def _at(point: Point) -> str:
    return f"{_short(point[0])} {_short(point[1])}"


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


# ---- SVG ----------------------------------------------------------------------------------------


def standalone(drawing: Drawing, title: str, description: str) -> str:
    """A file of its own."""
    width, height = _short(drawing.width), _short(drawing.height)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" role="img" aria-labelledby="title description">'
        f'<title id="title">{text(title)}</title>'
        f'<desc id="description">{text(description)}</desc><style>{STYLE}</style>'
    )
    ground = '<rect class="ground" width="100%" height="100%"/>'
    nowhere = Links(lambda _: "", lambda _: "")
    return f"{head}{_MARKER}{ground}{scene(drawing, nowhere)}</svg>\n"


def inline(drawing: Drawing, links: Links, label: str) -> str:
    """The map of a page: it has no colours of its own."""
    width, height = _short(drawing.width), _short(drawing.height)
    return (
        f'<svg viewBox="0 0 {width} {height}" role="group" aria-label="{text(label)}" tabindex="0"'
        f' data-width="{width}" data-height="{height}">{_MARKER}{scene(drawing, links)}</svg>'
    )


def scene(drawing: Drawing, links: Links) -> str:
    """The frames, the arrows over them, and the boxes on top."""
    bundled = bool(drawing.bundles)
    visible = len(drawing.bundles) or len(drawing.wires)
    frame_of = {one.id: one.group for one, _ in drawing.things}
    frames = {name for name, _ in drawing.frames}
    words = "scene busy" if visible > BUSY else "scene"
    parts = [f'<g class="{words}" transform="translate({MARGIN:g} {MARGIN:g})">']
    parts += [_frame(name, rect, links.frame(name)) for name, rect in drawing.frames]
    parts += [_wire(wire, way, "bundle") for wire, way in drawing.bundles]
    for wire, way in drawing.wires:
        ends = frame_of.get(wire.source, ""), frame_of.get(wire.target, "")
        apart = ends[0] != ends[1] or not frames.intersection(ends)
        parts.append(_wire(wire, way, "own" if bundled and apart else ""))
    parts += [_thing(one, rect, links.thing(one)) for one, rect in drawing.things]
    names = "".join(_far(name, rect) for name, rect in drawing.frames)
    return "".join([*parts, f'<g aria-hidden="true">{names}</g>' if names else "", "</g>"])


def _frame(name: str, rect: Rect, href: str) -> str:
    label = f'<text x="{_short(rect.x + 12)}" y="{_short(rect.y + 19)}">{text(name)}</text>'
    if href:
        words = f"<title>Close {text(name)}</title>"
        label = f'<a href="{text(href)}" data-frame="{text(name)}">{label}{words}</a>'
    return f'<g class="frame"><rect {_box(rect)} rx="10"/>{label}</g>'


def _far(name: str, rect: Rect) -> str:
    """The name of a frame as large as it can hold it: what is read from far away."""
    size = min(rect.width / max(len(name), 4) * 1.3, rect.height / 3)
    middle = f'x="{_short(rect.x + rect.width / 2)}" y="{_short(rect.y + rect.height / 2)}"'
    return f'<text class="far" {middle} font-size="{_short(size)}">{text(name)}</text>'


def _wire(wire: Wire, way: str, more: str) -> str:
    words = ["wire", more, "critical" if wire.critical else "", "inferred" if wire.inferred else ""]
    if wire.count > 1:
        words.append("many")
    title = f"<title>{text(wire.title)}</title>" if wire.title else ""
    return (
        f'<path class="{" ".join(w for w in words if w)}" d="{way}" marker-end="url(#arrow)"'
        f' data-source="{text(wire.source)}" data-target="{text(wire.target)}">{title}</path>'
    )


def _thing(thing: Thing, rect: Rect, href: str) -> str:
    down = 5 if thing.kind == "Datastore" else 0
    middle = _short(WIDTH / 2)
    label = f'<text x="{middle}" y="{18 + down}">{text(cut(thing.label))}</text>'
    sub = f'<text class="sub" x="{middle}" y="{31 + down}">{text(cut(thing.sub, 27))}</text>'
    title = f"<title>{text(thing.title or thing.id)}</title>"
    inside = f"{_shape(thing.kind)}{label} {sub}{title}"
    if href:
        inside = f'<a href="{text(href)}" data-id="{text(thing.id)}">{inside}</a>'
    words = f"node {text(thing.kind)}{' focus' if thing.focus else ''}"
    at = f"translate({_short(rect.x)} {_short(rect.y)})"
    return f'<g class="{words}" transform="{at}">{inside}</g>'


def _shape(kind: str) -> str:
    w, h = WIDTH, HEIGHT
    ways = {
        "Datastore": f"M0 6v{h - 12:g}c0 8 {w:g} 8 {w:g} 0V6c0-8-{w:g}-8-{w:g} 0c0 8 {w:g} 8 {w:g} 0",
        "Stream": f"M14 0h{w - 28:g}l14 {h / 2:g}-14 {h / 2:g}H14L0 {h / 2:g}z",
        "Pipeline": f"M12 0H{w:g}l-12 {h:g}H0z",
        "Route": f"M0 0h{w - 14:g}l14 {h / 2:g}-14 {h / 2:g}H0z",
    }
    if kind in ways:
        return f'<path class="shape" d="{ways[kind]}"/>'
    if kind == "System":
        behind = f'<rect class="shape" x="4" y="4" width="{w - 4:g}" height="{h - 4:g}" rx="2"/>'
        return behind + f'<rect class="shape" width="{w - 4:g}" height="{h - 4:g}" rx="2"/>'
    return f'<rect class="shape" width="{w:g}" height="{h:g}" rx="8"/>'


def _box(rect: Rect) -> str:
    sizes = (("x", rect.x), ("y", rect.y), ("width", rect.width), ("height", rect.height))
    return " ".join(f'{name}="{_short(value)}"' for name, value in sizes)


def cut(words: str, most: int = _LABEL) -> str:
    """As much as fits into a box."""
    return words if len(words) <= most else f"{words[: most - 1]}…"


def text(words: str) -> str:
    """As XML text or attribute: escaped, and without what XML may not hold."""
    return html.escape(_ILLEGAL.sub("\ufffd", words), quote=True)


_MARKER = (
    '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8"'
    ' markerUnits="userSpaceOnUse" orient="auto"><path class="arrow" d="M0 1l9 4-9 4z"/></marker>'
    "</defs>"
)
STYLE = (
    ".ground{fill:#fcfcfb}text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',"
    "sans-serif;fill:#1b1c1e;text-anchor:middle}.sub{font-size:10.5px;fill:#55575c}"
    ".frame rect{fill:#f3f3f1;stroke:#e2e2de}.frame text{text-anchor:start;font-weight:600;"
    "fill:#55575c}.shape{fill:#fff;stroke:#8d8d86}.focus .shape{fill:#e8eefc;stroke:#2753c4;"
    "stroke-width:2}.wire{fill:none;stroke:#8d8d86;stroke-width:1}.critical{stroke:#6a6c72;"
    "stroke-width:1.7}.inferred{stroke-dasharray:5 4}.own,.far{display:none}.busy .wire{stroke-opacity:.45}.arrow{fill:#6a6c72}"
    "@media (prefers-color-scheme:dark){.ground{fill:#121315}text{fill:#ececee}.sub{fill:#b3b5bb}"
    ".frame rect{fill:#1f2125;stroke:#2e3136}.frame text{fill:#b3b5bb}.shape{fill:#191b1e;"
    "stroke:#74777f}.focus .shape{fill:#1d2842;stroke:#8fb0ff}.wire{stroke:#74777f}"
    ".critical{stroke:#999ca4}.arrow{fill:#999ca4}}"
)
