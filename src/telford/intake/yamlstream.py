"""The documents of a foreign YAML file: their values as YAML 1.1 has them, and where things stand.

Plain documents go the quick way (`telford.intake.blockyaml`), all others through
`telford.basics.yamltext`, which is also asked for the positions of plain ones where somebody wants
to know: few do. Both say the same. Called by `telford.intake.kubernetes.objects`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from telford.basics import yamltext
from telford.basics.diagnostics import Diagnostic
from telford.basics.yamltext import Mapping as MappingNode
from telford.basics.yamltext import Node
from telford.basics.yamltext import Sequence as SequenceNode
from telford.intake import blockyaml, yaml11
from telford.road import patch

# A kind that is Secret, or that only the lines above or below tell.
_SECRET = re.compile(r"kind['\"]?: *(?:[*&|>]|['\"]?Secret['\"]?(?: |$))", re.MULTILINE)
_MARKER = re.compile(r"---[ ]*(?:(?<=[ ])#.*)?$")
# Beyond this many lines a file may mean more values than `yamltext` allows, which counts them.
MAX_LINES = 500_000


@dataclass(slots=True)
class Source:
    """A document, or an item of a list in one: its value and where it begins (from 1).

    `nulls` is false where no leaf of it is null, `secrets` where no Secret can be inside of it.
    """

    value: Any
    line: int
    column: int
    nulls: bool
    secrets: bool
    _leaves: list[int] | None
    _node: Node | None
    _text: str = ""
    # Path -> line, of what was asked for already.
    _told: dict[patch.Path, int] = field(default_factory=dict)

    @property
    def node(self) -> Node:
        """The document with the position of each of its parts."""
        if self._node is None:
            self._node = yamltext.read(self._text, "", self.line)[0][0]
        return self._node

    @property
    def leaves(self) -> Sequence[int]:
        """The line of each leaf of the value, in the order of a walk."""
        if self._leaves is None:
            self._leaves = list(_lines(self.value, self.node))
        return self._leaves

    def where(self, path: patch.Path) -> tuple[int, int]:
        """Line and column of what is at a path, or of the nearest around it."""
        if self._node is None and _is_text(self.value, path):
            line = self.line_of(path)
            column = blockyaml.column(self._text.split("\n")[line - self.line])
            if column:
                return line, column
        node = at(self.node, path)
        return node.line, node.column

    def line_of(self, path: patch.Path) -> int:
        """The line of the leaf at a path, or of the first in what is there."""
        if path not in self._told:
            self._told[path] = self.leaves[self._number(path)]
        return self._told[path]

    def _number(self, path: patch.Path) -> int:
        """How many leaves are before the one at a path."""
        number = 0
        value = self.value
        for step in path:
            for key, item in _items(value):
                if key == step:
                    value = item
                    break
                number += patch.count(item)
        return number

    def without(self, value: Any) -> "Source":
        """The same document with a part of its value only."""
        return Source(value, self.line, self.column, True, True, None, self.node)

    def inside(self, value: Any, key: str, index: int) -> "Source":
        """An item of one of its lists."""
        node = _step(_step(self.node, key), index)
        return Source(value, node.line, node.column, True, True, None, node)


def read(text: str, file: str) -> tuple[list[Source], list[Diagnostic]]:
    """Every document of a text and everything wrong with it, as `yamltext.read` tells them."""
    text = text.removeprefix("\ufeff")
    lines = text.split("\n")
    quick = len(lines) <= MAX_LINES and not _strange(text) and yamltext.readable(text)
    return _apart(lines, file) if quick else _whole(text, file)


def _strange(text: str) -> bool:
    """Whether a text has line breaks that are no line feeds, directives or ends of documents: such
    a file is read as a whole.
    """
    if any(character in text for character in "\r\x85\u2028\u2029"):
        return True
    return text.startswith(("%", "...")) or "\n%" in text or "\n..." in text


def _whole(text: str, file: str) -> tuple[list[Source], list[Diagnostic]]:
    nodes, problems = yamltext.read(text, file)
    lines = yamltext.lines(text)
    return [_of_node(node, lines) for node in nodes], list(problems)


def _of_node(node: Node, lines: Sequence[str]) -> Source:
    return Source(yaml11.plain(node, lines), node.line, node.column, True, True, None, node)


def _apart(lines: list[str], file: str) -> tuple[list[Source], list[Diagnostic]]:
    """Document by document; those that are not plain all at once, the others blanked out."""
    reader = blockyaml.Reader()
    found: list[Source] = []
    rest = [""] * len(lines)
    refused = False
    for begin, start, end in _documents(lines):
        try:
            plain = _plain(reader, lines, start, end)
        except blockyaml.RefusedError:
            refused = True
            rest[begin:end] = lines[begin:end]
        else:
            # The markers stay: a broken document ends at the next one.
            rest[begin:start] = lines[begin:start]
            if plain is not None:
                found.append(_of_plain(plain, "\n".join(lines[plain.line - 1 : end])))
    if not refused:
        return found, []
    others, problems = _whole("\n".join(rest), file)
    return sorted([*found, *others], key=lambda source: source.line), problems


def _of_plain(plain: blockyaml.Plain, text: str) -> Source:
    where = plain.line, plain.column
    secrets = _SECRET.search(text) is not None
    return Source(plain.value, *where, plain.nulls, secrets, plain.leaves, None, text)


def _plain(
    reader: blockyaml.Reader, lines: list[str], start: int, end: int
) -> blockyaml.Plain | None:
    """The document, where it is plain. One that ends without a line break is not: that would be
    missing from a text block.
    """
    if end == len(lines) and lines[-1]:
        raise blockyaml.RefusedError
    return reader.read(lines, start, end)


def _documents(lines: list[str]) -> Iterator[tuple[int, int, int]]:
    """Where each document begins, marker included, and where without a marker that is nothing but
    one; and where it ends.
    """
    begin = start = 0
    for number, line in enumerate(lines):
        if line[:3] == "---" and (len(line) == 3 or line[3] in " \t"):
            if number > begin:
                yield begin, start, number
            begin = number
            start = number + 1 if _MARKER.match(line) else number
    # Behind the last line break there is no line.
    yield begin, start, len(lines) - 1 if lines[-1] == "" else len(lines)


def _is_text(value: Any, path: patch.Path) -> bool:
    """Whether there is a text at a path."""
    for step in path:
        value = dict(_items(value)).get(step)
    return isinstance(value, str)


def _items(value: Any) -> Iterator[tuple[str | int, Any]]:
    """What a collection holds, by key or index."""
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def _lines(value: Any, node: Node) -> Iterator[int]:
    """The line of each leaf of a value that a node has."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _lines(item, _step(node, key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _lines(item, _step(node, index))
    else:
        yield node.line


def _step(node: Node, step: str | int) -> Node:
    if isinstance(node, MappingNode) and step in node.values:
        return node.values[str(step)]
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.items):
        return node.items[step]
    return node


def at(node: Node, path: patch.Path) -> Node:
    """The node at a path; the nearest around it where there is none."""
    for step in path:
        inner = _step(node, step)
        if inner is node:
            break
        node = inner
    return node
