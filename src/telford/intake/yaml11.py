"""The value of foreign YAML as the tools that own it read it: YAML 1.1 where 1.2 differs.

kubectl and Helm read ``0644`` as octal and an unquoted ``yes`` as true (sigs.k8s.io/yaml, on
go-yaml 2); read as YAML 1.2 the same text would mean something else in what is built from it.
Called by the readers of `telford.intake`.
"""

import re
from collections.abc import Sequence as Lines

from telford.basics import yamltext
from telford.basics.yamltext import Mapping, Node, Scalar, Sequence

_WORDS = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False),
}
_DIGITS = frozenset("0123456789+-")
_OCTAL = re.compile(r"([-+]?)0([0-7_]+)")
_GROUPED = re.compile(r"[-+]?[1-9][0-9]*(_[0-9]+)+")


def plain(node: Node, lines: Lines[str]) -> object:
    """The node as dict, list and scalars; `lines` are those of its text, numbered from 0."""
    if isinstance(node, Mapping):
        return {key: plain(value, lines) for key, value in node.values.items()}
    if isinstance(node, Sequence):
        return [plain(item, lines) for item in node.items]
    assert isinstance(node, Scalar)
    if node.tag:
        # A tag that go-yaml does not know makes a text: `!=` is a tag without a value.
        return node.text
    if node.value is None or isinstance(node.value, bool | float):
        return node.value
    text = node.text
    told_apart = text in _WORDS or text[:1] in _DIGITS
    return node.value if not told_apart or _quoted(node, lines) else unquoted(text)


def unquoted(text: str) -> str | int | bool | float | None:
    """What a plain scalar means to a reader of YAML 1.1, where that is not what it is in 1.2."""
    if text in _WORDS:
        return _WORDS[text]
    if text[:1] in _DIGITS:
        octal = _OCTAL.fullmatch(text)
        if octal is not None and octal[2].strip("_"):
            return int(octal[1] + octal[2].replace("_", ""), 8)
        if _GROUPED.fullmatch(text):
            return int(text.replace("_", ""))
    return yamltext.resolve(text)


def _quoted(node: Scalar, lines: Lines[str]) -> bool:
    """Whether it is written in quotes, as a block, or with a tag or anchor before it."""
    if not 0 < node.line <= len(lines):
        return False
    return lines[node.line - 1][node.column - 1 : node.column] in ("'", '"', "|", ">", "!", "&")
