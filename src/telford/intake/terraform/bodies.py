"""Bodies of blocks -> trees: evaluated, or as they were written. Called by
`telford.intake.terraform.configuration`.
"""

from telford.basics.yamltext import Mapping, Node, Scalar, Sequence
from telford.intake.cloud import tree
from telford.intake.cloud.tree import Unknown
from telford.intake.terraform import modules
from telford.intake.terraform.expressions import Evaluator
from telford.intake.terraform.scopes import NoScope
from telford.intake.terraform.syntax import Block, Body


def written(block: Block) -> Mapping:
    """What a block says, nothing of it evaluated: one leaf for each literal and expression."""
    return _filled(block, Evaluator(NoScope(), literal=True))


def evaluated(block: Block, evaluator: Evaluator) -> Mapping:
    """What a block says, as far as it can be known; blocks in it are lists of mappings."""
    return _filled(block, evaluator)


def _filled(block: Block, evaluator: Evaluator) -> Mapping:
    node = Mapping(block.line, block.column)
    for name, expression in block.body.attributes.items():
        near = Scalar(expression.line, expression.column, None, name)
        tree.put(node, name, evaluator.value(expression), near)
    for inner in block.body.blocks:
        if inner.kind == "dynamic" and inner.labels and not evaluator.literal:
            _dynamic(node, inner, evaluator)
        else:
            _append(node, _key(inner), _filled(inner, evaluator), inner)
    return node


def _key(block: Block) -> str:
    """The key of a block in another one: its kind, and its labels behind dots (``dynamic.setting``)."""
    return ".".join((block.kind, *block.labels))


def _append(node: Mapping, key: str, value: Node, near: Block) -> None:
    place = Scalar(near.line, near.column, key, key)
    holder = node.values.get(key)
    if not isinstance(holder, Sequence):
        holder = Sequence(near.line, near.column)
        tree.put(node, key, holder, place)
    holder.items.append(value)


def _dynamic(node: Mapping, block: Block, evaluator: Evaluator) -> None:
    """The blocks that a ``dynamic`` block makes; itself where that cannot be said."""
    name = block.labels[0]
    content = next((inner for inner in block.body.blocks if inner.kind == "content"), None)
    source = block.body.attributes.get("for_each")
    iterator = block.body.attributes.get("iterator")
    bound = iterator.text if iterator is not None else name
    ranged = evaluator.value(source) if source is not None else None
    instances = modules.each(ranged) if ranged is not None else None
    if content is None or instances is None:
        _append(node, _key(block), _filled(block, evaluator), block)
        return
    for instance in instances:
        inner = Evaluator(
            evaluator.scope,
            {**evaluator.bound, bound: instance.bound["each"]},
            limits=evaluator.limits,
        )
        _append(node, name, _filled(content, inner), block)


def references(body: Body, name: str, evaluator: Evaluator) -> tuple[str, ...]:
    """The keys of the resources that a list such as ``depends_on`` names."""
    found = body.attributes.get(name)
    if found is None:
        return ()
    return tuple(dict.fromkeys(key for _, key in tree.references(evaluator.value(found))))


def words(node: Node | None) -> str:
    """The text that a value is, or ""."""
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""


def expression(node: Node | None) -> str:
    """How an expression that is unknown was written, without its braces, or ""."""
    if isinstance(node, Unknown) and isinstance(node.raw, str):
        return node.raw.removeprefix("${").removesuffix("}")
    return words(node)
