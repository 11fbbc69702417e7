"""Edits of YAML that people wrote: a value set, a key taken out, an item added, and everything else
left as it is, comments, order and style included.

An edit is made at positions of the text and then proves itself: the new text is read again, and
its data must be the old data with just this change, or the edit is refused with a sentence and
nothing is changed. What an anchor or a merge key shares with other parts can therefore never change
by accident. Pure; called by `telford.app.confirm` and `telford.app.adopt`.
"""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from telford.basics import yamltext
from telford.basics.diagnostics import Severity
from telford.basics.errors import RefusedError
from telford.estate import spans, spelling
from telford.estate.address import Address
from telford.estate.spans import Fields, Items, Leaf, Span

Path = tuple[str | int, ...]

# One edit of a person or of a command says a few values; each costs a reading of the text.
MAX_CHANGES = 500
_OVERLAYS = "in"


@dataclass(frozen=True, slots=True)
class Set:
    """Make the value at `path` this one; mappings on the way are made where they are missing.

    A step into a list is a number, or ``key:name`` (``service:catalogue``) of the item meant.
    """

    path: Path
    value: Any


@dataclass(frozen=True, slots=True)
class Delete:
    """Take a key, or a list's item, out. One that is not there is fine."""

    path: Path


@dataclass(frozen=True, slots=True)
class Append:
    """Add an item to the end of the list at `path`, which is made where it is missing."""

    path: Path
    value: Any


Change = Set | Delete | Append


def edit(text: str, address: Address, changes: Iterable[Change], layer: str = "") -> str:
    """The text with changes in the document of an address: at its base, or in the overlay of a
    place key (`layer`), which is made where it is missing.

    Raises `RefusedError` where the text has no such document, or where a change cannot be made
    without touching something else.
    """
    pending = list(changes)
    if len(pending) > MAX_CHANGES:
        raise RefusedError(f"more than {MAX_CHANGES} changes of one document at once")
    data = _data(text)
    index = _index(data, address)
    prefix = _overlay(data[index], layer)
    for change in pending:
        path = _resolved(data[index], (*prefix, *change.path))
        text, data = _made(text, data, index, replace(change, path=path))
    return text


def _made(text: str, data: list[Any], index: int, change: Change) -> tuple[str, list[Any]]:
    """One change in its smallest steps, or, where a step is refused, a value set as a whole."""
    begun = text, data
    try:
        for step in _steps(data[index], change.path, change):
            text, data = _proved(text, data, index, step)
    except RefusedError:
        if not isinstance(change, Set) or not _look(begun[1][index], change.path)[0]:
            raise
        return _proved(*begun, index, change)
    return text, data


def _data(text: str) -> list[Any]:
    """The documents of a text as plain data. Raises `RefusedError` where one cannot be read."""
    nodes, problems = yamltext.read(text, "")
    for problem in problems:
        if problem.severity is Severity.ERROR:
            where = f" on line {problem.position.line}" if problem.position else ""
            raise RefusedError(
                f"the file cannot be edited: {problem.summary}{where}",
                fix="run `telford check` and mend it first",
            )
    return [yamltext.plain(node) for node in nodes]


def _index(data: Sequence[Any], address: Address) -> int:
    for index, value in enumerate(data):
        if (
            isinstance(value, dict)
            and str(value.get("kind", "")).lower() == address.kind
            and (value.get("system") or "") == address.system
            and value.get("name") == address.name
        ):
            return index
    raise RefusedError(f"the file has no document of {address}")


def _overlay(document: Any, layer: str) -> Path:
    """The path of a place's overlay. Raises `RefusedError` where it is shared with other places."""
    if not layer:
        return ()
    overlays = document.get(_OVERLAYS) or {}
    if layer in overlays and overlays[layer] is None:
        raise RefusedError(f"it does not exist in {layer}: `in.{layer}` is null")
    for key in overlays if isinstance(overlays, dict) else ():
        if key != layer and layer in [part.strip() for part in key.split(",")]:
            raise RefusedError(
                f"the overlay `{key}` is for several places at once",
                fix=f"give `{layer}` an overlay of its own first",
            )
    return _OVERLAYS, layer


def _resolved(document: Any, path: Path) -> Path:
    """The path with names of list items turned into their numbers."""
    found: list[str | int] = []
    current = document
    for step in path:
        if isinstance(current, list):
            number = _number(current, step)
            found.append(number)
            current = current[number]
        else:
            found.append(step)
            current = current.get(step) if isinstance(current, dict) else None
    return tuple(found)


def _number(items: list[Any], step: str | int) -> int:
    if isinstance(step, int):
        if -len(items) <= step < len(items):
            return step % len(items)
    else:
        key, _, name = step.partition(":")
        for index, item in enumerate(items):
            if isinstance(item, dict) and item.get(key) == name:
                return index
    raise RefusedError(f"the list has no item {step}")


def _steps(document: Any, path: Path, change: Change) -> list[Change]:
    """The smallest changes that a change is made of: what stays equal is not touched."""
    there, old = _look(document, path)
    if isinstance(change, Delete):
        return [Delete(path)] if there else []
    if isinstance(change, Append):
        return [Append(path, change.value) if old else Set(path, [change.value])]
    return _differences(path, old, change.value) if there else [Set(path, change.value)]


def _differences(path: Path, old: Any, new: Any) -> list[Change]:
    if isinstance(old, dict) and isinstance(new, dict) and old and new:
        steps: list[Change] = []
        for key, value in new.items():
            inner = (*path, key)
            steps += _differences(inner, old[key], value) if key in old else [Set(inner, value)]
        return steps + [Delete((*path, key)) for key in old if key not in new]
    if isinstance(old, list) and isinstance(new, list) and old and new:
        steps = []
        for index, (one, other) in enumerate(zip(old, new, strict=False)):
            steps += _differences((*path, index), one, other)
        steps += [Append(path, item) for item in new[len(old) :]]
        return steps + [Delete((*path, index)) for index in range(len(old) - 1, len(new) - 1, -1)]
    return [] if _same(old, new) else [Set(path, new)]


def _same(one: Any, other: Any) -> bool:
    """Equal in type as well, all the way down; the order of keys does not count."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return repr(one) == repr(other)


def _look(document: Any, path: Path) -> tuple[bool, Any]:
    """Whether something is written at a path, and what."""
    current = document
    for step in path:
        known: Any = current if isinstance(current, dict) else ()
        if isinstance(current, list):
            known = range(len(current))
        if step not in known:
            return False, None
        current = current[step]
    return True, current


def _proved(text: str, data: list[Any], index: int, change: Change) -> tuple[str, list[Any]]:
    """One smallest change, made and proved."""
    wanted = copy.deepcopy(data)
    _change_data(wanted[index], change)
    made = _Editor(text, index).change(change)
    try:
        found = _data(made)
    except RefusedError as error:
        raise _unsafe(change) from error
    if not _same(found, wanted):
        raise _unsafe(change)
    return made, found


def _unsafe(change: Change) -> RefusedError:
    where = ".".join(map(str, change.path))
    return RefusedError(
        f"`{where}` cannot be changed without changing something else of the file",
        fix="change it by hand: it is shared through an anchor, or written in an unusual way",
    )


def _change_data(document: Any, change: Change) -> None:
    """The same change in plain data, with every mapping on the way made."""
    current = document
    for step in change.path[:-1]:
        if isinstance(current, dict):
            current.setdefault(step, None)
        if current[step] is None:
            current[step] = {}
        current = current[step]
        if not isinstance(current, dict | list):
            raise RefusedError(
                f"`{'.'.join(map(str, change.path))}` goes through a value that is no mapping",
                fix="give the whole value instead",
            )
    last = change.path[-1]
    if isinstance(change, Delete):
        del current[last]
    elif isinstance(change, Set):
        current[last] = copy.deepcopy(change.value)
    else:
        current[last].append(copy.deepcopy(change.value))


@dataclass(slots=True)
class _Way:
    """How a walk came to a node: the mapping or list around it, and whether any was in flow style."""

    node: Span
    holder: Fields | Items | None = None
    key: Leaf | None = None
    flow: bool = False


class _Editor:
    """One document of one text, and one change of it."""

    def __init__(self, text: str, index: int) -> None:
        found = spans.read(text)
        self._text = text
        self._break = "\r\n" if "\r\n" in text else "\n"
        self._root = found[index]
        self._list_step = spans.list_step(text, found)

    def change(self, change: Change) -> str:
        """The text with the change made."""
        if isinstance(change, Delete):
            return self._delete(change.path)
        if isinstance(change, Append):
            return self._append(change)
        return self._set(change.path, change.value)

    def _walk(self, path: Path) -> tuple[_Way, Path]:
        """As far along a path as the text goes, and what is left of the path."""
        way = _Way(self._root)
        for position, step in enumerate(path):
            node = way.node
            flow = way.flow or node.style == "flow"
            if isinstance(node, Fields):
                if step not in node.values:
                    _own(node, path, position)
                    return way, path[position:]
                name = str(step)
                way = _Way(node.values[name], node, node.keys[name], flow)
            elif isinstance(node, Items) and isinstance(step, int):
                way = _Way(node.items[step], node, None, flow)
            elif isinstance(node, Leaf) and node.style == "alias":
                raise _shared(path[:position], f"it repeats the anchor `{node.text}`")
            else:
                return way, path[position:]
        return way, ()

    def _set(self, path: Path, value: Any) -> str:
        way, rest = self._walk(path)
        if not rest:
            return self._replace(way, value)
        for step in reversed(rest[1:]):
            value = {step: value}
        if isinstance(way.node, Fields) and (way.node.keys or way.node.style == "flow"):
            return self._insert(way, str(rest[0]), value)
        return self._replace(way, {rest[0]: value})

    def _insert(self, way: _Way, key: str, value: Any) -> str:
        """A new key of a mapping, after its last one."""
        node = way.node
        assert isinstance(node, Fields)
        if node.style == "flow":
            if not node.keys:
                return self._replace(way, {key: value})
            return self._put(
                spans.last_end(node), spans.last_end(node), f", {spelling.flow({key: value})[1:-1]}"
            )
        first = min(child.begin for child in node.keys.values())
        lines = spelling.entry(key, value, self._column(first), self._list_step)
        return self._after_line(node.end, lines)

    def _append(self, change: Append) -> str:
        way, rest = self._walk(change.path)
        node = way.node
        if rest or not isinstance(node, Items):
            raise _shared(change.path, "it comes through an anchor or a merge key")
        if node.style == "flow":
            return self._put(
                spans.last_end(node), spans.last_end(node), f", {spelling.flow(change.value)}"
            )
        indent = self._column(self._dash(node.items[0]))
        return self._after_line(node.end, spelling.block([change.value], indent, self._list_step))

    def _replace(self, way: _Way, value: Any) -> str:
        node = way.node
        if node.marked:
            raise _shared((), "it has an anchor or a tag")
        filled = isinstance(value, dict | list | tuple) and bool(value)
        if way.flow or way.holder is None:
            return self._inline(node, spelling.flow(value))
        if not filled:
            return self._one_line(way, spelling.scalar(value))
        if way.key is None:
            indent = self._column(node.begin)
            first, *more = spelling.block(value, indent, self._list_step)
            single = isinstance(node, Leaf) or node.style == "flow"
            rest = self._text[node.end : self._line_end(node.end)].rstrip() if single else ""
            gap = " " if self._text[node.begin - 1] == "-" else ""
            written = self._break.join([f"{gap}{first.lstrip(' ')}{rest}", *more])
            return self._put(node.begin, self._line_end(node.end), written)
        deeper = self._list_step if isinstance(value, list | tuple) else 2
        lines = spelling.block(value, self._column(way.key.begin) + deeper, self._list_step)
        return self._below_key(way, lines)

    def _inline(self, node: Span, written: str) -> str:
        """Something in the very place of a node."""
        gap = " " if node.begin and self._text[node.begin - 1] in ":-" else ""
        beside = self._header(node) if isinstance(node, Leaf) and node.style == "block" else ""
        return self._put(node.begin, node.end, gap + written + beside)

    def _one_line(self, way: _Way, written: str) -> str:
        """A scalar in the place of anything; a comment beside the key stays."""
        node = way.node
        if isinstance(node, Leaf) or node.style == "flow":
            return self._inline(node, written)
        end = self._line_end(node.end)
        if way.key is None:
            return self._put(node.begin, end, written)
        colon = self._colon(way.key)
        beside = self._text[colon : self._line_end(colon)]
        return self._put(colon, end, f" {written}{beside}")

    def _header(self, node: Leaf) -> str:
        """The comment beside the mark of a block of text."""
        header = self._text[node.begin : self._line_end(node.begin)]
        _, hash_mark, comment = header.partition(" #")
        return f" #{comment}" if hash_mark else ""

    def _below_key(self, way: _Way, lines: list[str]) -> str:
        """A block under its key, in the place of anything; a comment beside the key stays."""
        node, key = way.node, way.key
        assert key is not None
        colon = self._colon(key)
        if isinstance(node, Leaf) and node.style == "block":
            return self._put(
                colon, node.end, self._header(node) + self._break + self._break.join(lines)
            )
        if isinstance(node, Leaf) or node.style == "flow":
            rest = self._text[node.end : self._line_end(node.end)].rstrip()
            beside = f" {rest.lstrip()}" if rest else ""
            return self._put(
                colon, self._line_end(node.end), beside + self._break + self._break.join(lines)
            )
        beside = self._text[colon : self._line_end(colon)]
        return self._put(
            colon, self._line_end(node.end), beside + self._break + self._break.join(lines)
        )

    def _delete(self, path: Path) -> str:
        way, rest = self._walk(path)
        if rest or way.holder is None:
            raise _shared(path, "it comes through an anchor or a merge key")
        holder = way.holder
        siblings = list(holder.values.values()) if isinstance(holder, Fields) else holder.items
        if len(siblings) == 1 and not (
            isinstance(holder, Fields) and (holder.merges or holder.odd)
        ):
            outer, _ = self._walk(path[:-1])
            return self._replace(outer, {} if isinstance(holder, Fields) else [])
        begin = way.key.begin if way.key is not None else way.node.begin
        if holder.style == "flow":
            return self._delete_in_flow(begin, way.node.end, last=way.node is siblings[-1])
        if way.key is None:
            begin = self._dash(way.node)
        return self._delete_block(begin, way.node.end)

    def _delete_block(self, begin: int, end: int) -> str:
        """A key or an item in block style, with its own lines."""
        start = self._line_start(begin)
        line_end = self._line_end(end)
        if not self._text[start:begin].strip():
            return self._put(start, self._next_line(line_end), "")
        # The first of an item's keys stands behind the dash: the next one moves up to it.
        following = self._next_line(line_end)
        indent = self._column(begin)
        after = self._text[following : following + indent]
        lead = self._text[following + indent : following + indent + 1]
        if after.strip() or lead in ("", " ", "#", "\r", "\n"):
            return self._put(begin, line_end, "")
        return self._put(begin, following + indent, "")

    def _delete_in_flow(self, begin: int, end: int, *, last: bool) -> str:
        text = self._text
        if last:
            before = text[:begin].rstrip()
            begin = len(before) - 1 if before.endswith(",") else begin
            return self._put(begin, end, "")
        comma = text.index(",", end) + 1
        while comma < len(text) and text[comma] == " ":
            comma += 1
        return self._put(begin, comma, "")

    def _put(self, begin: int, end: int, written: str) -> str:
        # A block of text at the very end keeps its last line break only where there is one.
        if end == len(self._text) and self._break in written:
            written += self._break
        return self._text[:begin] + written + self._text[end:]

    def _after_line(self, position: int, lines: list[str]) -> str:
        """Lines of their own after the line of a position."""
        end = self._line_end(position)
        return self._put(end, end, self._break + self._break.join(lines))

    def _column(self, position: int) -> int:
        return position - self._line_start(position)

    def _line_start(self, position: int) -> int:
        return self._text.rfind("\n", 0, position) + 1

    def _line_end(self, position: int) -> int:
        """Where the line of a position ends, before its line break."""
        end = self._text.find("\n", position)
        if end < 0:
            return len(self._text)
        return end - 1 if self._text[end - 1] == "\r" and end > position else end

    def _next_line(self, line_end: int) -> int:
        end = self._text.find("\n", line_end)
        return len(self._text) if end < 0 else end + 1

    def _colon(self, key: Leaf) -> int:
        """Behind the colon of a key."""
        return self._text.index(":", key.end) + 1

    def _dash(self, item: Span) -> int:
        """Where the dash of a list's item stands."""
        return self._text.rindex("-", 0, max(item.begin, 1))


def _own(node: Fields, path: Path, position: int) -> None:
    """Refuse to hide, under a new key, what a merge key brings under it."""
    if node.merges and position < len(path) - 1:
        raise _shared(path, "its mapping takes keys from elsewhere through `<<`")


def _shared(path: Path, reason: str) -> RefusedError:
    where = f"`{'.'.join(map(str, path))}`" if path else "the value"
    return RefusedError(
        f"{where} cannot be edited by itself: {reason}", fix="write it out, or change it by hand"
    )
