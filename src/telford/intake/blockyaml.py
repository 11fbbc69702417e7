"""Plain block YAML, line by line: the quick way through what Helm and kustomize print.

Rendered manifests are millions of short lines of a handful of shapes, most of them many times over.
Each different line is understood once; a document whose every line has one of these shapes is read
without a YAML parser, at a quarter of the price. Anything else (tags, flow mappings,
texts over several lines, a key twice, whatever is wrong) is refused, and the caller reads that
document with `telford.basics.yamltext`, which is the authority: what is read here is exactly
what that reads. Called by `telford.intake.yamlstream`.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from telford.intake import yaml11
from telford.road import patch

# What may follow a value: nothing, blanks, or a comment behind a blank.
_END = r"[ ]*(?:(?<=[ ])#.*)?$"
# Plain text: it does not begin like anything else, and holds neither `: ` nor ` #`.
_PLAIN = r"(?:[^\s\-?:,\[\]{}#&*!|>'\"%@`]|[-:](?=[^\s,\[\]{}]))(?:[^\s:#]|:(?=\S)|(?<=\S)#|[ ]+(?=[^\s#]))*"
_SINGLE = r"'(?:[^']|'')*'"
_DOUBLE = r'"(?:[^"\\]|\\["\\/nt])*"'
_EMPTY = r"\{\}|\[\]"
_BLOCK = r"[|>]-?"
# A list of words and quoted texts on one line.
_ITEM = rf"(?:{_SINGLE}|{_DOUBLE}|[A-Za-z0-9_./$][A-Za-z0-9_./$@-]*)"
_FLOW = rf"\[ *{_ITEM}(?: *, *{_ITEM})* *\]"
# What may be repeated: collections, and scalars that every version of YAML takes alike.
_NAME = r"[A-Za-z0-9_-]+"
_SURE = r"[1-9][0-9]{0,8}|[A-Za-z/][A-Za-z0-9/._-]{3,}"
_VALUE = (
    f"(?P<single>{_SINGLE})|(?P<double>{_DOUBLE})|(?P<empty>{_EMPTY})|(?P<flow>{_FLOW})"
    f"|(?P<block>{_BLOCK})|[*](?P<alias>{_NAME})|&(?P<anchor>{_NAME})(?: +(?P<anchored>{_SURE}))?"
    f"|(?P<plain>{_PLAIN})"
)
_KEY = r"(?P<key>[A-Za-z0-9_.$/](?:[A-Za-z0-9_.$/-]*)|'[^'\\]+'|\"[^\"\\]+\")"
_DASHES = re.compile(r"( *)(?:(-)(?:( +)|$))?")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "/": "/"}
# Deeper nesting is left to the reader that has the limit.
_MAX_DEPTH = 60
_MAX_KEY = 256
# More that is repeated than this is left to the reader that counts what a file means.
_MAX_REPEATED = 50_000


@cache
def _entry() -> re.Pattern[str]:
    """A key with its value. Compiled at first use: it takes longer than most commands do without."""
    return re.compile(rf"(?:{_KEY}|(?P<merge><<)):(?:[ ]+(?:{_VALUE}))?{_END}")


@cache
def _scalar() -> re.Pattern[str]:
    """A value alone."""
    return re.compile(rf"(?:{_VALUE}){_END}")


class _Below:
    """The type of a value that stands on the lines below, if anywhere."""


class _Block:
    """The type of a text block; `end` is what its last line ends in, `folded` whether its lines are
    joined by blanks.
    """

    __slots__ = ("end", "folded")

    def __init__(self, end: str, *, folded: bool = False) -> None:
        self.end = end
        self.folded = folded


class _Alias:
    """The type of a value that repeats another one."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class _Anchored:
    """The type of a value that may be repeated under a name."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: Any) -> None:
        self.name = name
        self.value = value


_BELOW = _Below()
# The key that brings the keys of another mapping: this very object, compared by identity.
_MERGE = "".join(("<", "<"))
_MAPPING, _LIST = object(), object()
_BLOCKS = {
    "|": _Block("\n"),
    "|-": _Block(""),
    ">": _Block("\n", folded=True),
    ">-": _Block("", folded=True),
}

# Indentation; the column behind the dash, or -1; the key, or None; the value.
_Shape = tuple[int, int, str | None, Any] | tuple[()]
_NOTHING: _Shape = ()


@dataclass(frozen=True, slots=True)
class Plain:
    """A document: its value as YAML 1.1 has it, the line of each of its leaves in the order of a
    walk, where it begins, and whether any leaf is null. Lines and columns count from 1.
    """

    value: Any
    leaves: list[int]
    line: int
    column: int
    nulls: bool


class RefusedError(Exception):
    """The document is not as plain as this reader wants it."""


class Reader:
    """Reads documents; remembers what each different line means."""

    def __init__(self) -> None:
        self._shapes: dict[str, _Shape] = {}
        self._repeated = 0

    def read(self, lines: list[str], start: int, end: int) -> Plain | None:
        """The document on `lines[start:end]`, its marker left out; None where there is none.

        Raises `RefusedError` where it is not plain.
        """
        document = _Document(self._shapes, lines, start, end)
        document.repeated = self._repeated
        document.read()
        self._repeated = document.repeated
        return document.plain()


class _Document:
    """One document on its way: the open collections, and the one whose value comes next."""

    __slots__ = (
        *("_shapes", "_lines", "_at", "_end", "_leaves", "_nulls", "_root", "_first"),
        *("_holders", "_indents", "_waiting", "_key", "_indent", "_line", "_anchors", "_name"),
        *("_merges", "repeated"),
    )

    def __init__(self, shapes: dict[str, _Shape], lines: list[str], start: int, end: int) -> None:
        self._shapes = shapes
        self._lines = lines
        self._at = start
        self._end = end
        self._leaves: list[int] = []
        self._nulls = False
        self._root: Any = None
        self._first = (0, 0)
        self._holders: list[Any] = []
        self._indents: list[int] = []
        # The collection that waits for the value of a key, its indentation and its line.
        self._waiting: Any = None
        self._key: Any = None
        self._indent = 0
        self._line = 0
        # The name under which what is waited for may be repeated.
        self._name = ""
        # Name -> the value, and the number of the first of its leaves.
        self._anchors: dict[str, tuple[Any, int]] = {}
        # The identity of an open mapping -> what it takes in when it closes, as in `_anchors`.
        self._merges: dict[int, list[tuple[dict[str, Any], int]]] = {}
        self.repeated = 0

    def plain(self) -> Plain | None:
        """What was read."""
        if self._root is None:
            return None
        line, column = self._first
        return Plain(self._root, self._leaves, line, column, self._nulls)

    def read(self) -> None:
        """Go through the lines."""
        shapes, lines = self._shapes, self._lines
        holders, indents, leaves = self._holders, self._indents, self._leaves
        while self._at < self._end:
            line = lines[self._at]
            shape = shapes.get(line)
            if shape is None:
                shape = shapes[line] = _understood(line)
            self._at += 1
            if not shape:
                continue
            indent, inner, key, value = shape
            # Most lines are a key with a text beside other keys: all others take the longer way.
            if (
                type(value) is not str
                or inner >= 0
                or self._waiting is not None
                or not indents
                or indents[-1] != indent
                or type(holders[-1]) is not dict
            ):
                self._entry(indent, inner, key, value)
                continue
            if key in holders[-1]:
                raise RefusedError
            holders[-1][key] = value
            leaves.append(self._at)
        if self._waiting is not None:
            self._nothing()
        while holders:
            self._close()

    def _entry(self, indent: int, inner: int, key: str | None, value: Any) -> None:
        """One line that says something."""
        if self._waiting is not None:
            self._below(indent, inner >= 0)
        elif not self._holders:
            self._root = [] if inner >= 0 else {}
            self._first = (self._at, indent + 1)
            self._open(self._root, indent)
        holder = self._holder(indent, inner >= 0)
        if inner >= 0:
            if key is None:
                holder.append(None)
                self._value(holder, len(holder) - 1, value, indent)
                return
            item: dict[str, Any] = {}
            holder.append(item)
            self._open(item, inner)
            holder, indent = item, inner
        if key is _MERGE:
            self._merge(holder, value)
        elif key in holder:
            raise RefusedError
        else:
            self._value(holder, key, value, indent)

    def _merge(self, holder: dict[str, Any], value: Any) -> None:
        """Remember what a mapping takes in; its own keys go first, also those that follow."""
        if type(value) is not _Alias:
            raise RefusedError
        source, first = self._anchors.get(value.name, (None, -1))
        if type(source) is not dict or first < 0 or any(one is source for one in self._holders):
            raise RefusedError
        self._merges.setdefault(id(holder), []).append((source, first))

    def _close(self) -> None:
        """Close the innermost collection."""
        holder = self._holders.pop()
        self._indents.pop()
        for source, first in self._merges.pop(id(holder), ()) if self._merges else ():
            end = first
            for key, value in source.items():
                begin, end = end, end + patch.count(value)
                if key not in holder:
                    holder[key] = value
                    self._leaves += self._leaves[begin:end]
                    self._repeats(end - begin)

    def _repeats(self, count: int) -> None:
        self.repeated += count
        if self.repeated > _MAX_REPEATED:
            raise RefusedError

    def _below(self, indent: int, dash: bool) -> None:
        """Open what a key waits for, or find that there is nothing."""
        same = dash and indent == self._indent and type(self._waiting) is dict
        if indent > self._indent or same:
            opened: Any = [] if dash else {}
            self._waiting[self._key] = opened
            self._waiting = None
            if self._name:
                self._anchors[self._name] = opened, len(self._leaves)
                self._name = ""
            self._open(opened, indent)
        else:
            self._nothing()

    def _nothing(self) -> None:
        if self._name:
            raise RefusedError
        self._leaves.append(self._line)
        self._nulls = True
        self._waiting = None

    def _open(self, holder: Any, indent: int) -> None:
        if len(self._holders) >= _MAX_DEPTH:
            raise RefusedError
        self._holders.append(holder)
        self._indents.append(indent)

    def _holder(self, indent: int, dash: bool) -> Any:
        """The collection that a line belongs to; deeper ones are closed."""
        holders, indents = self._holders, self._indents
        while indents[-1] > indent:
            self._close()
            if not indents:
                raise RefusedError
        # A list may stand as far in as the key that it belongs to.
        if not dash and type(holders[-1]) is list and len(indents) > 1:
            self._close()
        holder = holders[-1]
        if indents[-1] != indent or (type(holder) is list) is not dash:
            raise RefusedError
        return holder

    def _value(self, holder: Any, key: Any, value: Any, indent: int) -> None:
        """Put a value where it belongs, or wait for it."""
        if type(value) is _Anchored:
            value = self._named(value)
        if value is _BELOW:
            if key.__class__ is str:
                holder[key] = None
            self._waiting, self._key, self._indent, self._line = holder, key, indent, self._at
            return
        if type(value) is _Alias:
            holder[key] = self._repeat(value.name)
            return
        self._leaves.append(self._at)
        if value is None:
            self._nulls = True
        elif value is _MAPPING:
            value = {}
        elif value is _LIST:
            value = []
        elif type(value) is _Block:
            content = self._text(indent)
            value = (_folded(content) if value.folded else "\n".join(content)) + value.end
            value = value if content else ""
        elif type(value) is tuple:
            self._leaves += [self._at] * (len(value) - 1)
            value = list(value)
        holder[key] = value

    def _named(self, anchored: _Anchored) -> Any:
        """The value behind an anchor; of one on the lines below the name is kept."""
        if anchored.value is _BELOW:
            self._name = anchored.name
        else:
            self._anchors[anchored.name] = anchored.value, -1
        return anchored.value

    def _repeat(self, name: str) -> Any:
        """What an alias means: a scalar stands here, the leaves of a collection where they are."""
        if name not in self._anchors or name == self._name:
            raise RefusedError
        value, first = self._anchors[name]
        if first < 0:
            self._leaves.append(self._at)
            return value
        if any(holder is value for holder in self._holders):
            raise RefusedError
        count = patch.count(value)
        self._repeats(count)
        self._leaves += self._leaves[first : first + count]
        return value

    def _text(self, outer: int) -> list[str]:
        """The lines of a text block behind this one, without their indentation."""
        content: list[str] = []
        indent = blanks = 0
        prefix = ""
        while self._at < self._end:
            line = self._lines[self._at]
            if indent and line.startswith(prefix):
                content.append(line[indent:])
                self._at += 1
                continue
            rest = line.lstrip(" ")
            depth = len(line) - len(rest)
            if not rest:
                blanks = max(blanks, depth)
            elif not indent:
                if depth <= outer:
                    break
                indent, prefix = depth, " " * depth
                if blanks > indent or rest[0] == "\t":
                    raise RefusedError
            elif depth < indent:
                if depth > outer or rest[0] == "\t":
                    raise RefusedError
                break
            content.append(line[indent:] if indent else "")
            self._at += 1
        while content and not content[-1]:
            content.pop()
        if not indent and blanks:
            raise RefusedError
        return content


def _folded(lines: list[str]) -> str:
    """Lines joined by blanks. Raises `RefusedError` where empty or indented ones are among them."""
    if any(not line or line[0] in " \t" for line in lines):
        raise RefusedError
    return " ".join(lines)


def _understood(line: str) -> _Shape:
    """What a line means. Raises `RefusedError` where it has none of the plain shapes."""
    head = _DASHES.match(line)
    assert head is not None, "it matches every text"
    indent = len(head[1])
    rest = line[head.end() :]
    if head[2] is None and (not rest or rest[0] == "#"):
        return _NOTHING
    inner = -1 if head[2] is None else head.end()
    if inner >= 0 and (not rest or rest[0] == "#"):
        return indent, inner, None, _BELOW
    found = _entry().match(rest)
    if found is not None:
        if found["merge"] is not None:
            return indent, inner, _MERGE, _meaning(found)
        key = found["key"]
        key = key[1:-1] if key[0] in "'\"" else key
        if len(key) > _MAX_KEY:
            raise RefusedError
        return indent, inner, key, _meaning(found)
    found = _scalar().match(rest) if inner >= 0 else None
    if found is None:
        raise RefusedError
    return indent, inner, None, _meaning(found)


def _meaning(found: re.Match[str]) -> Any:
    """The value that a line gives."""
    if (plain := found["plain"]) is not None:
        return yaml11.unquoted(plain)
    if (quoted := found["single"] or found["double"]) is not None:
        return _unquoted(quoted)
    if (flow := found["flow"]) is not None:
        return tuple(_item(item[0]) for item in re.finditer(_ITEM, flow))
    if (alias := found["alias"]) is not None:
        return _Alias(alias)
    if (anchor := found["anchor"]) is not None:
        anchored = found["anchored"]
        return _Anchored(anchor, _BELOW if anchored is None else yaml11.unquoted(anchored))
    if found["block"] is not None:
        return _BLOCKS[found["block"]]
    if (empty := found["empty"]) is not None:
        return _MAPPING if empty == "{}" else _LIST
    return _BELOW


def _item(text: str) -> Any:
    return _unquoted(text) if text[0] in "'\"" else yaml11.unquoted(text)


def _unquoted(text: str) -> str:
    """What stands in quotes."""
    if text[0] == "'":
        return text[1:-1].replace("''", "'")
    return _ESCAPE.sub(lambda match: _ESCAPED[match[1]], text[1:-1])


def column(line: str) -> int:
    """Where the one value on a plain line begins, counted from 1; 0 where that is not on it, or
    where several stand in a list.
    """
    head = _DASHES.match(line)
    rest = line[head.end() :] if head is not None else ""
    found = _entry().match(rest) or _scalar().match(rest)
    if head is None or found is None or found["flow"] is not None or found["empty"] is not None:
        return 0
    begins = max(found.start(name) for name in ("single", "double", "block", "plain"))
    return head.end() + begins + 1 if begins >= 0 else 0
