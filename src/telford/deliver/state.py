"""A release as a value: its state, what it is told, what it asks for, what it says.

Everything here is frozen and JSON round-trips exactly. `State` is the row that the store keeps;
`Facts` is what a place is seen to be; an `Effect` is something the place should be made to do
(idempotent, carries the generation); `Verdict` is for people; `Entry` is the ledger line of one
tick, from which `evidence.recompute` derives the verdict again. Made by `release`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from telford.deliver import codec
from telford.deliver.bounds import Interval
from telford.deliver.data_changes import DataView
from telford.deliver.gates import GateView
from telford.deliver.mixture import Logs
from telford.deliver.policy import Policy
from telford.deliver.weighing import Count, EValue, Evidence
from telford.estate.observation import Series


class Phase(StrEnum):
    """Where a release is. The last four are final."""

    PLANNED = "planned"
    STARTING = "starting"
    STEPPING = "stepping"
    PAUSED = "paused"
    HELD = "held"
    PROMOTING = "promoting"
    ROLLING_BACK = "rolling-back"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled-back"
    ABORTED = "aborted"
    FAILED = "failed"


WATCHED = frozenset({Phase.STEPPING, Phase.PAUSED, Phase.HELD})
"""Phases in which counts are weighed and a rollback can be decided."""
FINAL = frozenset({Phase.PROMOTED, Phase.ROLLED_BACK, Phase.ABORTED, Phase.FAILED})


class Decision(StrEnum):
    """What a tick decided."""

    CONTINUE = "continue"
    ADVANCE = "advance"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    HOLD = "hold"


class Cause(StrEnum):
    """Why a release is held. A stale one goes on by itself when data come back."""

    NONE = ""
    BY_HAND = "by hand"
    DEADLINE = "deadline"
    SPLIT = "split"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Harm:
    """All requests of one indicator since the start, also those that no verdict counts."""

    indicator: str
    stable: Count = (0, 0)
    canary: Count = (0, 0)

    @property
    def excess_bad(self) -> float:
        """The canary's bad requests beyond what the stable version would have had; signed."""
        rate = self.stable[1] / self.stable[0] if self.stable[0] else 0.0
        return self.canary[1] - self.canary[0] * rate


@dataclass(frozen=True, slots=True)
class Probe:
    """A replica that is (or was) moved before a rollback: at most one in a release.

    `incarnation` is what the place called it when it was asked; once another incarnation is ready,
    `done` is True and the rollback evidence has begun again.
    """

    replica: str
    incarnation: str
    asked_at: float
    done: bool = False


@dataclass(frozen=True, slots=True)
class Clocks:
    """Epoch seconds. `confirmed_at` is None while the data plane serves another weight.

    `phase_at` when the phase began; `deadline_from` where the step's deadline counts from;
    `fresh_at` when both versions last had data at the desired weight.
    """

    phase_at: float
    confirmed_at: float | None = None
    deadline_from: float | None = None
    fresh_at: float | None = None


@dataclass(frozen=True, slots=True)
class State:
    """A release in progress or done. `at` is the time of the last observation.

    `desired_bp` is the canary's weight in basis points and `generation` grows by one with each
    change of it; `step` counts from 0. `rollback_epoch` and `split_epoch` grow when that evidence
    begins again. `outcome` is the final phase that rolling back leads to. `replicas` are the ready
    canary replicas as last seen: (name, incarnation). `gates` and `data` are how those stood when
    they were last looked at.
    """

    policy: Policy
    release: str
    service: str
    stable: str
    canary: str
    phase: Phase
    generation: int
    clocks: Clocks
    evidence: tuple[Evidence, ...]
    harm: tuple[Harm, ...]
    split: Logs
    step: int = 0
    desired_bp: int = 0
    tick: int = -1
    at: float | None = None
    started_at: float = 0.0
    rollback_epoch: int = 0
    split_epoch: int = 0
    cause: Cause = Cause.NONE
    outcome: Phase | None = None
    probe: Probe | None = None
    replicas: tuple[tuple[str, str], ...] = ()
    reason: str = ""
    who: str = ""
    gates: tuple[GateView, ...] = ()
    data: tuple[DataView, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A plain dict; `from_json` gives back an equal state."""
        plain: dict[str, Any] = codec.encode(self)
        return plain

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "State":
        """Raises `UsageError` where a key is unknown or a value has the wrong type."""
        return codec.decode(cls, data)

    @property
    def final(self) -> bool:
        """Nothing can change any more."""
        return self.phase in FINAL

    @property
    def confirmed(self) -> bool:
        """The data plane itself serves the desired weight."""
        return self.clocks.confirmed_at is not None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a place is seen to be, for one release.

    `canary_bp` is the weight the data plane confirms (None where it serves no split of the
    service) and `generation` that split's (None where the place cannot tell). `canary` are the
    canary's ready replicas as (name, incarnation); an incarnation changes when a replica is started
    anew. The running counts include replicas that are starting or stopping.
    """

    at: float
    canary_bp: int | None
    generation: int | None
    canary: tuple[tuple[str, str], ...]
    canary_running: int
    stable_running: int
    canary_failed: bool = False


@dataclass(frozen=True, slots=True)
class StartCanary:
    """Start the new version's replicas, without traffic."""

    generation: int


@dataclass(frozen=True, slots=True)
class SetWeight:
    """Give the canary `canary_bp` basis points of the service's requests, the rest to the stable."""

    generation: int
    canary_bp: int


@dataclass(frozen=True, slots=True)
class ReplaceReplica:
    """Start this canary replica anew, on another host where there is one."""

    generation: int
    series: Series
    incarnation: str


@dataclass(frozen=True, slots=True)
class StopCanary:
    """Drain and stop the new version."""

    generation: int


@dataclass(frozen=True, slots=True)
class StopStable:
    """Drain and stop the old version: the canary is the stable one now."""

    generation: int


Effect = StartCanary | SetWeight | ReplaceReplica | StopCanary | StopStable


@dataclass(frozen=True, slots=True)
class RateView:
    """A rate for people. `low` and `high` hold at every peek, see `bounds`."""

    indicator: str
    arm: str  # "canary" or "stable"
    requests: int
    bad: int
    low: float
    high: float

    @property
    def rate(self) -> float:
        """Bad requests of all; 0 where there was none."""
        return self.bad / self.requests if self.requests else 0.0


@dataclass(frozen=True, slots=True)
class RatioView:
    """The canary's rate over the stable one's; `ratio` is None where the stable one has no bad."""

    indicator: str
    ratio: float | None
    bounds: Interval


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided and why, for people. `certificate` is the claim a promotion rests on."""

    decision: Decision
    reason: str
    certificate: str
    evidence: tuple[EValue, ...]
    rates: tuple[RateView, ...]
    ratios: tuple[RatioView, ...]

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        plain: dict[str, Any] = codec.encode(self)
        return plain

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Verdict":
        """Raises `UsageError` where a key is unknown or a value has the wrong type."""
        return codec.decode(cls, data)


@dataclass(frozen=True, slots=True)
class SeriesCount:
    """The raw counts of one replica in one tick: `bad` of `requests`."""

    version: str
    replica: str
    indicator: str
    requests: int
    bad: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One tick's line in the evidence ledger; (release, tick) is unique.

    `counted` says whether the counts were weighed and `why` why not. `weight_bp` is the desired
    weight; `clocks` says whether it was served. `observed_at` is when the counters were read (None
    where nothing was) and `series` holds the raw counts since the reading before. `missing` names
    the replicas without a count, as ``version/replica``. `evidence` holds each e-value after this
    tick. Phase, step, cause, probe and the rest are those before the decision was applied.
    """

    release: str
    service: str
    stable: str
    canary: str
    tick: int
    at: float
    phase: Phase
    step: int
    generation: int
    weight_bp: int
    clocks: Clocks
    cause: Cause
    probe: Probe | None
    replicas: tuple[tuple[str, str], ...]
    observed_at: float | None
    counted: bool
    why: str
    series: tuple[SeriesCount, ...]
    missing: tuple[str, ...]
    rollback_epoch: int
    split_epoch: int
    evidence: tuple[EValue, ...]
    decision: Decision
    reason: str
    certificate: str

    def to_json(self) -> dict[str, Any]:
        """A plain dict; `from_json` gives back an equal entry."""
        plain: dict[str, Any] = codec.encode(self)
        return plain

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Entry":
        """Raises `UsageError` where a key is unknown or a value has the wrong type."""
        return codec.decode(cls, data)


@dataclass(frozen=True, slots=True)
class Step:
    """The outcome of one tick or command: the new state, what is owed to the place, the verdict.

    `entry` is None for commands and after the end: only ticks go into the ledger.
    """

    state: State
    effects: tuple[Effect, ...]
    verdict: Verdict
    entry: Entry | None
