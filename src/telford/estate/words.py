"""What fields mean, in words: for editors (`telford.estate.schema`) and the reference pages.

The text of a field is the comment above it in its model, or a sentence in ``kinds/words.toml``
where the model needs none; of a model it is the docstring. Comments are read from the packaged
source when somebody asks, so that loading an estate costs nothing for them.
"""

import ast
import inspect
from functools import cache
from typing import Any

from pydantic import BaseModel

from telford.basics import resources

_PACKAGE = "telford.estate.kinds"
_SHARED = "any"
_CHOICES = "choices"


def model(of: type[BaseModel]) -> str:
    """What a model is: its docstring."""
    return inspect.cleandoc(of.__doc__ or "")


def field(of: type[BaseModel], name: str, key: str) -> str:
    """What a field is, by its Python name and its YAML key; "" where nobody wrote it down."""
    for owner in of.__mro__:
        if not issubclass(owner, BaseModel) or owner is BaseModel:
            break
        text = comments(owner.__module__).get(owner.__name__, {}).get(name)
        text = text or of_model(owner).get(key)
        if text is not None:
            return text
    return table(_SHARED).get(key, "")


def choices(of: type[BaseModel], key: str) -> dict[str, str]:
    """What each choice of a field means, where that is written down."""
    found = _words().get(_CHOICES, {}).get(f"{of.__name__}.{key}", {})
    return {str(choice): str(text) for choice, text in found.items()}


def of_model(model: type[BaseModel]) -> dict[str, str]:
    """The sentences about a model: under its name, or under MODULE.NAME where two have the name."""
    whole = f"{model.__module__.rpartition('.')[2]}.{model.__name__}"
    return table(whole if whole in _words() else model.__name__)


def table(name: str) -> dict[str, str]:
    """One table of the sentences, by YAML key."""
    return {str(key): str(text) for key, text in _words().get(name, {}).items()}


@cache
def comments(module: str) -> dict[str, dict[str, str]]:
    """Class -> field -> the comment lines that stand right above it, of one module of the kinds."""
    if module.rpartition(".")[0] != _PACKAGE:
        return {}
    source = resources.text(_PACKAGE, module.rpartition(".")[2] + ".py")
    lines = source.splitlines()
    found: dict[str, dict[str, str]] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            found[node.name] = dict(_above(node, lines))
    return found


def _above(node: ast.ClassDef, lines: list[str]) -> list[tuple[str, str]]:
    pairs = []
    for part in node.body:
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            text = _comment(lines, part.lineno - 2)
            if text:
                pairs.append((part.target.id, text))
    return pairs


def _comment(lines: list[str], last: int) -> str:
    """The comment that ends on line index `last`; "" where there is none, or a heading."""
    first = last + 1
    while first > 0 and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    words = [line.strip().lstrip("#").strip() for line in lines[first : last + 1]]
    text = " ".join(words).replace("``", "`")
    return "" if text.endswith(":") else text


@cache
def _words() -> dict[str, Any]:
    return resources.toml(_PACKAGE, "words.toml")
