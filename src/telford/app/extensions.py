"""Targets of other packages, by entry point: found and loaded when somebody names one.

A third party's target is called OWNER.NAME, so that no name of ours, now or later, is taken. What
it makes is rendered at once and named by its text: its own keys are not trusted, because nobody
knows when its code changed. Called by the use cases that render.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from importlib import metadata
from typing import ParamSpec

from telford import plugin
from telford.basics.errors import PermanentError, TelfordError, UsageError
from telford.estate import suggestions
from telford.render import patching, registry
from telford.render.artifacts import Rendering, Unit, ready
from telford.render.target import Target
from telford.road import targets

GROUP = "telford.targets"
_GUIDE = "see docs/guides/own-target.md"

P = ParamSpec("P")


def named(name: str) -> Target:
    """The target of a name, ours or a third party's. Raises `UsageError` where there is none that
    can be used.
    """
    if targets.third_party(name):
        return _usable(_point(name))
    known = registry.BY_NAME.get(name)
    if known is None:
        raise _unknown(name)
    return known


def in_order(names: Iterable[str]) -> tuple[Target, ...]:
    """The targets of some names: ours in the order of the registry, then third parties' by name."""
    wanted = set(names)
    own = [target for name, target in registry.BY_NAME.items() if name in wanted]
    return (*own, *(named(name) for name in sorted(wanted - registry.BY_NAME.keys())))


def _unknown(name: str) -> UsageError:
    """No name of ours; where a package offers it all the same, it is called wrongly there."""
    for point in metadata.entry_points(group=GROUP, name=name):
        return UsageError(
            f"target {name} of package {_package(point)} has no owner in its name",
            fix=f"the package must call it OWNER.{name}; {_GUIDE}",
        )
    fix = suggestions.for_value(name, [*registry.BY_NAME, *_offered()])
    return UsageError(f"there is no target {name}", fix=fix)


def _offered() -> list[str]:
    """What installed packages offer under names that may be used, whether it works or not."""
    names = {point.name for point in metadata.entry_points(group=GROUP)}
    return sorted(filter(targets.third_party, names))


def _point(name: str) -> metadata.EntryPoint:
    found = list(metadata.entry_points(group=GROUP, name=name))
    if not found:
        offered = _offered()
        more = f"; or {suggestions.for_value(name, offered)}" if offered else ""
        raise UsageError(
            f"no installed package offers target {name}",
            fix=f"install the package beside telford{more}",
        )
    if len(found) > 1:
        packages = ", ".join(sorted(map(_package, found)))
        raise UsageError(
            f"several packages offer target {name}: {packages}", fix="uninstall all but one"
        )
    return found[0]


def _package(point: metadata.EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value


def _usable(point: metadata.EntryPoint) -> Target:
    """The target of an entry point, held to its word."""
    where = f"target {point.name} of package {_package(point)}"
    offered = _loaded(point, where)
    if offered.version != plugin.VERSION:
        raise UsageError(
            f"{where} is written for version {offered.version} of telford.plugin,"
            f" and this is version {plugin.VERSION}",
            fix=f"install a version of {_package(point)} for this one",
        )
    target = offered.target
    if target.name != point.name:
        raise UsageError(f"{where} calls itself {target.name}", fix=f"give it one name; {_GUIDE}")
    lacking = [name for name in target.needs if name not in registry.BY_NAME]
    if lacking:
        raise UsageError(
            f"{where} needs target {lacking[0]}, which is none of telford's own", fix=_GUIDE
        )
    return patching.patched(_guarded(target, where))


def _loaded(point: metadata.EntryPoint, where: str) -> plugin.Plugin:
    try:
        offered = point.load()
    except Exception as error:  # a package may fail in any way
        raise UsageError(
            f"{where} cannot be loaded: {type(error).__name__}: {error}",
            fix=f"mend or uninstall the package; its entry point is {point.value}",
        ) from error
    if not isinstance(offered, plugin.Plugin):
        raise UsageError(f"{where} is no telford.plugin.Plugin", fix=_GUIDE)
    return offered


def _guarded(target: Target, where: str) -> Target:
    """The same target: what goes wrong in it is said by name, and it keeps to its own folder."""
    guard = partial(_asked, target.name, where)
    return replace(
        target,
        entity=target.entity and partial(guard, target.entity),
        place=target.place and partial(guard, target.place),
        across=target.across and partial(guard, target.across),
        estate=target.estate and partial(guard, target.estate),
    )


def _asked(
    name: str, where: str, hook: Callable[P, Rendering], *args: P.args, **kwargs: P.kwargs
) -> Rendering:
    try:
        made = hook(*args, **kwargs)
        units = tuple(_made(name, where, unit) for unit in made.units)
    except TelfordError:
        raise
    except Exception as error:  # a package may fail in any way
        about = next((f" about {one}" for one in args if isinstance(one, str)), "")
        raise PermanentError(
            f"{where} fails when it is asked{about}: {type(error).__name__}: {error}",
            fix="tell whoever makes the package, or leave the target out",
        ) from error
    return replace(made, units=units)


def _made(name: str, where: str, unit: Unit) -> Unit:
    """A unit with its text made; its objects stay as they are."""
    parts = unit.path.split("/")
    if unit.target != name or parts[0] != name or len(parts) < 2 or {"", ".", ".."} & set(parts):
        raise UsageError(
            f"{where} wants to write {unit.path}", fix=f"a target writes below {name}/ alone"
        )
    made = ready(unit.path, unit.owner, name, unit.place, unit.make())
    return replace(made, objects=unit.objects)
