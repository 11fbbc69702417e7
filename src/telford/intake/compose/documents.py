"""Mapped services, configs, secrets and what surrounds them -> estate documents. Called by
`reading`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from telford.estate.address import Address
from telford.estate.kinds import structure
from telford.estate.kinds.base import API_VERSION
from telford.intake import names, surroundings
from telford.intake.compose import dependencies, desk, hiding, keys, nodes, problems
from telford.intake.compose.accounting import BEYOND
from telford.intake.compose.dependencies import Found
from telford.intake.compose.desk import Project
from telford.intake.compose.nodes import Leaf, Node, Table
from telford.intake.compose.services import Mapped
from telford.intake.imported import Document, Options, SecretName, Status
from telford.intake.kubernetes import engines

CARRIED = "x-compose"
OBSOLETE = "obsolete: compose ignores it"
CONTRADICTION = "its fields contradict one another, so it is kept whole"
# What Kubernetes takes for the value of a label.
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
# A longer config file is data, not settings.
MAX_CONFIG = 262_144


@dataclass(slots=True)
class Writer:
    """Writes the documents of one import."""

    options: Options
    documents: list[Document] = field(default_factory=list)
    secrets: list[SecretName] = field(default_factory=list)
    owners: dict[str, str] = field(default_factory=dict)
    unowned: list[str] = field(default_factory=list)
    # System -> folder of a project -> what it keeps of it.
    _systems: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    _written: set[str] = field(default_factory=set)

    def service(self, service: Mapped, found: Found, job: bool, called: bool) -> None:
        """The document of one service."""
        at = service.desk
        address = service.address
        value = self._head(_kind(address), address, self._owner(service))
        value |= _what(service, job, called)
        value |= {"road": "as-found", "labels": _labels(service)}
        annotations = at.fields.get("annotations")
        if annotations:
            value["annotations"] = annotations
        if at.run:
            value["run"] = at.run
        if found.uses:
            value["uses"] = list(found.uses.values())
        if at.fields.get("endpoints"):
            value["endpoints"] = at.fields["endpoints"]
        kind = structure.Datastore if address.kind == "datastore" else structure.Service
        if not desk.takes(kind, value):
            value = self._whole(service, value)
        elif at.kept:
            value[CARRIED] = at.kept
        origins = tuple(origin.position for origin in dependencies.parts(at.service))
        self._add(f"{address.system}/{address.name}.yaml", address, value, origins)
        hidden = [*at.secrets, *(name for name in at.composed if name not in at.secrets)]
        if hidden:
            self._secret(address.system, at.vault, hidden)

    def _whole(self, service: Mapped, value: Mapping[str, Any]) -> dict[str, Any]:
        """A document that says its name alone: everything else is carried."""
        at = service.desk
        at.complain((), at.service, CONTRADICTION)
        for leaf in nodes.leaves(at.service):
            at.ledger.forget(leaf.origin)
        kept = hiding.cleared(nodes.plain(at.service), "", at.project.secrets)
        at.ledger.mark(at.service, Status.CARRIED, str(at.address), CONTRADICTION)
        head = {key: value[key] for key in ("apiVersion", "kind", "name", "system", "owner")}
        engine = {"engine": value["engine"]} if "engine" in value else {"type": "worker"}
        return {**head, **engine, "road": "as-found", CARRIED: kept}

    def configs(self, project: Project) -> None:
        """The Configs of a project: what `configs` defines, and what it reads from outside."""
        for name, node in nodes.table(project.model, "configs").items():
            self._config(project, name, node)

    def _config(self, project: Project, name: str, node: Node) -> None:
        items = dict(nodes.table(node))
        ledger = project.loader.ledger
        address = Address("config", project.system, project.configs[name])
        if nodes.flag(items.get("external")) is True or not items:
            _carry(project, ("configs", name), node, f"system/{project.system}")
            return
        values = _values(project, name, items, str(address))
        owner = self._default()
        value = self._head("Config", address, owner) | {"road": "as-found"}
        if values:
            value["values"] = values
        rest = {key: item for key, item in items.items() if key != "content" or not values}
        for key, item in list(rest.items()):
            if key == "file" and values:
                ledger.mark(item, Status.MAPPED, str(address))
                del rest[key]
        kept = Table(node.origin, rest)
        if rest:
            value[CARRIED] = hiding.cleared(nodes.plain(kept), name, project.secrets)
            ledger.mark(kept, Status.CARRIED, str(address), BEYOND)
        where = (node.origin.position,)
        self._add(f"{project.system}/configs.yaml", address, value, where)

    def surroundings(self, project: Project, reads: Sequence[str], hidden: Sequence[str]) -> None:
        """What a project takes from whoever runs it: a Config with names and no values."""
        if reads:
            address = Address("config", project.system, project.environment)
            names = ", ".join(dict.fromkeys(reads))
            value = self._head("Config", address, self._default()) | {"road": "as-found"}
            value["description"] = f"Variables that compose files read and nothing sets: {names}."
            self._add(f"{project.system}/configs.yaml", address, value, ())
        if hidden:
            self._secret(project.system, project.vault, list(dict.fromkeys(hidden)))

    def project(self, project: Project, folder: str) -> None:
        """What the System keeps of a project: everything at the top of the files that no field says."""
        address = f"system/{project.system}"
        ledger = project.loader.ledger
        kept: dict[str, Any] = {}
        for key, node in project.model.items.items():
            if key in ("services", "configs"):
                self._misshapen(project, key, node, kept)
            elif key.startswith("x-"):
                ledger.mark(node, Status.DROPPED, "", desk.EXTENSION)
            elif key == "name" and nodes.text(node):
                ledger.mark(node, Status.MAPPED, address)
            elif key == "version":
                ledger.mark(node, Status.DROPPED, "", OBSOLETE)
            elif isinstance(node, Leaf) and node.value is None:
                ledger.mark(node, Status.DROPPED, "", desk.NULL)
            else:
                self._top(project, key, node, kept)
        self._granted(project)
        external = {
            name: hiding.cleared(nodes.plain(node), name)
            for name, node in nodes.table(project.model, "configs").items()
            if nodes.flag(nodes.table(node).get("external")) is True or not nodes.table(node)
        }
        kept |= {"configs": external} if external else {}
        self._systems.setdefault(project.system, {})[folder or "."] = kept

    def finish(self) -> None:
        """The System of each project; several projects of one system are told apart by folder."""
        for name, projects in self._systems.items():
            value: dict[str, Any] = {"apiVersion": API_VERSION, "kind": "System", "name": name}
            value["owner"] = f"team/{self._default()}"
            filled = {folder: kept for folder, kept in projects.items() if kept}
            if filled:
                value[CARRIED] = filled if len(projects) > 1 else next(iter(filled.values()))
            self.documents.append(Document("systems.yaml", value))

    def _misshapen(self, project: Project, key: str, node: Node, kept: dict[str, Any]) -> None:
        if not isinstance(node, Table) or not node.items:
            self._top(project, key, node, kept)

    def _top(self, project: Project, key: str, node: Node, kept: dict[str, Any]) -> None:
        """One key at the top that is carried."""
        place = node.origin.position
        if key not in keys.TOP:
            project.diagnostics.append(problems.unknown(place, key))
        elif why := keys.misfit(key, node, keys.TOP):
            project.diagnostics.append(problems.refused(place, key, why))
        kept[key] = _carry(project, (key,), node, f"system/{project.system}")

    def _granted(self, project: Project) -> None:
        """The secrets that a project defines: references."""
        for name, node in nodes.table(project.model, "secrets").items():
            place = node.origin.position
            project.diagnostics.append(problems.secret(place, name))
            address = Address("secret", project.system, project.granted[name])
            items = nodes.table(node)
            value = self._head("Secret", address, self._default())
            file = nodes.text(items.get("file"))
            if file:
                value |= {"store": "file", "path": file}
                project.loader.ledger.mark(items["file"], Status.MAPPED, str(address))
            value |= {"keys": [{"name": name}], "road": "as-found"}
            self._add(f"{project.system}/secrets.yaml", address, value, (place,))
            self.secrets.append(SecretName(name, (), place))

    def _secret(self, system: str, name: str, names: Sequence[str]) -> None:
        address = Address("secret", system, name)
        value = self._head("Secret", address, self._default())
        value |= {"keys": [{"name": item} for item in names], "road": "as-found"}
        self._add(f"{system}/secrets.yaml", address, value, ())

    def people(self) -> tuple[Document, ...]:
        """Teams and the environment: what the documents refer to."""
        used = {str(document.value.get("owner", "")) for document in self.documents}
        found = []
        for owner in sorted(used | {f"team/{self._default()}"}):
            name = owner.removeprefix("team/")
            found.append(surroundings.team(name, self.owners.get(name, "")))
        environment = names.slug(self.options.environment)
        place = {"apiVersion": API_VERSION, "kind": "Environment", "name": environment}
        return (*found, Document("environments.yaml", place))

    def _owner(self, service: Mapped) -> str:
        """Who owns a service: its labels say, or the default."""
        annotations = service.desk.fields.get("annotations", {})
        for name in engines.conventions()["owner"]:
            text = annotations.get(name)
            if text:
                team = names.slug(text.removeprefix("team/"))
                self.owners.setdefault(team, f"label {name} of {service.desk.name}")
                return team
        return self._default()

    def _default(self) -> str:
        return names.slug(self.options.owner or surroundings.UNASSIGNED)

    def _head(self, kind: str, address: Address, owner: str) -> dict[str, Any]:
        return {
            "apiVersion": API_VERSION,
            "kind": kind,
            "name": address.name,
            "system": address.system,
            "owner": f"team/{owner}",
        }

    def _add(
        self, file: str, address: Address, value: Mapping[str, Any], origins: Iterable[Any]
    ) -> None:
        if str(address) in self._written:
            # A secret from outside that two projects name is one.
            return
        self._written.add(str(address))
        if value["owner"] == surroundings.NOBODY:
            self.unowned.append(str(address))
        self.documents.append(Document(file, value, tuple(origins)))


def _labels(service: Mapped) -> dict[str, str]:
    """The labels that compose itself gives the containers of a service (05-services.md, "labels"):
    what is built of it finds its replicas by them.
    """
    name = service.desk.name if _LABEL.fullmatch(service.desk.name) else service.address.name
    return {
        "com.docker.compose.project": service.address.system,
        "com.docker.compose.service": name,
    }


def _kind(address: Address) -> str:
    return "Datastore" if address.kind == "datastore" else "Service"


def _what(service: Mapped, job: bool, called: bool) -> dict[str, Any]:
    """Engine and version of a data store; the type of a service."""
    if service.address.kind == "datastore":
        image = str(service.desk.run.get("image", ""))
        engine = service.desk.project.engines[service.desk.name]
        own = engines.repository(image) in engines.images(engine)
        version = engines.version(image) if own else ""
        return {"engine": engine} | ({"version": version} if version else {})
    return {"type": service_type(service, job, called)}


def service_type(service: Mapped, job: bool, called: bool) -> str:
    """A job that others wait for or that runs once, gRPC, HTTP, or a worker that nothing calls."""
    run = service.desk.run
    listens = bool(service.ports) or called
    once = nodes.text(service.desk.service.items.get("restart")) == "no" and not listens
    if job or once or service.desk.fields.get("type") == "job":
        return "job"
    if "grpc" in service.protocols:
        return "grpc"
    check = " ".join(run.get("health", {}).get("ready", {}).get("command", ()))
    return "http" if listens or "://localhost" in check else "worker"


def _values(project: Project, name: str, items: Mapping[str, Node], address: str) -> dict[str, str]:
    """What a config holds: its content, or the file that it names."""
    content = nodes.text(items.get("content"))
    ledger = project.loader.ledger
    if content is not None and len(content) <= MAX_CONFIG:
        ledger.mark(items["content"], Status.MAPPED, address)
        return {name: hiding.clear(content, project.secrets)}
    file = nodes.text(items.get("file"))
    if file is None:
        return {}
    text = project.loader.beside(file, items["file"].origin)
    if text is None or len(text) > MAX_CONFIG or "\0" in text:
        return {}
    return {name: hiding.clear(text, project.secrets)}


def _carry(project: Project, path: tuple[str, ...], node: Node, to: str) -> Any:
    """Carry a value to the System; what is cleared of a secret is dropped."""
    value = hiding.cleared(nodes.plain(node), path[-1], project.secrets)
    project.loader.ledger.carry(node, value, to, BEYOND)
    return value
