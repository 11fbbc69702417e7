"""One service of a project -> the fields of a document, key by key. Called by `reading`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from telford.estate.address import Address
from telford.intake.compose import (
    deploy,
    desk,
    environment,
    hiding,
    keys,
    network,
    nodes,
    problems,
    process,
    storage,
)
from telford.intake.compose.desk import Desk, Project
from telford.intake.compose.environment import Setting
from telford.intake.compose.nodes import Leaf, Node, Table

# Annotation of a service that is only started with one of these profiles.
PROFILES = "telford.dev/profiles"
_Handler = Callable[[Desk, Node], None]

# In this order: aliases before the endpoints that they name.
_HANDLERS: Mapping[str, _Handler] = {
    "image": process.image,
    "build": process.build,
    "pull_policy": process.pull,
    "entrypoint": process.entrypoint,
    "command": process.command,
    "working_dir": process.working_directory,
    "user": process.user,
    "healthcheck": process.health,
    "stop_grace_period": process.stop,
    "restart": process.restart,
    "pre_stop": process.before_stop,
    "privileged": lambda at, node: process.flag(at, node, "privileged", "privileged"),
    "read_only": lambda at, node: process.flag(at, node, "read_only", "readOnlyRootFilesystem"),
    "cap_add": lambda at, node: process.capabilities(at, node, "cap_add"),
    "cap_drop": lambda at, node: process.capabilities(at, node, "cap_drop"),
    "security_opt": process.security,
    "scale": lambda at, node: deploy.replicas(at, ("scale",), node),
    "cpus": lambda at, node: deploy.flat(at, node, "cpus"),
    "mem_limit": lambda at, node: deploy.flat(at, node, "mem_limit"),
    "mem_reservation": lambda at, node: deploy.flat(at, node, "mem_reservation"),
    "deploy": deploy.deploy,
    "volumes": storage.volumes,
    "tmpfs": storage.scratch,
    "secrets": lambda at, node: storage.grants(at, node, "secrets"),
    "configs": lambda at, node: storage.grants(at, node, "configs"),
    "hostname": lambda at, node: network.alias(at, node, "hostname"),
    "container_name": lambda at, node: network.alias(at, node, "container_name"),
    "networks": network.networks,
    "labels": lambda at, node: _annotations(at, node, "labels"),
    "annotations": lambda at, node: _annotations(at, node, "annotations"),
    "profiles": lambda at, node: _profiles(at, node),  # noqa: PLW0108 - it stands below
}
# Read by stages of their own: `settings`, `network.ports` and `dependencies`.
_ELSEWHERE = frozenset(
    {"environment", "env_file", "ports", "expose", "depends_on", "links", "volumes_from"}
)


@dataclass(slots=True)
class Mapped:
    """A service as fields, and what the later stages need to know of it."""

    desk: Desk
    settings: list[Setting] = field(default_factory=list)
    protocols: frozenset[str] = frozenset()

    @property
    def address(self) -> Address:
        """Where it is in the estate."""
        return self.desk.address

    @property
    def ports(self) -> set[int]:
        """The ports of its container."""
        return {port["port"] for port in self.desk.run.get("ports", [])}


def mapped(project: Project, name: str) -> Mapped:
    """A service of the model with everything but its dependencies."""
    node = nodes.table(project.model, "services")[name]
    service = node if isinstance(node, Table) else Table(node.origin)
    at = Desk(project, name, service, project.services[name])
    if not isinstance(node, Table):
        _bare(at, node)
    fitting = _sifted(at)
    for key, handler in _HANDLERS.items():
        if key in fitting:
            handler(at, fitting[key])
    found = Mapped(at)
    found.settings = environment.settings(at)
    found.protocols = network.ports(at)
    _check(at)
    return found


def _bare(at: Desk, node: Node) -> None:
    """A service that is no mapping: nothing is known of it but its name."""
    at.drop(node, "it must be a mapping")
    at.complain((), node, "it must be a mapping")


def _sifted(at: Desk) -> dict[str, Node]:
    """The keys that a handler takes; the others are carried, extensions left out."""
    found: dict[str, Node] = {}
    refused = []
    for key, node in at.service.items.items():
        if key.startswith("x-"):
            at.drop(node, desk.EXTENSION)
        elif isinstance(node, Leaf) and node.value is None:
            at.drop(node, desk.NULL)
        elif key not in keys.SERVICE:
            at.keep((key,), node, "it is no key of the Compose Specification")
            where = f"services.{at.name}.{key}"
            at.project.diagnostics.append(problems.unknown(node.origin.position, where))
        elif why := keys.misfit(key, node, keys.SERVICE):
            at.refuse((key,), node, why)
            refused.append(key)
        elif key in _HANDLERS:
            _beneath(at, key, node)
            found[key] = node
        else:
            _beneath(at, key, node)
            if key not in _ELSEWHERE:
                at.keep((key,), node)
    if refused:
        rest = {key: node for key, node in at.service.items.items() if key not in refused}
        at.service = Table(at.service.origin, rest)
    return found


def _beneath(at: Desk, key: str, node: Node) -> None:
    """Say what is wrong beneath a key; whoever maps it carries it."""
    for path, item, why in keys.strange(key, node):
        where = f"services.{at.name}.{path}"
        place = item.origin.position
        at.project.diagnostics.append(
            problems.refused(place, where, why, str(at.address))
            if why
            else problems.unknown(place, where)
        )


def _annotations(at: Desk, node: Node, key: str) -> None:
    """``labels`` and ``annotations``: free text, as annotations are and labels are not."""
    for name, item in nodes.table(node).items():
        value = nodes.written(item)
        if not isinstance(item, Leaf) or not name:
            at.refuse((key, name), item, "it is no text")
        elif value is not None and hiding.secret(name, value):
            at.drop(item, hiding.HIDDEN)
        else:
            at.fields.setdefault("annotations", {})[name] = at.clear(value or "")
            at.say(item)
    if not nodes.table(node):
        at.say(node, "it has none")


def _profiles(at: Desk, node: Node) -> None:
    names = [nodes.written(item) or "" for item in nodes.row(node)]
    if names and all(names):
        at.fields.setdefault("annotations", {})[PROFILES] = ",".join(names)
        at.say(node)
    else:
        at.keep(("profiles",), node)


def _check(at: Desk) -> None:
    """Say what is odd about the service as a whole."""
    position = at.service.origin.position
    if not at.service.items.keys() & {"image", "build", "provider"}:
        at.project.diagnostics.append(problems.no_image(position, str(at.address), at.name))
    if at.secrets and at.secrets_at is not None:
        at.project.diagnostics.append(
            problems.plain_secrets(at.secrets_at.position, str(at.address), at.vault, at.secrets)
        )
