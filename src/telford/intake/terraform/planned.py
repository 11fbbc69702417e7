"""What the configuration inside of a plan refers to, through modules. Called by
`telford.intake.terraform.shown`.

https://developer.hashicorp.com/terraform/internals/json-format#expression-representation (2026-11):
an expression lists the names that it refers to; calls say what is handed to a module, modules what
their outputs refer to. Locals are not in a plan.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from telford.basics.yamltext import Mapping, Node, Scalar, Sequence
from telford.intake.cloud import tree

# Modules in modules.
MAX_DEPTH = 20
# Names that one attribute may lead through; chains this long are nobody's, and end here.
MAX_NAMES = 1_000

_ADDRESS = re.compile(r"((?:data\.)?[\w-]+\.[\w-]+)(\[[^\]]*\])?")
_NO_RESOURCES = frozenset({"var", "local", "each", "count", "module", "path", "terraform", "self"})

_Names = dict[tuple[str, str], tuple[str, ...]]


@dataclass(slots=True)
class _Scene:
    """The whole configuration: by module (``module.a.``) and name, the texts of references."""

    # What is handed to a module's variables, in the words of the module that calls it.
    inputs: _Names = field(default_factory=dict)
    outputs: _Names = field(default_factory=dict)
    # Module, address in it, and attribute -> references.
    resources: list[tuple[str, str, str, tuple[str, ...]]] = field(default_factory=list)


def references(root: Mapping) -> dict[str, dict[str, tuple[str, ...]]]:
    """Address -> attribute -> the addresses of the resources that the configuration names there."""
    scene = _Scene()
    _module(scene, root, "", 0)
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for prefix, address, name, texts in scene.resources:
        resolved = tuple(dict.fromkeys(_resolved(scene, prefix, texts, set(), 0)))
        found.setdefault(prefix + address, {})[name] = resolved
    return found


def plain_address(address: str) -> str:
    """An address without its indices, as a configuration says it."""
    return re.sub(r"\[[^\]]*\]", "", address)


def _module(scene: _Scene, module: Mapping, prefix: str, depth: int) -> None:
    for node in _items(module.values.get("resources")):
        if isinstance(node, Mapping):
            address = _text(node.values.get("address"))
            for name, value in _entries(node.values.get("expressions")):
                texts = tuple(_listed(value, 0))
                scene.resources.append((prefix, address, name, texts))
    for name, output in _entries(module.values.get("outputs")):
        scene.outputs[prefix, name] = tuple(_listed(output, 0))
    for name, call in _entries(module.values.get("module_calls")):
        inner = call.values.get("module") if isinstance(call, Mapping) else None
        if not isinstance(call, Mapping) or not isinstance(inner, Mapping) or depth >= MAX_DEPTH:
            continue
        below = f"{prefix}module.{name}."
        for variable, value in _entries(call.values.get("expressions")):
            scene.inputs[below, variable] = tuple(_listed(value, 0))
        _module(scene, inner, below, depth + 1)


def _listed(node: Node, depth: int) -> Iterator[str]:
    """The texts of all references below a node."""
    if depth > tree.MAX_DEPTH:
        return
    if isinstance(node, Sequence):
        for item in node.items:
            yield from _listed(item, depth + 1)
    elif isinstance(node, Mapping):
        for item in _items(node.values.get("references")):
            if _text(item):
                yield _text(item)
        for key, value in node.values.items():
            if key not in ("references", "constant_value"):
                yield from _listed(value, depth + 1)


def _resolved(
    scene: _Scene, prefix: str, texts: tuple[str, ...], visited: set[tuple[str, str]], depth: int
) -> Iterator[str]:
    """The resources that references of a module lead to.

    A list has each of them several times, the most exact first: with its attribute, with its index,
    and without both.
    """
    seen: set[str] = set()
    for text in texts[:MAX_NAMES]:
        if (prefix, text) in visited or len(visited) > MAX_NAMES or depth > 2 * MAX_DEPTH:
            continue
        visited.add((prefix, text))
        parts = plain_address(text).split(".")
        if parts[0] == "var" and len(parts) > 1:
            above = prefix.removesuffix(".").rpartition("module.")[0]
            handed = scene.inputs.get((prefix, parts[1]), ())
            yield from _resolved(scene, above, handed, visited, depth + 1)
        elif parts[0] == "module" and len(parts) > 2:
            below = f"{prefix}module.{parts[1]}."
            given = scene.outputs.get((below, parts[2]), ())
            yield from _resolved(scene, below, given, visited, depth + 1)
        else:
            yield from _address(prefix, text, seen)


def _address(prefix: str, text: str, seen: set[str]) -> Iterator[str]:
    found = _ADDRESS.match(text)
    if found is None or text.partition(".")[0] in _NO_RESOURCES:
        return
    plain, index = found[1], found[2] or ""
    if index or plain not in seen:
        yield f"{prefix}{plain}{index}"
    seen.add(plain)


def _items(node: Node | None) -> list[Node]:
    return node.items if isinstance(node, Sequence) else []


def _entries(node: Node | None) -> list[tuple[str, Node]]:
    return list(node.values.items()) if isinstance(node, Mapping) else []


def _text(node: Node | None) -> str:
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""
