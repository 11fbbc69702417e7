"""Things -> estate documents that the kinds take. Called by `telford.intake.cloud.reading`."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from telford.estate.address import Address
from telford.estate.kinds import registry
from telford.estate.kinds.base import API_VERSION
from telford.intake.cloud.dependencies import Dependency
from telford.intake.cloud.meaning import Thing

# Each round takes out at least one refused value.
MAX_ROUNDS = 40
# Kinds whose documents say which road they are on.
_ROADS = frozenset({"Service", "Datastore", "Stream", "Secret"})
# Kinds that nobody owns, and that belong to no system.
PLACES = frozenset({"Cluster", "Region", "Account"})


def head(kind: str, address: Address, owner: str) -> dict[str, Any]:
    """The head of a document."""
    value: dict[str, Any] = {"apiVersion": API_VERSION, "kind": kind, "name": address.name}
    if kind in PLACES:
        return value
    value |= {"system": address.system, "owner": f"team/{owner}"}
    return value | ({"road": "as-found"} if kind in _ROADS else {})


def document(
    thing: Thing,
    address: Address,
    owner: str,
    addresses: Mapping[int, Address],
    uses: list[Dependency],
    refused: list[str],
) -> dict[str, Any] | None:
    """The document of a thing; what its kind does not take is taken out, named in `refused` and
    no longer said. None where too little remains.
    """
    for _ in range(MAX_ROUNDS):
        value = head(thing.kind, address, owner)
        if thing.labels and thing.kind not in PLACES:
            value["labels"] = dict(sorted(thing.labels.items()))
        for dotted, item in sorted(thing.fields.items(), key=lambda pair: _rank(pair[0])):
            _set(value, dotted, item)
        if uses:
            value["uses"] = [_use(one, address, addresses) for one in uses]
        try:
            registry.BY_NAME[thing.kind].model_validate(value)
        except ValidationError as error:
            if not _take_out(thing, error, refused):
                return None
        else:
            return value
    return None


def reference(target: Address, system: str) -> str:
    """How a document of a system refers to a thing."""
    return target.name if target.system in (system, "") else f"{target.system}.{target.name}"


def _use(one: Dependency, address: Address, addresses: Mapping[int, Address]) -> dict[str, Any]:
    target = addresses[id(one.target)]
    said = {target.kind: reference(target, address.system)}
    return {**said, **one.use, "inferred": {"from": one.origin}}


_ORDER = ("type", "engine", "version", "platform", "size", "replication")


def _rank(dotted: str) -> tuple[int, str]:
    first = dotted.partition(".")[0]
    return (_ORDER.index(first) if first in _ORDER else len(_ORDER), dotted)


def _set(value: dict[str, Any], dotted: str, item: Any) -> None:
    *holders, last = dotted.split(".")
    for holder in holders:
        value = value.setdefault(holder, {})
    value[last] = item


def _take_out(thing: Thing, error: ValidationError, refused: list[str]) -> bool:
    """Remove the fields that the kind refuses; False where none of them is the thing's own."""
    removed = False
    for problem in error.errors(include_url=False, include_input=False):
        location = [str(part) for part in problem["loc"]]
        for dotted in [*thing.fields]:
            steps = dotted.split(".")
            shared = min(len(steps), len(location))
            if steps[:shared] == location[:shared] and dotted in thing.fields:
                del thing.fields[dotted]
                for key in [key for key in thing.said_by if _of(key, dotted)]:
                    del thing.said_by[key]
                message = problem["msg"].removeprefix("Value error, ")
                refused.append(f"{dotted}: {message}")
                removed = True
    return removed


def _of(key: str, dotted: str) -> bool:
    return key == dotted or key.startswith((f"{dotted}#", f"{dotted}."))
