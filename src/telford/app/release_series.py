"""A release over time, for its charts: weights, both versions' rates, the evidence climbing.

Pure and bounded: however long the ledger, at most `MAX_POINTS` moments are drawn, the newest always
among them. The intervals are those of `telford.deliver.bounds`, which hold at every peek. Called by
``/api/releases/{id}/evidence``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from telford.deliver import bounds, strategies
from telford.deliver.policy import Policy
from telford.deliver.state import WATCHED, Entry
from telford.estate.workload import BASELINE_SUFFIX, MIRRORED_SUFFIX

MAX_POINTS = 160
"""About one every four pixels of a chart; an interval costs 0.1 ms to compute."""
FLOOR_LOG_E = math.log(1e-3)
"""Evidence below this is drawn at the bottom: it says "no", and how loudly does not matter."""


@dataclass(slots=True)
class _Sums:
    """Running counts of one indicator: the numbers that the evidence was made from."""

    canary: list[int] = field(default_factory=lambda: [0, 0])
    stable: list[int] = field(default_factory=lambda: [0, 0])


def series(entries: Sequence[Entry], policy: Policy, stable: str, canary: str) -> dict[str, Any]:
    """The columns of the charts, one value a drawn moment; None where there is none."""
    names = [one.name for one in policy.indicators]
    drawn = frozenset(_drawn(len(entries)))
    sums = {name: _Sums() for name in names}
    answer: dict[str, Any] = {
        "at": [],
        "tick": [],
        "weight": [],
        "indicators": {name: _columns() for name in names},
    }
    for number, entry in enumerate(entries):
        _add(sums, entry, *arms(policy, entry.step, stable, canary))
        if number in drawn:
            answer["at"].append(entry.at)
            answer["tick"].append(entry.tick)
            answer["weight"].append(_share(policy, entry) / 100)
            for name in names:
                columns = answer["indicators"][name]
                _rates(columns, sums[name], policy.display_level)
                _evidence(columns, entry, name)
    answer["changes"] = _changes(entries)
    return answer


def arms(policy: Policy, step: int, stable: str, canary: str) -> tuple[str, str]:
    """The versions under which a stage's two sides are counted: the fresh copies of the old one
    where there are some, copied requests where nobody sees the answers.
    """
    stage = strategies.stages(policy)[step]
    old = stable + BASELINE_SUFFIX if stage.against == "baseline" else stable
    new = canary + MIRRORED_SUFFIX if stage.shape.mirror_bp else canary
    return old, new


def _share(policy: Policy, entry: Entry) -> int:
    """The new version's share in basis points: of requests, of work, or of copies."""
    mirrored = strategies.stages(policy)[entry.step].shape.mirror_bp
    return mirrored if mirrored and entry.phase in WATCHED else entry.weight_bp


def _drawn(count: int) -> Sequence[int]:
    if count <= MAX_POINTS:
        return range(count)
    return [round(at * (count - 1) / (MAX_POINTS - 1)) for at in range(MAX_POINTS)]


def _columns() -> dict[str, list[float | None]]:
    names = ("canary", "canary_low", "canary_high", "stable", "stable_low", "stable_high")
    evidence = ("rollback", "rollback_bound", "promotion", "promotion_bound")
    return {name: [] for name in (*names, *evidence)}


def _add(sums: dict[str, _Sums], entry: Entry, stable: str, canary: str) -> None:
    if not entry.counted:
        return
    for one in entry.series:
        if one.indicator not in sums:
            continue
        arms = {stable: sums[one.indicator].stable, canary: sums[one.indicator].canary}
        arm = arms.get(one.version)
        if arm is not None:
            arm[0] += one.requests
            arm[1] += one.bad


def _rates(columns: dict[str, list[float | None]], sums: _Sums, level: float) -> None:
    for arm, (requests, bad) in (("canary", sums.canary), ("stable", sums.stable)):
        low, high = bounds.rate_bounds(requests, bad, level / 2) if requests else (None, None)
        columns[arm].append(bad / requests if requests else None)
        columns[f"{arm}_low"].append(low)
        columns[f"{arm}_high"].append(high)


def _evidence(columns: dict[str, list[float | None]], entry: Entry, name: str) -> None:
    found = {one.name: one for one in entry.evidence if one.indicator == name}
    for kind in ("rollback", "promotion"):
        one = found.get(kind) or (found.get("objective") if kind == "rollback" else None)
        columns[kind].append(None if one is None else _drawable(one.log_e))
        columns[f"{kind}_bound"].append(None if one is None else _drawable(one.log_bound))


def _drawable(log_e: float) -> float:
    """The logarithm to base 10, cut off where nothing can be seen any more."""
    return min(max(log_e, FLOOR_LOG_E), -FLOOR_LOG_E * 3) / math.log(10)


def _changes(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """The ticks that decided something, for the marks on the time axis."""
    return [
        {"at": entry.at, "decision": entry.decision.value, "reason": entry.reason}
        for entry in entries
        if entry.decision.value in {"advance", "promote", "rollback"}
    ][-50:]
