"""A release as a value: its state, what it is told, what it asks for, what it says.

Everything here is frozen and JSON round-trips exactly. `State` is the row that the store keeps;
`Facts` is what a place is seen to be; an `Effect` is something the place should be made to do
(idempotent, carries the generation); `Verdict` is for people; `Entry` is the ledger line of one
tick, from which `evidence.recompute` derives the verdict again. Made by `release`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from telford.deliver import codec
from telford.deliver.bounds import Interval
from telford.deliver.data_changes import DataView
from telford.deliver.gates import GateView
from telford.deliver.mixture import Logs
from telford.deliver.policy import Policy
from telford.deliver.weighing import Count, EValue, Evidence, Young
from telford.estate.observation import Series
from telford.estate.workload import BASELINE_SUFFIX, MIRRORED_SUFFIX, Split


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
    DATA = "data"
    UNLIKE = "replicas"


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
    """Epoch seconds. `confirmed_at` is None while the place is in another shape than is wanted.

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
    they were last looked at. `young` are the replicas of either version that warm up, and
    `placebo_epoch` grows when that evidence begins again.
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
    young: tuple[Young, ...] = ()
    placebo_epoch: int = 0

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
    def arms(self) -> frozenset[str]:
        """Every version name under which requests of this release are counted."""
        mirrored = self.canary + MIRRORED_SUFFIX
        return frozenset({self.stable, self.stable + BASELINE_SUFFIX, self.canary, mirrored})

    @property
    def confirmed(self) -> bool:
        """The place is in the shape that is wanted, its data plane says so itself."""
        return self.clocks.confirmed_at is not None


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm of a release as a place is seen to run it.

    `ready` are its ready replicas as (name, incarnation); an incarnation changes when a replica is
    started anew. `running` counts those that are starting or stopping too. `wanted` is how many the
    place was asked for, None where it runs no such version (or one of another definition);
    `present` whether it knows the version at all. `partitions` is what its replicas are told to
    have (None: all of them). `failed` is True where all that it had have given up.
    """

    ready: tuple[tuple[str, str], ...] = ()
    running: int = 0
    wanted: int | None = None
    present: bool = False
    partitions: str | None = None
    failed: bool = False

    @property
    def gone(self) -> bool:
        """Nothing of it is left."""
        return not self.present and not self.running


@dataclass(frozen=True, slots=True)
class Facts:
    """What a place is seen to be, for one release: the split that its data plane confirms, whole
    (None where it serves none of the service), and each arm.
    """

    at: float
    split: Split | None
    canary: Arm
    stable: Arm
    baseline: Arm = Arm()


@dataclass(frozen=True, slots=True)
class Scale:
    """Run so many replicas of an arm ("canary", "stable" or "baseline"), 0 included.

    `partitions` is what they are told to have, None for all.
    """

    generation: int
    arm: str
    replicas: int
    partitions: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Divide the service's requests like this."""

    generation: int
    split: Split


@dataclass(frozen=True, slots=True)
class ReplaceReplica:
    """Start this canary replica anew, on another host where there is one."""

    generation: int
    series: Series
    incarnation: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Drain and stop an arm for good."""

    generation: int
    arm: str


Effect = Scale | Route | ReplaceReplica | Remove


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
    """What was decided and why, for people. `certificate` is the claim a promotion rests on:
    "objective", "ratio", or "both" where indicators differ in it.
    """

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
    """The raw counts of one replica in one tick: `bad` of `requests`; of a latency indicator, how
    many fell into each bucket of the histogram, lowest first.
    """

    version: str
    replica: str
    indicator: str
    requests: int
    bad: int
    buckets: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One tick's line in the evidence ledger; (release, tick) is unique.

    `counted` says whether the counts were weighed and `why` why not. `weight_bp` is the desired
    weight; `clocks` says whether it was served. `observed_at` is when the counters were read (None
    where nothing was) and `series` holds the raw counts since the reading before. `missing` names
    the replicas without a count, `begun` those that began or were reset in this tick, both as
    ``version/replica``. `evidence` holds each e-value after this
    tick. Phase, step, cause, probe and the rest are those before the decision was applied. `gates` are
    those that were closed, and `data` how the data steps stood.
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
    begun: tuple[str, ...] = ()
    placebo_epoch: int = 0
    gates: tuple[GateView, ...] = ()
    data: tuple[DataView, ...] = ()

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
    """The outcome of one tick or command: the new state and the verdict.

    What is owed to the place follows from the state and from what is seen there: `owing.owed`.
    `entry` is None for commands and after the end: only ticks go into the ledger. `tell` makes the
    verdict: a controller has no use for it at most ticks, and its bounds are long to work out.
    """

    state: State
    tell: Callable[[], Verdict] = field(repr=False, compare=False)
    entry: Entry | None

    @property
    def verdict(self) -> Verdict:
        """What was decided and why, for people."""
        return self.tell()
