"""Data changes of a release: expand, migrate, contract, in this order and never half-seen.

A step is declared before the start (`DataStep`, a part of the policy); how it stands is a
`DataView`, which the place's data runner reports. Expanding happens before the new version starts,
migrating before the switch or after the promotion, contracting once no old replica runs anywhere.
Everything here is pure; `telford.flows.data_work` acts on it and the release machine waits by it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PHASES = ("expand", "migrate", "contract")
STATUSES = ("waiting", "locked", "running", "paused", "done", "failed")
BEFORE_SWITCH, AFTER_PROMOTION = "before-switch", "after-promotion"
# The moments of a release that data wait for: it may not begin yet (a gate, its wave), nothing of
# the new version runs, it is about to get requests, it has them all, the release went back.
PLANNED, START, SWITCH, PROMOTED, BACK = "planned", "start", "switch", "promoted", "back"
# Names of holders in one sentence; the page has the rest.
MAX_NAMED = 3


@dataclass(frozen=True, slots=True)
class DataStep:
    """One declared step. `reversible` False makes the release's policy forward-fix from there on.

    `settings` are what its runner needs, as (name, text) pairs.
    """

    name: str
    phase: str
    reversible: bool = True
    settings: tuple[tuple[str, str], ...] = ()

    def setting(self, name: str, default: str = "") -> str:
        """One setting, or `default`."""
        return dict(self.settings).get(name, default)

    @property
    def when(self) -> str:
        """Of a migrating step: `BEFORE_SWITCH` or `AFTER_PROMOTION`."""
        return self.setting("when", BEFORE_SWITCH)


@dataclass(frozen=True, slots=True)
class DataView:
    """How a step stands: `status` is waiting, locked, running, paused, done or failed; `done` of
    `total` rows where it counts them (total 0: unknown); `why` it waits, is locked or failed.
    `turn` grows whenever the runner has written something down about the step.
    """

    name: str
    phase: str
    status: str
    done: int = 0
    total: int = 0
    why: str = ""
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Statement:
    """What an expanding step would send: SQL, and where it stands (`line` from 1; `whole` where
    `sql` is the text of the file from there on). `unknown` says why it cannot be known, or "".
    """

    step: str
    sql: str
    file: str = ""
    line: int = 0
    whole: bool = False
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """Something that still needs the data as they were: an old version in a place, and why."""

    place: str
    version: str
    why: str


def planned(steps: Iterable[DataStep]) -> tuple[DataView, ...]:
    """How steps stand that nobody has begun."""
    return tuple(DataView(one.name, one.phase, "waiting") for one in steps)


def aligned(steps: Iterable[DataStep], views: Iterable[DataView]) -> tuple[DataView, ...]:
    """One view a step, in the order of the steps; a step without one is waiting."""
    found = {one.name: one for one in views}
    return tuple(found.get(one.name, DataView(one.name, one.phase, "waiting")) for one in steps)


def finished(steps: Iterable[DataStep], views: Iterable[DataView]) -> bool:
    """Whether every step is done."""
    return all(one.status == "done" for one in aligned(steps, views))


def due(steps: Sequence[DataStep], views: Iterable[DataView], moment: str) -> DataStep | None:
    """The step that is to run now: the first that is not done, if the moment is one for it.

    Whether a contracting one may run also depends on `locked`.
    """
    for step, view in zip(steps, aligned(steps, views), strict=True):
        if view.status != "done":
            return step if _allowed(step, moment) else None
    return None


def waits(steps: Sequence[DataStep], views: Iterable[DataView], moment: str) -> str:
    """Why a release cannot go past a moment (`START`, `SWITCH`); "" where it can."""
    for step, view in zip(steps, aligned(steps, views), strict=True):
        if view.status != "done" and _before(step, moment):
            how = f" ({view.why})" if view.why else ""
            return (
                f"waits for the data step {step.name}, which is {view.status}{counted(view)}{how}"
            )
    return ""


def forward_fix(steps: Sequence[DataStep], views: Iterable[DataView]) -> str:
    """Why there is no way back any more; "" while there is one.

    A step that may have begun counts as done: half of it is no state to go back from either.
    """
    for step, view in zip(steps, aligned(steps, views), strict=True):
        if not step.reversible and view.status in {"running", "paused", "done", "failed"}:
            begun = "is done" if view.status == "done" else "has begun"
            return (
                f"the data step {step.name} {begun} and cannot be undone: the version before does "
                "not work with the data any more, so mend it forward with a newer version"
            )
    return ""


def refuses_version(
    steps: Sequence[DataStep],
    views: Iterable[DataView],
    new: str,
    wanted: str,
    history: Sequence[str],
) -> str:
    """Why a version may not be released after these data steps; "" where it may.

    `new` is the version that they were made for, `history` the versions of the service in a place,
    oldest first.
    """
    why = forward_fix(steps, views)
    return why if why and wanted != new and is_old(history, wanted, new) else ""


def is_old(history: Sequence[str], version: str, new: str) -> bool:
    """Whether a version is from before `new`: it ran before it, or `new` never ran there.

    A version that only came after `new` is as new as that.
    """
    if version == new:
        return False
    if new not in history:
        return True
    return version in history[: list(history).index(new)]


def locked(holders: Sequence[Holder]) -> str:
    """Why contracting is locked; "" where no old version is left."""
    if not holders:
        return ""
    named = [f"{one.version} in {one.place} ({one.why})" for one in holders[:MAX_NAMED]]
    more = len(holders) - len(named)
    named += [f"{more} more"] if more else []
    return "locked while an old version needs the data as they were: " + ", ".join(named)


def counted(view: DataView) -> str:
    """``, 400 of 1,000 rows``; "" where nothing is counted."""
    if not view.done and not view.total:
        return ""
    of = f" of about {view.total:,}" if view.total else ""
    return f", {view.done:,}{of} rows"


def announce(steps: Sequence[DataStep]) -> str:
    """The plan in a sentence, said before the start; "" where there is none."""
    if not steps:
        return ""
    parts = [f"{one.name} ({one.phase}) {_timing(one)}" for one in steps]
    back = next((one.name for one in steps if not one.reversible), "")
    end = (
        f" Once {back} has begun there is no way back: what is wrong then is mended forward."
        if back
        else " Every step leaves a way back."
    )
    return f"Data: {'; '.join(parts)}.{end}"


def _timing(step: DataStep) -> str:
    if step.phase == "expand":
        return "before the new version starts"
    if step.phase == "contract":
        return "once no old version runs anywhere"
    return "before the switch" if step.when == BEFORE_SWITCH else "after the promotion"


def _before(step: DataStep, moment: str) -> bool:
    """Whether a release may not go past a moment before the step is done."""
    if step.phase == "expand":
        return moment in {START, SWITCH}
    return step.phase == "migrate" and step.when == BEFORE_SWITCH and moment == SWITCH


def _allowed(step: DataStep, moment: str) -> bool:
    if moment in {PLANNED, BACK}:
        return False
    return moment == PROMOTED or _before(step, SWITCH)
