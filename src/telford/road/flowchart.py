"""Mermaid flowcharts: boxes by kind, frames around them, and arrows that say what matters.

A thick arrow is critical, a dashed one only inferred. Texts are quoted and escaped; tests give
what is written to Mermaid's own parser. https://mermaid.js.org/syntax/flowchart.html
Called by target `mermaid` and by `telford graph`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

# Brackets of the shapes, by the kind of thing.
_SHAPES = {
    "service": ("(", ")"),
    "datastore": ("[(", ")]"),
    "stream": ("{{", "}}"),
    "pipeline": ("[/", "/]"),
    "route": (">", "]"),
    "system": ("[[", "]]"),
}
_DEFAULT = ("[", "]")


@dataclass(frozen=True, slots=True)
class Box:
    """One thing: what it is called in the text (`address`), its kind, and what stands in it."""

    address: str
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class Frame:
    """Boxes that belong together; without a title they stand free."""

    title: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Arrow:
    """From the one that needs to the one that is needed, both by address."""

    source: str
    target: str
    critical: bool = True
    inferred: bool = False
    words: str = ""


def flowchart(frames: Sequence[Frame], arrows: Iterable[Arrow], direction: str = "LR") -> str:
    """The text of a flowchart. Arrows whose ends stand in no frame are a bug: KeyError."""
    boxes = [box for frame in frames for box in frame.boxes]
    names = identifiers(box.address for box in boxes)
    lines = [f"flowchart {direction}"]
    for number, frame in enumerate(frames):
        lines += _frame(frame, number, names)
    lines += [_arrow(arrow, names) for arrow in arrows]
    return "\n".join(lines) + "\n"


def _frame(frame: Frame, number: int, names: dict[str, str]) -> Iterator[str]:
    indent = "    " if frame.title else "  "
    if frame.title:
        yield f'  subgraph s{number}["{escaped(frame.title)}"]'
    for box in frame.boxes:
        left, right = _SHAPES.get(box.kind, _DEFAULT)
        yield f'{indent}{names[box.address]}{left}"{escaped(box.words)}"{right}'
    if frame.title:
        yield "  end"


def _arrow(arrow: Arrow, names: dict[str, str]) -> str:
    line = "==>" if arrow.critical else "-->"
    if arrow.inferred:
        line = "-.->"
    middle = f'|"{escaped(arrow.words)}"|' if arrow.words else ""
    return f"  {names[arrow.source]} {line}{middle} {names[arrow.target]}"


def identifiers(addresses: Iterable[str]) -> dict[str, str]:
    """Address -> a word of letters, digits and `_`, no two the same: ``service_shop_orders``.

    Made of the address alone as far as that tells them apart, so that a text changes no more than
    what it is of.
    """
    found: dict[str, str] = {}
    used: set[str] = set()
    for address in addresses:
        word = plain = re.sub(r"[^A-Za-z0-9]+", "_", address).strip("_")
        number = 2
        while word in used:
            word, number = f"{plain}_{number}", number + 1
        used.add(word)
        found[address] = word
    return found


def escaped(words: str) -> str:
    """Text in quotes: Mermaid knows entities, and nothing else ends a quoted text."""
    known = words.replace("&", "#38;").replace('"', "#quot;").replace("<", "#lt;")
    return " ".join(known.replace(">", "#gt;").split())
