"""Dependencies inferred from addresses in environment variables, ConfigMaps read as such, arguments
and commands, from settings in files that ConfigMaps give, and from the streams by which a workload
is scaled. Called by `telford.intake.kubernetes.reading`.

Each edge says the text it came from; an address that names nothing in the input is reported and
never invented. A Secret's value is not read. A file says many things, so a line of one counts only
where its form or its key says that it is an address, and what it does not resolve is passed over.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from telford.basics.diagnostics import Position
from telford.estate.address import Address
from telford.intake import addresses, settings_files
from telford.intake.imported import Unresolved
from telford.intake.kubernetes import access, grouping, kinds, operated
from telford.intake.kubernetes.grouping import Group, Scene
from telford.intake.kubernetes.objects import Key, Object, Path

# What a trigger calls the stream that it looks at, by engine.
_TOPICS = ("topic", "queueName", "stream")
# The name of a StatefulSet's replica: ``redis-0``.
_POD = re.compile(r"-\d+$")


@dataclass(frozen=True, slots=True)
class Text:
    """A text that a workload is given: the name it goes by, the object that it stands in, and where
    in it. Most texts lead nowhere, so their position is worked out only when it is asked for.
    """

    key: str
    text: str
    what: str
    item: Object
    path: Path
    # A line of a file, which counts only where it is sure to be an address.
    of_file: bool = False

    @property
    def position(self) -> Position:
        """Where it stands."""
        return self.item.where(self.path)

    @property
    def origin(self) -> str:
        """``env CART_ADDR in shop/frontend.yaml:57``."""
        return f"{self.what} in {self.item.file}:{self.item.source.line_of(self.path)}"


@dataclass(slots=True)
class Inferred:
    """What a workload depends on: target workload -> the first text that says so."""

    targets: dict[Key, Text] = field(default_factory=dict)
    unresolved: list[Unresolved] = field(default_factory=list)


class Inference:
    """Knows every Service of the input, and reads workload after workload."""

    def __init__(self, scene: Scene, named: Mapping[Key, Address]) -> None:
        self._named = named
        self._configs = {(item.namespace, item.name): item for item in scene.configs}
        self._scene = scene
        self._behind = scene.behind
        self._ports = _service_ports(scene)
        self._topics = {
            (item.namespace, operated.topic(item)): item.key
            for item in scene.alone
            if item.kind in operated.STREAMS
        }

    def of(self, group: Group) -> Inferred:
        """Everything that the texts of a workload say, itself left out."""
        found = Inferred()
        for text in self._texts(group):
            for candidate in addresses.candidates(text.key, text.text):
                self._resolve(group, text, candidate, found)
        for stream, text in self._followed(group):
            found.targets.setdefault(stream, text)
        return found

    def _resolve(
        self, group: Group, text: Text, candidate: addresses.Candidate, found: Inferred
    ) -> None:
        if text.of_file and not (candidate.certain or addresses.says_address(text.key)):
            return
        place = self._service(group.namespace, candidate.host)
        if place in self._scene.operated:
            found.targets.setdefault(self._scene.operated[place], text)
            return
        alias = self._scene.aliases.get(place, "") if place else ""
        service = self._service(group.namespace, alias) if alias else place
        if service is None or service not in self._behind:
            if candidate.certain and not text.of_file:
                found.unresolved.append(self._lost(group, text, alias or candidate.host))
            return
        ports = self._ports[service]
        # `redis:6` in an argument is an image: without a sign of an address the port decides.
        if not candidate.certain and candidate.port not in (None, *ports) and ports:
            return
        behind = [other for other in self._behind[service] if other is not group]
        for other in behind:
            if other.workload.kind not in kinds.JOBS:
                found.targets.setdefault(other.workload.key, text)
        if candidate.certain and not self._behind[service] and not text.of_file:
            outside = service in self._scene.outside
            found.unresolved.append(self._lost(group, text, candidate.host, outside=outside))

    def _lost(self, group: Group, text: Text, host: str, *, outside: bool = False) -> Unresolved:
        return Unresolved(
            source=str(self._named[group.workload.key]),
            host=host,
            origin=text.origin,
            position=text.position,
            external=outside or addresses.external(host),
        )

    def _followed(self, group: Group) -> Iterator[tuple[Key, Text]]:
        """The streams whose length says how many replicas a workload has: it consumes them."""
        scaler = group.workload if group.workload.kind == "ScaledJob" else group.scaler
        if scaler is None or scaler.kind not in ("ScaledObject", "ScaledJob"):
            return
        triggers = access.items(access.mapping(scaler.body, "spec").get("triggers"))
        for index, trigger in enumerate(triggers):
            metadata = access.mapping(trigger, "metadata")
            for key in _TOPICS:
                stream = self._topics.get((group.namespace, access.text(metadata.get(key))))
                if stream is not None:
                    what = f"trigger {key} of {scaler.kind} {scaler.name}"
                    path = ("spec", "triggers", index, "metadata", key)
                    yield stream, Text(key, metadata[key], what, scaler, path)

    def _service(self, namespace: str, host: str) -> tuple[str, str] | None:
        """The Service that a host names, seen from a namespace: ``name``, ``name.namespace``,
        ``name.namespace.svc...``, and ``pod.name...`` of a headless one.
        """
        labels = host.split(".")
        if len(labels) == 1:
            tries = [(namespace, host)]
        elif len(labels) == 2:
            tries = [(labels[1], labels[0])]
            tries += [(namespace, labels[1])] if _POD.search(labels[0]) else []
        else:
            tries = _qualified(labels)
            # Manifests without a namespace all live in the one that they will be applied to.
            if namespace == "":
                tries += [("", name) for _, name in tries]
        return next((place for place in tries if self._is_known(place)), None)

    def _is_known(self, place: grouping.Place) -> bool:
        scene = self._scene
        return place in scene.behind or place in scene.aliases or place in scene.operated

    def _texts(self, group: Group) -> Iterator[Text]:
        spec = access.mapping(grouping.template(group.workload), "spec")
        path = grouping.template_path(group.workload)
        for kind in ("containers", "initContainers"):
            for index, container in enumerate(access.items(spec.get(kind))):
                here = (*path, "spec", kind, index)
                yield from self._environment(group.workload, container, here)
                for name in ("command", "args"):
                    yield from _arguments(group.workload, container, here, name)
        yield from self._files(group, spec)

    def _files(self, group: Group, spec: Mapping[str, Any]) -> Iterator[Text]:
        """The lines of the ConfigMaps that a container sees as files."""
        mounts = {
            access.text(mount.get("name"))
            for kind in ("containers", "initContainers")
            for container in access.mappings(spec.get(kind))
            for mount in access.mappings(container.get("volumeMounts"))
        }
        for volume in access.mappings(spec.get("volumes")):
            source = access.mapping(volume, "configMap")
            config = self._configs.get((group.namespace, access.text(source.get("name"))))
            if config is None or access.text(volume.get("name")) not in mounts:
                continue
            chosen = {access.text(item.get("key")) for item in access.mappings(source.get("items"))}
            for key, text in access.mapping(config.body, "data").items():
                if isinstance(text, str) and (not chosen or key in chosen):
                    yield from _lines(config, key, text)

    def _environment(self, item: Object, container: object, path: Path) -> Iterator[Text]:
        own = access.mapping(container)
        for index, variable in enumerate(access.items(own.get("env"))):
            name = access.text(access.mapping(variable).get("name"))
            value = access.mapping(variable).get("value")
            if isinstance(value, str):
                yield Text(name, value, f"env {name}", item, (*path, "env", index, "value"))
            reference = access.mapping(variable, "valueFrom", "configMapKeyRef")
            yield from self._config_key(item, name, reference)
        for source in access.mappings(own.get("envFrom")):
            prefix = access.text(source.get("prefix"))
            name = access.text(access.mapping(source, "configMapRef").get("name"))
            config = self._configs.get((item.namespace, name))
            for key, value in access.mapping(config.body if config else {}, "data").items():
                if config is not None and isinstance(value, str):
                    yield _of_config(config, prefix + key, key, value)

    def _config_key(self, item: Object, name: str, reference: dict[str, object]) -> Iterator[Text]:
        config = self._configs.get((item.namespace, access.text(reference.get("name"))))
        if config is not None:
            key = access.text(reference.get("key"))
            value = access.mapping(config.body, "data").get(key)
            if isinstance(value, str):
                yield _of_config(config, name, key, value)


def _qualified(labels: list[str]) -> list[tuple[str, str]]:
    """Namespace and name of ``name.namespace.svc...`` and ``pod.name.namespace.svc...``."""
    if labels[2] == "svc":
        return [(labels[1], labels[0])]
    return [(labels[2], labels[1])] if labels[3:4] == ["svc"] else []


def _lines(config: Object, key: str, text: str) -> Iterator[Text]:
    for setting in settings_files.settings(key, text):
        what = f"line {setting.line} of {key} of ConfigMap {config.name}"
        yield Text(setting.key, setting.value, what, config, ("data", key), of_file=True)


def _of_config(config: Object, name: str, key: str, value: str) -> Text:
    return Text(name, value, f"env {name} of ConfigMap {config.name}", config, ("data", key))


def _arguments(item: Object, container: object, path: Path, name: str) -> Iterator[Text]:
    """Each argument with the option it belongs to: ``--host=x`` and ``--host x`` alike."""
    option = ""
    for index, value in enumerate(access.items(access.mapping(container).get(name))):
        text = access.text(value)
        here = (*path, name, index)
        key, equals, rest = text.partition("=")
        if text.startswith("-") and equals and " " not in key:
            yield Text(key, rest, f"{name} {key}", item, here)
            option = ""
        else:
            yield Text(option, text, f"{name} {option or index}", item, here)
            option = text if text.startswith("-") else ""


def _service_ports(scene: Scene) -> dict[tuple[str, str], frozenset[int]]:
    everything = [item for group in scene.groups for item in group.services]
    everything += [item for item, _ in scene.others]
    found: dict[tuple[str, str], frozenset[int]] = dict.fromkeys(scene.behind, frozenset())
    for item in everything:
        if item.kind == "Service" and (item.namespace, item.name) in found:
            listed = access.mappings(access.mapping(item.body, "spec").get("ports"))
            numbers = [access.whole(port.get("port")) for port in listed]
            found[item.namespace, item.name] = frozenset(n for n in numbers if n is not None)
    return found
