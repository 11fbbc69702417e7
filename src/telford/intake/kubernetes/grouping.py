"""Which objects belong together: a workload with the Services, scaler, budget, routes, service
account, permissions, claims and monitors that are its alone. `telford.intake.kubernetes.claiming`
finds the owner of each; called by `telford.intake.kubernetes.reading`.

Kubernetes joins them by labels and names at run time; this joins them the same way. What belongs
to several workloads, or to none in the input, stays an object of its own.
"""

from dataclasses import dataclass, field

from telford.intake.kubernetes import access
from telford.intake.kubernetes.objects import Key, Object, Path

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Granted:
    """A binding, and the role that it alone refers to, where that is in the input."""

    binding: Object
    role: Object | None = None


@dataclass(slots=True)
class Group:
    """A workload and what is its alone, in the order of the input."""

    workload: Object
    services: list[Object] = field(default_factory=list)
    scaler: Object | None = None
    budget: Object | None = None
    ingresses: list[Object] = field(default_factory=list)
    account: Object | None = None
    grants: list[Granted] = field(default_factory=list)
    claims: list[Object] = field(default_factory=list)
    monitors: list[Object] = field(default_factory=list)
    # Kept with it: they select its replicas and no others.
    policies: list[Object] = field(default_factory=list)

    @property
    def namespace(self) -> str:
        """The namespace of the workload, "" where it names none."""
        return self.workload.namespace

    def members(self) -> list[Object]:
        """All its objects."""
        single = [self.scaler, self.budget, self.account]
        others = [item for item in single if item is not None]
        for granted in self.grants:
            others += [item for item in (granted.role, granted.binding) if item is not None]
        others += [*self.claims, *self.monitors, *self.policies]
        return [self.workload, *self.services, *self.ingresses, *others]

    def has(self, item: Object) -> bool:
        """Whether an object of this kind and name is there: of two, a document could name one."""
        return any((one.kind, one.name) == (item.kind, item.name) for one in self.members())


@dataclass(slots=True)
class Scene:
    """Everything that was found, sorted into what it is."""

    groups: list[Group] = field(default_factory=list)
    configs: list[Object] = field(default_factory=list)
    secrets: list[Object] = field(default_factory=list)
    # What is a document of its own: routes, fetched secrets, topics, clusters of a database.
    alone: list[Object] = field(default_factory=list)
    # Carried whole, with the reason.
    others: list[tuple[Object, str]] = field(default_factory=list)
    # Service (namespace, name) -> the workloads behind it.
    behind: dict[Place, list[Group]] = field(default_factory=dict)
    # Service -> the host that it is another name for; Services of something outside.
    aliases: dict[Place, str] = field(default_factory=dict)
    outside: set[Place] = field(default_factory=set)
    # Service that an operator makes -> the object that it makes it of.
    operated: dict[Place, Key] = field(default_factory=dict)
    policies: list[Object] = field(default_factory=list)
    # Workload -> the texts of its template under `name` and `secretName`, once they were asked for.
    _named: dict[Key, list[tuple[Path, str]]] = field(default_factory=dict)

    def named_in(self, one: Group) -> list[tuple[Path, str]]:
        """What the template of a workload names, with its path: ConfigMaps, Secrets, variables."""
        found = self._named.get(one.workload.key)
        if found is None:
            found = access.under(template(one.workload), "name", "secretName")
            self._named[one.workload.key] = found
        return found


def template(item: Object) -> dict[str, object]:
    """The pod template of a workload."""
    return access.mapping(item.body, *template_path(item))


def template_path(item: Object) -> tuple[str, ...]:
    """Where a workload keeps its pod template."""
    if item.kind == "CronJob":
        return "spec", "jobTemplate", "spec", "template"
    if item.kind == "ScaledJob":
        return "spec", "jobTargetRef", "template"
    if item.kind == "Pod":
        return ()
    return "spec", "template"


def pod_labels(item: Object) -> dict[str, object]:
    """The labels of a workload's replicas."""
    return access.mapping(template(item), "metadata", "labels")


def backends(item: Object) -> set[str | None]:
    """The names of the Services that an Ingress leads to; None for what is no Service."""
    found: set[str | None] = set()
    spec = access.mapping(item.body, "spec")
    if "defaultBackend" in spec or "backend" in spec:
        found.add(None)
    for rule in access.items(spec.get("rules")):
        paths = access.items(access.mapping(rule, "http").get("paths"))
        if not paths:
            found.add(None)
        for path in paths:
            name = access.mapping(path, "backend", "service").get("name")
            found.add(name if isinstance(name, str) else None)
    return found
