"""YAML with positions, as tolerant as YAML 1.2 itself, and never executing a tag.

A text becomes documents of nodes (`Scalar`, `Sequence`, `Mapping`), each with the line and column
(from 1) where it stands. Scalars follow the YAML 1.2 core schema: ``on``, ``no`` and ``=`` are
text, an anchor may be defined again, ``<<`` merges. libyaml's C parser gives the events, this
module composes them: that is what makes it fast and lets it keep positions. Read by the estate's
own loader and by intake.

Aliases share nodes, so a text of a few lines can mean billions of values; `read` counts what it
means, not what it holds, and stops at `MAX_NODES`.
"""

import re
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field
from typing import Any

import yaml

from telford.basics import yamlcharacters, yamlrepair, yamlscalars
from telford.basics.diagnostics import Diagnostic, Position, Severity

# A person's estate file has tens of kilobytes; rendered manifests of a large system a few million.
MAX_CHARACTERS = 16_000_000
# What a text may mean once its aliases are followed.
MAX_NODES = 2_000_000
# No kind nests deeper than 12; Kubernetes objects stay under 40.
MAX_DEPTH = 100
# One broken file must not flood the list: after this many syntax errors the rest is left unread.
MAX_SYNTAX_ERRORS = 20
# Nor must a file of other mistakes, such as keys that are there twice.
MAX_PROBLEMS = 1000
# A text that libyaml refuses is written otherwise and tried again this often.
MAX_REPAIRS = 10

# What a plain scalar means.
resolve = yamlscalars.resolve
# The lines of a text, numbered as nodes number them (the first is item 0).
lines = yamlcharacters.lines

_NEXT = re.compile("(?:\r\n|[\n\r\x85\u2028\u2029])(?=---)")


@dataclass(slots=True)
class Node:
    """Where a value begins: line and column from 1. `tag` is its tag where that is none of YAML's
    own (``!Ref``), for readers of formats that give it a meaning; it is never executed.
    """

    line: int
    column: int
    tag: str = field(default="", kw_only=True)


@dataclass(slots=True)
class Scalar(Node):
    """A value: str, int, float, bool or None; `text` is how it was written."""

    value: str | int | float | bool | None
    text: str


@dataclass(slots=True)
class Sequence(Node):
    """A list. `lost` says that a reader cut items out of it (`telford.estate.pruning`)."""

    items: list[Node] = field(default_factory=list)
    lost: bool = False


@dataclass(slots=True)
class Mapping(Node):
    """A mapping in written order; `keys` holds each key's own node, for its position. `lost` names
    the keys that a reader cut out (`telford.estate.pruning`).
    """

    keys: dict[str, Scalar] = field(default_factory=dict)
    values: dict[str, Node] = field(default_factory=dict)
    lost: Set[str] = frozenset()


@dataclass(slots=True)
class _Frame:
    """A collection that is still open, and what is needed to measure it when it closes."""

    node: Sequence | Mapping
    anchor: str | None
    # How many nodes the text meant before this one began.
    before: int
    # The depth of the deepest node inside, counted from the document's root.
    deepest: int
    key: Scalar | None = None
    merges: list[tuple[Scalar, Node]] | None = None


@dataclass(slots=True)
class _Anchored:
    """A node that an alias may repeat: what it counts for and how deep it goes below itself."""

    node: Node
    count: int
    height: int


class _StopError(Exception):
    """The text is beyond a limit; what was read before it stays."""


def plain(node: Node) -> object:
    """The node as dict, list and scalars."""
    if isinstance(node, Mapping):
        return {key: plain(value) for key, value in node.values.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    if isinstance(node, Scalar):
        return node.value
    raise AssertionError(f"unknown node {type(node).__name__}")


def read(
    text: str, file: str, first_line: int = 1, *, tags: frozenset[str] = frozenset()
) -> tuple[tuple[Node, ...], tuple[Diagnostic, ...]]:
    """All documents of a text that could be read, and everything wrong with it. `first_line` is the
    number of its first line in the file; `tags` mean something to the caller.

    A syntax error costs the rest of its own document only: reading goes on at the next ``---``.
    Empty documents are left out.
    """
    reader = _Reader(file, first_line - 1, tags)
    text = text.removeprefix("\ufeff")
    if len(text) > MAX_CHARACTERS:
        reader.report("TEL103", 1, 1, f"the file has more than {MAX_CHARACTERS:,} characters")
        return (), tuple(reader.diagnostics)
    bad = yamlcharacters.forbidden(text)
    if bad is not None:
        line, column, character = bad
        reader.report(
            "TEL105",
            line,
            column,
            f"the character U+{ord(character):04X} is not allowed in YAML",
            fix="remove it, or write it as an escape in double quotes",
        )
        return (), tuple(reader.diagnostics)
    reader.read(text)
    return tuple(reader.documents), tuple(reader.diagnostics)


def readable(text: str) -> bool:
    """Whether a text is within the limits and has only characters that YAML allows."""
    return len(text) <= MAX_CHARACTERS and yamlcharacters.allowed(text)


class _Reader:
    """One text on its way to documents. Holds what one file needs and nothing else."""

    def __init__(self, file: str, offset: int, tags: frozenset[str]) -> None:
        self.file = file
        self._tags = tags
        self.documents: list[Node] = []
        self.diagnostics: list[Diagnostic] = []
        self._offset = offset
        self._count = 0
        self._anchors: dict[str, _Anchored | None] = {}
        self._stack: list[_Frame] = []

    def report(
        self,
        code: str,
        line: int,
        column: int,
        summary: str,
        *,
        fix: str = "",
        length: int = 1,
        severity: Severity = Severity.ERROR,
    ) -> None:
        """Add a diagnostic at a position of this file."""
        if len(self.diagnostics) == MAX_PROBLEMS and code != "TEL103":
            raise _StopError(line, column, f"the file has over {MAX_PROBLEMS:,} mistakes")
        position = Position(self.file, line, column)
        self.diagnostics.append(
            Diagnostic(code, severity, summary, position=position, length=length, fix=fix)
        )

    def read(self, text: str) -> None:
        """Read all documents, starting again behind each broken one."""
        rest: str | None = text
        repairs = 0
        for _ in range(MAX_SYNTAX_ERRORS + MAX_REPAIRS):
            before = len(self.documents), len(self.diagnostics)
            try:
                self._compose(rest or "")
            except yaml.YAMLError as error:
                mended = _repaired(rest or "", error) if repairs < MAX_REPAIRS else None
                if mended is not None:
                    repairs += 1
                    del self.documents[before[0] :], self.diagnostics[before[1] :]
                rest = mended or self._resume(rest or "", error)
            except _StopError as error:
                self._stopped(error)
                return
            else:
                return
            if rest is None or len(self.diagnostics) >= MAX_SYNTAX_ERRORS:
                return

    def _stopped(self, error: _StopError) -> None:
        line, column, summary = error.args
        self.report(
            "TEL103", line, column, summary, fix="split the file, or write the values out flat"
        )

    def _resume(self, text: str, error: yaml.YAMLError) -> str | None:
        """Report a syntax error; the text from the next document on, or None at the end."""
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line, column, start = (
            (mark.line, mark.column, mark.index) if mark is not None else (0, 0, 0)
        )
        start -= column
        end = yamlcharacters.BREAKS.search(text, start)
        summary, fix = _explain(error, text[start : end.start() if end is not None else None])
        self.report("TEL100", self._offset + line + 1, column + 1, summary, fix=fix)
        # The line in error may begin the next document itself, but not on the first line.
        following = _NEXT.search(text, max(start - 2, 0) if line else start)
        if following is None:
            return None
        self._offset += sum(1 for _ in yamlcharacters.BREAKS.finditer(text, 0, following.end()))
        return text[following.end() :]

    def _compose(self, text: str) -> None:
        """Run through the events of a text. The loop is the hot path of every command."""
        self._stack = []
        parser = yaml.CBaseLoader(text)
        next_event: Callable[[], Any] = parser.get_event
        room = MAX_NODES
        # The kinds are compared by identity, the most frequent first: isinstance costs double.
        while (event := next_event()) is not None:
            kind = type(event)
            if kind is yaml.ScalarEvent:
                self._scalar(event)
                room -= 1
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self._open(event, kind is yaml.MappingStartEvent)
                room -= 1
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._close()
            elif kind is yaml.AliasEvent:
                self._alias(event)
            elif kind is yaml.DocumentStartEvent:
                self._anchors = {}
            if room < 0:
                mark = event.start_mark
                line, column = self._offset + mark.line + 1, mark.column + 1
                raise _StopError(line, column, f"the file has over {MAX_NODES:,} values")

    def _place(self, node: Node) -> None:
        """Put a finished or just opened node where it belongs."""
        if not self._stack:
            # A collection counts as read only once it closes without a syntax error.
            if type(node) is Scalar and (node.value is not None or node.text):
                self.documents.append(node)
            return
        frame = self._stack[-1]
        holder = frame.node
        if type(holder) is Sequence:
            holder.items.append(node)
            return
        assert isinstance(holder, Mapping)
        key = frame.key
        if key is None:
            frame.key = self._key(node)
            return
        frame.key = None
        if key.value is _MERGE:
            frame.merges = [*(frame.merges or ()), (key, node)]
            return
        text = key.text
        if text in holder.values:
            first = holder.keys[text]
            self.report(
                "TEL101",
                key.line,
                key.column,
                f"the key `{text}` is there twice",
                fix=f"keep one of the two; the first is on line {first.line}",
                length=len(text) or 1,
            )
            return
        holder.keys[text] = key
        holder.values[text] = node

    def _key(self, node: Node) -> Scalar:
        """The key that a node is; what cannot be one is reported and named by its place."""
        if type(node) is Scalar:
            return node
        self.report(
            "TEL104",
            node.line,
            node.column,
            "a key must be text, not a list or a mapping",
            fix="write a plain word before the colon",
        )
        return Scalar(node.line, node.column, None, f"?{node.line}:{node.column}")

    def _scalar(self, event: Any) -> None:
        mark = event.start_mark
        text: str = event.value
        self._count += 1
        if event.tag is not None or event.anchor is not None:
            self._rare_scalar(event, text, self._offset + mark.line + 1, mark.column + 1)
            return
        value: yamlscalars.Value = text
        if event.implicit[0]:
            value = _MERGE if text == "<<" else resolve(text)
        node = Scalar(self._offset + mark.line + 1, mark.column + 1, value, text)
        # What `_place` does, for the case that is nearly every one.
        if self._stack:
            frame = self._stack[-1]
            holder = frame.node
            if type(holder) is Mapping:
                key = frame.key
                if key is None:
                    frame.key = node
                    return
                if key.value is not _MERGE and key.text not in holder.values:
                    holder.keys[key.text] = key
                    holder.values[key.text] = node
                    frame.key = None
                    return
        self._place(node)

    def _rare_scalar(self, event: Any, text: str, line: int, column: int) -> None:
        """A scalar with a tag or an anchor."""
        tag = event.tag
        value: yamlscalars.Value = text
        if tag is not None:
            value = self._tag(tag, text, line, column, plain_style=event.implicit[0])
        elif event.implicit[0]:
            value = _MERGE if text == "<<" else resolve(text)
        node = Scalar(line, column, value, text)
        if tag is not None:
            node.tag = yamlscalars.foreign(tag)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(node, 1, 0)
        self._place(node)

    def _tag(
        self, tag: str, text: str, line: int, column: int, *, plain_style: bool
    ) -> str | int | float | bool | None:
        if yamlscalars.foreign(tag):
            self._unknown_tag(tag, line, column)
            return resolve(text) if plain_style else text
        try:
            return yamlscalars.tagged(tag, text)
        except ValueError as error:
            self.report("TEL104", line, column, str(error), fix="remove the tag or the value")
            return text

    def _unknown_tag(self, tag: str, line: int, column: int) -> None:
        if tag in self._tags:
            return
        self.report(
            "TEL102",
            line,
            column,
            f"the tag `{tag}` means nothing here and is ignored",
            fix="remove the tag",
            length=len(tag),
            severity=Severity.WARNING,
        )

    def _open(self, event: Any, mapping: bool) -> None:
        mark = event.start_mark
        line, column = self._offset + mark.line + 1, mark.column + 1
        node: Sequence | Mapping
        node = Mapping(line, column) if mapping else Sequence(line, column)
        if event.tag is not None and yamlscalars.foreign(event.tag):
            self._unknown_tag(event.tag, line, column)
            node.tag = event.tag
        depth = len(self._stack) + 1
        if depth > MAX_DEPTH:
            raise _StopError(line, column, f"the values nest deeper than {MAX_DEPTH} levels")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._place(node)
        self._stack.append(_Frame(node, event.anchor, self._count, depth))
        self._count += 1

    def _close(self) -> None:
        frame = self._stack.pop()
        depth = len(self._stack) + 1
        if frame.merges:
            self._merge(frame)
        if frame.anchor is not None:
            self._anchors[frame.anchor] = _Anchored(
                frame.node, self._count - frame.before, frame.deepest - depth
            )
        if not self._stack:
            self.documents.append(frame.node)
        elif frame.deepest > self._stack[-1].deepest:
            self._stack[-1].deepest = frame.deepest

    def _alias(self, event: Any) -> None:
        mark = event.start_mark
        line, column = self._offset + mark.line + 1, mark.column + 1
        found = self._anchors.get(event.anchor)
        if found is None:
            inside = event.anchor in self._anchors
            self.report(
                "TEL104",
                line,
                column,
                f"the alias `*{event.anchor}` is inside the value that it repeats"
                if inside
                else f"the alias `*{event.anchor}` has no anchor before it",
                fix="write the value out" if inside else f"add `&{event.anchor}` or fix the name",
                length=len(event.anchor) + 1,
            )
            self._place(Scalar(line, column, None, f"*{event.anchor}"))
            return
        self._count += found.count
        deepest = len(self._stack) + 1 + found.height
        if self._count > MAX_NODES:
            raise _StopError(
                line, column, f"with its aliases the file means over {MAX_NODES:,} values"
            )
        if deepest > MAX_DEPTH:
            raise _StopError(line, column, f"the values nest deeper than {MAX_DEPTH} levels")
        if self._stack and deepest > self._stack[-1].deepest:
            self._stack[-1].deepest = deepest
        node = found.node
        if type(node) is Scalar:
            node = Scalar(line, column, node.value, node.text, tag=node.tag)
        self._place(node)

    def _merge(self, frame: _Frame) -> None:
        """Add what ``<<`` brings; keys written here win, then the first of several mappings."""
        target = frame.node
        assert isinstance(target, Mapping)
        for key, node in frame.merges or ():
            for source in _merged(node):
                if source is None:
                    self.report(
                        "TEL104",
                        key.line,
                        key.column,
                        "`<<` takes a mapping or a list of mappings",
                        fix="give it an alias of a mapping, such as `<<: *defaults`",
                        length=2,
                    )
                    continue
                for name, value in source.values.items():
                    target.keys.setdefault(name, source.keys[name])
                    target.values.setdefault(name, value)


# Marks a plain `<<` as a merge key: this very object, compared by identity.
_MERGE = "".join(("<", "<"))


def _merged(node: Node) -> Iterator[Mapping | None]:
    """The mappings that a merge key names; None for anything else."""
    for item in node.items if isinstance(node, Sequence) else [node]:
        yield item if isinstance(item, Mapping) else None


def _repaired(text: str, error: yaml.YAMLError) -> str | None:
    """The text in libyaml's own dialect, where that is all that was wrong."""
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None))
    return yamlrepair.repaired(text, problem, mark.line) if mark is not None else None


def _explain(error: yaml.YAMLError, source: str) -> tuple[str, str]:
    """A sentence and a fix for a syntax error, from libyaml's own words and the line."""
    problem = str(getattr(error, "problem", None) or "the text cannot be read")
    context = getattr(error, "context", None)
    indent = source[: len(source) - len(source.lstrip())]
    if "\t" in indent:
        return "a tab is used for indentation", "indent with spaces"
    if "mapping values are not allowed" in problem:
        return (
            "a second colon on this line makes it unclear what is the key",
            "put the value in quotes, or the next key on a line of its own",
        )
    if "cannot start any token" in problem:
        return "this character cannot begin a value", "put the value in quotes"
    sentence = f"this is not YAML: {problem}"
    if context:
        sentence += f" {context}"
    return sentence, "check the indentation, the quotes and the brackets on this line and above it"
