"""A release's verdict, derived again from the raw counts in its ledger. Called by
`telford evidence RELEASE`, the portal and the API.
"""

from dataclasses import dataclass
from typing import Any

from telford.basics.errors import RefusedError
from telford.deliver import evidence
from telford.deliver.policy import Policy
from telford.deliver.state import Entry
from telford.store import ledger
from telford.store.releases import Release
from telford.store.store import Store


@dataclass(frozen=True, slots=True)
class Recomputed:
    """The ledger and what became of recomputing it: `differences` are sentences, none of them
    where every e-value and decision follows from the raw counts.
    """

    release: Release
    entries: tuple[Entry, ...]
    recounts: tuple[evidence.Recount, ...]
    differences: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether the ledger is borne out."""
        return not self.differences

    @property
    def last(self) -> evidence.Recount:
        """The tick that weighed evidence last: the one whose verdict counts."""
        counted = [
            recount
            for entry, recount in zip(self.entries, self.recounts, strict=True)
            if entry.counted
        ]
        return counted[-1] if counted else self.recounts[-1]

    def as_json(self, *, entries: bool = True) -> dict[str, Any]:
        """For `--json`: the policy and the entries are all that anybody needs to do it again."""
        last = self.last
        found: dict[str, Any] = {
            "release": self.release.id,
            "service": self.release.service,
            "place": self.release.place,
            "from": self.release.from_version,
            "to": self.release.to_version,
            "phase": self.release.phase,
            "ticks": len(self.entries),
            "agrees": self.agrees,
            "differences": list(self.differences),
            "decision": last.decision.value,
            "reason": last.reason,
            "policy": dict(self.release.policy),
        }
        if entries:
            found["entries"] = [entry.to_json() for entry in self.entries]
        return found


def recompute(store: Store, release: Release) -> Recomputed:
    """Read the whole ledger of a release and derive it again.

    Raises `RefusedError` where it has no entry yet.
    """
    policy = Policy.from_json(release.policy)
    ticks = entries(store, release.id)
    if not ticks:
        raise RefusedError(f"{release.id} has no tick in its ledger yet", fix="wait for the first")
    recounts = evidence.recompute(policy, ticks)
    differences = tuple(
        f"tick {one.tick}: {difference}" for one in recounts for difference in one.differences
    )
    return Recomputed(release, ticks, recounts, differences)


def entries(store: Store, release: str) -> tuple[Entry, ...]:
    """The whole ledger of a release, oldest tick first."""
    return tuple(Entry.from_json(dict(one.entry)) for one in _whole(store, release))


def _whole(store: Store, release: str) -> list[ledger.Entry]:
    found: list[ledger.Entry] = []
    while True:
        page = store.ledger.of(release, after=found[-1].tick if found else -1)
        if not page:
            return found
        found += page
