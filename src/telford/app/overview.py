"""The overview: what needs eyes now, in one sentence and a few short lists.

Pure: from the estate, the bindings, releases and objectives of one place. Called by the portal's
first page and by ``/api/overview``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from telford.app import release_page
from telford.app.objective_page import ObjectiveView
from telford.deliver.state import Entry
from telford.store.bindings import Bound
from telford.store.leases import Holding
from telford.store.releases import Release

TROUBLED = frozenset({"exhausted", "burning", "watch"})
CONTROLLER_SILENT_SECONDS = 30.0
"""A controller that was not heard of for so long does not run; its heartbeat is every few
seconds."""


@dataclass(frozen=True, slots=True)
class Underway:
    """A release in progress and the one sentence about it."""

    release: Release
    sentence: str


@dataclass(frozen=True, slots=True)
class Running:
    """A service in the place: its stable version, and the release on its way, if there is one."""

    bound: Bound
    release: Release | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that the first page says."""

    sentence: str
    underway: tuple[Underway, ...]
    troubled: tuple[ObjectiveView, ...]
    running: tuple[Running, ...]
    finished: tuple[Release, ...]
    controller: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the overview is made of. `place` is "" where the estate has none; `entries` are the
    newest ledger entries of each release on its way, oldest first.
    """

    place: str
    errors: int
    kinds: Mapping[str, int]
    bindings: Sequence[Bound]
    releases: Sequence[Release]
    entries: Mapping[str, Sequence[Entry]]
    objectives: Sequence[ObjectiveView]
    lease: Holding | None
    now: float


def overview(facts: Facts) -> Overview:
    """The overview of one place."""
    active = [one for one in facts.releases if one.active]
    underway = tuple(Underway(one, _release_sentence(one, facts)) for one in active)
    troubled = tuple(one for one in facts.objectives if one.state in TROUBLED)
    by_service = {one.service: one for one in active}
    return Overview(
        sentence=sentence(facts, len(active), troubled),
        underway=underway,
        troubled=troubled,
        running=tuple(Running(one, by_service.get(one.service)) for one in facts.bindings),
        finished=tuple(one for one in facts.releases if not one.active)[:6],
        controller=_controller(facts),
    )


def sentence(facts: Facts, underway: int, troubled: Sequence[ObjectiveView]) -> str:
    """What there is to know first: trouble before work, work before quiet."""
    parts = []
    if facts.errors:
        parts.append(f"the estate has {_many(facts.errors, 'error')}")
    worst = [one for one in troubled if one.state != "watch"]
    if worst:
        parts.append(f"{_many(len(worst), 'objective')} in trouble")
    elif troubled:
        parts.append(f"{_many(len(troubled), 'objective')} to watch")
    if underway:
        parts.append(f"{_many(underway, 'release')} on the way")
    here = f" in {facts.place}" if facts.place else ""
    if not facts.kinds:
        return "The estate is empty."
    if not parts:
        running = _many(len(facts.bindings), "service")
        return f"All quiet{here}: {running} running, nothing on the way, every promise kept."
    text = ", ".join(parts)
    return f"{text[0].upper()}{text[1:]}{here}."


def _release_sentence(release: Release, facts: Facts) -> str:
    return release_page.page(release, facts.entries.get(release.id, ()), facts.now).sentence


def _controller(facts: Facts) -> str:
    """Why nothing moves here, or ""."""
    if not facts.place:
        return "the estate has no environment yet, so there is no place to run anything"
    if facts.lease is None:
        return f"no controller has ever run {facts.place}; `telford up` starts one"
    if facts.now - facts.lease.heartbeat > CONTROLLER_SILENT_SECONDS:
        return f"the controller of {facts.place} is silent; `telford up` starts it again"
    return ""


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"
