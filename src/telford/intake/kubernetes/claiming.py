"""Sorts the objects of an input: what runs, what belongs to it alone, what stands alone, the rest.

Called by `telford.intake.kubernetes.reading`. Each object ends in exactly one place.
"""

from collections.abc import Callable, Iterable, Mapping

from telford.intake.kubernetes import access, grouping, kinds
from telford.intake.kubernetes.grouping import Granted, Group, Place, Scene
from telford.intake.kubernetes.objects import Object

# In this order: an Ingress needs to know who has which Service.
_CLAIMED = (
    *("Service", "HorizontalPodAutoscaler", "ScaledObject", "PodDisruptionBudget"),
    *("ServiceAccount", "PersistentVolumeClaim", "PodMonitor", "ServiceMonitor"),
    *("RoleBinding", "ClusterRoleBinding", "Role", "ClusterRole", "NetworkPolicy", "Ingress"),
)
UNKNOWN = "no field of the model speaks of this kind"
NO_CONTAINERS = "it has no list of containers"
_MADE = "the cluster makes it of another object"
# Services by which an operator's cluster of a database is reached.
_SERVICES_OF = {"Cluster": ("-rw", "-ro", "-r"), "postgresql": ("", "-repl", "-pooler")}


def group(objects: Iterable[Object]) -> Scene:
    """Sort all objects."""
    scene = Scene()
    rest: dict[str, list[Object]] = {kind: [] for kind in _CLAIMED}
    for item in objects:
        _sort(scene, item, rest)
    claims = _Claims(scene, rest)
    for kind in _CLAIMED:
        for item in rest[kind]:
            claims.claim(item)
    return scene


def _sort(scene: Scene, item: Object, rest: Mapping[str, list[Object]]) -> None:
    if item.kind == "Secret":
        scene.secrets.append(item)
    elif not kinds.known(item.kind, item.group):
        scene.others.append((item, UNKNOWN))
    elif item.kind in kinds.WORKLOADS:
        _workload(scene, item)
    elif item.kind == "ConfigMap":
        scene.configs.append(item)
    elif item.kind in kinds.ALONE and item.kind not in rest:
        scene.alone.append(item)
        for ending in _SERVICES_OF.get(item.kind, ()):
            scene.operated[item.namespace, item.name + ending] = item.key
    else:
        rest[item.kind].append(item)


def _workload(scene: Scene, item: Object) -> None:
    containers = access.mapping(grouping.template(item), "spec").get("containers")
    owners = access.mapping(item.body, "metadata").get("ownerReferences")
    if item.kind in ("Pod", "ReplicaSet") and owners:
        scene.others.append((item, _MADE))
    elif access.mappings(containers) and len(access.mappings(containers)) == len(
        access.items(containers)
    ):
        scene.groups.append(Group(item))
    else:
        scene.others.append((item, NO_CONTAINERS))


class _Claims:
    """Finds the one workload that an object belongs to."""

    def __init__(self, scene: Scene, rest: Mapping[str, list[Object]]) -> None:
        self._scene = scene
        self._by_name: dict[tuple[str, str, str], Group] = {}
        # Service -> the group that has it; (namespace, label, value) -> those whose Services do.
        self._by_service: dict[Place, Group] = {}
        self._by_service_label: dict[tuple[str, str, object], list[Group]] = {}
        # (namespace, label, value) -> the groups whose replicas have it.
        self._by_label: dict[tuple[str, str, object], list[Group]] = {}
        self._by_account: dict[Place, list[Group]] = {}
        self._by_claim: dict[Place, list[Group]] = {}
        for one in scene.groups:
            self._index(one)
        self._roles = {
            (item.kind, item.namespace, item.name): item
            for item in (*rest["Role"], *rest["ClusterRole"])
        }
        self._bound = [_role_of(item) for kind in _BINDINGS for item in rest[kind]]
        self._ways: Mapping[str, Callable[[Object], str]] = {
            "Service": self._service,
            "HorizontalPodAutoscaler": self._scaler,
            "ScaledObject": self._scaler,
            "PodDisruptionBudget": self._budget,
            "ServiceAccount": self._account,
            "PersistentVolumeClaim": self._storage,
            "PodMonitor": self._monitor,
            "ServiceMonitor": self._monitor,
            "RoleBinding": self._binding,
            "ClusterRoleBinding": self._binding,
            "Role": self._role,
            "ClusterRole": self._role,
            "NetworkPolicy": self._policy,
            "Ingress": self._ingress,
        }

    def _index(self, one: Group) -> None:
        self._by_name[one.namespace, one.workload.kind, one.workload.name] = one
        for label, value in grouping.pod_labels(one.workload).items():
            if isinstance(value, str | int):
                self._by_label.setdefault((one.namespace, label, value), []).append(one)
        spec = access.mapping(grouping.template(one.workload), "spec")
        account = spec.get("serviceAccountName")
        if isinstance(account, str):
            self._by_account.setdefault((one.namespace, account), []).append(one)
        names = {
            access.text(access.mapping(volume, "persistentVolumeClaim").get("claimName"))
            for volume in access.mappings(spec.get("volumes"))
        }
        for name in names - {""}:
            self._by_claim.setdefault((one.namespace, name), []).append(one)

    def claim(self, item: Object) -> None:
        """Give the object to its workload, or to nobody, saying why."""
        reason = self._ways[item.kind](item)
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
        place = item.namespace, item.name
        if spec.get("type") == "ExternalName":
            self._scene.aliases[place] = access.text(spec.get("externalName"))
            return "it is a name for something outside"
        selector = access.mapping(spec, "selector")
        found = self._selected(item.namespace, selector)
        self._scene.behind[place] = found
        if not selector:
            self._scene.outside.add(place)
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
        self._by_service[place] = found[0]
        for label, value in access.mapping(item.body, "metadata", "labels").items():
            if isinstance(value, str | int):
                key = item.namespace, label, value
                self._by_service_label.setdefault(key, []).append(found[0])
        return ""

    def _scaler(self, item: Object) -> str:
        target = access.mapping(item.body, "spec", "scaleTargetRef")
        default = "Deployment" if item.kind == "ScaledObject" else None
        kind, name = access.text(target.get("kind", default)), access.text(target.get("name"))
        one = self._by_name.get((item.namespace, kind, name))
        if one is None:
            return "it scales no workload of the input"
        if one.scaler is not None or kind not in kinds.SCALED:
            return "its workload has another scaler, or cannot be scaled"
        one.scaler = item
        return ""

    def _budget(self, item: Object) -> str:
        selector = access.mapping(item.body, "spec", "selector", "matchLabels")
        found = self._selected(item.namespace, selector)
        if len(found) != 1:
            return f"it selects {len(found) or 'no'} workloads of the input"
        if found[0].budget is not None:
            return "its workload has another budget"
        found[0].budget = item
        return ""

    def _account(self, item: Object) -> str:
        users = self._by_account.get((item.namespace, item.name), [])
        if len(users) != 1:
            return f"{len(users) or 'no'} workloads of the input use it"
        users[0].account = item
        return ""

    def _storage(self, item: Object) -> str:
        users = self._by_claim.get((item.namespace, item.name), [])
        if len(users) != 1:
            return f"{len(users) or 'no'} workloads of the input use it"
        users[0].claims.append(item)
        return ""

    def _monitor(self, item: Object) -> str:
        spec = access.mapping(item.body, "spec")
        names = access.mapping(spec, "namespaceSelector").get("matchNames")
        listed = access.items(names) or [item.namespace]
        labels = access.mapping(spec, "selector", "matchLabels")
        seen = self._selected if item.kind == "PodMonitor" else self._behind_labels
        found = [one for place in listed for one in seen(access.text(place), labels)]
        if len(found) != 1:
            return f"it watches {len(found) or 'no'} workloads of the input"
        if found[0].has(item):
            return "its workload has another of the same name"
        found[0].monitors.append(item)
        return ""

    def _behind_labels(self, namespace: str, labels: Mapping[str, object]) -> list[Group]:
        """The workloads with a Service that has all of some labels."""
        first = next(iter(labels.items()), ("", None))
        known = isinstance(first[1], str | int)
        listed = self._by_service_label.get((namespace, *first), []) if known else []
        found = [one for one in listed if any(_labelled(item, labels) for item in one.services)]
        return list({id(one): one for one in found}.values())

    def _binding(self, item: Object) -> str:
        subjects = access.items(item.body.get("subjects"))
        subject = subjects[0] if len(subjects) == 1 else None
        if access.mapping(subject).get("kind") != "ServiceAccount":
            return "it grants to others than one service account"
        space = access.text(access.mapping(subject).get("namespace")) or item.namespace
        users = self._by_account.get((space, access.text(access.mapping(subject).get("name"))), [])
        if len(users) != 1:
            return f"{len(users) or 'no'} workloads of the input use its account"
        kind, namespace, name = _role_of(item)
        role = self._roles.get((kind, namespace, name))
        if role is not None and (self._bound.count((kind, namespace, name)) > 1):
            role = None
        if users[0].has(item) or (role is not None and users[0].has(role)):
            return "its workload has another of the same name"
        users[0].grants.append(Granted(item, role))
        if role is not None:
            del self._roles[kind, namespace, name]
        return ""

    def _role(self, item: Object) -> str:
        """Roles that no binding took along."""
        if self._roles.get((item.kind, item.namespace, item.name)) is not item:
            return ""
        bindings = self._bound.count((item.kind, item.namespace, item.name))
        return f"{bindings or 'no'} bindings of the input grant it, and to no workload alone"

    def _policy(self, item: Object) -> str:
        self._scene.policies.append(item)
        selector = access.mapping(item.body, "spec", "podSelector")
        found = self._selected(item.namespace, access.mapping(selector, "matchLabels"))
        if len(found) != 1 or "matchExpressions" in selector:
            return "it is about more or less than one workload of the input"
        found[0].policies.append(item)
        return ""

    def _ingress(self, item: Object) -> str:
        names = grouping.backends(item)
        places = [(item.namespace, name) for name in names if name is not None]
        behind = [self._by_service[place] for place in places if place in self._by_service]
        owners = list({id(one): one for one in behind}.values())
        elsewhere = names - {service.name for one in owners for service in one.services}
        if None in elsewhere or any(
            name is not None and self._is_there(item.namespace, name) for name in elsewhere
        ):
            owners = []
        if len(owners) == 1 and owners[0].workload.kind not in kinds.JOBS:
            owners[0].ingresses.append(item)
        else:
            self._scene.alone.append(item)
        return ""

    def _is_there(self, namespace: str, name: str) -> bool:
        place = namespace, name
        return place in self._scene.behind or place in self._scene.aliases


_BINDINGS = ("RoleBinding", "ClusterRoleBinding")


def _role_of(binding: Object) -> tuple[str, str, str]:
    """Kind, namespace and name of the role that a binding grants."""
    reference = access.mapping(binding.body, "roleRef")
    kind = access.text(reference.get("kind"))
    space = binding.namespace if kind == "Role" else ""
    return kind, space, access.text(reference.get("name"))


def _labelled(item: Object, labels: Mapping[str, object]) -> bool:
    own = access.mapping(item.body, "metadata", "labels")
    return all(own.get(label) == value for label, value in labels.items())
