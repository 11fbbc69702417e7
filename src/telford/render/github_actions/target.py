"""Target `github-actions`: a reusable workflow for every service, one for the estate, and a caller
for each service that is built from a known folder.

The workflows are templates beside this file (`service.yaml`, `promote.yaml`, `estate.yaml`,
`caller.yaml`); their scripts are the road's (`telford.road.pipeline`). Called by
`telford.render.registry`.
"""

import re
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

NAME = "github-actions"
_FOLDER = f"{NAME}/.github/workflows"
_SERVICE = "telford-service.yaml"
_ESTATE = "telford-estate.yaml"
# The version behind a commit, for people and for those who look for newer ones.
_USES = re.compile(r"(?<=uses: )<<([a-z]+)>>")


@cache
def _tools() -> dict[str, Any]:
    return resources.toml(__package__, "tools.toml")


def _estate(world: World) -> Rendering:
    """The library, or what is missing for it."""
    wanted = [*_wanted(), *pipelining.toolchains(world)]
    said = tuple(pipelining.problems(world, wanted, NAME))
    ground = pipelining.ground(world, wanted, NAME)
    if ground is None:
        return Rendering((), said)
    values = _values(world, ground)
    library = _unit(_SERVICE, ground.owner, _filled("service.yaml", ground, values))
    estate = _unit(_ESTATE, ground.owner, _filled("estate.yaml", ground, values))
    return Rendering((estate, library), said)


def _across(world: World, address: str) -> Rendering:
    """The caller of one service."""
    build = pipelining.build(world, address, NAME)
    if build is None:
        return NOTHING
    ground = pipelining.ground(world, [*_wanted(), build.toolchain], NAME)
    if ground is None:
        return NOTHING
    name = f"{build.name}.yaml"
    return Rendering((_unit(name, address, _caller(build, ground)),))


def _unit(name: str, owner: str, text: str) -> Unit:
    return ready(f"{_FOLDER}/{name}", owner, NAME, "", text)


def _wanted() -> list[str]:
    """What the library itself runs."""
    tools = _tools()
    return [*tools["actions"].values(), *tools["images"].values()]


def _values(world: World, ground: Ground) -> dict[str, str]:
    tools = _tools()
    images = {role: ground.lock.reference(name) for role, name in tools["images"].items()}
    values = ground.values(NAME) | images
    values["runner"] = tools["runner"]
    values["issuer"] = world.architecture.issuer or tools["issuer"]
    values["promotions"] = "".join(_promotions(world, ground, values))
    return values


def _promotions(world: World, ground: Ground, values: dict[str, str]) -> Iterator[str]:
    """A job an environment, each after the one before it."""
    last = "sign"
    for step in pipeline.way(world.estate):
        approval = ", once somebody has approved it" if step.production else ""
        own = {
            "environment": step.environment,
            "needs": f"[publish, {last}]",
            "places": f"[{', '.join(step.places)}]",
            "approval": approval,
        }
        yield _filled("promote.yaml", ground, values | own)
        last = f"promote-{step.environment}"


def _filled(name: str, ground: Ground, values: dict[str, str]) -> str:
    text = _USES.sub(lambda found: _action(ground, found[1]), resources.text(__package__, name))
    return templates.filled(text, values)


def _action(ground: Ground, role: str) -> str:
    name = _tools()["actions"][role]
    return f"{ground.lock.reference(name)}  # {ground.lock.version(name)}"


def _caller(build: pipeline.Build, ground: Ground) -> str:
    library = f"{_FOLDER.removeprefix(f'{NAME}/')}/{_SERVICE}"
    own = f"{_FOLDER.removeprefix(f'{NAME}/')}/{build.name}.yaml"
    everything = f"{build.source}/**" if build.source != "." else "**"
    values = {
        "heading": heading.comment(build.address).rstrip("\n"),
        "name": build.name,
        "branch": ground.repository.branch,
        "paths": yamlout.document([everything, own, library]),
        "with": yamlout.document(ground.inputs(build)),
    }
    return templates.filled(resources.text(__package__, "caller.yaml"), values)


TARGET = Target(
    NAME,
    "a reusable workflow and a caller for each service",
    estate=_estate,
    across=_across,
    kinds=frozenset({"Service"}),
)
