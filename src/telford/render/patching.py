"""An organisation's patches over what the targets make (`telford.road.realisation.Patch`).

The one place where they are applied: `patched` wraps a target, so whatever builds on its units
sees them patched. Only what is on the paved road is patched; what was found stays as it was found.
Called by `telford.render.registry`, and by `telford.app.rendering` for patches that hit nothing.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial, reduce
from typing import Any

from telford.basics import yamltext
from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.estate.kinds import structure
from telford.render.artifacts import Object, Rendering, Unit, key
from telford.render.scene import Scene, World
from telford.render.target import Target
from telford.road import conventions, fitting, patch, yamlout
from telford.road.realisation import Patch


def patched(target: Target) -> Target:
    """The same target, whose renderings carry the patches that the estate has for them."""
    return replace(
        target,
        entity=target.entity and partial(_entity, target.entity),
        place=target.place and partial(_place, target.place),
        across=target.across and partial(_across, target.across),
        estate=target.estate and partial(_estate, target.estate),
    )


def _entity(made: Callable[[Scene, str], Rendering], scene: Scene, address: str) -> Rendering:
    patches = scene.realisation(address).patches
    if not patches or _found(scene, address):
        return made(scene, address)
    return _over(made(scene, address), patches)


def _found(scene: Scene, address: str) -> bool:
    """Whether a thing is given back as it was found."""
    spec = scene.bound(address).spec
    return isinstance(spec, structure.Manifest) or getattr(spec, "road", "") == "as-found"


def _place(made: Callable[[Scene], Rendering], scene: Scene) -> Rendering:
    return _over(made(scene), scene.realisation().patches)


def _across(made: Callable[[World, str], Rendering], world: World, address: str) -> Rendering:
    return _over(made(world, address), world.realisation(address).patches)


def _estate(made: Callable[[World], Rendering], world: World) -> Rendering:
    return _over(made(world), world.realisation().patches)


def _over(rendering: Rendering, patches: Sequence[Patch]) -> Rendering:
    if not patches or not rendering.units:
        return rendering
    done = [_patched(unit, patches) for unit in rendering.units]
    return Rendering(
        tuple(one.unit for one in done),
        (*rendering.diagnostics, *(said for one in done for said in one.said)),
        rendering.hit.union(*(one.hit for one in done)),
    )


@dataclass(frozen=True, slots=True)
class _Done:
    """A unit with the patches for it, which those were, and what is to be said."""

    unit: Unit
    hit: frozenset[Position] = frozenset()
    said: tuple[Diagnostic, ...] = ()


def _patched(unit: Unit, patches: Iterable[Patch]) -> _Done:
    meant = [one for one in patches if one.target in ("", unit.target)]
    files = [one for one in meant if one.file and _expression(one.file, "/").fullmatch(unit.path)]
    titled = [one for one in meant if one.object]
    if files:
        return _file(unit, files)
    objects = unit.objects() if titled else []
    hits = [(item, one) for item in objects for one in _for(item, titled)]
    if not hits:
        return _Done(unit)
    said = tuple(found for item, one in hits for found in _misfits(item, _title(item), one))
    hit = {one.position: one for _, one in hits}
    made = replace(
        unit,
        key=_key(unit, hit.values()),
        make=partial(_text, unit, titled),
        objects=partial(_merged, unit.objects, titled),
    )
    return _Done(made, frozenset(hit), said)


def _key(unit: Unit, patches: Iterable[Patch]) -> str:
    return key(unit.key, *(json.dumps([one.object, one.merge], sort_keys=True) for one in patches))


@cache
def _expression(pattern: str, stop: str) -> re.Pattern[str]:
    """`*` is anything but `stop`; all else is itself."""
    anything = f"[^{stop}]*" if stop else ".*"
    return re.compile(anything.join(map(re.escape, pattern.split("*"))))


def _title(item: Object) -> str:
    """``Deployment/cart``."""
    return f"{item.get('kind', '')}/{item.get('metadata', {}).get('name', '')}"


def _for(item: Object, patches: Iterable[Patch]) -> Iterator[Patch]:
    title = _title(item)
    return (one for one in patches if _expression(one.object, "").fullmatch(title))


def _merged(objects: Callable[[], list[Object]], patches: Sequence[Patch]) -> list[Object]:
    """The objects with the patches that fit them; a misfit is an error, and nothing is written."""
    return [reduce(_over_one, _for(one, patches), one) for one in objects()]


def _over_one(item: Object, one: Patch) -> Object:
    if next(fitting.misfits(item, one.merge), None) is not None:
        return item
    merged: Object = patch.merge(item, one.merge)
    return merged


def _text(unit: Unit, patches: Sequence[Patch]) -> str:
    """The text of patched objects, under the comment that the text begins with. The objects of one
    thing that say by annotation what they were made of have none, and are many.
    """
    merged = _merged(unit.objects, patches)
    told = unit.place and all(map(_says_its_address, merged))
    return ("" if told else _heading(unit.make())) + yamlout.documents(merged)


def _says_its_address(item: Object) -> bool:
    metadata = item.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return isinstance(annotations, dict) and conventions.ANNOTATION_ADDRESS in annotations


def _heading(text: str) -> str:
    lines = text.splitlines(keepends=True)
    count = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return "".join(lines[:count])


def _misfits(item: Object, name: str, one: Patch) -> Iterator[Diagnostic]:
    for found in fitting.misfits(item, one.merge):
        summary = f"the patch does not fit {name}: {found.where} {found.what}"
        yield _about(one, "TEL551", Severity.ERROR, summary, found.why, found.fix)


def _about(
    one: Patch, code: str, severity: Severity, summary: str, detail: str, fix: str
) -> Diagnostic:
    return Diagnostic(
        code, severity, summary, address=one.document, position=one.position, detail=detail, fix=fix
    )  # fmt: skip


def _file(unit: Unit, patches: Sequence[Patch]) -> _Done:
    """A file that is no objects, as YAML or JSON by its name. Such files are few: made at once."""
    hit = frozenset(one.position for one in patches)
    text = unit.make()
    said: list[Diagnostic] = []
    for one in patches:
        read = _read(unit.path, text)
        if not isinstance(read, dict):
            said.append(_unreadable(one, unit.path))
            continue
        misfits = list(_misfits(read, unit.path, one))
        said += misfits
        if not misfits:
            text = _written(unit.path, patch.merge(read, one.merge), _heading(text))
    made = replace(unit, key=key(unit.key, text), make=partial(str, text))
    return _Done(made, hit, tuple(said))


def _read(path: str, text: str) -> Any:
    if path.endswith(".json"):
        return json.loads(text)
    if not path.endswith((".yaml", ".yml")):
        return None
    nodes, _ = yamltext.read(text, path)
    return yamltext.plain(nodes[0]) if len(nodes) == 1 else None


def _written(path: str, data: dict[str, Any], heading: str) -> str:
    if path.endswith(".json"):
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    return heading + yamlout.document(data)


def _unreadable(one: Patch, path: str) -> Diagnostic:
    return _about(
        one,
        "TEL552",
        Severity.ERROR,
        f"{path} cannot be patched: it is no single mapping in YAML or JSON",
        "A patch is merged over keys and values.",
        "name files that end in .yaml, .yml or .json, or patch objects with `object`",
    )


def unused(world: World, hit: Collection[Position], *, whole: bool) -> Iterator[Diagnostic]:
    """Patches of the estate that changed nothing of what was built.

    Unless all that the estate asks for was built (`whole`), only those are judged that are for a
    target that was.
    """
    for one in world.patches():
        asked = one.target in world.targets if one.target else whole
        if asked and one.position not in hit:
            yield _about(
                one,
                "TEL550",
                Severity.WARNING,
                f"nothing that is built is called {one.object or one.file}, so the patch changes nothing",
                "It said something about what was built before; now it is not said any more.",
                "name what there is now (`telford build` lists the files), or take the patch away",
            )
