"""`.tf.json` texts -> the same blocks as HCL gives. Called by
`telford.intake.terraform.configuration`.

The syntax: https://developer.hashicorp.com/terraform/language/syntax/json (2026-11): a block with
labels is a mapping of mappings, and several blocks of one name are a list.
"""

from collections.abc import Iterator

from telford.basics import yamltext
from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.basics.yamltext import Mapping, Node, Sequence
from telford.intake.terraform.syntax import Block, Body, Expression

# Kind of a top-level block -> how many labels it has.
_LABELS = {
    "resource": 2,
    "data": 2,
    "ephemeral": 2,
    "module": 1,
    "variable": 1,
    "output": 1,
    "provider": 1,
    "check": 1,
    "locals": 0,
    "terraform": 0,
    "moved": 0,
    "removed": 0,
    "import": 0,
}


def read(text: str, file: str) -> tuple[Body, tuple[Diagnostic, ...]]:
    """The blocks of a text, and everything wrong with it. A settings file gives attributes."""
    # JSON may indent with tabs, which YAML may not.
    nodes, problems = yamltext.read(text.replace("\t", " "), file)
    body = Body()
    if not nodes or not isinstance(nodes[0], Mapping):
        position = Position(file, 1, 1)
        summary = "this is no JSON of Terraform: an object is expected"
        problem = Diagnostic("TEL640", Severity.ERROR, summary, position=position)
        return body, (*problems, problem)
    settings = file.endswith(".tfvars.json")
    for key, value in nodes[0].values.items():
        if settings:
            body.attributes[key] = _expression(value)
        elif key in _LABELS:
            body.blocks += _blocks(key, value, (), _LABELS[key])
    return body, problems


def _blocks(kind: str, value: Node, labels: tuple[str, ...], left: int) -> Iterator[Block]:
    if isinstance(value, Sequence):
        for item in value.items:
            yield from _blocks(kind, item, labels, left)
    elif isinstance(value, Mapping) and left:
        for label, item in value.values.items():
            yield from _blocks(kind, item, (*labels, label), left - 1)
    elif isinstance(value, Mapping):
        attributes = {key: _expression(item) for key, item in value.values.items()}
        yield Block(kind, labels, Body(attributes), value.line, value.column)


def _expression(node: Node) -> Expression:
    return Expression(node.line, node.column, literal=node)
