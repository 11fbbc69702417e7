"""The picture of a service: who uses it on the left, itself, what it uses on the right.

Laid out on the server as plain SVG with links: no script, prints, and reads the same to a screen
reader as the list beside it. Called by the entity page.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from telford.app.catalogue import Index, Row
from telford.app.connections import Edge

BOX_WIDTH = 220
BOX_HEIGHT = 44
GAP_Y = 12
GAP_X = 110
MAX_SIDE = 12
"""More neighbours than this on one side are a list, not a picture."""


@dataclass(frozen=True, slots=True)
class Box:
    """One drawn entity; x and y are its upper left corner, in SVG units."""

    address: str
    label: str
    sub: str
    x: int
    y: int
    here: bool


@dataclass(frozen=True, slots=True)
class Wire:
    """One drawn edge, as an SVG path that ends in an arrow head."""

    path: str
    head: str
    soft: bool
    inferred: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """The whole picture; `left_out` counts the neighbours that did not fit."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    left_out: int


def draw(row: Row, uses: Sequence[Edge], used_by: Sequence[Edge], index: Index) -> Drawing | None:
    """The picture; None where the entity is alone."""
    if not uses and not used_by:
        return None
    left, right = used_by[:MAX_SIDE], uses[:MAX_SIDE]
    rows = max(len(left), len(right), 1)
    height = rows * (BOX_HEIGHT + GAP_Y) - GAP_Y
    middle_x = BOX_WIDTH + GAP_X if left else 0
    here = Box(row.address, row.name, _sub(row), middle_x, (height - BOX_HEIGHT) // 2, True)
    before = [_box(edge.source, index, 0, at, len(left), height) for at, edge in enumerate(left)]
    right_x = middle_x + BOX_WIDTH + GAP_X
    after = [
        _box(edge.target, index, right_x, at, len(right), height) for at, edge in enumerate(right)
    ]
    wires = [
        *(_wire(box, here, edge) for box, edge in zip(before, left, strict=True)),
        *(_wire(here, box, edge) for box, edge in zip(after, right, strict=True)),
    ]
    return Drawing(
        width=(right_x if right else middle_x) + BOX_WIDTH,
        height=height,
        boxes=(*before, here, *after),
        wires=tuple(wires),
        left_out=len(uses) + len(used_by) - len(left) - len(right),
    )


def _box(address: str, index: Index, x: int, at: int, of: int, height: int) -> Box:
    row = index.by_address[address]
    top = (height - (of * (BOX_HEIGHT + GAP_Y) - GAP_Y)) // 2
    return Box(address, row.name, _sub(row), x, top + at * (BOX_HEIGHT + GAP_Y), False)


def _sub(row: Row) -> str:
    return f"{row.kind.lower()} · {row.type}" if row.type else row.kind.lower()


def _wire(start: Box, end: Box, edge: Edge) -> Wire:
    x1, y1 = start.x + BOX_WIDTH, start.y + BOX_HEIGHT // 2
    x2, y2 = end.x, end.y + BOX_HEIGHT // 2
    middle = (x1 + x2) // 2
    return Wire(
        path=f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2 - 7} {y2}",
        head=f"M{x2} {y2}l-9 -4.5v9z",
        soft=not edge.critical,
        inferred=edge.inferred,
    )


@dataclass(frozen=True, slots=True)
class Spark:
    """A line over time as SVG paths in a box of 600 x 80; `limit_y` is where the limit is drawn."""

    line: str
    area: str
    limit_y: float
    last: float
    most: float


SPARK_WIDTH, SPARK_HEIGHT = 600, 80


def spark(values: Sequence[float | None], limit: float) -> Spark | None:
    """The values in even steps, gaps left open; None where there is no value at all."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    top = max(*known, limit) * 1.15 or 1.0
    step = SPARK_WIDTH / max(len(values) - 1, 1)

    def y(value: float) -> float:
        return round(SPARK_HEIGHT * (1 - value / top), 2)

    line, area = [], []
    for run in _runs(values):
        points = [(round(at * step, 2), y(value)) for at, value in run]
        path = "M" + "L".join(f"{x} {height}" for x, height in points)
        line.append(path if len(points) > 1 else f"{path}h2")
        area.append(f"{path}V{SPARK_HEIGHT}H{points[0][0]}Z")
    return Spark("".join(line), "".join(area), y(limit), known[-1], max(known))


def _runs(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """The stretches without a gap."""
    runs: list[list[tuple[int, float]]] = [[]]
    for at, value in enumerate(values):
        if value is not None:
            runs[-1].append((at, value))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]
