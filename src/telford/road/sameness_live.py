"""The rules of `sameness` about what a cluster adds: what it chooses where an object leaves it open,
and what follows from the object's other fields. Called by `telford.road.sameness` alone.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from telford.basics import resources
from telford.road import patch

Object = Mapping[str, Any]
Path = patch.Path


@cache
def _assigned() -> Mapping[str, Sequence[Sequence[str]]]:
    """Kind -> paths as steps; those of ``*`` hold for every kind."""
    found: Mapping[str, Sequence[Sequence[str]]] = resources.toml("telford.road", "sameness.toml")[
        "assigned"
    ]
    return found


def assigned(kind: str, path: Path, found: Any, built: Any, absent: object) -> bool:
    """Whether a cluster chose a value that what was built leaves open."""
    if built is not absent:
        return False
    if path == ("spec", "clusterIP") and found == "None":
        # A Service without an address of its own is another kind of Service.
        return False
    known = (*_assigned().get(kind, ()), *_assigned()["*"])
    return any(_matches(path, steps) for steps in known)


def _matches(path: Path, steps: Sequence[str]) -> bool:
    """Whether a path is exactly these steps; ``*`` is any one."""
    alike = zip(path, steps, strict=False)
    return len(path) == len(steps) and all(step in ("*", str(one)) for one, step in alike)


def derived(kind: str, path: Path, value: Any, above: Sequence[Object]) -> bool:
    """Whether a value is what the API server derives from its neighbours on the side that leaves it
    out. `above` are the mappings around it on that side, outermost first.
    """
    name = str(path[-1]) if path else ""
    rule = _DERIVED.get(name)
    if rule is not None and rule(kind, path, value, above):
        return True
    return "requests" in (name, *map(str, path[-2:-1])) and _request(path, value, above)


def overridden(path: Path, above: Sequence[tuple[Object, Object]]) -> bool:
    """Whether nobody reads a field, because its newer name is given on both sides."""
    newer = "serviceAccountName" if path[-1:] == ("serviceAccount",) else ""
    return bool(newer and above) and all(side.get(newer) for side in above[-1])


def _pull_policy(kind: str, path: Path, value: Any, above: Sequence[Object]) -> bool:
    """`SetDefaults_Container`: Always for a tag that moves, else IfNotPresent."""
    del kind, path
    image = str(above[-1].get("image", ""))
    tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
    moves = "@" not in image and tag in ("", "latest")
    return bool(value == ("Always" if moves else "IfNotPresent"))


def _target_port(kind: str, path: Path, value: Any, above: Sequence[Object]) -> bool:
    del path
    return bool(kind == "Service" and value == above[-1].get("port"))


def _service_account(kind: str, path: Path, value: Any, above: Sequence[Object]) -> bool:
    """`serviceAccount` is the old name of `serviceAccountName`, and the server writes both."""
    del kind, path
    return bool(value == above[-1].get("serviceAccountName"))


def _policy_types(kind: str, path: Path, value: Any, above: Sequence[Object]) -> bool:
    del path
    wanted = ["Ingress", "Egress"] if above[-1].get("egress") else ["Ingress"]
    return kind == "NetworkPolicy" and value == wanted


def _request(path: Path, value: Any, above: Sequence[Object]) -> bool:
    """`SetDefaults_Pod`: what is limited and not requested is requested as it is limited."""
    whole = path[-1] == "requests"
    around = above[-1] if whole or len(above) < 2 else above[-2]
    limits = around.get("limits")
    if not isinstance(limits, Mapping):
        return False
    wanted = value if whole and isinstance(value, Mapping) else {str(path[-1]): value}
    return bool(wanted) and all(limits.get(name) == one for name, one in wanted.items())


_DERIVED: Mapping[str, Callable[[str, Path, Any, Sequence[Object]], bool]] = {
    "imagePullPolicy": _pull_policy,
    "targetPort": _target_port,
    "serviceAccount": _service_account,
    "policyTypes": _policy_types,
}
