"""Whether two sets of Kubernetes objects mean the same, and by which named rule where they are
written differently.

Two objects of one kind, namespace and name are walked side by side. Each difference is explained by
the first rule of `sameness.toml` that forgives it, and counted, or it stays unexplained. A rule is
data: what it forgives, why that is safe, and who says so. Called by `telford.app.roundtrip`, and by
whatever compares an estate with what runs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from telford.basics import resources, units
from telford.road import conventions, patch, sameness_live

Object = Mapping[str, Any]
Path = patch.Path
# Kind, API group, namespace, name.
Key = tuple[str, str, str, str]

# Shown of each rule; the count has all of them.
MAX_EXAMPLES = 5
# A text of a difference longer than this is cut: the objects have all of it.
_SHOWN = 60


class _Absent:
    """The type of `ABSENT`: a field that one side does not have."""

    def __repr__(self) -> str:
        return "(not there)"


ABSENT = _Absent()


@dataclass(frozen=True, slots=True)
class Rule:
    """A way to be written differently and mean the same."""

    name: str
    forgives: str
    why: str
    source: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one object that the two sides write differently. `rule` is "" where none
    forgives it. `steps` is the path as keys and indices (of the found list, where the item is in
    it); `lacking` names the side that does not have the field: "found", "built" or "".
    """

    subject: str
    path: str
    found: str
    built: str
    rule: str = ""
    steps: Path = field(default=(), compare=False)
    lacking: str = field(default="", compare=False)

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "object": self.subject,
            "path": self.path,
            "found": self.found,
            "built": self.built,
        }


@dataclass(frozen=True, slots=True)
class Explained:
    """What one rule forgave: how often, and the first of them."""

    count: int
    examples: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What comes of comparing found objects with built ones.

    `equal` are the objects without any difference; `fields` the leaves of all that were found.
    `missing` were found and not built, `added` built and not found, both without a rule that
    explains it. `carried` and `carried_fields` count what is an opaque Manifest, which is compared
    as well.
    """

    objects: int = 0
    fields: int = 0
    equal: int = 0
    explained: Mapping[str, Explained] = field(default_factory=dict)
    unexplained: tuple[Difference, ...] = ()
    missing: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    carried: int = 0
    carried_fields: int = 0

    @property
    def ok(self) -> bool:
        """Whether every difference is explained."""
        return not (self.unexplained or self.missing or self.added)

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "ok": self.ok,
            "objects": self.objects,
            "fields": self.fields,
            "equal": self.equal,
            "carried": {"objects": self.carried, "fields": self.carried_fields},
            "explained": {
                name: {
                    "count": item.count,
                    "why": rules()[name].why,
                    "examples": [example.as_json() for example in item.examples],
                }
                for name, item in self.explained.items()
            },
            "unexplained": [item.as_json() for item in self.unexplained],
            "missing": list(self.missing),
            "added": list(self.added),
        }


@cache
def _data() -> Mapping[str, Any]:
    return resources.toml("telford.road", "sameness.toml")


@cache
def rules() -> Mapping[str, Rule]:
    """Every rule by its name, in the order in which they are tried."""
    return {name: Rule(name, **item) for name, item in _data()["rules"].items()}


@cache
def cluster_metadata() -> frozenset[str]:
    """The keys of an object's metadata that the cluster writes."""
    return frozenset(_data()["cluster"]["metadata"])


@cache
def cluster_annotations() -> frozenset[str]:
    """The annotations that the cluster or kubectl writes."""
    return frozenset(_data()["cluster"]["annotations"])


def key(item: Object) -> Key:
    """What makes two objects one: kind, API group, namespace, name."""
    metadata = item.get("metadata")
    names = metadata if isinstance(metadata, dict) else {}
    group = str(item.get("apiVersion", "")).rpartition("/")[0]
    name = names.get("name") or names.get("generateName") or ""
    return str(item.get("kind", "")), group, str(names.get("namespace") or ""), str(name)


def label(item: Object) -> str:
    """``Kind/name``, or ``Kind/namespace/name``."""
    kind, _, namespace, name = key(item)
    return "/".join(part for part in (kind, namespace, name) if part)


def compare(
    found: Iterable[Object],
    built: Iterable[Object],
    *,
    carried: frozenset[Key] = frozenset(),
    replaced: Iterable[Object] = (),
) -> Comparison:
    """Compare what was found with what was built, object by object and field by field.

    `carried` are the keys of what is an opaque Manifest; `replaced` were found too, and a later
    object of the same name counts.
    """
    wanted = {key(item): item for item in found}
    given = {key(item): item for item in built}
    differences: list[Difference] = [
        Difference(label(item), "", "an earlier object", "(the later one)", "repeated")
        for item in replaced
    ]
    equal = 0
    missing: list[str] = []
    for name, item in wanted.items():
        if name in given:
            own = list(differences_of(item, given[name]))
            differences += own
            equal += not own
        elif item.get("kind") == "Secret":
            differences.append(Difference(label(item), "", "a Secret", "(not built)", "secret"))
        else:
            missing.append(label(item))
    counted = {name: patch.count(item) for name, item in wanted.items()}
    return Comparison(
        objects=len(wanted),
        fields=sum(counted.values()),
        equal=equal,
        explained=_explained(differences),
        unexplained=tuple(item for item in differences if not item.rule),
        missing=tuple(missing),
        added=tuple(label(item) for name, item in given.items() if name not in wanted),
        carried=len(carried & wanted.keys()),
        carried_fields=sum(counted[name] for name in carried & wanted.keys()),
    )


def _explained(differences: Iterable[Difference]) -> dict[str, Explained]:
    found: dict[str, list[Difference]] = {}
    for item in differences:
        if item.rule:
            found.setdefault(item.rule, []).append(item)
    return {
        name: Explained(len(found[name]), tuple(found[name][:MAX_EXAMPLES]))
        for name in rules()
        if name in found
    }


@dataclass(frozen=True, slots=True)
class View:
    """How the found objects are to be taken. `live`: they come out of a cluster, which fills in
    what is left open; `marks`: what was built may carry labels of telford's own that they lack.
    """

    live: bool = False
    marks: bool = True


AS_WRITTEN = View()
# Out of a cluster to which the built objects were applied, labels of ours and all.
LIVE = View(live=True, marks=False)


def differences_of(found: Object, built: Object, view: View = AS_WRITTEN) -> Iterator[Difference]:
    """Every difference of two objects with the rule that forgives it, in the order of `found`."""
    if patch.same(found, built):
        return
    walk = _Walk(str(found.get("kind", "")), label(found), view)
    yield from walk.step((), found, built)


class _Walk:
    """Goes through two objects of one kind side by side."""

    def __init__(self, kind: str, name: str, view: View) -> None:
        self._kind = kind
        self._name = name
        self._view = view
        # The mappings that are being walked, outermost first: what a field's neighbours say.
        self._above: list[_Pair] = []
        data = _data()
        self._lists = {**data["lists"], **data["lists-of"].get(kind, {})}

    def step(self, path: Path, found: Any, built: Any) -> Iterator[Difference]:
        """The differences of two values, or of one with `ABSENT`."""
        if found is built or patch.same(found, built):
            return
        if _is_entered(found, built):
            yield from self._mappings(path, found, built)
        elif isinstance(found, list) and isinstance(built, list):
            yield from self._sequences(path, found, built)
        else:
            yield self._leaf(path, found, built)

    def _mappings(self, path: Path, found: Any, built: Any) -> Iterator[Difference]:
        # A whole mapping on one side only is one difference where a rule forgives all of it.
        if ABSENT in (found, built) and (rule := self._rule(path, found, built)):
            yield self._said(path, _shown(path, found), _shown(path, built), rule)
            return
        one = {} if found is ABSENT else found
        other = {} if built is ABSENT else built
        self._above.append((one, other))
        for name in dict.fromkeys([*one, *other]):
            here = (*path, name)
            if name in _SECRET_VALUES and name not in other and one.get("kind") == "Secret":
                yield self._said(here, "(values)", repr(ABSENT), "secret")
            else:
                yield from self.step(here, one.get(name, ABSENT), other.get(name, ABSENT))
        self._above.pop()

    def _sequences(self, path: Path, found: list[Any], built: list[Any]) -> Iterator[Difference]:
        names = self._list_keys(path)
        first, second = _named(found, names), _named(built, names)
        if first is not None and second is not None and not _order_counts(path, found):
            if [name for name in first if name in second] != [n for n in second if n in first]:
                yield self._said(path, _names(first), _names(second), "order")
            for name in dict.fromkeys([*first, *second]):
                index = (list(first) if name in first else list(second)).index(name)
                here = (*path, index)
                yield from self.step(here, first.get(name, ABSENT), second.get(name, ABSENT))
        elif len(found) == len(built):
            for index, (one, other) in enumerate(zip(found, built, strict=True)):
                yield from self.step((*path, index), one, other)
        else:
            yield self._leaf(path, found, built)

    def _list_keys(self, path: Path) -> Sequence[str]:
        return next((keys for end, keys in self._lists.items() if _ends(path, end)), ())

    def _leaf(self, path: Path, found: Any, built: Any) -> Difference:
        one, other = _shown(path, found), _shown(path, built)
        if one == other:
            one, other = _told_apart(one, found, built)
        said = self._said(path, one, other, self._rule(path, found, built))
        lacking = "found" if found is ABSENT else "built" if built is ABSENT else ""
        return replace(said, lacking=lacking)

    def _rule(self, path: Path, found: Any, built: Any) -> str:
        """The first rule that forgives a difference, or ""."""
        for name, forgives in _FORGIVING.items():
            if name == "own-marks" and not self._view.marks:
                continue
            if forgives(self._kind, path, found, built):
                return name
        if self._view.live and sameness_live.assigned(self._kind, path, found, built, ABSENT):
            return "assigned"
        if ABSENT in (found, built):
            return "derived" if self._derived(path, found, built) else ""
        return "derived" if sameness_live.overridden(path, self._above) else ""

    def _derived(self, path: Path, found: Any, built: Any) -> bool:
        """Whether the value that one side gives is what follows from the other side's own."""
        side = 0 if found is ABSENT else 1
        neighbours = [pair[side] for pair in self._above]
        return sameness_live.derived(self._kind, path, _other(found, built), neighbours)

    def _said(self, path: Path, found: str, built: str, rule: str) -> Difference:
        return Difference(self._name, ".".join(map(str, path)), found, built, rule, path)


def _is_entered(found: Any, built: Any) -> bool:
    """Whether both are mappings, or one is and has something in it that the other lacks: an empty
    mapping beside nothing is a leaf, for it may mean something.
    """
    present = [value for value in (found, built) if value is not ABSENT]
    mappings = all(isinstance(value, dict) for value in present)
    return mappings and (len(present) == 2 or bool(present[0]))


def _named(items: list[Any], keys: Sequence[str]) -> dict[tuple[Any, ...], Any] | None:
    """The items by their keys; None where those do not tell them apart."""
    if not keys or not all(isinstance(item, dict) for item in items):
        return None
    defaults = _data()["list-defaults"]
    try:
        named = {tuple(item.get(k, defaults.get(k)) for k in keys): item for item in items}
    except TypeError:
        # A key that is a mapping or a list names nothing.
        return None
    return named if len(named) == len(items) else None


def _order_counts(path: Path, items: list[Any]) -> bool:
    """Whether a variable may be made of those before it."""
    return path[-1] == "env" and any("$(" in str(item.get("value", "")) for item in items)


def _ends(path: Path, end: str) -> bool:
    """Whether a path ends in a pattern: ``*`` is any step, and the first step of the pattern may
    be the end of one (``Probe``).
    """
    steps = end.split(".")
    tail = path[-len(steps) :]
    if len(tail) < len(steps):
        return False
    head, *rest = zip(tail, steps, strict=True)
    whole = all(pattern in ("*", str(step)) for step, pattern in rest)
    return whole and (head[1] == "*" or str(head[0]).endswith(head[1]))


def _is_whole(path: Path, pattern: str) -> bool:
    """Whether a path is exactly a pattern."""
    return len(path) == pattern.count(".") + 1 and _ends(path, pattern)


def _shown(path: Path, value: Any) -> str:
    """A value for people: nothing that may be a secret, and nothing that is long."""
    if value is ABSENT:
        return repr(value)
    if not _PRIVATE.isdisjoint(path) and value is not None:
        return f"({len(str(value))} characters)"
    return _cut(str(value))


# Where people write what others should not read.
_PRIVATE = frozenset({"data", "stringData", "env", "args", "command", "annotations"})


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _names(items: Iterable[tuple[Any, ...]]) -> str:
    """The keys of the items of a list."""
    return _cut(", ".join("/".join(map(str, name)) for name in items))


def _told_apart(shown: str, found: Any, built: Any) -> tuple[str, str]:
    """Two values that look alike: 1 and "1", two secrets of one length, two long texts."""
    if type(found) is type(built):
        return shown, f"another that looks alike: {shown}"
    return f"{shown} ({type(found).__name__})", f"{shown} ({type(built).__name__})"


# Where a Secret, also one inside of another object, keeps what nobody may see.
_SECRET_VALUES = frozenset({"data", "stringData"})

_Pair = tuple[Object, Object]
_Forgives = Callable[[str, Path, Any, Any], bool]


def _other(found: Any, built: Any) -> Any:
    """What the side that says something says, where the other does not have the field."""
    return built if found is ABSENT else found


def _quantity(kind: str, path: Path, found: Any, built: Any) -> bool:
    del kind
    if not any(_ends(path, end) for end in _data()["quantities"]["fields"]):
        return False
    try:
        return units.quantity(str(found)) == units.quantity(str(built))
    except units.UnitError:
        return False


def _default(kind: str, path: Path, found: Any, built: Any) -> bool:
    if ABSENT not in (found, built):
        return False
    value, data = _other(found, built), _data()
    for pattern, default in data["defaults"].get(kind, {}).items():
        if _is_whole(path, pattern) and patch.same(default, value):
            return True
    if "template" not in path:
        return False
    return any(
        _ends(path, end) and patch.same(default, value)
        for end, default in data["defaults-of-pods"].items()
    )


def _null(kind: str, path: Path, found: Any, built: Any) -> bool:
    del kind, path
    return ABSENT in (found, built) and _other(found, built) is None


def _empty(kind: str, path: Path, found: Any, built: Any) -> bool:
    del kind
    if ABSENT not in (found, built) or _other(found, built) not in ({}, []):
        return False
    return any(_ends(path, end) for end in _data()["empty"]["fields"])


def _cluster(kind: str, path: Path, found: Any, built: Any) -> bool:
    """What the cluster wrote is only ever on the side that was found."""
    del kind, found
    if built is not ABSENT:
        return False
    if path[0] == "status":
        return True
    if path[0] != "metadata" or len(path) < 2:
        return False
    if path[1] == "annotations" and len(path) > 2:
        return path[2] in cluster_annotations()
    return path[1] in cluster_metadata()


def _own_marks(kind: str, path: Path, found: Any, built: Any) -> bool:
    del kind
    if found is not ABSENT or path[-2:-1] not in (("labels",), ("annotations",)):
        return False
    name = str(path[-1])
    managed = name == conventions.LABEL_MANAGED_BY and built == conventions.MANAGER
    return managed or name.startswith(_OWN)


_OWN = conventions.LABEL_ENVIRONMENT.partition("/")[0] + "/"


# Rule -> its test. `order`, `secret` and `repeated` are found on the way.
_FORGIVING: Mapping[str, _Forgives] = {
    "quantity": _quantity,
    "default": _default,
    "null": _null,
    "empty": _empty,
    "cluster": _cluster,
    "own-marks": _own_marks,
}
