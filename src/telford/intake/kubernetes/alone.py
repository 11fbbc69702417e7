"""Objects that are documents of their own: routes, fetched secrets, what an operator makes.

Called by `telford.intake.kubernetes.documents`.
"""

from collections.abc import Collection, Mapping

from telford.estate.address import Address
from telford.intake.kubernetes import access, kinds, operated, routes, secrets
from telford.intake.kubernetes.containers import Fields, some
from telford.intake.kubernetes.grouping import Scene
from telford.intake.kubernetes.objects import Key, Object
from telford.intake.kubernetes.routes import ElsewhereError


def wish(item: Object) -> str:
    """The name that the document of an object asks for."""
    return secrets.target(item) if kinds.ALONE[item.kind] == "Secret" else item.name


class Alone:
    """Knows what the others of an input are called, and reads object after object."""

    def __init__(self, scene: Scene, named: Mapping[Key, Address], lost: Collection[Key]) -> None:
        """`lost` are the workloads that ended as opaque manifests: nothing can name them."""
        self._scene = scene
        self._named = named
        self._lost = lost
        self._stores = {
            (item.kind, item.namespace if item.kind == "SecretStore" else "", item.name): item
            for item, _ in scene.others
            if item.kind in ("SecretStore", "ClusterSecretStore")
        }

    def fields(self, item: Object) -> Fields:
        """The fields of its document. Raises ElsewhereError where there can be none."""
        metadata = access.mapping(item.body, "metadata")
        own = some(
            labels=access.texts(metadata.get("labels")),
            annotations=access.texts(metadata.get("annotations")),
        )
        kind = kinds.ALONE[item.kind]
        if kind == "Route":
            system = self._named[item.key].system
            return own | routes.fields(item, lambda *place: self._behind(system, *place))
        if kind == "Secret":
            return own | secrets.fields(item, self._store)
        return own | operated.fields(item)

    def _behind(self, system: str, namespace: str, name: str) -> Fields:
        """The service behind a Service, as a Route of a system names it."""
        found = self._scene.behind.get((namespace, name))
        if found is None:
            raise ElsewhereError(f"it leads to Service {name}, which is not in the input")
        if len(found) != 1:
            raise ElsewhereError(f"Service {name} leads to {len(found) or 'no'} workloads")
        address = self._named[found[0].workload.key]
        if address.kind != "service" or found[0].workload.key in self._lost:
            raise ElsewhereError(f"Service {name} leads to something that is no service")
        same = address.system == system
        reference = address.name if same else f"{address.system}.{address.name}"
        return {"service": reference} | some(endpoint=name if name != address.name else None)

    def _store(self, kind: str, namespace: str, name: str) -> str:
        item = self._stores.get((kind, namespace if kind == "SecretStore" else "", name))
        return secrets.provider(item) if item is not None else ""
