"""What a controller does beside its tick, in a thread of its own: keep Git, guard, promote.

Git hosts take their time, and a tick must not wait for them. Only what the estate asks for runs:
where Argo CD or Flux is in charge the Git folder is kept and quarantined versions are taken out;
where an environment's promotion is automatic, releases come by themselves. Called by
`telford.app.up`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from telford.app import gitops, promotion, workloads
from telford.backends import files
from telford.basics import clock as clocks
from telford.estate.model import Estate
from telford.estate.place import Place
from telford.flows.carrying import Outside
from telford.flows.guarding import Guard
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


def steps(one: Beside) -> tuple[Step, ...]:
    """What is to be done again and again, in order; () where the estate asks for nothing.

    Raises `RefusedError` where Argo CD or Flux is in charge and no repository is named.
    """
    return (*(_git(one) if one.cluster else ()), *_promotion(one))


def start(one: Beside, say: Callable[[str], None]) -> gitops.Keeping | None:
    """Begin, in a thread; None where there is nothing to do."""
    found = steps(one)
    return gitops.keeping(found, say) if found else None


def _git(one: Beside) -> tuple[Step, ...]:
    folder = Path(one.local.folder)
    kept = gitops.kept(folder, files.read([folder]), one.place)
    if kept is None:
        return ()
    deliverer = gitops.deliverer(kept, one.store, one.lease, one.clock, one.state)
    guard = Guard(one.store, one.lease, str(one.place), one.outside)

    def deliver() -> Sequence[str]:
        report = deliverer.step()
        return (*report.said, *report.problems)

    # The place first, because people meet it.
    return guard.step, deliver


def _promotion(one: Beside) -> tuple[Step, ...]:
    way = promotion.ways(one.estate)[one.place.environment]
    if not way.automatic:
        return ()

    def promote() -> Sequence[str]:
        with one.store.writing(one.lease):
            pass  # whoever was overtaken ends here, before it starts anything
        begun, problems = promotion.go(one.store, one.estate, one.place, one.local, one.clock.now())
        return (*(f"{row.id}: {row.reason}" for row in begun), *problems)

    return (promote,)
