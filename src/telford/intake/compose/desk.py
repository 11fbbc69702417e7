"""Where one service becomes fields of a document: what is said, what is kept beside, what is left
out, with the fate of every leaf. Called by the modules that map the keys of a service.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from telford.basics.diagnostics import Diagnostic
from telford.estate.address import Address
from telford.estate.kinds import running, structure
from telford.intake.compose import hiding, nodes, problems
from telford.intake.compose.accounting import BEYOND, Ledger
from telford.intake.compose.layers import Loader
from telford.intake.compose.nodes import Node, Origin, Table
from telford.intake.imported import Status

NULL = "null: the same as not written"
EXTENSION = "an extension: compose ignores it, and what aliases repeat counts where it stands"


@dataclass(frozen=True, slots=True)
class Project:
    """What all services of a project share."""

    model: Table
    system: str
    # Service of the project -> its address in the estate.
    services: Mapping[str, Address]
    # Config or secret of the project -> its name in the estate; what settings from outside and
    # secrets from outside are kept in; and the secret of each service.
    configs: Mapping[str, str]
    granted: Mapping[str, str]
    environment: str
    vault: str
    vaults: Mapping[str, str]
    # The variables that its files are read with.
    variables: Mapping[str, str]
    loader: Loader
    # Values that the files themselves call secrets.
    secrets: frozenset[str]
    # The services that are data stores, with their engines.
    engines: Mapping[str, str]
    # Networks of its own that every service is on.
    common: frozenset[str]
    # Whether something says its name; a folder's name is a guess.
    named: bool

    def defined(self, part: str, name: str) -> bool:
        """Whether the top-level part (``volumes``) defines a name."""
        return name in nodes.table(self.model, part)

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """Everything that somebody should look at."""
        return self.loader.diagnostics


@dataclass(slots=True)
class Desk:
    """One service on its way to a document. `run` and `fields` are in document form; `kept` is
    what no field says, in compose's own form.
    """

    project: Project
    name: str
    service: Table
    address: Address
    run: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)
    # Names of settings whose values were left out, and where the first one stands.
    secrets: list[str] = field(default_factory=list)
    secrets_at: Origin | None = None
    # Names of settings that are made of a secret and of other text.
    composed: list[str] = field(default_factory=list)
    # Variables of the surroundings that it reads: settings, and secrets.
    reads: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    # Names under which others reach it beside its own.
    aliases: dict[str, Node] = field(default_factory=dict)

    @property
    def vault(self) -> str:
        """The secret that holds what the service's files say in plain text."""
        return self.project.vaults[self.name]

    @property
    def ledger(self) -> Ledger:
        """Where fates are written."""
        return self.project.loader.ledger

    def say(self, node: Node, reason: str = "") -> None:
        """A field of the document says it."""
        self.ledger.mark(node, Status.MAPPED, str(self.address), reason)

    def drop(self, node: Node, reason: str) -> None:
        """It is left out."""
        self.ledger.mark(node, Status.DROPPED, "", reason)

    def keep(self, path: tuple[str, ...], node: Node, reason: str = BEYOND) -> None:
        """It is carried along at a path of the service, secrets taken out."""
        value = hiding.cleared(nodes.plain(node), path[-1], self.project.secrets)
        self._put(path, value)
        self.ledger.carry(node, value, str(self.address), reason)

    def keep_item(self, path: tuple[str, ...], node: Node, reason: str = BEYOND) -> None:
        """The same for one item of the list at a path."""
        value = hiding.cleared(nodes.plain(node), path[-1], self.project.secrets)
        self._put(path, [*self._kept(path), value])
        self.ledger.carry(node, value, str(self.address), reason)

    def refuse(self, path: tuple[str, ...], node: Node, why: str) -> None:
        """It is carried along, because it cannot be a field."""
        self.keep(path, node, f"it cannot be a field: {why}")
        self.complain(path, node, why)

    def complain(self, path: tuple[str, ...], node: Node, why: str) -> None:
        """Say that a value means nothing here."""
        where = ".".join(("services", self.name, *path))
        self.project.diagnostics.append(
            problems.refused(node.origin.position, where, why, str(self.address))
        )

    def fit(self, path: tuple[str, ...], node: Node, reason: str = "", **fields: Any) -> bool:
        """Put fields into `run` where it takes them; carry the node otherwise."""
        why = _refusal(fields)
        if why:
            self.refuse(path, node, why)
            return False
        for key, value in fields.items():
            if isinstance(value, dict) and isinstance(self.run.get(key), dict):
                self.run[key] = _deeper(self.run[key], value)
            else:
                self.run[key] = value
        self.say(node, reason)
        return True

    def add(self, path: tuple[str, ...], node: Node, key: str, *values: dict[str, Any]) -> bool:
        """Append to a list of `run` where it takes them; carry the item otherwise."""
        before = self.run.get(key, [])
        why = _refusal({key: [*before, *values]})
        if why:
            self.keep_item(path, node, f"it cannot be a field: {why}")
            self.complain(path, node, why)
            return False
        self.run[key] = [*before, *values]
        self.say(node)
        return True

    def hide(self, node: Node, name: str) -> None:
        """A secret in plain text: the reference stays, the value does not."""
        self.drop(node, hiding.HIDDEN)
        if name not in self.secrets:
            self.secrets.append(name)
        self.secrets_at = self.secrets_at or node.origin

    def clear(self, text: str) -> str:
        """A text of the service without the secrets of the project."""
        return hiding.clear(text, self.project.secrets)

    def _kept(self, path: tuple[str, ...]) -> list[Any]:
        here: Any = self.kept
        for step in path:
            here = here.get(step) if isinstance(here, dict) else None
        return here if isinstance(here, list) else []

    def _put(self, path: tuple[str, ...], value: Any) -> None:
        here = self.kept
        for step in path[:-1]:
            inner = here.get(step)
            if not isinstance(inner, dict):
                inner = here[step] = {}
            here = inner
        here[path[-1]] = value


def _refusal(fields: Mapping[str, Any]) -> str:
    """Why `run` does not take fields, or ""."""
    try:
        running.Run.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        return str(first["msg"]).removeprefix("Value error, ")
    return ""


def takes(kind: type[structure.Service | structure.Datastore], value: Mapping[str, Any]) -> bool:
    """Whether a whole document is one of its kind."""
    try:
        kind.model_validate(value)
    except ValidationError:
        return False
    return True


def _deeper(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(found.get(key), dict)
        found[key] = _deeper(found[key], value) if both else value
    return found
