"""The portal's context as the product has it: folder, store, targets and the use cases of the CLI.

Called by `telford up` and `telford demo`, which control the place and hand in what they hold.
"""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from telford.app import (
    control,
    described,
    loading,
    release,
    release_prospect,
    rollout,
    rollout_page,
    workloads,
)
from telford.app.described import Described, EstateWatch
from telford.app.watching import Planner
from telford.basics import diagnostics
from telford.basics.clock import Clock
from telford.basics.errors import RefusedError, UsageError
from telford.deliver.waves import Waves
from telford.estate import overlays
from telford.estate.artifact import Artifact
from telford.portal.context import Context, Prospect, Wanted
from telford.portal.plans import PlanWatch
from telford.render import registry
from telford.render.artifacts import Unit
from telford.road import architecture
from telford.store.store import Store

MAX_LOOKED_AT = 100_000
"""Files of a folder that are looked at for changes; the loader reads fewer."""
KEPT_PLACES = 4
"""Places whose units are kept; a person looks at one or two."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the running process holds: the estate's folder and where its services run, the store,
    the clock, who started it, the place that it controls ("" for none), and the folder that the
    estate is built into (None where nobody said).
    """

    folder: Path
    local: workloads.Local
    store: Store
    clock: Clock
    place: str
    who: str
    out: Path | None = None


def context(held: Held, *, hosts: frozenset[str], token: str, version: str) -> Context:
    """The context of the running process. Raises `UsageError` where the folder is not there."""
    near = shortened(held.folder)
    watch = EstateWatch(loading.Reloader([near]).load, lambda: signature(near), held.clock)
    return Context(
        estate=watch,
        store=held.store,
        acts=StoreActs(held, watch),
        artifacts=TargetArtifacts(watch),
        clock=held.clock,
        hosts=hosts,
        token=token,
        name=called(held.folder),
        place=held.place,
        who=held.who,
        version=version,
        plans=_plans(held, near, watch),
    )


def _plans(held: Held, near: Path, watch: EstateWatch) -> PlanWatch | None:
    """What plans against the folder of artifacts, made when somebody asks first."""
    if held.out is None:
        return None
    out = shortened(held.out)
    make = partial(Planner, [near], out)
    return PlanWatch(near, out, watch, held.clock, make, described.beside)


def shortened(folder: Path) -> Path:
    """The folder from here where it lies below: file:line then reads as on the command line."""
    full, here = folder.resolve(), Path.cwd().resolve()
    return full.relative_to(here) if full.is_relative_to(here) else folder


def called(folder: Path) -> str:
    """What an estate is called: its folder, or the one around a folder called "estate"."""
    full = folder.resolve()
    return full.parent.name if full.name == "estate" and full.parent.name else full.name


def signature(folder: Path) -> str:
    """A text that changes whenever a file of the folder does: names, sizes, times of change."""
    seen = hash(())
    for number, entry in enumerate(_files(folder)):
        if number >= MAX_LOOKED_AT:
            break
        status = entry.stat(follow_symlinks=False)
        seen = hash((seen, entry.path, status.st_mtime_ns, status.st_size))
    return str(seen)


def _files(folder: Path) -> Iterator["os.DirEntry[str]"]:
    """The files that an estate may be read from, hidden folders left out."""
    waiting = [str(folder)]
    while waiting:
        try:
            entries = sorted(os.scandir(waiting.pop()), key=lambda entry: entry.name)
        except OSError:
            continue  # a folder that went away in between is a change the next look sees
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            elif entry.name.endswith((".yaml", ".yml")):
                yield entry


class StoreActs:
    """The use cases that the CLI calls, for the portal."""

    def __init__(self, held: Held, watch: EstateWatch) -> None:
        self._held = held
        self._watch = watch

    def command(self, release: str, verb: str, who: str, reason: str) -> str:
        """See `telford.portal.context.Acts`."""
        return control.ask(self._held.store, release, verb, who=who, reason=reason).id

    def prospect(self, wanted: Wanted) -> Prospect:
        """See `telford.portal.context.Acts`."""
        prepared = self._prepare(wanted)
        return Prospect(release_prospect.steps(prepared))

    def start(self, wanted: Wanted) -> str:
        """See `telford.portal.context.Acts`."""
        prepared = self._prepare(wanted)
        now = self._held.clock.now()
        return release.start(
            self._held.store, prepared, who=wanted.who, reason=wanted.reason, now=now
        ).id

    def rollout_prospect(self, wanted: Wanted) -> Prospect:
        """See `telford.portal.context.Acts`."""
        return Prospect(rollout_page.plan(*self._rollout(wanted)))

    def rollout(self, wanted: Wanted) -> str:
        """See `telford.portal.context.Acts`."""
        plan, prepared = self._rollout(wanted)
        now = self._held.clock.now()
        return rollout.start(
            self._held.store, prepared, plan, who=wanted.who, reason=wanted.reason, now=now
        ).id

    def _rollout(self, wanted: Wanted) -> tuple[Waves, dict[str, release.Prepared]]:
        return rollout.prepare(
            self._held.store,
            loading.require(self._watch.current().loaded),
            self._held.local,
            wanted.service,
            version=wanted.version,
            now=self._held.clock.now(),
        )

    def _prepare(self, wanted: Wanted) -> release.Prepared:
        described = self._watch.current()
        place = described.place(wanted.place)
        if place is None:
            raise UsageError(f"there is no place {wanted.place!r}")
        if wanted.place != self._held.place:
            raise RefusedError(
                f"this controller runs {self._held.place or 'no place'}, not {wanted.place}",
                fix="choose the place that it runs",
            )
        return release.prepare(
            self._held.store,
            overlays.bind(loading.require(described.loaded), place),
            self._held.local,
            wanted.service,
            version=wanted.version,
            now=self._held.clock.now(),
        )


class TargetArtifacts:
    """What the targets render, by the address that caused it. Units are rendered when looked at."""

    def __init__(self, watch: EstateWatch) -> None:
        self._watch = watch
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[Described, dict[str, list[Unit]]]] = {}

    def of(self, address: str, place: str) -> tuple[Artifact, ...]:
        """See `telford.portal.context.Artifacts`. An objective's belong to its service as well.

        Raises `RefusedError` where the estate has errors.
        """
        described = self._watch.current()
        units = self._units(described, place)
        owners = (address, *described.connections.objectives.get(address, ()))
        return tuple(unit.artifact() for owner in owners for unit in units.get(owner, ()))

    def _units(self, described: Described, place: str) -> dict[str, list[Unit]]:
        with self._lock:
            held, units = self._kept.get(place, (None, {}))
            if held is not described:
                units = _by_owner(described, place)
                while len(self._kept) >= KEPT_PLACES:
                    del self._kept[next(iter(self._kept))]
                self._kept[place] = (described, units)
            return units


def _by_owner(described: Described, place: str) -> dict[str, list[Unit]]:
    if diagnostics.has_errors(described.diagnostics):
        raise RefusedError("the estate has errors, so nothing is generated from it")
    where = described.place(place)
    assert where is not None, f"{place} is no place of the estate"
    binding = overlays.bind(described.estate, where)
    found: dict[str, list[Unit]] = {}
    scene = registry.scene(binding, architecture.ROAD.targets)
    for name in architecture.ROAD.targets:
        for unit in registry.BY_NAME[name].in_place(scene).units:
            found.setdefault(unit.owner, []).append(unit)
    return found
