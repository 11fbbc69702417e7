"""Texts of templates: what stands between interpolations, escapes, indentation. Called by
`telford.intake.terraform.expressions`.
"""

import re
from collections.abc import Iterator

import tree_sitter

from telford.intake.terraform import syntax
from telford.intake.terraform.functions import NotKnownError

_ESCAPE = re.compile(r"\\(?:(u[0-9a-fA-F]{4})|(U[0-9a-fA-F]{8})|(.))", re.DOTALL)
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


def written(node: tree_sitter.Node) -> str:
    """An expression as Terraform's JSON syntax writes it: a template, or ``${...}``."""
    text = syntax.text_of(node).strip()
    parts = node.named_children
    if len(parts) == 1 and parts[0].type in ("template_expr", "literal_value"):
        if text.startswith('"') and text.endswith('"') and len(text) > 1:
            return unescaped(text[1:-1])
        holder = parts[0].named_children[0] if parts[0].named_children else parts[0]
        if holder.type == "heredoc_template":
            return text.partition("\n")[2].rpartition("\n")[0] + "\n"
    return f"${{{text}}}"


def unescaped(text: str) -> str:
    """A quoted text without its escapes; ``$${`` and ``%%{`` are literal."""

    def one(match: re.Match[str]) -> str:
        code = match[1] or match[2]
        if code is not None:
            number = int(code[1:], 16)
            return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "?"
        return _LETTERS.get(match[3], match[0])

    return _ESCAPE.sub(one, text).replace("$${", "${").replace("%%{", "%{")


def segments(holder: tree_sitter.Node, heredoc: bool) -> Iterator[str | tree_sitter.Node]:
    """The texts of a template, blanks included, and the interpolations between them."""
    raw, base = holder.text or b"", holder.start_byte
    first, last = holder.children[0], holder.children[-1]
    start, end = first.end_byte - base, last.start_byte - base
    if heredoc:
        start = raw.find(b"\n") + 1
        end = max(raw.rfind(b"\n", 0, end) + 1, start)
    for item in holder.named_children:
        if item.type == "template_directive":
            raise NotKnownError("a directive")
        if item.type == "template_interpolation":
            if syntax.text_of(item).startswith("${~") or syntax.text_of(item).endswith("~}"):
                raise NotKnownError("a strip marker")
            if item.start_byte - base > start:
                yield raw[start : item.start_byte - base].decode("utf-8", "replace")
            yield item
            start = item.end_byte - base
    if end > start:
        yield raw[start:end].decode("utf-8", "replace")


def undented(text: str, node: tree_sitter.Node) -> str:
    """A heredoc without the indentation that ``<<-`` takes away."""
    lines = text.splitlines(keepends=True)
    if lines and not text.endswith("\n"):
        lines[-1] += "\n"
    if "<<-" in syntax.text_of(node)[:3]:
        widths = [len(line) - len(line.lstrip(" ")) for line in lines if line.strip()]
        width = min(widths, default=0)
        lines = [line[width:] if line.strip() else "\n" for line in lines]
    return "".join(lines)
