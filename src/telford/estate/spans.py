"""A YAML text as nodes that know where they begin and end, for edits that leave the rest alone.

`telford.basics.yamltext` keeps where a value begins, which is all that a diagnostic needs, and is
fast; an edit needs the end, the style, anchors and aliases as well, and is made of one small file.
Called by `telford.estate.editing`.
"""

from dataclasses import dataclass, field
from typing import Any

import yaml

from telford.basics.errors import RefusedError

# People's files have a few hundred lines; a rendered tree is not edited by hand or by us.
MAX_CHARACTERS = 4_000_000


@dataclass(slots=True)
class Span:
    """One node: the characters `begin` to `end` of the text are its value, properties included.

    `style` is "plain", "quoted", "block", "flow" or "alias"; an empty plain scalar has no
    characters. `marked` says that it carries an anchor or a tag.
    """

    begin: int
    end: int
    style: str
    marked: bool = False


@dataclass(slots=True)
class Leaf(Span):
    """A scalar, or an alias of something else (`style` is "alias")."""

    text: str = ""


@dataclass(slots=True)
class Items(Span):
    """A list."""

    items: list[Span] = field(default_factory=list)


@dataclass(slots=True)
class Fields(Span):
    """A mapping in written order: its keys' own spans and its values. `merges` says that a ``<<``
    brings more keys; `odd` that a key is no plain text.
    """

    keys: dict[str, Leaf] = field(default_factory=dict)
    values: dict[str, Span] = field(default_factory=dict)
    merges: bool = False
    odd: bool = False


def read(text: str) -> list[Span]:
    """The documents of a text that has no syntax error, empty ones left out.

    Raises `RefusedError` for a text with one, or for one that is too long.
    """
    if len(text) > MAX_CHARACTERS:
        raise RefusedError(f"the file has more than {MAX_CHARACTERS:,} characters")
    try:
        return _Composer(text).documents()
    except yaml.YAMLError as error:
        raise RefusedError(
            "the file has a syntax error", fix="run `telford check` and mend it first"
        ) from error


def last_end(node: Fields | Items) -> int:
    """Where the last thing inside a collection ends."""
    inner = node.values.values() if isinstance(node, Fields) else node.items
    return max(child.end for child in inner)


def list_step(text: str, documents: list[Span]) -> int:
    """How much deeper than their keys the lists of a text stand; 2 where it has none."""
    pending = list(documents)
    while pending:
        node = pending.pop()
        if isinstance(node, Items):
            pending += node.items
        elif isinstance(node, Fields):
            for key, value in node.values.items():
                if isinstance(value, Items) and value.style == "block" and value.items:
                    dash = text.rindex("-", 0, max(value.items[0].begin, 1))
                    start = text.rfind("\n", 0, dash) + 1
                    name = node.keys[key].begin
                    depth = (dash - start) - (name - (text.rfind("\n", 0, name) + 1))
                    if depth in (0, 2):
                        return depth
            pending += node.values.values()
    return 2


class _Composer:
    """The events of one text on their way to spans."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._next = yaml.CBaseLoader(text).get_event

    def documents(self) -> list[Span]:
        found: list[Span] = []
        while (event := self._next()) is not None:
            if isinstance(event, yaml.DocumentStartEvent):
                span = self._node(self._next())
                if not (isinstance(span, Leaf) and span.begin == span.end):
                    found.append(span)
        return found

    def _node(self, event: Any) -> Span:
        begin: int = event.start_mark.index
        kind = type(event)
        if kind is yaml.AliasEvent:
            return Leaf(begin, event.end_mark.index, "alias", text=event.anchor)
        marked = event.anchor is not None or event.tag is not None
        if kind is yaml.ScalarEvent:
            style = {None: "plain", "": "plain", "|": "block", ">": "block"}
            how = style.get(event.style, "quoted")
            return Leaf(begin, self._end(event, how), how, marked, text=event.value)
        style_name = "flow" if event.flow_style else "block"
        if kind is yaml.SequenceStartEvent:
            return self._items(Items(begin, event.end_mark.index, style_name, marked))
        return self._fields(Fields(begin, event.end_mark.index, style_name, marked))

    def _end(self, event: Any, style: str) -> int:
        """Where a scalar ends; a block of text before the line break of its last line."""
        end: int = event.end_mark.index
        if style != "block":
            return end
        if self._text.endswith("\r\n", 0, end):
            return end - 2
        return end - 1 if self._text.endswith("\n", 0, end) else end

    def _items(self, span: Items) -> Items:
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            span.items.append(self._node(event))
        self._close(span, event, span.items)
        return span

    def _fields(self, span: Fields) -> Fields:
        children: list[Span] = []
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._node(event)
            value = self._node(self._next())
            children += [key, value]
            if not isinstance(key, Leaf) or key.style not in ("plain", "quoted"):
                span.odd = True
            elif key.text == "<<" and key.style == "plain":
                span.merges = True
            else:
                span.keys.setdefault(key.text, key)
                span.values.setdefault(key.text, value)
        self._close(span, event, children)
        return span

    @staticmethod
    def _close(span: Items | Fields, event: Any, children: list[Span]) -> None:
        """A block collection ends with its last child: the parser's own mark is behind blanks."""
        if span.style == "flow" or not children:
            span.end = event.end_mark.index
        else:
            span.end = max(child.end for child in children)
