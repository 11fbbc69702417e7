"""A delivery of every strategy becomes a policy that contradicts itself in nothing."""

import json
from decimal import Decimal
from typing import Any

import pytest

from telford.app import release_policy
from telford.deliver import caveats, forecast, strategies
from telford.deliver.policy import Indicator, Policy, problems
from telford.estate.kinds.change import Delivery

JUDGED_BY = (Indicator("errors", Decimal("0.99")),)
HEADER = {"header": "x-preview", "value": "yes"}
DELIVERIES: dict[str, dict[str, Any]] = {
    "canary": {"steps": [{"weight": "5%"}, {"weight": "50%"}], "canaryReplicas": 2},
    "testers": {"steps": [{"weight": "5%"}], "match": HEADER, "affinity": "visitor"},
    "baseline": {"steps": [{"weight": "50%"}], "baseline": True, "verdict": {"engine": "E4"},
                 "canaryReplicas": 2},
    "exposure": {"steps": [{"weight": "50%"}], "exposure": {"share": "10%"}},
    "blue-green": {"strategy": "blue-green", "keep": "10m"},
    "preview": {"strategy": "blue-green", "preview": {"match": HEADER, "soak": "1m"}},
    "judged preview": {
        "strategy": "blue-green",
        "preview": {"match": {"cookie": "preview", "value": "1"}, "judged": True},
    },
    "rolling": {"strategy": "rolling", "soak": "1m"},
    "rolling by share": {"strategy": "rolling", "steps": [{"weight": "25%"}, {"weight": "75%"}]},
    "mirror": {"strategy": "mirror", "steps": [{"weight": "100%"}]},
    "ab": {"strategy": "ab", "match": HEADER},
    "recreate": {"strategy": "recreate"},
}  # fmt: skip
WORKERS: dict[str, dict[str, Any]] = {
    "queue": {"strategy": "rolling"},
    "canary of replicas": {"steps": [{"weight": "25%"}]},
    "partition": {"strategy": "rolling", "sharing": {"by": "partition", "partitions": 16}},
    "recreate": {"strategy": "recreate"},
}


def made(fields: dict[str, Any], replicas: int, *, works: bool = False, **more: Any) -> Policy:
    whole = {"apiVersion": "telford/v1", "kind": "Delivery", "name": "d", "owner": "team/shop"}
    delivery = Delivery.model_validate(whole | fields)
    return release_policy.policy(delivery, JUDGED_BY, replicas, works=works, **more)


@pytest.mark.parametrize("replicas", [1, 2, 5])
@pytest.mark.parametrize("name", [*DELIVERIES, *(f"worker: {one}" for one in WORKERS)])
def test_every_strategy_is_sound_and_can_be_told_beforehand(name: str, replicas: int) -> None:
    works = name.startswith("worker: ")
    fields = WORKERS[name.removeprefix("worker: ")] if works else DELIVERIES[name]
    policy = made(fields, replicas, works=works)
    assert problems(policy) == ()
    assert len(strategies.stages(policy)) == len(policy.weights)
    assert Policy.from_json(json.loads(json.dumps(policy.to_json()))) == policy
    assert forecast.forecast(policy, 50.0, {"errors": 0.001}).sentence
    back = release_policy.switch_at_once(policy)
    assert problems(back) == ()
    assert back.skip_analysis
    emergency = made(fields, replicas, works=works, skip_analysis=True)
    assert problems(emergency) == ()


@pytest.mark.parametrize(
    ("name", "replicas", "weights"),
    [
        ("rolling", 1, (5000,)),
        ("rolling", 4, (2500, 5000, 7500)),
        ("preview", 2, (0, 10_000)),
        ("blue-green", 2, (10_000,)),
        ("ab", 2, (0,)),
    ],
)
def test_stages_come_from_the_strategy(name: str, replicas: int, weights: tuple[int, ...]) -> None:
    assert made(DELIVERIES[name], replicas).weights == weights


def test_a_worker_shares_a_queue_where_it_says_nothing() -> None:
    policy = made(WORKERS["queue"], 3, works=True)
    assert (policy.sharing, policy.weights) == ("queue", (3333, 6666))
    assert made(WORKERS["partition"], 3, works=True).partitions == 16


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (made(DELIVERIES["recreate"], 2), "1.0 stops before 1.1 starts: orders answers nobody"),
        (made(WORKERS["recreate"], 2, works=True), "orders takes no work"),
        (made(DELIVERIES["rolling"], 2), "going back takes as long as 1.0 needs to start again"),
        (made(DELIVERIES["ab"], 2), "not drawn by lot"),
        (made(DELIVERIES["mirror"], 2), "a second time"),
        (made(WORKERS["queue"], 2, works=True), "readable by both"),
        (made(DELIVERIES["canary"], 2, skip_analysis=True), "Nothing is compared"),
    ],
)
def test_what_a_strategy_costs_is_said_before_it_starts(policy: Policy, words: str) -> None:
    assert words in " ".join(caveats.caveats(policy, "orders", "1.0", "1.1"))


def test_a_canary_costs_nothing_that_had_to_be_said() -> None:
    assert caveats.caveats(made(DELIVERIES["canary"], 2), "orders", "1.0", "1.1") == ()
