"""Values as YAML text that YAML 1.1 and 1.2 read alike, for edits in a text that people wrote.

Whole documents are written by `telford.road.yamlout`, which is faster; this writes a few lines at a
given depth. Called by `telford.estate.editing`.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

# A text that no reader takes for anything else: it begins with a letter or a slash, or has a dot
# or a slash somewhere that no number, date or boolean has.
_PLAIN = re.compile(
    r"[A-Za-z/_][-A-Za-z0-9_./@+]*(?:[ ][-A-Za-z0-9_./@+]+)*(?::[-A-Za-z0-9_./@]+)*"
)
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
# What a block of text may hold as it is.
_BLOCK = re.compile(r"[^\n \t\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\ufeff\ufffe\uffff]"
                    r"[^\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\ufeff\ufffe\uffff]*[^\s]\n?")  # fmt: skip
_STEP = 2


def scalar(value: Any) -> str:
    """A scalar, or an empty collection, on one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
        return value if plain else _quoted(value)
    return "{}" if isinstance(value, Mapping) else "[]"


def _float(value: float) -> str:
    """With a dot before an exponent, without which YAML 1.1 takes it for text."""
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    mantissa, exponent, power = repr(value).partition("e")
    dotted = mantissa if "." in mantissa else f"{mantissa}.0"
    sign = "" if power[:1] in ("-", "+") else "+"
    return f"{dotted}e{sign}{power}" if exponent else dotted


def _quoted(text: str) -> str:
    """In double quotes, everything escaped that YAML does not allow as it is."""
    body = json.dumps(text, ensure_ascii=False)
    return re.sub(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]", _escaped, body)


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def flow(value: Any) -> str:
    """Any value on one line."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_flow_text(key)}: {flow(item)}" for key, item in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(flow, value))}]"
    return _flow_text(value)


def _flow_text(value: Any) -> str:
    text = scalar(value)
    return _quoted(value) if isinstance(value, str) and text == value and ":" in value else text


def block(value: Any, indent: int, list_step: int) -> list[str]:
    """A collection that is not empty, as lines at a depth; `list_step` is how much deeper than its
    key a list stands (0 or 2).
    """
    lines: list[str] = []
    if isinstance(value, Mapping):
        for key, item in value.items():
            lines += entry(key, item, indent, list_step)
        return lines
    for item in value:
        inner = _below(item, indent + _STEP, list_step)
        if inner:
            inner[0] = f"{' ' * indent}- {inner[0].lstrip(' ')}"
            lines += inner
        else:
            lines.append(f"{' ' * indent}- {scalar(item)}")
    return lines


def entry(key: str, value: Any, indent: int, list_step: int) -> list[str]:
    """One key with its value, as lines at a depth."""
    name = f"{' ' * indent}{scalar(key)}:"
    deeper = list_step if isinstance(value, list | tuple) else _STEP
    inner = _below(value, indent + deeper, list_step)
    if inner:
        return [name, *inner]
    if isinstance(value, str) and "\n" in value and _BLOCK.fullmatch(value):
        mark = "|" if value.endswith("\n") else "|-"
        pad = " " * (indent + _STEP)
        body = value.removesuffix("\n").split("\n")
        return [f"{name} {mark}", *(pad + line if line else "" for line in body)]
    return [f"{name} {scalar(value)}"]


def _below(value: Any, indent: int, list_step: int) -> list[str]:
    """The lines of a collection that is not empty; none for anything else."""
    if isinstance(value, Mapping | list | tuple) and value:
        return block(value, indent, list_step)
    return []
