"""What the targets of delivery and of pipelines make, as data, once for all tests of a run."""

import copy
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import packaged
import target_estates

import quick_yaml as yaml
from telford.app import rendering
from telford.estate import loading, overlays
from telford.estate.model import Estate
from telford.render import artifacts, registry
from telford.render.artifacts import Rendering, Unit

# Our own estates: each says in which repository it is built.
ESTATES = ("shop", "boutique", "organisation")
PLACES = """apiVersion: telford/v1
kind: Environment
name: dev
order: 0
---
apiVersion: telford/v1
kind: Environment
name: prod
order: 1
production: true
regions: [north, south]
---
apiVersion: telford/v1
kind: Region
name: north
---
apiVersion: telford/v1
kind: Region
name: south
---
apiVersion: telford/v1
kind: Team
name: us
chat: "#us"
---
apiVersion: telford/v1
kind: System
name: shop
owner: team/us
annotations: {telford.dev/source: "src/{name}"}
"""
# What is no job of GitLab's.
GITLAB_WORDS = ("stages", "workflow", "include")
_INPUT = re.compile(r"\$\[\[ inputs\.([a-z-]+) \]\]")
_SERVICE = ".gitlab/telford-service.yml"
ROAD = """apiVersion: telford/v1
kind: Architecture
name: ours
owner: team/us
issuer: https://id.example.com
repository: {url: "https://git.example.com/ours.git", branch: main, path: built, estate: estate}
"""


def service(name: str, more: str = "") -> str:
    """A paved service of the system shop."""
    return (
        f"apiVersion: telford/v1\nkind: Service\nname: {name}\nsystem: shop\nowner: team/us\n"
        f"run: {{image: registry.example.com/shop/{name}:1.0.0}}\n{more}"
    )


def estate(*texts: str) -> Estate:
    """An estate of these texts, places and a team."""
    files = {f"{index}.yaml": text for index, text in enumerate((PLACES, *texts))}
    loaded = loading.load(files)
    assert not loaded.diagnostics, loaded.diagnostics
    return loaded.estate


def rendered(target: str, known: Estate, *beside: str) -> Rendering:
    """All of a target for an estate, where `beside` is built as well."""
    chosen = [registry.BY_NAME[name] for name in (target, *beside)]
    world = rendering.world(known, overlays.places(known), chosen)
    one = registry.BY_NAME[target]
    return artifacts.joined([one.everywhere(world), *map(one.in_place, world.scenes)])


@cache
def files(target: str, name: str) -> Mapping[str, str]:
    """Path below the target's folder -> text, of one of our own estates."""
    found = target_estates.rendered(target, name).units
    return {unit.path.removeprefix(f"{target}/"): unit.make() for unit in found}


@cache
def documents(target: str, name: str) -> Mapping[str, list[Any]]:
    """The same as data."""
    return {path: list(yaml.safe_load_all(text)) for path, text in files(target, name).items()}


def objects(units: tuple[Unit, ...]) -> list[dict[str, Any]]:
    """All objects of some units."""
    return [item for unit in units for item in yaml.safe_load_all(unit.make()) if item]


@cache
def real(name: str) -> Estate:
    """A real system as it is imported, with a repository that it is delivered from."""
    found = packaged.real(name)
    road = loading.load({"road.yaml": ROAD.replace("owner: team/us\n", "")}).estate
    return Estate({**found.entities, **road.entities})


def gitlab(name: str) -> dict[str, Any]:
    """The whole configuration of GitLab for one of our own estates, as it is after includes."""
    return copy.deepcopy(_merged(name))


def _filled(value: Any, inputs: dict[str, str]) -> Any:
    """The same with every input put in, as GitLab does before it reads jobs."""
    if isinstance(value, dict):
        return {_filled(key, inputs): _filled(one, inputs) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, inputs) for one in value]
    if isinstance(value, str):
        return _INPUT.sub(lambda found: inputs[found[1]], value)
    return value


@cache
def _merged(name: str) -> dict[str, Any]:
    """The whole configuration, as GitLab sees it after includes."""
    files = documents("gitlab-ci", name)
    head, body = files[_SERVICE]
    (whole,) = files[".gitlab-ci.yml"]
    (estate,) = files[".gitlab/telford-estate.yml"]
    found = {**{key: whole[key] for key in GITLAB_WORDS if key != "include"}, **estate}
    for path, (caller,) in ((p, d) for p, d in files.items() if p.startswith(".gitlab/services/")):
        (include,) = caller["include"]
        assert include["local"] == _SERVICE
        known = head["spec"]["inputs"]
        assert set(include["inputs"]) <= set(known), path
        defaults = {key: one.get("default") for key, one in known.items()}
        inputs = {**defaults, **include["inputs"]}
        assert None not in inputs.values(), path
        jobs = _filled(body, inputs)
        assert not set(jobs) & set(found), path
        found |= jobs
    return found
