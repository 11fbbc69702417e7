"""What a target makes of the example estates, once for all tests of a run."""

from collections.abc import Sequence
from functools import cache

import optional
from telford.app import importing, loading, rendering
from telford.app.importing import Order
from telford.basics.diagnostics import Diagnostic, Severity
from telford.estate import loading as estate_loading
from telford.estate import overlays
from telford.estate.artifact import Artifact
from telford.estate.model import Estate
from telford.estate.place import Place
from telford.render import artifacts as artifact_units
from telford.render import registry
from telford.render.artifacts import Rendering

EXAMPLES = ("shop", "boutique", "organisation")


@cache
def estate(name: str) -> Estate:
    """An example estate without errors."""
    loaded = loading.load_folder(optional.REPOSITORY / "examples" / name / "estate")
    assert not [d for d in loaded.diagnostics if d.severity is Severity.ERROR]
    return loaded.estate


def of(target: str, known: Estate, places: Sequence[Place] = ()) -> Rendering:
    """All of a target for an estate, in some places (every one where none is named) and about none."""
    one = registry.BY_NAME[target]
    world = rendering.world(known, places or overlays.places(known), [one])
    return artifact_units.joined([one.everywhere(world), *map(one.in_place, world.scenes)])


@cache
def imported(folder: str) -> Estate:
    """A real system of `TELFORD_ESTATES`, imported as one environment."""
    source = optional.real_estates() / folder
    answer = importing.run(Order((source,), recognised=False), source / "none", dry_run=True)
    return estate_loading.load(answer.files).estate


@cache
def rendered(target: str, name: str) -> Rendering:
    """All of a target for an example estate."""
    return of(target, estate(name))


@cache
def artifacts(target: str, name: str) -> tuple[Artifact, ...]:
    """Its files, rendered."""
    return rendered(target, name).artifacts()


def said(target: str, name: str) -> tuple[Diagnostic, ...]:
    """What it says about the estate."""
    return rendered(target, name).diagnostics
