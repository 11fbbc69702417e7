"""The smallest patches that make one object of another: a strategic merge where that says it, and
JSON operations for the rest. Called by `target`.

A strategic merge is read by people and keeps lists by the names of their items. It cannot empty a
mapping, and what it does with lists of other keys than `sharing.NAMED` is not always what one means;
there an operation says exactly what becomes of a path.
https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patches/
"""

from dataclasses import dataclass, field
from typing import Any

from telford.render.artifacts import Object
from telford.render.kustomize import sharing
from telford.road import patch

Path = tuple[str | int, ...]

# Lists that kustomize merges by keys that are not in `sharing.NAMED`, or by their items.
# x-kubernetes-patch-merge-key and x-kubernetes-list-type of Kubernetes' OpenAPI document 1.33.
_MERGED_OTHERWISE = frozenset(
    {
        *("ports", "imagePullSecrets", "secrets", "hostAliases", "topologySpreadConstraints"),
        *("finalizers", "ownerReferences", "volumeDevices", "ephemeralContainers", "taints"),
        *("resourceClaims", "schedulingGates", "conditions", "resizePolicy", "claims"),
        *("loadBalancerSourceRanges", "externalIPs", "supplementalGroups", "podIPs"),
    }
)
_BUILT_IN = (".k8s.io/", "apps/", "batch/", "autoscaling/", "policy/", "v1")


@dataclass(frozen=True, slots=True)
class Changes:
    """What makes one object of another: a mapping to merge, and operations."""

    merge: dict[str, Any]
    operations: list[dict[str, Any]] = field(default_factory=list)


def changes(before: Object, after: Object) -> Changes:
    """From `before` to `after`, which have one kind and one name."""
    found = Changes({})
    version = str(after.get("apiVersion", ""))
    known = version.startswith(_BUILT_IN[1:]) or _BUILT_IN[0] in version
    merge = _Differ(found, named=known).mapping(before, after, ())
    found.merge.update(merge)
    return found


def pointer(path: Path) -> str:
    """A path as JSON operations write it (RFC 6901)."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in path)
    return "".join(f"/{step}" for step in steps)


class _Differ:
    """Walks two objects of one kind; `named` says that kustomize knows the keys of its lists."""

    def __init__(self, found: Changes, *, named: bool) -> None:
        self._found = found
        self._named = named

    def mapping(self, before: Object, after: Object, path: Path) -> dict[str, Any]:
        """The keys to merge."""
        made: dict[str, Any] = {}
        for key, value in after.items():
            if key not in before:
                self._new(made, key, value, (*path, key))
            elif not patch.same(before[key], value):
                self._changed(made, key, before[key], value, (*path, key))
        made.update({key: None for key in before if key not in after})
        return made

    def _new(self, made: dict[str, Any], key: str, value: Any, path: Path) -> None:
        """A key that was not there; a namespace is what an object is known by."""
        if path == ("metadata", "namespace"):
            self._operation("add", path, value)
        else:
            made[key] = value

    def _changed(self, made: dict[str, Any], key: str, old: Any, new: Any, path: Path) -> None:
        if isinstance(old, dict) and isinstance(new, dict):
            if new and (old.keys() & new.keys() or not old):
                if merged := self.mapping(old, new, path):
                    made[key] = merged
            else:
                self._operation("replace", path, new)
        elif isinstance(old, list) and isinstance(new, list):
            self._list(made, key, old, new, path)
        elif path == ("metadata", "namespace"):
            self._operation("replace", path, new)
        else:
            made[key] = new

    def _list(
        self, made: dict[str, Any], key: str, old: list[Any], new: list[Any], path: Path
    ) -> None:
        if self._named and key in sharing.NAMED and sharing.alike(key, (old, new)):
            made[key] = self._items(sharing.NAMED[key], old, new, path)
        elif self._named and (key in sharing.NAMED or key in _MERGED_OTHERWISE):
            self._operation("replace", path, new)
        else:
            made[key] = new

    def _items(self, name: str, old: list[Any], new: list[Any], path: Path) -> list[Any]:
        """Items up to the last one that changes: kustomize puts those that a patch names first, so
        naming them keeps their order.
        """
        pairs = list(zip(old, new, strict=True))
        last = max(index for index, (one, other) in enumerate(pairs) if not patch.same(one, other))
        return [
            {name: one[name], **self.mapping(one, other, (*path, index))}
            for index, (one, other) in enumerate(pairs[: last + 1])
        ]

    def _operation(self, op: str, path: Path, value: Any) -> None:
        self._found.operations.append({"op": op, "path": pointer(path), "value": value})
