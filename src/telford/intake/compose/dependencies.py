"""What the services of compose files depend on: what they declare, and addresses in their settings
and commands. Called by `reading`.

A declared dependency goes before one that is inferred. Names are resolved as compose does: within
the networks that two services share, by service name, container name, host name, alias and link.
A health check is no dependency, nor is a service's own name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from telford.intake import addresses
from telford.intake.compose import desk, nodes, problems, roles, shapes
from telford.intake.compose.desk import Project
from telford.intake.compose.nodes import Leaf, Node, Origin, Row, Table
from telford.intake.compose.services import Mapped
from telford.intake.imported import Unresolved

AGAIN = "whether it starts again with the other one: no field says it"
# What a dependency waits for; that it has started is what depending means here.
_WAITS = {"service_started": "started", "service_healthy": "ready", roles.DONE: "done"}
# `network_mode: service:db` and the like: it lives inside of another one.
_INSIDE = ("network_mode", "ipc", "pid")
Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Text:
    """A text that may name hosts: the key it goes by, what it is, where it stands."""

    key: str
    text: str
    what: str
    origin: Origin

    @property
    def said(self) -> str:
        """``env DB_HOST in compose.yaml:12``."""
        return f"{self.what} in {self.origin.file}:{self.origin.line}"


@dataclass(slots=True)
class Found:
    """The dependencies of one service: by target, each as the document says it."""

    uses: dict[Key, dict[str, Any]] = field(default_factory=dict)
    # Those that were inferred, with the text that says so.
    inferred: dict[Key, str] = field(default_factory=dict)
    unresolved: list[Unresolved] = field(default_factory=list)


@dataclass(slots=True)
class Links:
    """Every service of an import and the names that it answers to, network by network."""

    services: Mapping[Key, Mapped]
    projects: tuple[Project, ...]
    _names: dict[tuple[str, str], list[Key]] = field(default_factory=dict)
    # Services that somebody calls by their address.
    called: set[Key] = field(default_factory=set)

    def __post_init__(self) -> None:
        for key, service in self.services.items():
            for network in self._networks(key):
                for name in _answers(service, network.partition("\0")[2]):
                    self._names.setdefault((network, name.lower()), []).append(key)

    def of(self, key: Key) -> Found:
        """What a service depends on."""
        service = self.services[key]
        found = Found()
        self._declared(key, service, found)
        for text in _texts(service):
            for candidate in addresses.candidates(text.key, text.text):
                self._resolve(key, text, candidate, found)
        return found

    # Declared

    def _declared(self, key: Key, service: Mapped, found: Found) -> None:
        at = service.desk
        for name, settings in nodes.table(at.service, "depends_on").items():
            self._depends(key, service, name, settings, found)
        for item in nodes.row(at.service.items.get("links")):
            name = (nodes.text(item) or "").partition(":")[0]
            if self._use(key, service, "links", name, item, found):
                at.say(item)
            else:
                at.keep_item(("links",), item)
        for item in nodes.row(at.service.items.get("volumes_from")):
            name = (nodes.text(item) or "").partition(":")[0]
            if name != "container":
                self._use(key, service, "volumes_from", name, item, found)
            at.keep_item(("volumes_from",), item)
        for mode in _INSIDE:
            node = at.service.items.get(mode)
            kind, _, name = (nodes.text(node) or "").partition(":")
            if node is not None and kind == "service":
                self._use(key, service, mode, name, node, found)
        for part in ("depends_on", "links", "volumes_from"):
            node = at.service.items.get(part)
            if node is not None and not isinstance(node, Leaf) and not node.items:
                at.say(node, "it has none")

    def _depends(self, key: Key, service: Mapped, name: str, settings: Node, found: Found) -> None:
        """One entry of `depends_on`."""
        at = service.desk
        items = nodes.table(settings)
        if not self._use(key, service, "depends_on", name, settings, found):
            at.keep(("depends_on", name), settings)
            return
        if not items:
            at.say(settings)
        for setting, node in items.items():
            text = nodes.text(node)
            if setting == "required" and nodes.flag(node) is not None:
                if nodes.flag(node) is False and (key[0], name) in found.uses:
                    found.uses[key[0], name]["critical"] = False
                at.say(node)
            elif setting == "condition" and text in _WAITS:
                if (key[0], name) in found.uses and text != "service_started":
                    found.uses[key[0], name]["wait"] = _WAITS[text]
                at.say(node)
            elif isinstance(node, Leaf) and node.value is None:
                at.drop(node, desk.NULL)
            else:
                at.keep(("depends_on", name, setting), node, AGAIN)

    def _use(
        self, key: Key, service: Mapped, part: str, name: str, node: Node, found: Found
    ) -> bool:
        """Declare a dependency; False where there is no such service."""
        target = key[0], name
        if target not in self.services:
            place = node.origin.position
            at = service.desk
            at.project.diagnostics.append(
                problems.no_target(place, str(service.address), name or "nothing", part)
            )
            return False
        if target != key and target not in found.uses:
            found.uses[target] = self._reference(key, target)
        return True

    def _reference(self, key: Key, target: Key) -> dict[str, Any]:
        own, other = self.services[key].address, self.services[target].address
        name = other.name if own.system == other.system else f"{other.system}.{other.name}"
        return {other.kind: name}

    # Inferred

    def _resolve(self, key: Key, text: Text, candidate: addresses.Candidate, found: Found) -> None:
        networks = self._networks(key)
        targets = self._linked(key, candidate.host) or [
            target
            for network in networks
            for target in self._names.get((network, candidate.host), [])
        ]
        if not targets:
            if candidate.certain and networks:
                found.unresolved.append(self._lost(key, text, candidate))
            return
        for target in dict.fromkeys(targets):
            self._infer(key, target, text, candidate, found)

    def _infer(
        self,
        key: Key,
        target: Key,
        text: Text,
        candidate: addresses.Candidate,
        found: Found,
    ) -> None:
        other = self.services[target]
        # `redis:6` in an argument is an image: without a sign of an address the port decides.
        odd = candidate.port is not None and other.ports and candidate.port not in other.ports
        if target == key or (odd and not candidate.certain):
            return
        self.called.add(target)
        if target not in found.uses:
            use = self._reference(key, target)
            found.uses[target] = {**use, "inferred": {"from": text.said}}
            found.inferred[target] = text.said

    def _lost(self, key: Key, text: Text, candidate: addresses.Candidate) -> Unresolved:
        return Unresolved(
            source=str(self.services[key].address),
            host=candidate.host,
            origin=text.said,
            position=text.origin.position,
            external=addresses.external(candidate.host),
        )

    def _linked(self, key: Key, host: str) -> list[Key]:
        """The service that a link of this one calls by a name of its own."""
        for item in nodes.row(self.services[key].desk.service.items.get("links")):
            name, _, alias = (nodes.text(item) or "").partition(":")
            if alias.lower() == host and (key[0], name) in self.services:
                return [(key[0], name)]
        return []

    def _networks(self, key: Key, depth: int = 0) -> tuple[str, ...]:
        """The networks of a service: who owns each, and its name, behind a NUL."""
        project = self.projects[key[0]]
        service = self.services[key].desk.service
        mode = nodes.text(service.items.get("network_mode"))
        if mode is not None:
            other = key[0], mode.removeprefix("service:")
            shared = mode.startswith("service:") and other in self.services and depth < 1
            return self._networks(other, depth + 1) if shared else ()
        names = nodes.table(service, "networks").keys() or {"default"}
        return tuple(_identity(project, key[0], name) for name in names)


def _identity(project: Project, number: int, name: str) -> str:
    """One network: that of the project, or one that projects share by its name outside."""
    definition = nodes.table(project.model, "networks", name)
    external = nodes.flag(definition.get("external")) is True
    outside = nodes.text(definition.get("name"))
    if external or outside:
        return f"\0{outside or name}"
    return f"{number}\0{name}"


def _answers(service: Mapped, network: str) -> Iterator[str]:
    at = service.desk
    found = {at.name}
    for key in ("container_name", "hostname"):
        found.add(nodes.text(at.service.items.get(key)) or at.name)
    for settings in nodes.table(at.service, "networks").values():
        for item in nodes.row(nodes.table(settings).get("aliases")):
            found.add(nodes.text(item) or at.name)
    yield from found


def _texts(service: Mapped) -> Iterator[Text]:
    """Every text of a service that may name another one."""
    for setting in service.settings:
        yield Text(setting.name, setting.text, f"env {setting.name}", setting.leaf.origin)
    for key in ("entrypoint", "command"):
        node = service.desk.service.items.get(key)
        if node is not None:
            yield from _arguments(key, node)


def _arguments(key: str, node: Node) -> Iterator[Text]:
    """Each word with the option it belongs to: ``--host=x`` and ``--host x`` alike."""
    option = ""
    for number, (text, origin) in enumerate(_words(node)):
        name, equals, rest = text.partition("=")
        if text.startswith("-") and equals and " " not in name:
            yield Text(name, rest, f"{key} {name}", origin)
            option = ""
        else:
            yield Text(option, text, f"{key} {option or number}", origin)
            option = text if text.startswith("-") and " " not in text else ""


def _words(node: Node) -> Iterator[tuple[str, Origin]]:
    if isinstance(node, Row):
        for item in node.items:
            yield nodes.written(item) or "", item.origin
    elif isinstance(node, Leaf):
        for word in shapes.words(nodes.text(node) or "") or ():
            yield word, node.origin


def parts(table: Table) -> list[Origin]:
    """Where the parts of a merged service begin: one origin for each file, in file order."""
    found: dict[str, Origin] = {}
    for leaf in nodes.leaves(table):
        known = found.get(leaf.origin.file)
        if known is None or leaf.origin.line < known.line:
            found[leaf.origin.file] = leaf.origin
    return list(found.values())
