"""From mapped fields to a valid document that gives back exactly what was found.

The fields are validated against the kind; what it refuses is taken out again. Then
`telford.road.found` says which objects the fields give, and the difference to those that were
found is carried. Called by `telford.intake.kubernetes.reading`.
"""

import copy
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from telford.estate.kinds import base, registry
from telford.intake.kubernetes import access, containers, kinds
from telford.intake.kubernetes.objects import Key, Object, Path
from telford.road import found, patch

# Each round takes out at least one refused value; real manifests need none.
MAX_ROUNDS = 40


@dataclass(frozen=True, slots=True)
class Refused:
    """A mapped value that the kind does not take: where in the document, and why."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Fitted:
    """A document, what of each object is carried, and what was refused on the way."""

    value: Mapping[str, Any]
    carried: Mapping[Key, tuple[Path, ...]]
    refused: tuple[Refused, ...]


def fit(fields: dict[str, Any], objects: Sequence[Object]) -> Fitted | None:
    """The document of `fields` that gives back `objects`; None where it cannot be done."""
    seeds = [{"object": f"{item.kind}/{item.name}", "patch": {}} for item in objects]
    refused: list[Refused] = []
    spec = _validated(fields | {"carried": seeds}, refused)
    if spec is None:
        return None
    made = {_name(item): item for item in found.objects(spec)}
    wanted = {(item.kind, item.name): canonical(item) for item in objects}
    if made.keys() != wanted.keys():
        return None
    carried: dict[Key, tuple[Path, ...]] = {}
    entries = []
    for item in objects:
        name = item.kind, item.name
        difference = patch.difference(made[name], wanted[name])
        carried[item.key] = difference.carried
        if difference.patch or not found.names_itself(spec, *name):
            entries.append({"object": "/".join(name), "patch": difference.patch})
    # In JSON's types, so that lists are lists.
    value = spec.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"carried"})
    if entries:
        value["carried"] = entries
    return Fitted(value, carried, tuple(refused)) if _gives(value, made, wanted) else None


_Name = tuple[str, str]


def plain(value: Any) -> Any:
    """Dicts, lists and scalars, and nothing else."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def canonical(item: Object) -> dict[str, Any]:
    """What was found, with the quantities of its containers as texts (``cpu: 1`` as ``"1"``)."""
    if item.kind not in kinds.WORKLOADS:
        return item.body
    body: dict[str, Any] = _quantities(item.body, 0)
    return body


# Deep enough for the resources of a container in a CronJob: nine levels of keys.
_RESOURCE_DEPTH = 9


def _quantities(value: Any, depth: int) -> Any:
    """The tree with its amounts as texts; what has no number among them is shared."""
    if depth > _RESOURCE_DEPTH:
        return value
    if isinstance(value, list):
        items = [
            _quantities(item, depth) if isinstance(item, dict | list) else item for item in value
        ]
        return items if any(map(operator.is_not, items, value)) else value
    changed = {
        key: _amounts(item) if key == "resources" else _quantities(item, depth + 1)
        for key, item in value.items()
        if isinstance(item, dict | list)
    }
    if all(item is value[key] for key, item in changed.items()):
        return value
    return {key: changed.get(key, item) for key, item in value.items()}


def _amounts(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    numbers = {
        key: {name: containers.quantity(amount) for name, amount in value[key].items()}
        for key in ("requests", "limits")
        if isinstance(value.get(key), dict)
        and not all(isinstance(amount, str) for amount in value[key].values())
    }
    return value | numbers if numbers else value


def _name(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["kind"], access.text(access.mapping(item, "metadata").get("name"))


def _gives(
    value: Mapping[str, Any], made: Mapping[_Name, Any], wanted: Mapping[_Name, Any]
) -> bool:
    """Whether what the fields make and what is carried are together exactly what was found.

    A document of this shape makes what its fields made: writing it and reading it again changes no
    field (`tests/intake/test_generated_manifests.py`).
    """
    patches = {item["object"]: item["patch"] for item in value.get("carried", ())}
    return all(
        # Without a patch the two were found to be the same.
        not (change := patches.get("/".join(name)))
        or patch.same(patch.merge(item, change), wanted[name])
        for name, item in made.items()
    )


def _validated(fields: dict[str, Any], refused: list[Refused]) -> base.Kind | None:
    """The kind made of the fields, refused values taken out; None where too little remains."""
    kind = registry.BY_NAME[fields["kind"]]
    for _ in range(MAX_ROUNDS):
        try:
            return kind.model_validate(fields)
        except ValidationError as error:
            # The fields share lists with what was found, which must stay as it is.
            fields = copy.deepcopy(fields) if not refused else fields
            # From the back, so that the indices of what stays do not move.
            for problem in reversed(error.errors(include_url=False, include_input=False)):
                path = _located(fields, problem["loc"])
                if len(path) < 1 or path[0] in ("kind", "name", "apiVersion"):
                    return None
                if _take_out(fields, path):
                    where = ".".join(map(str, path))
                    refused.append(Refused(where, problem["msg"].removeprefix("Value error, ")))
    return None


def _located(fields: Any, location: Sequence[str | int]) -> Path:
    """The path to a refused value: pydantic's location without the names of union branches."""
    path: list[str | int] = []
    here = fields
    for step in location:
        if _has(here, step):
            here = here[step]
            path.append(step)
    return tuple(path)


def _take_out(fields: Any, path: Path) -> bool:
    """Remove the value at a path; False where it is gone already."""
    here = fields
    for step in path[:-1]:
        if not _has(here, step):
            return False
        here = here[step]
    if not _has(here, path[-1]):
        return False
    del here[path[-1]]
    return True


def _has(value: Any, step: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(step, int) and 0 <= step < len(value)
    return isinstance(value, dict) and step in value
