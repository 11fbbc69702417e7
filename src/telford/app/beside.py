"""What a controller does beside its tick, in a thread of its own: keep Git, guard, promote.

Git hosts take their time, and a tick must not wait for them. Only what the estate asks for runs:
where Argo CD or Flux is in charge the Git folder is kept and quarantined versions are taken out;
where an environment's promotion is automatic, releases come by themselves; where a rollout turned
back, places that had finished get their old version back; listeners are told. Called by
`telford.app.up` and `telford.app.standing_by`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from telford.app import gitops, promotion, rollout_undo, telling, workloads
from telford.backends import files
from telford.basics import clock as clocks
from telford.basics.errors import TelfordError
from telford.estate import overlays
from telford.estate.kinds.change import Delivery
from telford.estate.model import Estate
from telford.estate.place import Place
from telford.flows import boundaries
from telford.flows.carrying import Outside
from telford.flows.guarding import Guard
from telford.flows.telling import Teller
from telford.store.database import Lease
from telford.store.store import Store

Step = Callable[[], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Beside:
    """What is needed: the estate in one place, the records, and the right to control it."""

    estate: Estate
    place: Place
    local: workloads.Local
    store: Store
    lease: Lease
    outside: Outside
    state: Path
    clock: clocks.Clock
    # Whether the place is what Argo CD or Flux is in charge of; a machine of one's own is not.
    cluster: bool = False
    # The portal's address for the messages that people get; "" where there is none.
    portal: str = ""
    # Told of each telling; see `telford.flows.boundaries`.
    edges: boundaries.Boundaries = field(default_factory=boundaries.Quiet)


def steps(one: Beside) -> tuple[Step, ...]:
    """What is to be done again and again, in order; () where the estate asks for nothing.

    Where Git cannot be kept, because no repository is named, that is said and the rest goes on.
    """
    return (*(_git(one) if one.cluster else ()), *_promotion(one), *_rollouts(one))


def start(one: Beside, say: Callable[[str], None]) -> tuple[gitops.Keeping, ...]:
    """Begin, in threads: what the estate asks for, and telling its listeners. A listener that is
    slow holds up nothing else.
    """
    return tuple(gitops.keeping(found, say) for found in (steps(one), _telling(one)) if found)


def _git(one: Beside) -> tuple[Step, ...]:
    folder = Path(one.local.folder)
    try:
        kept = gitops.kept(folder, files.read([folder]), one.place)
    except TelfordError as error:
        return (partial(_told, [error.message]),)  # the place is controlled all the same
    if kept is None:
        return ()
    deliverer = gitops.deliverer(kept, one.store, one.lease, one.clock, one.state)
    guard = Guard(one.store, one.lease, str(one.place), one.outside)

    def deliver() -> Sequence[str]:
        report = deliverer.step()
        return (*report.said, *report.problems)

    # The place first, because people meet it.
    return guard.step, deliver


def _told(left: list[str]) -> Sequence[str]:
    """A sentence, said once."""
    said, left[:] = tuple(left), []
    return said


def _refuse_overtaken(one: Beside) -> None:
    """Whoever was overtaken ends here, before it starts anything."""
    with one.store.writing(one.lease):
        pass


def _rollouts(one: Beside) -> tuple[Step, ...]:
    deliveries = [found.spec for found in one.estate.of_kind("Delivery")]
    declared = any(isinstance(spec, Delivery) and spec.waves for spec in deliveries)
    # A rollout that began stays one where the estate names no waves any more.
    if not declared and not one.store.rollouts.find(limit=1):
        return ()
    undoing = rollout_undo.Undoing(one.store, str(one.place), one.lease)

    def undo() -> Sequence[str]:
        _refuse_overtaken(one)
        done = undoing.step(one.clock.now())
        return (*(f"{row.id}: {row.reason}" for row in done.begun), *done.problems)

    return (undo,)


def _telling(one: Beside) -> tuple[Step, ...]:
    around = telling.Surroundings(Path(one.local.folder).name, one.portal)
    told = telling.subscriptions(overlays.bind(one.estate, one.place), around, one.clock)
    return (Teller(one.store, one.lease, told, one.edges).step,) if told else ()


def _promotion(one: Beside) -> tuple[Step, ...]:
    way = promotion.ways(one.estate)[one.place.environment]
    if not way.automatic:
        return ()

    def promote() -> Sequence[str]:
        _refuse_overtaken(one)
        begun, problems = promotion.go(one.store, one.estate, one.place, one.local, one.clock.now())
        return (*(f"{row.id}: {row.reason}" for row in begun), *problems)

    return (promote,)
