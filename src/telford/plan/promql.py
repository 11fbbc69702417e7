"""Whether two PromQL expressions are the same but for the way they are written: blanks, comments,
quotes, numbers, durations, the order of matchers and labels, where ``by (...)`` stands.

Prometheus writes back what it parsed in a form of its own; this is as far as one comes without its
parser. Different here may still be the same there, and then the server is asked. Called by
`telford.plan.drift_rules`. https://prometheus.io/docs/prometheus/latest/querying/basics/
"""

import json
import re
from collections.abc import Sequence

Token = tuple[str, str]
_TOKEN = re.compile(
    r"""
    (?P<blank>\s+|\#[^\n]*)
  | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
  | (?P<duration>(?:\d+(?:ms|[smhdwy]))+(?![\w.]))
  | (?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])|(?i:inf|nan)(?![\w:]))
  | (?P<name>:?[a-zA-Z_][\w:]*)
  | (?P<sign>=~|!~|!=|==|<=|>=|[-+*/%^=<>(){}\[\],@:])
    """,
    re.VERBOSE,
)
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_AGGREGATORS = frozenset(
    {
        "sum", "avg", "count", "min", "max", "group", "stddev", "stdvar", "topk", "bottomk",
        "count_values", "quantile", "limitk", "limit_ratio",
    }
)  # fmt: skip
_GROUPING = frozenset({"by", "without"})
_LISTS = _GROUPING | {"on", "ignoring", "group_left", "group_right"}
_KEYWORDS = _AGGREGATORS | _LISTS | {"and", "or", "unless", "offset", "bool"}


def same(one: str, other: str) -> bool:
    """Whether the expressions are written the same, once both are written in one way."""
    if one == other:
        return True
    first, second = normal(one), normal(other)
    return first is not None and first == second


def normal(expression: str) -> tuple[Token, ...] | None:
    """The tokens of an expression in the one way of writing; None for what is no expression."""
    tokens = _tokens(expression)
    if tokens is None:
        return None
    return tuple(_lists_sorted(_grouping_last(tokens)))


def _tokens(expression: str) -> list[Token] | None:
    found: list[Token] = []
    at = 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None:
            return None
        kind = str(match.lastgroup)
        if kind != "blank":
            found.append((kind, _value(kind, match[0])))
        at = match.end()
    return found


def _value(kind: str, text: str) -> str:
    if kind == "duration":
        return f"{duration_seconds(text):g}s"
    if kind == "number":
        return repr(float(int(text, 16)) if text[:2] in ("0x", "0X") else float(text))
    if kind == "string":
        return _string(text)
    return text.lower() if kind == "name" and text.lower() in _KEYWORDS else text


def _string(text: str) -> str:
    """What a string says; where its escapes are not those of JSON, as it is written."""
    quote, inner = text[0], text[1:-1]
    if quote == "`":
        return inner
    if quote == "'":
        inner = inner.replace("\\'", "'").replace('"', '\\"')
    try:
        return str(json.loads(f'"{inner}"'))
    except ValueError:
        return text


def duration_seconds(text: str) -> float:
    """Seconds of a duration such as ``1h30m``. Raises `ValueError` for anything else."""
    parts = re.findall(r"(\d+)(ms|[smhdwy])", text)
    if not parts or "".join(a + b for a, b in parts) != text:
        if text in ("0", ""):
            return 0.0
        raise ValueError(text)
    return float(sum(int(number) * _SECONDS[unit] for number, unit in parts))


def _close(tokens: Sequence[Token], start: int) -> int:
    """The index of the parenthesis that closes the one at `start`; the end where none does."""
    depth = 0
    for index in range(start, len(tokens)):
        if tokens[index] in (("sign", "("), ("sign", "{"), ("sign", "[")):
            depth += 1
        elif tokens[index] in (("sign", ")"), ("sign", "}"), ("sign", "]")):
            depth -= 1
            if depth == 0:
                return index
    return len(tokens) - 1


def _grouping_last(tokens: list[Token]) -> list[Token]:
    """``sum by (x) (y)`` as ``sum(y) by (x)``."""
    found: list[Token] = []
    at = 0
    while at < len(tokens):
        kind, value = tokens[at]
        after = tokens[at + 1][1] if at + 1 < len(tokens) else ""
        if kind == "name" and value in _AGGREGATORS and after in _GROUPING:
            labels_end = _close(tokens, at + 2)
            body_end = _close(tokens, labels_end + 1)
            body = _grouping_last(tokens[labels_end + 1 : body_end + 1])
            found += [tokens[at], *body, *tokens[at + 1 : labels_end + 1]]
            at = body_end + 1
        else:
            found.append(tokens[at])
            at += 1
    return found


def _lists_sorted(tokens: list[Token]) -> list[Token]:
    """Matchers and lists of labels in order, without a comma at their end."""
    found: list[Token] = []
    at = 0
    while at < len(tokens):
        opens = tokens[at] == ("sign", "{") or (
            tokens[at] == ("sign", "(") and bool(found) and found[-1][1] in _LISTS
        )
        if not opens:
            found.append(tokens[at])
            at += 1
            continue
        end = _close(tokens, at)
        parts = sorted(_split(tokens[at + 1 : end]))
        found.append(tokens[at])
        for part in parts:
            found += [*part, ("sign", ",")]
        found.append(tokens[end])
        at = end + 1
    return found


def _split(tokens: Sequence[Token]) -> list[tuple[Token, ...]]:
    """The parts between commas."""
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token == ("sign", ","):
            parts.append([])
        else:
            parts[-1].append(token)
    return [tuple(part) for part in parts if part]
