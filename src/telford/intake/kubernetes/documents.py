"""Groups, ConfigMaps and the rest -> estate documents with addresses, owners and dependencies.

Called by `telford.intake.kubernetes.reading`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from telford.basics.diagnostics import Position
from telford.estate.address import Address
from telford.estate.kinds.base import API_VERSION
from telford.intake import surroundings
from telford.intake.imported import Document, Options
from telford.intake.kubernetes import (
    access,
    alone,
    engines,
    fitting,
    kinds,
    naming,
    secrets,
    workloads,
)
from telford.intake.kubernetes.dependencies import Inferred, Text
from telford.intake.kubernetes.fitting import Refused
from telford.intake.kubernetes.grouping import Group, Scene
from telford.intake.kubernetes.objects import Key, Object, Path
from telford.intake.kubernetes.routes import ElsewhereError
from telford.intake.names import slug

# Alerts of one object that its description names.
MAX_ALERTS = 20
NOT_EXPRESSIBLE = "its fields contradict one another, so it is kept whole"


# What there are many of share a file; anything else has one of its own.
_FILES = {
    "config": "configs.yaml",
    "manifest": "carried.yaml",
    "secret": "secrets.yaml",
    "stream": "streams.yaml",
    "route": "routes.yaml",
}


@dataclass(slots=True)
class Written:
    """All documents, and what became of each object."""

    documents: list[Document] = field(default_factory=list)
    # Where each object went, and the paths of it that are carried there.
    homes: dict[Key, str] = field(default_factory=dict)
    carried: dict[Key, tuple[Path, ...]] = field(default_factory=dict)
    # Why an object is carried whole.
    reasons: dict[Key, str] = field(default_factory=dict)
    refused: list[tuple[Object, Refused]] = field(default_factory=list)
    # The addresses that nobody owns.
    unowned: list[str] = field(default_factory=list)


def stores(scene: Scene) -> dict[Key, str]:
    """The workloads that are data stores, with their engines."""
    configs = {(item.namespace, item.name): item for item in scene.configs}
    found = {}
    for group in scene.groups:
        if group.workload.kind not in ("Deployment", "StatefulSet") or group.ingresses:
            continue
        main = workloads.main_container(group)
        engine = engines.of(main, _ports(group, main), _settings(group, main, configs))
        if engine:
            found[group.workload.key] = engine
    return found


def _ports(group: Group, main: Mapping[str, Any]) -> set[int]:
    listed = [(port.get("containerPort")) for port in access.mappings(main.get("ports"))]
    for service in group.services:
        ports = access.mappings(access.mapping(service.body, "spec").get("ports"))
        listed += [port.get("targetPort", port.get("port")) for port in ports]
    return {port for port in map(access.whole, listed) if port is not None}


def _settings(
    group: Group, main: Mapping[str, Any], configs: Mapping[tuple[str, str], Object]
) -> set[str]:
    names = {access.text(item.get("name")) for item in access.mappings(main.get("env"))}
    for source in access.mappings(main.get("envFrom")):
        name = access.text(access.mapping(source, "configMapRef").get("name"))
        config = configs.get((group.namespace, name))
        if config is not None:
            names |= access.mapping(config.body, "data").keys()
    return names


def things(scene: Scene, engines_of: Mapping[Key, str]) -> list[naming.Thing]:
    """Everything that gets an address: what runs first, long-running before jobs."""
    rank = {kind: index for index, kind in enumerate(kinds.WORKLOADS)}
    running = sorted(scene.groups, key=lambda group: rank[group.workload.kind])
    listed = [
        naming.Thing(
            group.workload,
            "Datastore" if group.workload.key in engines_of else "Service",
            group.workload.name,
        )
        for group in running
    ]
    listed += [naming.Thing(item, "Config", item.name) for item in scene.configs]
    listed += [naming.Thing(item, kinds.ALONE[item.kind], alone.wish(item)) for item in scene.alone]
    listed += [naming.Thing(item, "Secret", item.name) for item in kept_secrets(scene)]
    return listed + [
        naming.Thing(item, "Manifest", f"{item.kind.lower()}-{item.name}")
        for item, _ in scene.others
    ]


def kept_secrets(scene: Scene) -> list[Object]:
    """The Secrets of the input that people keep: no operator fetches them, no cluster makes them."""
    fetched = {
        (item.namespace, secrets.target(item))
        for item in scene.alone
        if kinds.ALONE[item.kind] == "Secret"
    }
    return [
        item
        for item in scene.secrets
        if (item.namespace, item.name) not in fetched and secrets.plain(item) is not None
    ]


class Writer:
    """Writes the documents of one import."""

    def __init__(
        self,
        scene: Scene,
        engines_of: Mapping[Key, str],
        named: Mapping[Key, Address],
        options: Options,
    ) -> None:
        self._scene = scene
        self._engines = engines_of
        self._named = named
        self._options = options
        # Each object of a group -> its workload.
        self._members = {
            item.key: group.workload.key for group in scene.groups for item in group.members()
        }
        self._owners = self._find_owners()
        # (namespace, system) -> the ConfigMaps and how they are referred to.
        self._known_configs: dict[tuple[str, str], dict[str, str]] = {}

    def write(self, inferred: Mapping[Key, Inferred]) -> Written:
        """The documents of everything that has an address."""
        written = Written()
        fitted = {group.workload.key: self._fit(group) for group in self._scene.groups}
        lost = [key for key, found in fitted.items() if found is None]
        reader = alone.Alone(self._scene, self._named, lost)
        others = [(item, self._fit_alone(item, reader, fitted)) for item in self._scene.alone]
        for group in self._scene.groups:
            found = fitted[group.workload.key]
            if found is None:
                for item in group.members():
                    self._manifest(written, item, NOT_EXPRESSIBLE)
                continue
            # Nothing can be said to use what ended as opaque manifests.
            targets = inferred[group.workload.key].targets.items()
            kept = {key: text for key, text in targets if fitted.get(key) is not None}
            address = self._named[group.workload.key]
            value = _with_uses(found.value, self._uses(address, kept))
            self._keep(written, address, replace(found, value=value), group.members())
        for item in self._scene.configs:
            self._config(written, item)
        for item, reason in others:
            single = fitted[item.key]
            if single is None:
                self._manifest(written, item, reason)
            else:
                self._keep(written, self._named[item.key], single, [item])
        for item in kept_secrets(self._scene):
            self._secret(written, item)
        for item, reason in self._scene.others:
            self._manifest(written, item, reason)
        return written

    def surroundings(self, written: Written) -> tuple[Document, ...]:
        """Teams, systems and the environment: what the documents refer to."""
        return (*self._teams(written), *self._systems(written), self._environment())

    def _fit(self, group: Group) -> fitting.Fitted | None:
        """The document of a workload, without its dependencies."""
        workload = group.workload
        address = self._named[workload.key]
        engine = self._engines.get(workload.key, "")
        configs = self._configs(workload.namespace, address.system)
        head = self._head("Datastore" if engine else "Service", address, workload)
        head |= _engine(group, engine) if engine else {"type": workloads.service_type(group)}
        fields = workloads.fields(group, address.name, configs, datastore=bool(engine))
        return fitting.fit(head | _found_in(workload) | fields, group.members())

    def _fit_alone(
        self, item: Object, reader: alone.Alone, fitted: dict[Key, fitting.Fitted | None]
    ) -> str:
        """Put the document of an object that stands alone into `fitted`, or None with a reason."""
        address = self._named[item.key]
        head = self._head(kinds.ALONE[item.kind], address, item) | _found_in(item)
        try:
            fields = reader.fields(item)
        except ElsewhereError as error:
            fitted[item.key] = None
            return str(error)
        fitted[item.key] = fitting.fit(head | fields, [item])
        return NOT_EXPRESSIBLE

    def _secret(self, written: Written, item: Object) -> None:
        """A Secret by its name and keys: nothing is built of it, no value is in it."""
        address = self._named[item.key]
        value = self._head("Secret", address, item) | _found_in(item)
        self._add(written, address, value | (secrets.plain(item) or {}), (item.position,))

    def _config(self, written: Written, item: Object) -> None:
        address = self._named[item.key]
        metadata = access.mapping(item.body, "metadata")
        values = access.mapping(item.body, "data").items()
        fields = {
            "labels": access.texts(metadata.get("labels")) or {},
            "annotations": access.texts(metadata.get("annotations")) or {},
            "values": {key: value for key, value in values if isinstance(value, str)},
            "immutable": item.body.get("immutable"),
        }
        head = self._head("Config", address, item) | _found_in(item)
        some = {key: value for key, value in fields.items() if value not in ({}, None)}
        fitted = fitting.fit(head | some, [item])
        if fitted is None:
            self._manifest(written, item, NOT_EXPRESSIBLE)
        else:
            self._keep(written, address, fitted, [item])

    def _keep(
        self, written: Written, address: Address, fitted: fitting.Fitted, members: list[Object]
    ) -> None:
        for item in members:
            written.homes[item.key] = str(address)
            written.carried[item.key] = fitted.carried[item.key]
        written.refused += [(members[0], refused) for refused in fitted.refused]
        origins = tuple(sorted(item.position for item in members))
        self._add(written, address, fitted.value, origins)

    def _manifest(self, written: Written, item: Object, reason: str) -> None:
        address = self._whole_address(item)
        value = self._head("Manifest", address, item) | _alerts(item)
        value |= {"object": fitting.plain(item.body), "reason": reason}
        written.homes[item.key] = str(address)
        written.carried[item.key] = ((),)
        written.reasons[item.key] = reason
        self._add(written, address, value, (item.position,))

    def _whole_address(self, item: Object) -> Address:
        """Where an object is carried whole: as it was named, or beside what was meant for it."""
        named = self._named.get(item.key)
        if named is not None and named.kind == "manifest":
            return named
        system = self._named[self._members.get(item.key, item.key)].system
        address = Address("manifest", system, slug(f"{item.kind.lower()}-{item.name}"))
        if address in self._named.values():
            address = naming.apart(address, item)
        return address

    def _add(
        self,
        written: Written,
        address: Address,
        value: Mapping[str, Any],
        origins: tuple[Position, ...],
    ) -> None:
        file = _FILES.get(address.kind, f"{address.name}.yaml")
        if value["owner"] == surroundings.NOBODY:
            written.unowned.append(str(address))
        written.documents.append(Document(f"{address.system}/{file}", value, origins))

    def _head(self, kind: str, address: Address, item: Object) -> dict[str, Any]:
        road = {} if kind == "Manifest" else {"road": "as-found"}
        return {
            "apiVersion": API_VERSION,
            "kind": kind,
            "name": address.name,
            "system": address.system,
            "owner": f"team/{self._owners[item.key].text}",
        } | road

    def _configs(self, namespace: str, system: str) -> Mapping[str, str]:
        """ConfigMap -> how a document of a system refers to it, for one namespace."""
        place = namespace, system
        if place not in self._known_configs:
            self._known_configs[place] = {
                item.name: self._reference(self._named[item.key], system)
                for item in self._scene.configs
                if item.namespace == namespace
            }
        return self._known_configs[place]

    def _reference(self, target: Address, system: str) -> str:
        return target.name if target.system == system else f"{target.system}.{target.name}"

    def _uses(self, address: Address, targets: Mapping[Key, Text]) -> list[dict[str, Any]]:
        uses = []
        for key, text in targets.items():
            target = self._named[key]
            reference = self._reference(target, address.system)
            role = {"role": "consume"} if target.kind == "stream" else {}
            uses.append({target.kind: reference, **role, "inferred": {"from": text.origin}})
        return uses

    def _find_owners(self) -> dict[Key, naming.Origin]:
        """Who owns each thing: its own labels, else those who alone read it, else the default."""
        default = naming.Origin("", slug(self._options.owner or surroundings.UNASSIGNED))
        everything = [group.workload for group in self._scene.groups]
        everything += self._scene.configs + [item for item, _ in self._scene.others]
        everything += self._scene.alone + kept_secrets(self._scene)
        owners = {item.key: naming.owner(item) for item in everything}
        readers = self._readers(owners)
        for item in everything:
            if not owners[item.key].text:
                found = readers.get(item.key, set())
                owners[item.key] = next(iter(found)) if len(found) == 1 else default
        for key, workload in self._members.items():
            owners.setdefault(key, owners[workload])
        return owners

    def _readers(self, owners: Mapping[Key, naming.Origin]) -> dict[Key, set[naming.Origin]]:
        """The owners of the workloads that read each ConfigMap and Secret."""
        found: dict[Key, set[naming.Origin]] = {}
        configs = {(item.namespace, item.name): item.key for item in self._scene.configs}
        kept = {(item.namespace, item.name): item.key for item in kept_secrets(self._scene)}
        kept |= {
            (item.namespace, secrets.target(item)): item.key
            for item in self._scene.alone
            if kinds.ALONE[item.kind] == "Secret"
        }
        for group in self._scene.groups:
            owner = naming.Origin("", owners[group.workload.key].text)
            if not owner.text:
                continue
            for path, text in self._scene.named_in(group):
                place = group.namespace, text
                of_secret = path[-2:-1] in (("secretKeyRef",), ("secretRef",))
                key = kept.get(place) if of_secret else configs.get(place)
                if path[-1] == "secretName":
                    key = kept.get(place)
                if key is not None:
                    found.setdefault(key, set()).add(owner)
        return found

    def _teams(self, written: Written) -> list[Document]:
        used = {str(document.value["owner"]) for document in written.documents}
        origins = {origin.text: origin for origin in self._owners.values() if origin.name}
        documents = []
        for owner in sorted(used | {f"team/{self._default_owner()}"}):
            name = owner.removeprefix("team/")
            origin = origins[name].name if name in origins else ""
            documents.append(surroundings.team(name, origin))
        return documents

    def _default_owner(self) -> str:
        """The owner of the systems: the one team that there is, else the default."""
        teams = {origin.text for origin in self._owners.values()}
        only = next(iter(teams)) if len(teams) == 1 else ""
        return only or slug(self._options.owner or surroundings.UNASSIGNED)

    def _systems(self, written: Written) -> list[Document]:
        systems = {str(document.value["system"]) for document in written.documents}
        owner = f"team/{self._default_owner()}"
        values = (
            {"apiVersion": API_VERSION, "kind": "System", "name": name, "owner": owner}
            for name in sorted(systems)
        )
        return [Document("systems.yaml", value) for value in values]

    def _environment(self) -> Document:
        everything = [group.workload for group in self._scene.groups]
        namespaces = {item.namespace for item in everything + self._scene.configs} - {""}
        value: dict[str, Any] = {
            "apiVersion": API_VERSION,
            "kind": "Environment",
            "name": slug(self._options.environment),
        }
        only = next(iter(namespaces), "default")
        if len(namespaces) <= 1 and only == slug(only):
            value["namespace"] = only
        return Document("environments.yaml", value)


def _engine(group: Group, engine: str) -> dict[str, str]:
    """The engine, and its version where the image is the engine's own."""
    image = access.text(workloads.main_container(group).get("image"))
    own = engines.repository(image) in engines.images(engine)
    version = engines.version(image) if own else ""
    return {"engine": engine} | ({"version": version} if version else {})


def _alerts(item: Object) -> dict[str, str]:
    """A description of carried alerting rules: people look for them by name."""
    if item.kind != "PrometheusRule":
        return {}
    groups = access.mappings(access.mapping(item.body, "spec").get("groups"))
    rules = [rule for group in groups for rule in access.mappings(group.get("rules"))]
    names = list(dict.fromkeys(filter(None, (access.text(rule.get("alert")) for rule in rules))))
    more = f" and {len(names) - MAX_ALERTS} more" if len(names) > MAX_ALERTS else ""
    listed = f", among them the alerts {', '.join(names[:MAX_ALERTS])}{more}" if names else ""
    return {"description": f"{len(rules)} rules{listed}"}


def _with_uses(value: Mapping[str, Any], uses: list[dict[str, Any]]) -> dict[str, Any]:
    """The document with its dependencies where the kind has them: behind `run`."""
    if not uses:
        return dict(value)
    ordered: dict[str, Any] = {}
    for key, item in value.items():
        ordered[key] = item
        if key == "run":
            ordered["uses"] = uses
    return {**ordered, "uses": uses}


def _found_in(item: Object) -> dict[str, Any]:
    return {"namespace": item.namespace} if item.namespace else {}
