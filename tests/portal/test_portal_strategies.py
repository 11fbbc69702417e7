"""What the release page says for each strategy and phase."""

import dataclasses
from decimal import Decimal

import portal_scene
import pytest
from portal_client import client_of
from portal_scene import Scene

from telford.app import release_acts, release_words
from telford.deliver import release as engine
from telford.deliver.gates import Gate, GateView
from telford.deliver.policy import Indicator, Policy
from telford.deliver.state import Clocks, Phase, State
from telford.estate.workload import Match

MATCH = (Match("new", "yes", header="x-tester"),)
BASE = Policy(indicators=(Indicator("errors", Decimal("0.995")),), soak_seconds=(60.0,))


def at(policy: Policy, step: int = 0, phase: Phase = Phase.STEPPING, **more: object) -> State:
    begun = engine.begin(
        policy, release="x-1", service="x", stable="1.0.0", canary="1.1.0", generation=1, at=0.0
    )
    weight = policy.weights[step]
    bp = 0 if policy.strategy in {"mirror", "ab"} else weight
    clocks = Clocks(phase_at=0.0, confirmed_at=10.0)
    return dataclasses.replace(begun, step=step, phase=phase, desired_bp=bp, clocks=clocks, **more)  # type: ignore[arg-type]


def declared(strategy: str, weights: tuple[int, ...], **more: object) -> Policy:
    return dataclasses.replace(BASE, strategy=strategy, weights=weights, **more)  # type: ignore[arg-type]


CASES = (
    (declared("canary", (2500,)), 0, "is at 25% in prod"),
    (declared("canary", (2500,), baseline=True), 0, "a baseline of 1 fresh replica of 1.0.0"),
    (declared("canary", (2500,), sticky="who"), 0, "whoever reached it stays with it"),
    (declared("rolling", (2500,), stable_replicas=4), 0, "is 1 of 4 replicas in prod"),
    (
        declared("blue-green", (0, 10_000), matches=MATCH),
        0,
        "is previewed in prod, whole beside 1.0.0; only whoever sends header x-tester: yes",
    ),
    (
        declared("blue-green", (0, 10_000), keep_seconds=300.0),
        1,
        "(switched); 1.0.0 is kept whole until 00:05:10 UTC",
    ),
    (declared("mirror", (2500,)), 0, "copies of 25% of the requests in prod; nobody sees"),
    (declared("ab", (0,), matches=MATCH), 0, "answers whoever sends header x-tester: yes"),
    (declared("recreate", (10_000,)), 0, "has replaced 1.0.0 in prod, which is stopped"),
    (
        declared("rolling", (2500,), stable_replicas=4, sharing="queue"),
        0,
        "is 1 of 4 replicas that take from the queue in prod",
    ),
    (
        declared("canary", (2500,), sharing="partition", partitions=16),
        0,
        "has 4 of 16 partitions in prod",
    ),
)


@pytest.mark.parametrize(("policy", "step", "words"), CASES)
def test_each_strategy_has_its_own_words(policy: Policy, step: int, words: str) -> None:
    state = at(policy, step)
    assert words in release_words.stands(state, "prod")
    assert "in prod" in release_words.heads(state, "prod")


@pytest.mark.parametrize(("policy", "step", "words"), CASES)
def test_every_strategy_has_its_page_and_its_acts(
    scene: Scene, policy: Policy, step: int, words: str
) -> None:
    row = scene.store.releases.get("storefront-9")
    assert row is not None
    state = dataclasses.replace(at(policy, step), release=row.id, service="storefront")
    saved = dataclasses.replace(row, state=state.to_json(), phase=state.phase.value)
    with scene.store.writing(scene.lease) as writing:
        scene.store.releases.save(writing, [saved])
    client = client_of(scene)
    page = client.get(f"/releases/{row.id}")
    assert page.status_code == 200
    assert words.replace("prod", "dev") in page.text
    for verb in release_acts.VERBS:
        assert client.get(f"/releases/{row.id}/{verb}").status_code in {200, 409}


def test_an_emergency_cannot_be_overlooked() -> None:
    state = at(declared("canary", (2500,), skip_analysis=True, indicators=()))
    (notice,) = release_words.notices(state)
    assert (notice.meaning, notice.word) == ("bad", "Emergency, no analysis")
    assert release_words.compared_with(state) == ""


def test_recreate_says_its_gap_before_and_while_it_starts() -> None:
    policy = declared("recreate", (10_000,))
    for phase in (Phase.PLANNED, Phase.STARTING):
        assert "nobody is answered" in release_words.begins(at(policy, 0, phase), "prod")


def test_a_closed_gate_is_named() -> None:
    gates = (Gate("freeze", "window", "step"),)
    closed = GateView("freeze", "window", "step", False, "a freeze", "it is over")
    state = at(declared("canary", (1000, 2500), gates=gates), gates=(closed,))
    found = release_words.waiting(state.gates, state)
    assert found is not None
    assert release_words.gate_words(found) == "waiting for the gate freeze: a freeze"


def test_the_plan_of_workers_speaks_of_replicas() -> None:
    state = at(declared("rolling", (2500, 5000), stable_replicas=4, sharing="queue"))
    assert "from 1 to 2, of 1.0.0 from 3 to 2" in release_acts.plan(state, "step", 20.0)[0]
    assert portal_scene.PLACE == "dev"
