"""Diagnostics about a bound entity, at the field they are about. Called by the targets."""

from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.basics.yamltext import Mapping, Node
from telford.estate.model import Bound


def finding(
    bound: Bound,
    code: str,
    severity: Severity,
    summary: str,
    *,
    field: tuple[str, ...] = (),
    detail: str = "",
    fix: str = "",
) -> Diagnostic:
    """One finding. `field` is the path of keys in the document; the nearest that is written."""
    node = _at(bound.node or bound.entity.node, field)
    return Diagnostic(
        code=code,
        severity=severity,
        summary=summary,
        address=str(bound.entity.address),
        position=Position(bound.entity.file, node.line, node.column),
        detail=detail,
        fix=fix,
    )


def _at(node: Node, field: tuple[str, ...]) -> Node:
    found = node
    for key in field:
        if not isinstance(found, Mapping) or key not in found.values:
            break
        found = found.values[key]
    return found
