"""Variables in values: ``${NAME}``, ``${NAME:-default}`` and the other forms of the Compose
Specification (12-interpolation.md), nested too. Called by `layers` and `dotenv`.

The value of a secret is never put in: where the name of a variable says that it is one, the text
keeps ``${NAME}``.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_OPERATORS = (":-", ":?", ":+", "-", "?", "+")
# Nobody nests defaults deeper, nor means a longer value.
MAX_DEPTH = 20
MAX_TEXT = 262_144


class InvalidError(ValueError):
    """The text is no valid template; the message reads on after "because"."""


@dataclass(slots=True)
class Expanded:
    """A text with its variables put in, and what was found on the way.

    `unset` are the variables without a value and without a default; `hidden` those whose value is
    left out as a secret; `used` all that were looked up; `required` maps variables that must be
    set, and are not, to the message that the file gives.
    """

    text: str = ""
    unset: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    required: dict[str, str] = field(default_factory=dict)


def expand(text: str, variables: Mapping[str, str], secret: Callable[[str], bool]) -> Expanded:
    """The text with its variables put in. Raises InvalidError."""
    found = Expanded()
    found.text = _Expansion(variables, secret, found).of(text, 0)
    return found


class _Expansion:
    def __init__(
        self, variables: Mapping[str, str], secret: Callable[[str], bool], found: Expanded
    ) -> None:
        self._variables = variables
        self._secret = secret
        self._found = found

    def of(self, text: str, depth: int) -> str:
        if depth > MAX_DEPTH:
            raise InvalidError(f"it nests deeper than {MAX_DEPTH} levels")
        parts: list[str] = []
        size = 0
        at = 0
        while (dollar := text.find("$", at)) >= 0:
            parts.append(text[at:dollar])
            value, at = self._one(text, dollar, depth)
            parts.append(value)
            size += len(value)
            if size > MAX_TEXT:
                raise InvalidError(f"its value has more than {MAX_TEXT:,} characters")
        parts.append(text[at:])
        return "".join(parts)

    def _one(self, text: str, dollar: int, depth: int) -> tuple[str, int]:
        """The value of what begins at a dollar sign, and where it ends."""
        following = text[dollar + 1 : dollar + 2]
        if following == "$":
            return "$", dollar + 2
        if following == "{":
            end = _closing(text, dollar)
            return self._braced(text[dollar + 2 : end], depth), end + 1
        name = _NAME.match(text, dollar + 1)
        if name is None:
            raise InvalidError("a `$` is followed by no name; a plain dollar sign is written `$$`")
        return self._value(name[0]), name.end()

    def _braced(self, inside: str, depth: int) -> str:
        name = _NAME.match(inside)
        if name is None:
            raise InvalidError("`${` is followed by no name")
        rest = inside[name.end() :]
        if not rest:
            return self._value(name[0])
        operator = next((sign for sign in _OPERATORS if rest.startswith(sign)), None)
        if operator is None:
            raise InvalidError(f"`{rest[:1]}` is no operator behind a name in `${{...}}`")
        return self._chosen(name[0], operator, rest[len(operator) :], depth)

    def _chosen(self, name: str, operator: str, word: str, depth: int) -> str:
        value = self._variables.get(name)
        self._found.used.append(name)
        present = value is not None and not (operator.startswith(":") and value == "")
        kind = operator[-1]
        if kind == "+":
            return self.of(word, depth + 1) if present else ""
        if self._secret(name):
            # Its default would be a secret in plain text.
            return self._hide(name, unset=not present and kind == "?")
        if present:
            assert value is not None
            return value
        if kind == "-":
            return self.of(word, depth + 1)
        self._found.required[name] = self.of(word, depth + 1)
        self._found.unset.append(name)
        return ""

    def _value(self, name: str) -> str:
        self._found.used.append(name)
        value = self._variables.get(name)
        if self._secret(name):
            return self._hide(name, unset=value is None)
        if value is None:
            self._found.unset.append(name)
        return value or ""

    def _hide(self, name: str, *, unset: bool) -> str:
        self._found.hidden.append(name)
        if unset:
            self._found.unset.append(name)
        return f"${{{name}}}"


def _closing(text: str, start: int) -> int:
    """Where the brace of the ``${`` at a place is closed; only ``${`` opens another one."""
    depth = 0
    at = start
    while at < len(text):
        if text.startswith("${", at):
            depth += 1
            at += 2
            continue
        if text[at] == "}":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    raise InvalidError("a `${` is never closed")
