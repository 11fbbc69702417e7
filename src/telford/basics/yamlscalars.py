"""What a scalar of YAML means: the core schema of YAML 1.2, and its standard tags.

``on``, ``no``, ``=``, ``1_000`` and dates are text, as they are for Kubernetes' readers of today.
Called by `telford.basics.yamltext`.
"""

import functools
import re

# Python refuses to convert longer texts to numbers; nobody means one.
MAX_NUMBER_CHARACTERS = 300
# The keys and values of an estate repeat: this many are remembered.
_REMEMBERED = 8192

Value = str | int | float | bool | None

_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_TAG = "tag:yaml.org,2002:"
_STANDARD_TAGS = frozenset(
    _TAG + name for name in ("str", "int", "float", "bool", "null", "map", "seq")
)


def resolve(text: str) -> Value:
    """What a plain scalar means under the YAML 1.2 core schema."""
    return _resolve(text) if len(text) <= MAX_NUMBER_CHARACTERS else text


@functools.lru_cache(maxsize=_REMEMBERED)
def _resolve(text: str) -> Value:
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "-+.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text[2:], 8 if text[1] == "o" else 16)
    return float(text) if _FLOAT.fullmatch(text) else text


def foreign(tag: str) -> str:
    """The tag where it is none of YAML's own, else ""."""
    return "" if tag == "!" or tag in _STANDARD_TAGS else tag


def tagged(tag: str, text: str) -> Value:
    """The value of a scalar with a standard tag. Raises ValueError where it cannot be one."""
    if tag == "!" or tag == _TAG + "str":
        return text
    value = resolve(text)
    wanted = tag.removeprefix(_TAG)
    if wanted == "float" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    actual = {type(None): "null", bool: "bool", int: "int", float: "float"}.get(type(value), "str")
    if actual != wanted:
        raise ValueError(f"{text!r} is not of the type that its tag !!{wanted} says")
    return value
