"""Render an estate: load it, bind it to its places, ask every target, and name each text.

Called by `telford.app.build` and `telford.app.planning`, and by the CLI when nothing is kept.
"""

from collections.abc import Iterator, Sequence

from telford.app import extensions, loading, shares
from telford.app.desires import Desires, Scope
from telford.backends import files
from telford.basics import diagnostics
from telford.basics.errors import UsageError
from telford.estate import loading as estate_loading
from telford.estate import overlays
from telford.estate.model import Estate
from telford.estate.place import Place
from telford.plan.actions import Inventory
from telford.render import patching, registry
from telford.render.scene import World
from telford.render.target import Target
from telford.road import architecture
from telford.road.targets import third_party


def desires(found: files.Texts, scope: Scope, last: Inventory, code: str) -> Desires:
    """What the texts of an estate want in a folder whose inventory is `last`.

    `code` names the code that renders (`telford.app.desires.code_version`): it is part of every
    key. Raises `UsageError` for a target or place that there is not.
    """
    known(scope.targets)
    loaded = loading.of_texts(found)
    if diagnostics.has_errors(loaded.diagnostics):
        return Desires({}, loaded.diagnostics)
    with loading.undisturbed():
        whole = world(loaded.estate, places(loaded.estate, scope), chosen(loaded.estate, scope))
        made = shares.render(whole, last, code, elsewhere=not scope.place)
        said = [*made.said, *_unused(whole, scope, made.hit)]
        every = diagnostics.ordered(
            [*loaded.diagnostics, *estate_loading.with_source(said, found.texts)]
        )
        if diagnostics.has_errors(every):
            return Desires({}, every)
        lasting = not any(map(third_party, whole.targets))
        return Desires(made.entries, every, made.text, lasting)


def known(names: Sequence[str]) -> None:
    """Refuse a target that there is not. Raises `UsageError`."""
    for name in names:
        extensions.named(name)


def chosen(estate: Estate, scope: Scope) -> tuple[Target, ...]:
    """The targets of a scope; where it names none those of the estate's architecture, or the road's
    own. Raises `UsageError` for one that there is not.
    """
    wanted = scope.targets or architecture.of(estate.entities.values()).targets
    return extensions.in_order(wanted)


def places(estate: Estate, scope: Scope) -> tuple[Place, ...]:
    """The places of a scope. Raises `UsageError` where there are none."""
    every = overlays.places(estate)
    covered = tuple(place for place in every if scope.covers_place(str(place)))
    if not every:
        raise UsageError(
            "the estate has no environment, so there is nowhere to build for",
            fix="add one: {apiVersion: telford/v1, kind: Environment, name: prod, production: true}",
        )
    if not covered:
        known = ", ".join(map(str, every))
        raise UsageError(f"there is no place {scope.place}", fix=f"the places: {known}")
    return covered


def _unused(
    whole: World, scope: Scope, hit: frozenset[diagnostics.Position]
) -> Iterator[diagnostics.Diagnostic]:
    """Patches that changed nothing; in a part of the places nobody can tell."""
    if not scope.place:
        yield from patching.unused(whole, hit, whole=not scope.targets)


def world(estate: Estate, where: Sequence[Place], targets: Sequence[Target]) -> World:
    """An estate in some of its places as these targets are shown it."""
    names = [target.name for target in targets]
    scenes = [registry.scene(overlays.bind(estate, place), names) for place in where]
    return World(estate, scenes, targets=names)
