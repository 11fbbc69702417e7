"""Target `gitlab-ci`: a file of jobs with inputs that every service includes, one for the estate,
and an include for each service that is built from a known folder.

The files are templates beside this one; their scripts are the road's (`telford.road.pipeline`).
Called by `telford.render.registry`.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from telford.basics import resources
from telford.render import pipelining
from telford.render.artifacts import NOTHING, Rendering, Unit, ready
from telford.render.pipelining import Ground
from telford.render.scene import World
from telford.render.target import Target
from telford.road import heading, pipeline, templates, yamlout

NAME = "gitlab-ci"
# A token of GitLab is vouched for by the GitLab that gave it.
_ISSUER = "$CI_SERVER_URL"


@cache
def _images() -> dict[str, str]:
    data: dict[str, Any] = resources.toml(__package__, "tools.toml")
    return {role: str(name) for role, name in data["images"].items()}


def _estate(world: World) -> Rendering:
    """The library, or what is missing for it."""
    wanted = [*_wanted(), *pipelining.toolchains(world)]
    said = tuple(pipelining.problems(world, wanted, NAME))
    ground = pipelining.ground(world, wanted, NAME)
    if ground is None:
        return Rendering((), said)
    values = _values(world, ground)
    files = {
        ".gitlab-ci.yml": "root.yml",
        ".gitlab/telford-estate.yml": "estate.yml",
        ".gitlab/telford-service.yml": "service.yml",
    }
    units = (_unit(path, ground.owner, _filled(name, values)) for path, name in files.items())
    return Rendering(tuple(units), said)


def _across(world: World, address: str) -> Rendering:
    """The include of one service."""
    build = pipelining.build(world, address, NAME)
    ground = (
        pipelining.ground(world, [*_wanted(), build.toolchain], NAME) if build is not None else None
    )
    if build is None or ground is None:
        return NOTHING
    values = {
        "heading": heading.comment(address).rstrip("\n"),
        "inputs": yamlout.document({"name": build.name, **ground.inputs(build)}),
    }
    text = _filled("caller.yml", values)
    return Rendering((_unit(f".gitlab/services/{build.name}.yml", address, text),))


def _unit(path: str, owner: str, text: str) -> Unit:
    return ready(f"{NAME}/{path}", owner, NAME, "", text)


def _wanted() -> list[str]:
    """What the library itself runs."""
    return list(_images().values())


def _filled(name: str, values: dict[str, str]) -> str:
    return templates.filled(resources.text(__package__, name), values)


def _values(world: World, ground: Ground) -> dict[str, str]:
    values = ground.values(NAME)
    values |= {role: ground.lock.reference(name) for role, name in _images().items()}
    values["script.build"] = pipeline.stages()["build"].without_docker
    values["issuer"] = world.architecture.issuer or _ISSUER
    values["promotions"] = "".join(_promotions(world, values))
    return values


def _promotions(world: World, values: dict[str, str]) -> Iterator[str]:
    """A job an environment, each after the one before it; a person starts it in production."""
    last = "sign"
    for step in pipeline.way(world.estate):
        own = {
            "environment": step.environment,
            "last": last,
            "places": f"[{', '.join(step.places)}]",
            "tier": "production" if step.production else "other",
            "when": "when: manual" if step.production else "when: on_success",
            "approval": ", once somebody has started it" if step.production else "",
        }
        yield _filled("promote.yml", values | own)
        last = f"promote-{step.environment}"


TARGET = Target(
    NAME,
    "a file of jobs with inputs, and an include for each service",
    estate=_estate,
    across=_across,
    kinds=frozenset({"Service"}),
)
