"""Where the boxes of a picture go: layers along the arrows, few crossings, nothing on anything else.

The method of Sugiyama, Tagawa and Toda (1981): break cycles, put what is needed behind what needs
it (layers of bounded width, as Coffman and Graham do), lead long arrows through every layer, order
each layer by the barycentres of its neighbours, and move everything as near to its neighbours as
order and gaps allow. Pure and deterministic; lengths are pixels. Called by `telford graph --format
svg` and the portal's map through `telford.app.graph_picture`.
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

MAX_PAIRS = 300
"""Arrows that are led around boxes; every layer that one passes costs as much as a box."""
SWEEPS = 6
"""Times that every layer is ordered anew: later ones change next to nothing."""
ALIGNMENTS = 6
MANY = 130
"""Boxes or arrows of which one arrangement has to be right at once: each takes a tenth of a second."""
BETTER = 1.5
"""How much larger a picture must show, to give up that arrows lead one way."""
LAYER_GAP = 64.0
"""Between two layers: room for arrows to turn."""
BOX_GAP = 14.0
FRAME_GAP = 30.0
WIRE_GAP = 9.0
"""Between an arrow that passes through a layer and what is beside it."""
PAD = 16.0
TITLE = 22.0
"""Inside a frame: around its boxes, and above them for its name."""

Point = tuple[float, float]
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Box:
    """Something to place; `group` names the frame that it stands in, or is ""."""

    id: str
    width: float
    height: float
    group: str = ""


@dataclass(frozen=True, slots=True)
class Rect:
    """Where something is: its upper left corner and its size."""

    x: float
    y: float
    width: float
    height: float

    def moved(self, x: float, y: float) -> "Rect":
        """The same elsewhere."""
        return Rect(self.x + x, self.y + y, self.width, self.height)


@dataclass(frozen=True, slots=True)
class Layout:
    """Rectangles of boxes and frames, and for each pair that is joined the points of its arrow
    (ends included). Pairs across frames are joined by the arrow of their frames. `down` says that
    layers lie below one another.
    """

    boxes: Mapping[str, Rect]
    frames: Mapping[str, Rect]
    routes: Mapping[Pair, tuple[Point, ...]]
    width: float
    height: float
    down: bool = False


def layered(
    boxes: Sequence[Box],
    pairs: Iterable[Pair],
    *,
    down: bool = False,
    most: int = 0,
    layers: Mapping[str, int] | None = None,
    gap: float = LAYER_GAP,
    space: float = BOX_GAP,
) -> Layout:
    """Boxes in layers from left to right (or `down`), at most `most` in one (0: any number).

    `gap` is between layers, `space` between boxes of one layer. `layers` says which layer each is in, where that means something; else arrows decide.
    """
    number = {box.id: n for n, box in enumerate(boxes)}
    joined = sorted({(number[a], number[b]) for a, b in pairs if a != b})
    if layers is None:
        arrows = _acyclic(len(boxes), joined)
        layer = _assigned(len(boxes), arrows, most or len(boxes))
    else:
        layer = _split([layers[box.id] for box in boxes], most or len(boxes))
        arrows = [(a, b) if layer[a] < layer[b] else (b, a) for a, b in joined]
    sizes = [(b.height, b.width) if down else (b.width, b.height) for b in boxes]
    grid = _Grid(sizes, layer, arrows, space)
    grid.order()
    grid.place(gap)
    return _layout(boxes, joined, grid, down)


def grouped(boxes: Sequence[Box], pairs: Sequence[Pair], gap: float = LAYER_GAP) -> Layout:
    """Boxes inside the frames of their groups, frames and single boxes in layers beside one another.

    Inside a frame layers go down, for boxes are wider than high. Of several arrangements of the
    frames the one is taken that shows largest on a screen. Past `MAX_PAIRS` the later pairs have no
    say in it and get no route: the first should be those that matter most.
    """
    inside: dict[str, list[Box]] = {}
    for box in boxes:
        inside.setdefault(box.group, []).append(box)
    home = {box.id: f"frame:{box.group}" if box.group else box.id for box in boxes}
    within: dict[str, list[Pair]] = {}
    across: dict[Pair, None] = {}
    for a, b in pairs:
        if home[a] == home[b]:
            within.setdefault(home[a], []).append((a, b))
        elif len(across) < MAX_PAIRS:
            across[home[a], home[b]] = None
    inner = {
        f"frame:{name}": layered(
            members,
            within.get(f"frame:{name}", [])[:MAX_PAIRS],
            down=True,
            most=_rows(len(members)),
            gap=26,
        )
        for name, members in inside.items()
        if name
    }
    outer_boxes = [
        Box(frame, part.width + 2 * PAD, part.height + 2 * PAD + TITLE)
        for frame, part in inner.items()
    ] + inside.get("", [])
    outer = _best(outer_boxes, sorted(across), gap, FRAME_GAP if inner else BOX_GAP)
    return _combined(outer, inner)


def fit(layout: Layout) -> float:
    """How large a picture can be shown in the room a screen has for it, twice as wide as high: its
    scale, of which no more than 1 is of use.
    """
    return min(2 / max(layout.width, 2), 1 / max(layout.height, 1), 1 / 900)


def columned(boxes: Sequence[Box], pairs: Sequence[Pair], layers: Mapping[str, int]) -> Layout:
    """Boxes in given columns; a long column becomes several, where that shows larger."""
    count = len(boxes)
    choices = sorted({8, 12, 18, 28, max(count // 6, 8)})
    led = pairs[:MAX_PAIRS]
    tried = [layered(boxes, led, layers=layers, most=most) for most in choices]
    return max(tried, key=fit)


def _best(boxes: Sequence[Box], pairs: Sequence[Pair], gap: float, space: float) -> Layout:
    """The arrangement that shows largest: to the right or down, narrow or wide."""
    count = len(boxes)
    middle = max(2, round(math.sqrt(count)))
    many = count > MANY or len(pairs) > MANY
    choices = {middle} if many else {middle, middle + 2, 2 * middle, count}
    tried = [
        layered(boxes, pairs, down=down, most=most, gap=gap * (0.7 if down else 1), space=space)
        for down in (False, True)
        for most in sorted(choices)
    ]
    best = max(tried, key=fit)
    # Where everything needs everything, arrows make a ladder: rows say more.
    rows = layered(boxes, pairs, layers=_ranks(boxes, pairs), down=True, gap=gap, space=space)
    return rows if fit(rows) > BETTER * fit(best) else best


def _ranks(boxes: Sequence[Box], pairs: Sequence[Pair]) -> dict[str, int]:
    """Rows of a square: what needs more than needs it above, what is needed more below."""
    balance = {box.id: 0 for box in boxes}
    for a, b in pairs:
        balance[a] -= 1
        balance[b] += 1
    ordered = sorted(balance, key=lambda name: balance[name])
    width = max(1, math.ceil(math.sqrt(len(ordered))))
    return {name: place // width for place, name in enumerate(ordered)}


def _rows(count: int) -> int:
    """How many boxes stand side by side in a frame."""
    return max(2, round(math.sqrt(count * 0.8)))


def _combined(outer: Layout, inner: Mapping[str, Layout]) -> Layout:
    boxes = {key: rect for key, rect in outer.boxes.items() if key not in inner}
    routes = dict(outer.routes)
    for frame, part in inner.items():
        corner = outer.boxes[frame]
        x, y = corner.x + PAD, corner.y + PAD + TITLE
        boxes |= {key: rect.moved(x, y) for key, rect in part.boxes.items()}
        for pair, points in part.routes.items():
            routes[pair] = tuple((px + x, py + y) for px, py in points)
    frames = {frame.partition(":")[2]: outer.boxes[frame] for frame in inner}
    return Layout(boxes, frames, routes, outer.width, outer.height, outer.down)


def _acyclic(count: int, pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pairs, those turned round that lead back to where a walk came from."""
    following: list[list[int]] = [[] for _ in range(count)]
    for a, b in pairs:
        following[a].append(b)
    state = bytearray(count)
    turned: set[tuple[int, int]] = set()
    fed = {b for _, b in pairs}
    # Where nothing leads is where a reader begins.
    for root in sorted(range(count), key=lambda n: (n in fed, n)):
        stack = [(root, iter(following[root]))] if not state[root] else []
        state[root] = state[root] or 1
        while stack:
            node, rest = stack[-1]
            other = next(rest, None)
            if other is None:
                state[node] = 2
                stack.pop()
            elif state[other] == 1:
                turned.add((node, other))
            elif not state[other]:
                state[other] = 1
                stack.append((other, iter(following[other])))
    return sorted({(b, a) if (a, b) in turned else (a, b) for a, b in pairs})


def _assigned(count: int, arrows: Sequence[tuple[int, int]], most: int) -> list[int]:
    """Layers such that every arrow leads onwards, none with more than `most`."""
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    for a, b in arrows:
        after[a].append(b)
        before[b].append(a)
    waiting = [len(one) for one in before]
    ready = [n for n in range(count) if not waiting[n]]
    # What stands alone fills up what is left.
    ready.sort(key=lambda n: (not after[n], n))
    layer = [0] * count
    filled: dict[int, int] = {}
    for node in ready:
        here = max((layer[b] + 1 for b in before[node]), default=0)
        while filled.get(here, 0) >= most:
            here += 1
        layer[node] = here
        filled[here] = filled.get(here, 0) + 1
        for other in after[node]:
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    for node in reversed(ready):
        nearer = min((layer[b] for b in after[node]), default=0) - 1
        if not before[node] and nearer > layer[node] and filled.get(nearer, 0) < most:
            filled[layer[node]] -= 1
            filled[nearer] = filled.get(nearer, 0) + 1
            layer[node] = nearer
    used = {old: new for new, old in enumerate(sorted(set(layer)))}
    return [used[one] for one in layer]


def _split(layers: Sequence[int], most: int) -> list[int]:
    """Given layers, numbered from 0; one with more than `most` becomes several."""
    members: dict[int, list[int]] = {}
    for node, layer in enumerate(layers):
        members.setdefault(layer, []).append(node)
    found = [0] * len(layers)
    next_ = 0
    for layer in sorted(members):
        parts = math.ceil(len(members[layer]) / most)
        size = math.ceil(len(members[layer]) / parts)
        for place, node in enumerate(members[layer]):
            found[node] = next_ + place // size
        next_ += parts
    return found


class _Grid:
    """Nodes in layers: the boxes first, then a point for every layer that an arrow passes.

    `sizes` are along the layers' direction and across it.
    """

    def __init__(
        self,
        sizes: Sequence[tuple[float, float]],
        layer: Sequence[int],
        arrows: Sequence[tuple[int, int]],
        space: float,
    ) -> None:
        self.space = space
        self.boxes = len(sizes)
        self.sizes = list(sizes)
        self.layer = list(layer)
        self.chains: dict[tuple[int, int], list[int]] = {}
        self.before: list[list[int]] = [[] for _ in sizes]
        self.after: list[list[int]] = [[] for _ in sizes]
        for a, b in arrows:
            self._lead(a, b)
        self.rows: list[list[int]] = [[] for _ in range(max(self.layer, default=-1) + 1)]
        for node, where in enumerate(self.layer):
            self.rows[where].append(node)
        self.along: list[float] = []
        self.across = [0.0] * len(self.sizes)

    def _lead(self, a: int, b: int) -> None:
        if self.layer[a] >= self.layer[b]:
            # In one layer: an arrow beside it, which moves nothing.
            self.chains[a, b] = [a, b]
            return
        chain = [a]
        for where in range(self.layer[a] + 1, self.layer[b]):
            chain.append(len(self.sizes))
            self.sizes.append((0.0, 0.0))
            self.layer.append(where)
            self.before.append([])
            self.after.append([])
        chain.append(b)
        for one, other in itertools.pairwise(chain):
            self.after[one].append(other)
            self.before[other].append(one)
        self.chains[a, b] = chain

    def order(self) -> None:
        """Order each layer by the middle of its neighbours, to and fro."""
        place = [0.0] * len(self.sizes)
        for row in self.rows:
            for at, node in enumerate(row):
                place[node] = float(at)
        for sweep in range(SWEEPS):
            onwards = sweep % 2 == 0
            near = self.before if onwards else self.after
            for row in self.rows if onwards else reversed(self.rows):
                keys = {n: _mean(place, near[n], place[n]) for n in row}
                row.sort(key=lambda n: (keys[n], place[n]))
                # Measured in shares of the layer, so that short layers pull as hard as long ones.
                for at, node in enumerate(row):
                    place[node] = (at + 0.5) / len(row) * 1000

    def place(self, gap: float) -> None:
        """Coordinates: layers one after the other, and in each everything near its neighbours."""
        at = 0.0
        for row in self.rows:
            self.along.append(at)
            at += max((self.sizes[n][0] for n in row), default=0.0) + gap
        for row in self.rows:
            self._settle(row, [0.0] * len(row))
        for turn in range(ALIGNMENTS):
            onwards = turn % 2 == 0
            for row in self.rows if onwards else reversed(self.rows):
                near = self.before if onwards else self.after
                wanted = [_mean(self.across, near[n], self.across[n]) for n in row]
                self._settle(row, wanted)

    def _settle(self, row: Sequence[int], wanted: Sequence[float]) -> None:
        """As near to what is wanted as order and gaps allow, by least squares (isotonic regression,
        pool adjacent violators).
        """
        offsets = [0.0]
        for one, other in itertools.pairwise(row):
            wire = one >= self.boxes or other >= self.boxes
            space = WIRE_GAP if wire else self.space
            half = (self.sizes[one][1] + self.sizes[other][1]) / 2
            offsets.append(offsets[-1] + half + space)
        blocks: list[list[float]] = []
        for want, offset in zip(wanted, offsets, strict=False):
            blocks.append([want - offset, 1.0])
            while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
                value, weight = blocks.pop()
                total = blocks[-1][1] + weight
                blocks[-1] = [(blocks[-1][0] * blocks[-1][1] + value * weight) / total, total]
        place = 0
        for value, weight in blocks:
            for _ in range(int(weight)):
                self.across[row[place]] = value + offsets[place]
                place += 1


def _mean(values: Sequence[float], which: Sequence[int], otherwise: float) -> float:
    return sum(values[n] for n in which) / len(which) if which else otherwise


def _layout(
    boxes: Sequence[Box], pairs: Sequence[tuple[int, int]], grid: _Grid, down: bool
) -> Layout:
    lowest = min((grid.across[n] - grid.sizes[n][1] / 2 for n in range(len(grid.sizes))), default=0)
    widest = [max((grid.sizes[n][0] for n in row), default=0.0) for row in grid.rows]
    rects = {}
    for node, box in enumerate(boxes):
        along, across = grid.sizes[node]
        where = grid.layer[node]
        # In the middle of its layer.
        main = grid.along[where] + (widest[where] - along) / 2
        cross = grid.across[node] - across / 2 - lowest
        x, y = (cross, main) if down else (main, cross)
        rects[box.id] = Rect(round(x, 1), round(y, 1), box.width, box.height)
    routes = {}
    for a, b in pairs:
        chain = grid.chains.get((a, b)) or grid.chains[b, a][::-1]
        middle = [_passing(grid, node, widest, lowest, down) for node in chain[1:-1]]
        ends = _ends(rects[boxes[a].id], rects[boxes[b].id], down)
        points = [ends[0], *(p for pair in middle for p in _turned(pair, ends)), ends[1]]
        routes[boxes[a].id, boxes[b].id] = tuple((round(x, 1), round(y, 1)) for x, y in points)
    furthest = [grid.across[n] + grid.sizes[n][1] / 2 - lowest for n in range(len(grid.sizes))]
    length = grid.along[-1] + widest[-1] if grid.rows else 0.0
    size = (length, max(furthest, default=0.0))
    return Layout(rects, {}, routes, *(size[::-1] if down else size), down)


def _passing(
    grid: _Grid, node: int, widest: Sequence[float], lowest: float, down: bool
) -> tuple[Point, Point]:
    """Where an arrow enters a layer that it passes and where it leaves: it goes straight through."""
    where, cross = grid.layer[node], grid.across[node] - lowest
    start, end = grid.along[where], grid.along[where] + widest[where]
    return ((cross, start), (cross, end)) if down else ((start, cross), (end, cross))


def _turned(pair: tuple[Point, Point], ends: tuple[Point, Point]) -> tuple[Point, Point]:
    """The two in the direction of the arrow."""
    forward = ends[0] <= ends[1] if pair[0][0] != pair[1][0] else ends[0][1] <= ends[1][1]
    return pair if forward else (pair[1], pair[0])


def _ends(one: Rect, other: Rect, down: bool) -> tuple[Point, Point]:
    """Where an arrow leaves its first box and meets its second, on the sides that face."""
    if down:
        middles = one.x + one.width / 2, other.x + other.width / 2
        below = other.y >= one.y
        first = one.y + one.height if below or other.y == one.y else one.y
        last = other.y if other.y > one.y else other.y + other.height
        return (middles[0], first), (middles[1], last)
    middles = one.y + one.height / 2, other.y + other.height / 2
    first = one.x + one.width if other.x >= one.x else one.x
    last = other.x if other.x > one.x + one.width / 2 else other.x + other.width
    return (first, middles[0]), (last, middles[1])
