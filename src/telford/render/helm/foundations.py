"""What a place has before any service, as values: priorities, namespaces and what limits them.

Called by `target`.
"""

from collections.abc import Callable, Mapping, Sequence

from telford.render.artifacts import Object
from telford.render.helm.taking import Taken, Values


def foundation(objects: Sequence[Object]) -> Values:
    """The values of the objects that a place has as a whole. Raises `UnsaidError` for what has no
    place in them.
    """
    made: Values = {}
    for item in objects:
        where, make = _KINDS[item["kind"]]
        found = Taken(item, item["kind"])
        found.take("apiVersion")
        found.take("kind")
        metadata = found.inside("metadata")
        names = ("name", "namespace", "labels", "annotations")
        said = metadata.renamed({name: name for name in names}) | make(found)
        metadata.done()
        found.done()
        made.setdefault(where, []).append(said)
    return made


def _priority(found: Taken) -> Values:
    preempts = found.take("preemptionPolicy") != "Never"
    return {"preempts": preempts, **found.renamed({"value": "value", "description": "description"})}


def _namespace(found: Taken) -> Values:
    del found
    return {}


def _limits(found: Taken) -> Values:
    spec = found.inside("spec")
    (limits,) = spec.take("limits")
    given = Taken(limits, "spec.limits")
    given.must("type", "Container")
    made = given.renamed({"default": "default", "defaultRequest": "request"})
    given.done()
    spec.done()
    return made


def _quota(found: Taken) -> Values:
    spec = found.inside("spec")
    made = spec.renamed({"hard": "hard"})
    scope = spec.inside("scopeSelector")
    for item in scope.take("matchExpressions", ()):
        chosen = Taken(item, "spec.scopeSelector")
        chosen.must("scopeName", "PriorityClass")
        chosen.must("operator", "In")
        (made["priorityClass"],) = chosen.take("values")
        chosen.done()
    scope.done()
    spec.done()
    return made


_KINDS: Mapping[str, tuple[str, Callable[[Taken], Values]]] = {
    "PriorityClass": ("priorities", _priority),
    "Namespace": ("namespaces", _namespace),
    "LimitRange": ("limits", _limits),
    "ResourceQuota": ("quotas", _quota),
}
