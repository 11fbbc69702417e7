"""HCL texts -> blocks of a configuration, with positions. Called by `telford.intake.terraform`.

The grammar is tree-sitter's: a parser in C that gives a tree whatever the text says, so a broken
block costs itself only. It was chosen by measuring: 240 KB of configuration take 0.08 s, where
python-hcl2 (a Lark grammar) takes 2.5 s for 12 KB; no hostile text of 200 KB took a second.
What is written as JSON (`.tf.json`) becomes the same blocks in `telford.intake.terraform.jsontext`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import tree_sitter
import tree_sitter_hcl

from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.basics.yamltext import Node, Scalar

# A person's file has tens of kilobytes. The worst text of this length takes the parser five seconds
# (measured over bombs and noise); a good one a third of a second.
MAX_CHARACTERS = 1_000_000
# One broken file must not flood the list.
MAX_SYNTAX_ERRORS = 20
# Blocks in blocks in blocks: no provider's schema is deeper than ten.
MAX_BLOCKS = 30


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression: where it begins, and its syntax, or the value that JSON gives for it, whose
    texts are templates.
    """

    line: int
    column: int
    syntax: tree_sitter.Node | None = None
    literal: Node | None = None

    @property
    def text(self) -> str:
        """What is written there."""
        if self.syntax is not None:
            return text_of(self.syntax).strip()
        return self.literal.text if isinstance(self.literal, Scalar) else ""


@dataclass(slots=True)
class Body:
    """What stands between braces: attributes, and blocks in the order of the text."""

    attributes: dict[str, Expression] = field(default_factory=dict)
    blocks: list["Block"] = field(default_factory=list)


@dataclass(slots=True)
class Block:
    """One block: ``resource "aws_sqs_queue" "orders" {...}``."""

    kind: str
    labels: tuple[str, ...]
    body: Body
    line: int
    column: int


class TooDeepError(Exception):
    """A text nests deeper than anything that is meant: where."""

    def __init__(self, line: int, column: int) -> None:
        super().__init__(line, column)
        self.line = line
        self.column = column


@cache
def _parser() -> tree_sitter.Parser:
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_hcl.language()))


def read(text: str, file: str) -> tuple[Body, tuple[Diagnostic, ...]]:
    """The blocks and attributes of a text, and everything wrong with it."""
    if len(text) > MAX_CHARACTERS:
        problem = f"the file has more than {MAX_CHARACTERS:,} characters"
        return Body(), (_problem(file, 0, 0, problem, fix="split the file"),)
    root = parsed(text)
    problems = [
        _problem(
            file,
            line,
            column,
            "this is not HCL: the text cannot be understood from here on",
            fix="check the quotes, brackets and braces here and above; `terraform fmt` says more",
        )
        for line, column in _errors(root)
    ]
    body = Body()
    try:
        for holder in _holders(root):
            _fill(body, holder, 0, file, problems)
    except TooDeepError as error:
        summary = "the blocks nest deeper than any configuration does"
        problems.append(_problem(file, error.line, error.column, summary, fix="write it out flat"))
    return body, tuple(problems)


def parsed(text: str) -> tree_sitter.Node:
    """The root of a text's syntax."""
    return _parser().parse(text.encode("utf-8", "replace")).root_node


def template(text: str) -> tree_sitter.Node | None:
    """The syntax of a template that is given as a text: ``queue-${var.name}``; None where it is
    none that can be read.
    """
    root = parsed(f"x = <<TELFORD_TEMPLATE\n{text}\nTELFORD_TEMPLATE\n")
    if root.has_error:
        return None
    body = Body()
    for holder in _holders(root):
        _fill(body, holder, 0, "", [])
    found = body.attributes.get("x")
    return found.syntax if found is not None else None


def text_of(node: tree_sitter.Node) -> str:
    """The text that a piece of syntax was read from."""
    return (node.text or b"").decode("utf-8", "replace")


def place(node: tree_sitter.Node) -> tuple[int, int]:
    """Line and column of a piece of syntax, from 1. Columns count bytes, as Terraform's do not;
    they differ only behind letters beyond ASCII.
    """
    return node.start_point[0] + 1, node.start_point[1] + 1


def _problem(file: str, line: int, column: int, summary: str, *, fix: str) -> Diagnostic:
    position = Position(file, line, column)
    return Diagnostic("TEL640", Severity.ERROR, summary, position=position, fix=fix)


def _errors(root: tree_sitter.Node) -> list[tuple[int, int]]:
    """Where the text stops being HCL, each place once."""
    found: dict[tuple[int, int], None] = {}
    waiting = [root]
    while waiting and len(found) < MAX_SYNTAX_ERRORS:
        node = waiting.pop()
        if node.is_error or node.is_missing:
            found[place(node)] = None
        elif node.has_error:
            waiting.extend(reversed(node.children))
    return sorted(found)


def _holders(root: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """The nodes that hold top-level blocks: the body, and whatever an error tore off."""
    for child in root.named_children:
        if child.type == "body" or child.is_error:
            yield child


def _fill(
    body: Body, holder: tree_sitter.Node, depth: int, file: str, problems: list[Diagnostic]
) -> None:
    if depth > MAX_BLOCKS:
        raise TooDeepError(*place(holder))
    for item in holder.named_children:
        if item.type == "attribute":
            _attribute(body, item, file, problems)
        elif item.type == "block":
            _block(body, item, depth, file, problems)


def _attribute(body: Body, item: tree_sitter.Node, file: str, problems: list[Diagnostic]) -> None:
    parts = item.named_children
    if len(parts) < 2 or parts[-1].type != "expression":
        return
    name = text_of(parts[0])
    line, column = place(item)
    if name in body.attributes:
        summary = f"the attribute `{name}` is there twice"
        first = body.attributes[name].line
        fix = f"keep one of the two; the first is on line {first}"
        problems.append(_problem(file, line, column, summary, fix=fix))
        return
    body.attributes[name] = Expression(*place(parts[-1]), syntax=parts[-1])


def _block(
    body: Body, item: tree_sitter.Node, depth: int, file: str, problems: list[Diagnostic]
) -> None:
    words: list[str] = []
    inner = Body()
    for part in item.named_children:
        if part.type == "identifier":
            words.append(text_of(part))
        elif part.type == "string_lit":
            words.append(text_of(part).strip('"'))
        elif part.type == "body":
            _fill(inner, part, depth + 1, file, problems)
    if words:
        body.blocks.append(Block(words[0], tuple(words[1:]), inner, *place(item)))
