"""Which objects belong together: a workload with the Services, scaler, budget, routes and service
account that are its alone. Called by `telford.intake.kubernetes.reading`.

Kubernetes joins them by labels and names at run time; this joins them the same way. What belongs
to several workloads, or to none in the input, stays an object of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from telford.intake.kubernetes import access, kinds
from telford.intake.kubernetes.objects import Object


@dataclass(slots=True)
class Group:
    """A workload and what is its alone, in the order of the input."""

    workload: Object
    services: list[Object] = field(default_factory=list)
    scaler: Object | None = None
    budget: Object | None = None
    ingresses: list[Object] = field(default_factory=list)
    account: Object | None = None

    @property
    def namespace(self) -> str:
        """The namespace of the workload, "" where it names none."""
        return self.workload.namespace

    def members(self) -> list[Object]:
        """All its objects."""
        single = [self.scaler, self.budget, self.account]
        others = [item for item in single if item is not None]
        return [self.workload, *self.services, *self.ingresses, *others]


@dataclass(slots=True)
class Scene:
    """Everything that was found, sorted into what it is."""

    groups: list[Group] = field(default_factory=list)
    configs: list[Object] = field(default_factory=list)
    secrets: list[Object] = field(default_factory=list)
    # Carried whole, with the reason.
    others: list[tuple[Object, str]] = field(default_factory=list)
    # Service (namespace, name) -> the workloads behind it.
    behind: dict[tuple[str, str], list[Group]] = field(default_factory=dict)


def group(objects: Iterable[Object]) -> Scene:
    """Sort all objects; every one ends in exactly one place."""
    scene = Scene()
    rest: list[Object] = []
    for item in objects:
        if item.kind == "Secret":
            scene.secrets.append(item)
        elif not kinds.known(item.kind, item.group):
            scene.others.append((item, "no field of the model speaks of this kind"))
        elif item.kind in kinds.WORKLOADS:
            _workload(scene, item)
        elif item.kind == "ConfigMap":
            scene.configs.append(item)
        else:
            rest.append(item)
    claims = _Claims(scene)
    for kind in ("Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "ServiceAccount"):
        for item in rest:
            if item.kind == kind:
                claims.claim(item)
    for item in rest:
        if item.kind == "Ingress":
            claims.claim(item)
    return scene


def template(item: Object) -> dict[str, object]:
    """The pod template of a workload."""
    return access.mapping(item.body, *template_path(item))


def template_path(item: Object) -> tuple[str, ...]:
    """Where a workload keeps its pod template."""
    if item.kind == "CronJob":
        return "spec", "jobTemplate", "spec", "template"
    return "spec", "template"


def pod_labels(item: Object) -> dict[str, object]:
    """The labels of a workload's replicas."""
    return access.mapping(template(item), "metadata", "labels")


def _workload(scene: Scene, item: Object) -> None:
    containers = access.mapping(template(item), "spec").get("containers")
    if access.mappings(containers) and len(access.mappings(containers)) == len(
        access.items(containers)
    ):
        scene.groups.append(Group(item))
    else:
        scene.others.append((item, "it has no list of containers"))


class _Claims:
    """Finds the one workload that an object belongs to."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._by_namespace: dict[str, list[Group]] = {}
        # (namespace, label, value) -> the groups whose replicas have it.
        self._by_label: dict[tuple[str, str, object], list[Group]] = {}
        self._by_account: dict[tuple[str, str], list[Group]] = {}
        for one in scene.groups:
            self._by_namespace.setdefault(one.namespace, []).append(one)
            for label, value in pod_labels(one.workload).items():
                if isinstance(value, str | int):
                    self._by_label.setdefault((one.namespace, label, value), []).append(one)
            account = access.mapping(template(one.workload), "spec").get("serviceAccountName")
            if isinstance(account, str):
                self._by_account.setdefault((one.namespace, account), []).append(one)

    def claim(self, item: Object) -> None:
        """Give the object to its workload, or to nobody, saying why."""
        reason = getattr(self, "_" + item.kind.lower())(item)
        if reason:
            self._scene.others.append((item, reason))

    def _selected(self, namespace: str, selector: Mapping[str, object]) -> list[Group]:
        """The workloads whose replicas have every label of a selector; none for an empty one."""
        lists = [
            self._by_label.get((namespace, label, value), [])
            if isinstance(value, str | int)
            else []
            for label, value in selector.items()
        ]
        if not lists:
            return []
        shortest = min(lists, key=len)
        return [one for one in shortest if all(any(one is o for o in other) for other in lists)]

    def _service(self, item: Object) -> str:
        spec = access.mapping(item.body, "spec")
        if spec.get("type") == "ExternalName":
            return "it is a name for something outside"
        selector = access.mapping(spec, "selector")
        found = self._selected(item.namespace, selector)
        self._scene.behind[item.namespace, item.name] = found
        if not selector:
            return "it selects nothing"
        if not found:
            return "it selects no workload of the input"
        if len(found) > 1:
            namesakes = [one for one in found if one.workload.name == item.name]
            if len(namesakes) != 1:
                names = ", ".join(one.workload.label for one in found[:5])
                return f"it selects several workloads: {names}"
            found = namesakes
        found[0].services.append(item)
        return ""

    def _horizontalpodautoscaler(self, item: Object) -> str:
        target = access.mapping(item.body, "spec", "scaleTargetRef")
        for one in self._by_namespace.get(item.namespace, []):
            if (one.workload.kind, one.workload.name) == (target.get("kind"), target.get("name")):
                if one.scaler is not None or one.workload.kind not in ("Deployment", "StatefulSet"):
                    return "its workload has another scaler, or cannot be scaled"
                one.scaler = item
                return ""
        return "it scales no workload of the input"

    def _poddisruptionbudget(self, item: Object) -> str:
        selector = access.mapping(item.body, "spec", "selector", "matchLabels")
        found = self._selected(item.namespace, selector)
        if len(found) != 1:
            return f"it selects {len(found) or 'no'} workloads of the input"
        if found[0].budget is not None:
            return "its workload has another budget"
        found[0].budget = item
        return ""

    def _serviceaccount(self, item: Object) -> str:
        users = self._by_account.get((item.namespace, item.name), [])
        if len(users) != 1:
            return f"{len(users) or 'no'} workloads of the input use it"
        users[0].account = item
        return ""

    def _ingress(self, item: Object) -> str:
        names = backends(item)
        if not names or None in names:
            return "a rule of it leads to something else than a Service"
        owners = [
            one
            for one in self._by_namespace.get(item.namespace, [])
            if any(service.name in names for service in one.services)
        ]
        owned = {service.name for one in owners for service in one.services}
        if len(owners) != 1 or not owned.issuperset(names):
            return "its rules lead to several services" if owners else "it leads to no workload"
        if owners[0].workload.kind in ("Job", "CronJob"):
            return "it leads to something that is no service"
        owners[0].ingresses.append(item)
        return ""


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
