"""AppProjects: what a system may deliver where, and what its owners may do. Called by `target`.

A project allows exactly the kinds and namespaces of what is built for it, no more.
"""

from collections.abc import Iterable
from typing import Any

from telford.estate.kinds import people
from telford.render import delivering
from telford.render.argo_cd import windows
from telford.render.artifacts import Object
from telford.render.delivering import Bundle
from telford.render.scene import World

API = "argoproj.io/v1alpha1"
# Dex, the connector that Argo CD ships, calls a team of GitHub ORGANISATION:TEAM.
# https://dexidp.io/docs/connectors/github/
_GITHUB = "github"
# What a team is called by whoever signs people in, where the estate says it.
_GROUPS = ("argo-cd", "oidc")


def project(
    world: World, name: str, description: str, held: list[Bundle], policy: dict[str, Any]
) -> Object:
    """The `spec` of one project."""
    objects = [(one, item) for one in held for unit in one.units for item in unit.objects()]
    repository = world.architecture.repository
    assert repository is not None, "`problems` was asked first"
    spec: dict[str, Any] = {"description": description, "sourceRepos": [repository.url]}
    spec["destinations"] = _destinations(objects, held)
    cluster, inside = delivering.kinds(item for _, item in objects)
    spec["clusterResourceWhitelist"] = _allowed(cluster)
    spec["namespaceResourceWhitelist"] = _allowed(inside)
    roles = _roles(world, name, held, policy["roles"]["owner"])
    if roles:
        spec["roles"] = roles
    found = windows.windows(world, held, manual=policy["windows"]["manual"])
    if found:
        spec["syncWindows"] = found
    return spec


def _destinations(
    objects: Iterable[tuple[Bundle, Object]], held: Iterable[Bundle]
) -> list[dict[str, str]]:
    found = {(one.cluster, one.namespace) for one in held}
    for one, item in objects:
        found.add((one.cluster, item["metadata"].get("namespace", one.namespace)))
    return [{"name": cluster, "namespace": namespace} for cluster, namespace in sorted(found)]


def _allowed(kinds: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"group": group, "kind": kind} for group, kind in sorted(kinds)]


def _roles(
    world: World, name: str, held: Iterable[Bundle], may: Iterable[list[str]]
) -> list[dict[str, Any]]:
    """A role for the owners, where the estate knows what they are called at the door."""
    groups = sorted({group for one in held for group in _groups(world, one.system)})
    if not groups:
        return []
    policies = [
        f"p, proj:{name}:owner, {resource}, {act}, {name}/*, allow" for resource, act in may
    ]
    return [
        {
            "name": "owner",
            "description": "Those who answer for it.",
            "policies": policies,
            "groups": groups,
        }
    ]


def _groups(world: World, system: str) -> Iterable[str]:
    """What the owners of a system are called by whoever signs people in."""
    for entity in world.estate.refer("System", system, None) if system else ():
        kind, _, team = (entity.spec.owner or "").rpartition("/")
        for owner in world.estate.refer((kind or "team").capitalize(), team, None):
            if isinstance(owner.spec, people.Team):
                yield from _group(owner.spec.handles)


def _group(handles: dict[str, str]) -> Iterable[str]:
    for name in _GROUPS:
        if name in handles:
            return [handles[name]]
    return [handles[_GITHUB].replace("/", ":")] if _GITHUB in handles else []
