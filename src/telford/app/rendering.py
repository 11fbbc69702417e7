"""Render an estate: load it, bind it to its places, ask every target, and name each text.

A unit whose key the inventory knows is not rendered again: its text is the one that was written.
Called by `telford.app.build` and `telford.app.planning`, and by the CLI when nothing is kept.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from telford.app import loading
from telford.app.desires import Desires, Scope
from telford.backends import files, output
from telford.basics import diagnostics
from telford.basics.errors import UsageError
from telford.estate import loading as estate_loading
from telford.estate import overlays
from telford.estate.model import Estate
from telford.estate.place import Place
from telford.plan.actions import Entry, Inventory
from telford.render import patching, registry
from telford.render.artifacts import Rendering, Unit
from telford.render.scene import World
from telford.render.target import Target
from telford.road import architecture


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
        renderings = list(_renderings(whole, scope))
        said = [item for rendering in renderings for item in rendering.diagnostics]
        said += _unused(whole, scope, renderings)
        every = diagnostics.ordered(
            [*loaded.diagnostics, *estate_loading.with_source(said, found.texts)]
        )
        if diagnostics.has_errors(every):
            return Desires({}, every)
        return _named((u for r in renderings for u in r.units), every, last, code)


def known(names: Sequence[str]) -> None:
    """Refuse a target that there is not. Raises `UsageError`."""
    for name in names:
        if name not in registry.BY_NAME:
            every = ", ".join(registry.BY_NAME)
            raise UsageError(f"there is no target {name}", fix=f"the targets: {every}")


def chosen(estate: Estate, scope: Scope) -> tuple[Target, ...]:
    """The targets of a scope; where it names none those of the estate's architecture, or the road's
    own. Raises `UsageError` for one that there is not.
    """
    wanted = scope.targets or architecture.of(estate.entities.values()).targets
    known(wanted)
    return tuple(target for target in registry.BY_NAME.values() if target.name in wanted)


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


def _renderings(whole: World, scope: Scope) -> Iterator[Rendering]:
    """What each target says: place by place, and then, unless one place was asked for, whatever is
    about no single place.
    """
    targets = [registry.BY_NAME[name] for name in whole.targets]
    for scene in whole.scenes:
        for target in targets:
            yield target.in_place(scene)
    if not scope.place:
        for target in targets:
            yield target.everywhere(whole)


def _unused(
    whole: World, scope: Scope, renderings: Iterable[Rendering]
) -> Iterator[diagnostics.Diagnostic]:
    """Patches that changed nothing; in a part of the places nobody can tell."""
    if not scope.place:
        hit = {position for rendering in renderings for position in rendering.hit}
        yield from patching.unused(whole, hit, whole=not scope.targets)


def world(estate: Estate, where: Sequence[Place], targets: Sequence[Target]) -> World:
    """An estate in some of its places as these targets are shown it."""
    names = [target.name for target in targets]
    scenes = [registry.scene(overlays.bind(estate, place), names) for place in where]
    return World(estate, scenes, targets=names)


def _named(
    units: Iterator[Unit],
    said: tuple[diagnostics.Diagnostic, ...],
    last: Inventory,
    code: str,
) -> Desires:
    """Each unit with the digest of its text: from the inventory, or by rendering it."""
    entries: dict[str, Entry] = {}
    texts: dict[str, str] = {}
    makers: dict[str, Callable[[], str]] = {}
    for unit in units:
        assert unit.path not in entries, f"two units want {unit.path}"
        key = f"{code[:16]}:{unit.key}"
        known = last.entries.get(unit.path)
        if known is not None and known.key == key:
            digest = known.digest
        else:
            texts[unit.path] = unit.make()
            digest = output.digest(texts[unit.path].encode())
        makers[unit.path] = unit.make
        entries[unit.path] = Entry(unit.path, digest, key, unit.owner, unit.target, unit.place)
    return Desires(entries, said, lambda path: _text(texts, makers, path))


def _text(texts: Mapping[str, str], makers: Mapping[str, Callable[[], str]], path: str) -> str:
    known = texts.get(path)
    return known if known is not None else makers[path]()
