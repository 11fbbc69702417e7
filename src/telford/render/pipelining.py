"""What the targets that make pipelines have in common: what they must know before they may.

Called by `github_actions`, `gitlab_ci` and `jenkins`.

- TEL573 (info): services of which nobody says where they are built from; they get no pipeline.
- TEL574 (error): pipelines are wanted, and no Architecture says in which repository.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from telford.basics.diagnostics import Diagnostic, Severity
from telford.estate.kinds import people
from telford.estate.model import Bound
from telford.render import findings, whole
from telford.render.scene import World
from telford.road import conventions, heading, pins, pipeline
from telford.road.architecture import Repository
from telford.road.pins import Locked

# So many names are read; the rest is a number.
_NAMED = 8


@dataclass(frozen=True, slots=True)
class Ground:
    """What every pipeline stands on: the repository, the lock, and whose the library is."""

    repository: Repository
    lock: Locked
    owner: str

    def inputs(self, build: pipeline.Build) -> dict[str, str]:
        """What the library is told of a service; what is its default is not said again."""
        said = {"service": build.address, "source": build.source, "image": build.image}
        said["places"] = " ".join(build.places)
        if build.dockerfile != "Dockerfile":
            said["dockerfile"] = build.dockerfile
        if build.target:
            said["target"] = build.target
        if build.build_args:
            said["build-args"] = "\n".join(build.build_args)
        if build.toolchain:
            said["toolchain"] = self.lock.reference(build.toolchain)
        return said

    def values(self, pipelines: str) -> dict[str, str]:
        """What the templates of a library say of the road, the estate and the limits.

        `pipelines` is the target's own folder.
        """
        said = {"heading": heading.comment(self.owner).rstrip("\n")}
        said |= pipeline.environment(self.repository, pipelines)
        said |= pipeline.limits()
        for name, stage in pipeline.stages().items():
            said[f"script.{name}"] = stage.script
            said[f"summary.{name}"] = stage.summary
            said[f"minutes.{name}"] = str(stage.minutes)
        said["branch"] = self.repository.branch
        return {name.lower(): value for name, value in said.items()}


def ground(world: World, wanted: list[str], target: str) -> Ground | None:
    """What there is to stand on; None where it is too little (`problems` says why)."""
    repository = world.architecture.repository
    lock = pins.locked(world.architecture, wanted, target)
    if repository is None or not lock.whole:
        return None
    return Ground(repository, lock, whole.owner(world))


def build(world: World, address: str, target: str) -> pipeline.Build | None:
    """What the pipeline of a service builds; None where there is nothing to build, or where a recipe
    chose another target's pipeline.
    """
    chosen = world.realisation(address).choices.get("pipeline", target)
    return pipeline.build(world.estate, address) if chosen == target else None


def toolchains(world: World) -> list[str]:
    """The images that services name to be linted and tested in."""
    every = (pipeline.build(world.estate, str(e.address)) for e in world.estate.of_kind("Service"))
    return [known.toolchain for known in every if known is not None and known.toolchain]


def problems(world: World, wanted: list[str], target: str) -> Iterator[Diagnostic]:
    """Everything that keeps a pipeline from being made, or should be looked at."""
    if world.architecture.repository is None:
        yield unsaid_repository(world, target)
    yield from pins.locked(world.architecture, wanted, target).problems
    yield from _unknown(world, target)


def unsaid_repository(world: World, target: str, code: str = "TEL574") -> Diagnostic:
    """The repository is a fact that no target may make up."""
    return Diagnostic(
        code=code,
        severity=Severity.ERROR,
        summary=f"{target} needs to know the repository, and no document says it",
        address=world.architecture.address,
        position=world.architecture.position,
        fix="add to the document of kind Architecture: repository: {url: <the Git URL>,"
        " branch: main, path: <the folder of what is built>, estate: <the folder of the estate>}",
    )


def _unknown(world: World, target: str) -> Iterator[Diagnostic]:
    unknown = list(pipeline.unknown_sources(world.estate))
    if not unknown:
        return
    names = [str(entity.address) for entity in unknown]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    first = unknown[0]
    yield findings.finding(
        Bound(first, first.spec, ()),
        "TEL573",
        Severity.INFO,
        f"{target} makes no pipeline for {', '.join(names[:_NAMED])}{more}",
        field=("run",),
        detail="Nobody says where they are built from.",
        fix=f"say it on the service, {conventions.ANNOTATION_SOURCE}: FOLDER, or for all services"
        f" of a system on the system, {conventions.ANNOTATION_SOURCE}: FOLDER/{{name}}",
    )


def handle(world: World, address: str, system: str) -> str:
    """What a system (``jenkins``) calls the team that owns a thing; "" where nobody says."""
    owner = world.estate.entities[address].spec.owner or ""
    kind, _, name = owner.rpartition("/")
    for entity in world.estate.refer((kind or "team").capitalize(), name, None):
        if isinstance(entity.spec, people.Team | people.Person):
            return entity.spec.handles.get(system, "")
    return ""
