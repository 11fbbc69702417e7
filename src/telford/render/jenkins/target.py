"""Target `jenkins`: a shared library (vars, and the road's scripts as resources), a Jenkinsfile for
the estate, and one for each service that is built from a known folder.

The Groovy files are templates beside this one; their scripts are the road's
(`telford.road.pipeline`), as files of their own. Called by `telford.render.registry`.

- TEL575 (error): Jenkins cannot sign without an issuer, and no Architecture names one.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from telford.basics import resources
from telford.basics.diagnostics import Diagnostic, Severity
from telford.render import pipelining
from telford.render.artifacts import NOTHING, Rendering, Unit, ready
from telford.render.pipelining import Ground
from telford.render.scene import World
from telford.render.target import Target
from telford.road import heading, pipeline, templates

NAME = "jenkins"
_COMMENT = "//"
# The keys of the service's map that hold what its build says.
_SAID = {"dockerfile": "Dockerfile", "target": ""}


@cache
def _tools() -> dict[str, Any]:
    return resources.toml(__package__, "tools.toml")


def _estate(world: World) -> Rendering:
    """The library, or what is missing for it."""
    wanted = [*_wanted(), *pipelining.toolchains(world)]
    said = (*pipelining.problems(world, wanted, NAME), *_unsigned(world))
    ground = _ground(world, wanted)
    if ground is None:
        return Rendering((), said)
    values = _values(world, ground)
    files = {
        "Jenkinsfile": "root.groovy",
        "vars/telfordEstate.groovy": "estate.groovy",
        "vars/telfordService.groovy": "service.groovy",
        "vars/telfordStage.groovy": "stage.groovy",
    }
    units = [_unit(path, ground.owner, _filled(name, values)) for path, name in files.items()]
    return Rendering((*units, *_scripts(ground)), said)


def _scripts(ground: Ground) -> Iterator[Unit]:
    first = f"#!/bin/sh\n{heading.comment(ground.owner)}"
    for name, stage in pipeline.stages().items():
        path = f"resources/telford/{name}.sh"
        yield _unit(path, ground.owner, f"{first}# {stage.summary}.\n{stage.script}")


def _across(world: World, address: str) -> Rendering:
    """The Jenkinsfile of one service."""
    build = pipelining.build(world, address, NAME)
    if build is None:
        return NOTHING
    ground = _ground(world, [*_wanted(), *filter(None, [build.toolchain])])
    if ground is None:
        return NOTHING
    values = {
        "heading": heading.comment(address, _COMMENT).rstrip("\n"),
        "said": "".join(_arguments(world, build, ground)),
    }
    path = f"services/{build.name}/Jenkinsfile"
    return Rendering((_unit(path, address, _filled("caller.groovy", values)),))


def _ground(world: World, wanted: list[str]) -> Ground | None:
    return pipelining.ground(world, wanted, NAME) if world.architecture.issuer else None


def _unsigned(world: World) -> Iterator[Diagnostic]:
    if not world.architecture.issuer:
        yield Diagnostic(
            code="TEL575",
            severity=Severity.ERROR,
            summary="jenkins has no token of its own to sign with, and no issuer is named",
            address=world.architecture.address,
            position=world.architecture.position,
            fix="add to the document of kind Architecture: issuer: <the URL of the OpenID Connect"
            " provider whose tokens Jenkins signs with>",
        )


def _unit(path: str, owner: str, text: str) -> Unit:
    return ready(f"{NAME}/{path}", owner, NAME, "", text)


def _wanted() -> list[str]:
    """What the library itself runs."""
    return list(_tools()["images"].values())


def _filled(name: str, values: dict[str, str]) -> str:
    return templates.filled(resources.text(__package__, name), values)


def _values(world: World, ground: Ground) -> dict[str, str]:
    tools = _tools()
    values = ground.values(NAME)
    values |= {role: ground.lock.reference(name) for role, name in tools["images"].items()}
    values |= {f"credential.{role}": name for role, name in tools["credentials"].items()}
    values["heading"] = heading.comment(ground.owner, _COMMENT).rstrip("\n")
    values["docker_label"] = tools["docker_label"]
    values["repository"] = ground.repository.url
    values["issuer"] = world.architecture.issuer
    values["promotions"] = "".join(_promotions(world, values))
    return values


def _promotions(world: World, values: dict[str, str]) -> Iterator[str]:
    """A stage a place, environment after environment; somebody lets it into production."""
    for step in pipeline.way(world.estate):
        own = {"environment": step.environment}
        if step.production:
            yield _filled("approve.groovy", values | own)
        for place in step.places:
            yield _filled("promote.groovy", values | own | {"place": place})


def _arguments(world: World, build: pipeline.Build, ground: Ground) -> Iterator[str]:
    """What the library is told; what is the library's default is not said again."""
    said = {
        "service": build.address,
        "source": build.source,
        "image": build.image,
        "places": " ".join(build.places),
        "dockerfile": build.dockerfile,
        "target": build.target,
        "buildArgs": "\n".join(build.build_args),
        "toolchain": ground.lock.reference(build.toolchain) if build.toolchain else "",
        "approvers": pipelining.handle(world, build.address, NAME),
    }
    for name, value in said.items():
        if value and value != _SAID.get(name):
            yield f"{name}: {_quoted(value)},\n"


def _quoted(value: str) -> str:
    """A Groovy string in single quotes, in which nothing is evaluated."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


TARGET = Target(
    NAME,
    "a shared library and a Jenkinsfile for each service",
    estate=_estate,
    across=_across,
    kinds=frozenset({"Service"}),
)
