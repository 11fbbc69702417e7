"""Which cluster, namespace and environment deliveries name. Called by
`telford.intake.gitops.reading`.

A stage is recognised by the words of a delivery (its cluster, its path, its values files), as
`telford.intake.environments.stages` recognises folders.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from telford.estate.kinds.base import API_VERSION
from telford.intake import names
from telford.intake.environments import stages
from telford.intake.environments.stages import Stage
from telford.intake.gitops.delivery import Delivery
from telford.intake.imported import Document, Options

_HOST = re.compile(r"^[a-z]+://([^/:]+)")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The deliveries that an import of one environment is about, the stages of all of them, and
    those that were left to another environment's import.
    """

    deliveries: tuple[Delivery, ...]
    stages: tuple[str, ...]
    left: tuple[Delivery, ...]


@dataclass(slots=True)
class Said:
    """Documents of places, and which leaf says which (file, object, path -> address).

    `namespace` is the one that all deliveries of the imported environment name, or "".
    """

    documents: list[Document] = field(default_factory=list)
    homes: dict[tuple[str, str, str], str] = field(default_factory=dict)
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """A stage and the word that names it."""

    word: str
    stage: Stage


def stage_of(one: Delivery) -> Named | None:
    """The stage that a delivery is for, as far as its words tell."""
    for text in one.words():
        for word in (text, *re.split(r"[^a-zA-Z0-9]+", text)):
            found = stages.stage_of(word) if word else None
            if found is not None:
                return Named(names.slug(word), found)
    return None


def chosen(deliveries: Iterable[Delivery], options: Options) -> Chosen:
    """Those for the environment that is imported, and those for none in particular; all of them
    where the environment is no known stage.
    """
    wanted = stages.stage_of(options.environment)
    kept: list[Delivery] = []
    left: list[Delivery] = []
    seen: list[Stage] = []
    for one in deliveries:
        named = stage_of(one)
        if named is not None:
            seen.append(named.stage)
        other = wanted is not None and named is not None and named.stage.name != wanted.name
        (left if other else kept).append(one)
    ranked = sorted({(stage.order, stage.name) for stage in seen})
    return Chosen(tuple(kept), tuple(name for _, name in ranked), tuple(left))


def documents(deliveries: Iterable[Delivery], options: Options) -> Said:
    """The clusters and environments that deliveries name."""
    said = Said()
    own = stages.stage_of(options.environment)
    namespaces: set[str] = set()
    for one in deliveries:
        environment = _environment(said, one, stage_of(one), own, options)
        cluster = _cluster(said, one)
        if environment == names.slug(options.environment) and one.namespace:
            namespaces.add(one.namespace)
        for path in one.said:
            last = path[-1]
            home = f"cluster/{cluster}" if last in ("server", "name") and cluster else ""
            if last in ("namespace", "targetNamespace") and environment:
                home = f"environment/{environment}"
            if home:
                said.homes[one.item.file, one.item.label, ".".join(map(str, path))] = home
    only = next(iter(namespaces), "")
    if own is not None and len(namespaces) == 1 and only == names.slug(only):
        said.namespace = only
    else:
        _forget(said, names.slug(options.environment))
    return said


def _forget(said: Said, environment: str) -> None:
    """Namespaces that no environment says: there are several, or none that can be a name."""
    home = f"environment/{environment}"
    said.homes = {key: to for key, to in said.homes.items() if to != home}


def _environment(
    said: Said, one: Delivery, named: Named | None, own: Stage | None, options: Options
) -> str:
    """The name of the environment that a delivery is for; a document for one that is new. "" where
    another environment is imported.
    """
    if named is None or (own is not None and own.name == named.stage.name):
        return names.slug(options.environment)
    if own is not None:
        # It has an import of its own.
        return ""
    if not any(_is(document, "Environment", named.word) for document in said.documents):
        value: dict[str, Any] = {"order": named.stage.order}
        value |= {"production": True} if named.stage.production else {}
        if one.namespace and one.namespace == names.slug(one.namespace):
            value["namespace"] = one.namespace
        _add(said, one, "environments.yaml", "Environment", named.word, value)
    return named.word


def _cluster(said: Said, one: Delivery) -> str:
    """The name of the cluster that a delivery goes to, or "" where it is the tool's own."""
    host = _HOST.match(one.server)
    wish = one.cluster if one.cluster not in ("", "in-cluster") else host[1] if host else ""
    if not wish or "{{" in wish:
        return ""
    name = names.slug(wish)
    if not any(_is(document, "Cluster", name) for document in said.documents):
        value: dict[str, Any] = {"type": "kubernetes"}
        value |= {"server": one.server} if one.server and "{{" not in one.server else {}
        _add(said, one, "places.yaml", "Cluster", name, value)
    return name


def _is(document: Document, kind: str, name: str) -> bool:
    return (document.value["kind"], document.value["name"]) == (kind, name)


def _add(said: Said, one: Delivery, file: str, kind: str, name: str, value: dict[str, Any]) -> None:
    head = {"apiVersion": API_VERSION, "kind": kind, "name": name}
    said.documents.append(Document(file, head | value, (one.position,)))
