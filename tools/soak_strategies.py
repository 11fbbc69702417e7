"""What the soak releases: strategies as rows of data, and the fates that new versions have.

A row names the strategy, the policy it is released with, the boundaries of effects that its
releases reach, and the fates that make sense for it. To add a strategy, add a row.
"""

import dataclasses
import random
import sys
from decimal import Decimal
from pathlib import Path

import soak_outside

from telford.deliver.policy import Indicator, Policy
from telford.estate.workload import Match, Probe, Workload
from telford.flows import boundaries as edges

HERE = Path(__file__).resolve().parent
SLOW_MS = 800
HEADER = "x-soak"
PROMOTED = frozenset({"good", "sick", "promoted"})
REPLICAS = 2

BASE = Policy(
    indicators=(Indicator("slowness", Decimal("0.9"), 500.0),),
    weights=(4000, 7000),
    soak_seconds=(0.6,),
    warmup_seconds=0.3,
    deadline_seconds=300.0,
    stale_seconds=200.0,  # longer than the metrics are away
    start_seconds=900.0,  # also while the controller is away again and again
    fuse_alpha=0.0,
    stable_replicas=REPLICAS,
)

TICK = (edges.TICK_READ, edges.STORE_COMMIT, edges.BINDING_WRITE, edges.COMMAND_TAKE)
ORDER = (edges.ORDER_SUBMIT, edges.ORDER_BEGIN, edges.ORDER_CONFIRM)
PLACE = (edges.CLUSTER_APPLY, edges.CLUSTER_REMOVE)
ROUTED = (*TICK, *ORDER, *PLACE, edges.ROUTER_ROUTE)
# Reached once or twice a release: killed at their first time, or they would take all day.
OUTSIDE = (edges.HOOK_CALL, edges.DATA_CHANGE, edges.EVENT_TELL)
RARE = frozenset({edges.BINDING_WRITE, edges.COMMAND_TAKE, edges.CLUSTER_REPLACE, *OUTSIDE})


@dataclasses.dataclass(frozen=True)
class Row:
    """One strategy of the soak. `serves` is False for workers, which nobody sends requests;
    `gap` is True where the strategy itself says that requests fail meanwhile; `outside` where
    releases ask a gate, change data and are told of (tools/soak_outside.py).
    """

    name: str
    policy: Policy
    boundaries: tuple[str, ...] = ROUTED
    fates: tuple[str, ...] = ("good", "slow", "aborted", "promoted")
    serves: bool = True
    gap: bool = False
    outside: bool = False


def _row(name: str, **changes: object) -> Policy:
    return dataclasses.replace(BASE, strategy=name, **changes)  # type: ignore[arg-type]


ROWS: tuple[Row, ...] = (
    Row(
        "canary",
        BASE,
        (*ROUTED, edges.CLUSTER_REPLACE),
        ("good", "slow", "sick", "sick", "aborted", "promoted"),
    ),
    Row("baseline", _row("canary", weights=(4000,), baseline=True)),
    Row("bluegreen", _row("blue-green", weights=(0, 10_000), matches=(Match("", "1", HEADER),))),
    Row("rolling", _row("rolling", weights=(5000,))),
    Row("mirror", _row("mirror", weights=(10_000,))),
    Row("ab", _row("ab", weights=(0,), matches=(Match("", "1", HEADER),))),
    Row(
        "recreate",
        _row("recreate", weights=(10_000,)),
        fates=("good", "aborted", "promoted"),
        gap=True,
    ),
    Row(
        "gated",
        _row("canary", weights=(4000,), gates=soak_outside.GATES),
        OUTSIDE,
        ("good", "good", "slow"),
        outside=True,
    ),
    Row(
        "queue",
        _row("rolling", weights=(5000,), sharing="queue", indicators=(), skip_analysis=True),
        (*TICK, *ORDER, *PLACE),
        ("good", "aborted", "promoted"),
        serves=False,
    ),
    Row(
        "partition",
        _row(
            "rolling",
            weights=(5000,),
            sharing="partition",
            partitions=4,
            indicators=(),
            skip_analysis=True,
        ),
        (*TICK, *ORDER, *PLACE),
        ("good", "aborted", "promoted"),
        serves=False,
    ),
)
NAMES = tuple(one.name for one in ROWS)


def rows(names: str) -> tuple[Row, ...]:
    """The rows of those names (separated by commas), or all. Raises `SystemExit`."""
    wanted = [name for name in names.split(",") if name] or list(NAMES)
    unknown = sorted(set(wanted) - set(NAMES))
    if unknown:
        raise SystemExit(f"no such strategy: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    return tuple(one for one in ROWS if one.name in wanted)


def row_of(service: str) -> Row:
    """The strategy of a service, which is in its name."""
    return next(one for one in ROWS if one.name == service.partition("-")[0])


def services(chosen: tuple[Row, ...], count: int) -> list[str]:
    """`count` services a strategy."""
    return [f"{row.name}-{number}" for row in chosen for number in range(count)]


def fate(seed: int, service: str, number: int) -> str:
    """The same for the same seed, service and round, whatever happened before."""
    chance = random.Random(f"{seed} {service} {number}")
    return chance.choice(row_of(service).fates)


def policy_of(service: str, fate_: str, number: int) -> Policy:
    """The row's policy; a sick host needs a second one beside it to be told from."""
    row = row_of(service)
    data = soak_outside.steps(service, number) if row.outside else ()
    replicas = 2 if fate_ == "sick" else 1
    return dataclasses.replace(row.policy, canary_replicas=replicas, data=data)


def workload(service: str, version: str, fate_: str, generation: int, replicas: int) -> Workload:
    """A version that behaves as its fate says."""
    if not row_of(service).serves:
        sleeper = ("/bin/sh", "-c", "exec sleep 100000")
        return Workload(
            service, version, generation, sleeper, replicas=replicas, probe=Probe(), listens=False
        )
    delay = SLOW_MS if fate_ in {"slow", "sick"} else 0
    command = [sys.executable, "-S", str(HERE / "soak_stub.py"), "{port}", str(delay)]
    if fate_ == "sick":
        # Only the first life of the version's first replica is slow.
        shell = (
            f'[ "$TELFORD_REPLICA" = 0 ] && exec "$@" {delay} {{state}}/{version} || exec "$@" 0'
        )
        command = ["/bin/sh", "-c", shell, "sh", *command[:4]]
    return Workload(service, version, generation, tuple(command), replicas=replicas)
