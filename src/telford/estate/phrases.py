"""How diagnostics call places, values and types of a document.

Called by `telford.estate.documents`.
"""

from telford.basics import yamltext
from telford.basics.yamltext import Mapping, Node, Scalar, Sequence
from telford.estate import pruning
from telford.estate.shapes import Shape

_WORDS = {
    "text": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


def dotted(path: pruning.Path) -> str:
    """A path for people: ``run.ports[].port``."""
    return "".join("[]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")


def label(path: str) -> str:
    """What a value at a dotted path is called."""
    return f"`{path}`" if path else "the document"


def found(node: Node) -> str:
    """What stands there, in words: ``the number 3``."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    assert isinstance(node, Scalar)
    value = node.value
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"`{node.text}` (true or false)"
    if isinstance(value, int | float):
        return f"the number {node.text[:60]}"
    return f"`{node.text[:60]}`"


def expected(shape: Shape) -> str:
    """In words, what a shape takes: ``a whole number or a mapping with `min`, `max```."""
    words = [_WORDS[name] for name in sorted(shape.scalars)]
    if "text" in shape.scalars and "integer" in shape.scalars:
        words = ["text", "a whole number"]
    if shape.fields is not None:
        keys = list(shape.fields)[:4]
        words.append("a mapping with " + ", ".join(f"`{key}`" for key in keys))
    elif shape.value is not None:
        words.append("a mapping")
    if shape.item is not None:
        words.append("a list")
    return " or ".join(words) or "something else"


def type_fix(node: Node, shape: Shape) -> str:
    """What to do about a value of a wrong type."""
    if isinstance(node, Scalar):
        if shape.item is not None:
            return "write it as a list, with `- ` before each item"
        if shape.scalars == {"boolean"}:
            return "write true or false, without quotes"
        if "text" in shape.scalars and node.value is not None:
            return f'put it in quotes: "{node.text[:60]}"'
        if isinstance(node.value, str) and not isinstance(yamltext.resolve(node.text), str):
            return f"write {node.text[:60]} without quotes"
    if isinstance(node, Mapping) and shape.item is not None:
        return "write it as a list, with `- ` before each item"
    if isinstance(node, Sequence) and shape.item is None:
        return "write it without the hyphens"
    return f"write {expected(shape)}"
