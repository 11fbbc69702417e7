"""Exposure in a running world: the share of the error budget holds, and little is known at first."""

import dataclasses
import pathlib
from decimal import Decimal

import pytest

import stores
from telford.app import evidence
from telford.deliver import state as states
from telford.deliver.policy import Indicator
from telford.flows import budgets
from telford.operate.promise import Promise
from telford.store.objectives import Evaluated
from telford.testing.place import Behaviour
from telford.testing.simulation import CANARY, QUICK, Simulation, address

SLOW = Indicator("slow-300", Decimal("0.9"), threshold_ms=300.0, kind="slowness")
POLICY = dataclasses.replace(QUICK, indicators=(*QUICK.indicators, SLOW, Indicator("latency")))


def standing(sli: str, allowed: str, left: str, service: str = "s") -> Evaluated:
    plain = {"sli": sli, "allowed": allowed, "left": left}
    return Evaluated("p", f"o-{sli}-{left}", service, 0.0, 0.0, "met", plain)


def test_what_is_left_is_that_of_the_objective_with_least() -> None:
    found = budgets.left(
        POLICY,
        "s",
        [
            standing("errors", "200", "0.5"),
            standing("errors", "50", "0.1"),
            standing("slowness:300", "10", "-1"),
            standing("errors", "1", "0", service="another"),
        ],
    )
    assert found == {"errors": pytest.approx(5.0), "slow-300": 0.0}


def test_without_an_evaluation_only_the_last_hour_counts() -> None:
    seeded = POLICY.seeded({"errors": (1000, 10)})
    assert budgets.left(seeded, "s", [])["errors"] == pytest.approx(40.0)
    assert budgets.left(POLICY, "s", [])["errors"] == 0.0


@pytest.mark.parametrize("bad", [0.0, 1.0])
def test_weights_grow_with_evidence_and_a_bad_version_costs_little(
    tmp_path: pathlib.Path, bad: float
) -> None:
    """A wholly bad version may spend a tenth of the budget at each decision, and is gone by then."""
    wanted = {("orders", CANARY): Behaviour(bad=bad)}
    promises = (Promise("objective/shop.errors", address("orders"), "errors", Decimal("0.95")),)
    url = stores.fresh(tmp_path / "store.db")
    world = Simulation(url, wanted, promises=promises)
    for _ in range(20):
        world.step()
    policy = dataclasses.replace(QUICK, exposure_share=0.1, weights=(5000,), stale_seconds=60.0)
    world.release(policy)
    row = world.run(limit=250)
    weights = [one.entry["weight_bp"] for one in world.store.ledger.of(row.id)]
    assert evidence.recompute(world.store, row).differences == ()
    state = states.State.from_json(row.state)
    if bad:
        assert row.phase == "rolled-back"
        assert state.harm[0].canary[1] <= 20
    else:
        assert row.phase == "promoted"
        climbed = [one for one in dict.fromkeys(weights) if 0 < one <= 5000]
        assert climbed == sorted(climbed)
        assert climbed[0] < 1500
        assert climbed[-1] == 5000
    world.store.close()
