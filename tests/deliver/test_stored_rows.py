"""Rows that an earlier version wrote are read by this one: what is new has a default."""

import json
from typing import Any

from simulated_release import ERRORS, same, simulate

from telford.deliver import evidence
from telford.deliver.policy import Policy
from telford.deliver.state import Entry, State

# What rows did not have before there were strategies.
NEW = {
    "policy": (
        "strategy", "sharing", "partitions", "keep_seconds", "baseline", "matches", "judge_preview",
        "sticky", "exposure_share", "exposure_level", "certificate_share", "objective_factor",
        "placebo_alpha", "skip_analysis", "gates", "data",
    ),
    "state": ("gates", "data", "young", "placebo_epoch"),
    "entry": ("begun", "placebo_epoch", "gates", "data"),
    "evidence": ("over", "ratio", "placebo", "shape"),
    "indicator": ("kind",),
}  # fmt: skip
POLICY = Policy((ERRORS,), weights=(1000, 5000), soak_seconds=(3.0,))


def older(plain: dict[str, Any], what: str) -> dict[str, Any]:
    return {key: one for key, one in plain.items() if key not in NEW[what]}


def older_policy(plain: dict[str, Any]) -> dict[str, Any]:
    indicators = [older(one, "indicator") for one in plain["indicators"]]
    return {**older(plain, "policy"), "indicators": indicators}


def test_a_release_on_its_way_and_its_ledger_outlive_an_upgrade() -> None:
    run = simulate(POLICY, same(0.001, 0.001), seed=5, ticks=60)
    plain = json.loads(json.dumps(run.end.to_json()))
    evidences = [older(one, "evidence") for one in plain["evidence"]]
    policy = older_policy(plain["policy"])
    row = {**older(plain, "state"), "policy": policy, "evidence": evidences}
    # Who warmed up at that moment was not written down.
    assert {**State.from_json(row).to_json(), "young": plain["young"]} == run.end.to_json()
    assert Policy.from_json(policy) == POLICY
    entries = [Entry.from_json(older(json.loads(json.dumps(one.to_json())), "entry")) for one in run.entries]  # fmt: skip
    assert len(entries) == 60
    assert evidence.disagreements(POLICY, entries) == ()
