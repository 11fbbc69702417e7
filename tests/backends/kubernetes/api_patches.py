"""The patches that clients send beside apply: JSON merge patch (RFC 7396), and the strategic one,
which merges lists by their keys.
https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
"""

import copy
from typing import Any

from backends.kubernetes import api_schema
from backends.kubernetes.api_schema import Kind, Schema
from backends.kubernetes.api_store import Object, Refused

_MERGE = "application/merge-patch+json"
_STRATEGIC = "application/strategic-merge-patch+json"


def patched(content_type: str, kind: Kind, item: Object, patch: Any) -> Object:
    """The object after a patch. Raises `Refused` 415 for a kind of patch that there is not."""
    if content_type == _MERGE:
        return _merged(item, patch)
    schema = api_schema.of(kind.api_version, kind.kind)
    if content_type == _STRATEGIC and schema is not api_schema.UNTYPED:
        return _strategic(schema, item, patch)
    raise Refused(415, "UnsupportedMediaType", f"the body of the request was in {content_type}")


def _merged(value: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(value) if isinstance(value, dict) else {}
    for name, said in patch.items():
        if said is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), said)
    return result


def _strategic(schema: Schema, value: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    if patch.get("$patch") == "replace":
        return {k: v for k, v in patch.items() if k != "$patch"}
    result = dict(value) if isinstance(value, dict) else {}
    for name, said in patch.items():
        inner = api_schema.field(schema, name)
        if name.startswith("$"):
            # $setElementOrder and $retainKeys: an order that the merge keeps as it is.
            continue
        if said is None:
            result.pop(name, None)
        elif isinstance(said, list):
            result[name] = _items(inner, result.get(name) or [], said)
        else:
            result[name] = _strategic(inner, result.get(name), said)
    return result


def _items(schema: Schema, items: list[Any], patch: list[Any]) -> list[Any]:
    key = schema.get("x-kubernetes-patch-merge-key")
    if schema.get("x-kubernetes-patch-strategy") != "merge" or key is None:
        return copy.deepcopy(patch)
    result = {item[key]: item for item in items}
    for said in patch:
        if said.get("$patch") == "delete":
            result.pop(said[key], None)
        else:
            result[said[key]] = _strategic(api_schema.item(schema), result.get(said[key]), said)
    return list(result.values())
