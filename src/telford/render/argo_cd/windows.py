"""The estate's windows as Argo CD's sync windows: a schedule of cron, a length, a time zone.

Cron knows no year, so a window of calendar days comes back every year for as long as the estate
names it. Called by `projects`.

- TEL567 (info): a window of calendar days. - TEL568 (info): a window for part of a system, whose
Application is frozen as a whole.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any

from telford.basics.diagnostics import Diagnostic, Severity
from telford.estate.kinds import change
from telford.estate.model import Bound, Entity
from telford.render.delivering import Bundle
from telford.render.findings import finding
from telford.render.scene import World

_KINDS = {"freeze": "deny", "allow": "allow"}
_DAYS = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
_DAY_MINUTES = 24 * 60
# A window without a time is always there.
_ALWAYS = ("0 0 * * *", _DAY_MINUTES)


def windows(world: World, held: Iterable[Bundle], *, manual: bool) -> list[dict[str, Any]]:
    """The sync windows of a project that holds these bundles."""
    known = list(held)
    found = []
    for _, spec in every(world):
        names = [one.name for one in known if _covers(world, spec, one)]
        if names:
            found += [_window(spec, cron, minutes, names, manual) for cron, minutes in _times(spec)]
    return found


def every(world: World) -> Iterator[tuple[Entity, change.Window]]:
    """The windows of the estate, by address."""
    for entity in world.estate.of_kind("Window"):
        if isinstance(entity.spec, change.Window):
            yield entity, entity.spec


def _window(
    spec: change.Window, cron: str, minutes: int, names: list[str], manual: bool
) -> dict[str, Any]:
    return {
        "kind": _KINDS[spec.type],
        "schedule": cron,
        "duration": _length(minutes),
        "timeZone": spec.timezone,
        "applications": names,
        "manualSync": manual,
    }


def _length(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return "".join([f"{hours}h" if hours else "", f"{rest}m" if rest else ""])


def _covers(world: World, spec: change.Window, bundle: Bundle) -> bool:
    here = not spec.environments or bundle.scene.binding.place.environment in spec.environments
    return here and (not spec.of or bundle.system in {*_systems(world, spec.of)} - {""})


def _systems(world: World, addresses: Iterable[str]) -> Iterator[str]:
    """The systems that these things are, are part of, or own."""
    for text in addresses:
        for entity in world.estate.find(text):
            kind, canonical = entity.address.kind, str(entity.address)
            if kind == "system":
                yield entity.spec.name
            elif kind in ("team", "person"):
                owned = world.estate.of_kind("System")
                yield from (one.spec.name for one in owned if one.spec.owner == canonical)
            else:
                yield entity.spec.system or ""


def _times(spec: change.Window) -> Iterator[tuple[str, int]]:
    """Schedules and lengths in minutes."""
    for weekly in spec.weekly:
        start, end = _minute(weekly.from_), _minute(weekly.to)
        days = ",".join(str(_DAYS[day]) for day in sorted(weekly.days, key=_DAYS.__getitem__))
        hour, minute = divmod(start, 60)
        yield f"{minute} {hour} * * {days}", (end - start) % _DAY_MINUTES or _DAY_MINUTES
    for span in spec.spans:
        first, last = dt.date.fromisoformat(span.first), dt.date.fromisoformat(span.last)
        days_long = (last - first).days + 1
        yield f"0 0 {first.day} {first.month} *", days_long * _DAY_MINUTES
    if not spec.weekly and not spec.spans:
        yield _ALWAYS


def _minute(clock: str) -> int:
    hour, _, minute = clock.partition(":")
    return int(hour) * 60 + int(minute)


def problems(world: World) -> Iterator[Diagnostic]:
    """What Argo CD cannot say as the estate does."""
    for entity, spec in every(world):
        bound = Bound(entity, spec, ())
        if spec.spans:
            yield finding(
                bound,
                "TEL567",
                Severity.INFO,
                f"Argo CD knows no year: it keeps {entity.address} every year",
                field=("spans",),
                fix="take the window out of the estate when it is over",
            )
        parts = [text for text in spec.of if text.partition("/")[0] in _PARTS]
        if parts:
            yield finding(
                bound,
                "TEL568",
                Severity.INFO,
                f"Argo CD delivers a system as a whole: {entity.address} holds for more than"
                f" {', '.join(parts)}",
                field=("of",),
                fix="name the system, or put what is to be frozen alone in a system of its own",
            )


_PARTS = frozenset({"service", "datastore", "stream", "config", "route"})
