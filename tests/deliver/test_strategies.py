"""Strategies as sequences of shapes: at every stage and on every way between two of them, each arm
has the replicas that its share of the requests needs.
"""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_release import Place

from telford.deliver import owing, release, strategies, transitions
from telford.deliver.policy import FULL_WEIGHT, Indicator, Policy, problems
from telford.deliver.shape import Shape, Stage
from telford.deliver.state import Phase, State
from telford.estate.workload import Match

BASE = Policy((Indicator("errors", Decimal("0.99")),), soak_seconds=(10.0,), stable_replicas=4)
HEADER = Match("", "yes", header="x-preview")
WEIGHTS = st.lists(st.integers(1, 9_999), min_size=1, max_size=4, unique=True).map(
    lambda found: tuple(sorted(found))
)
HALVES = WEIGHTS.map(lambda found: tuple(dict.fromkeys(max(one // 2, 1) for one in found)))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    base = replace(BASE, stable_replicas=draw(st.integers(1, 9)))
    kind = draw(st.sampled_from(sorted(KINDS)))
    weights = draw(HALVES if kind == "baseline" else WEIGHTS)
    return KINDS[kind](replace(base, weights=weights), draw(st.integers(1, 5)))


def _partitioned(policy: Policy, replicas: int) -> Policy:
    return replace(policy, strategy="rolling", sharing="partition", partitions=replicas + 1)


KINDS = {
    "canary": lambda policy, n: replace(policy, canary_replicas=n),
    "baseline": lambda policy, n: replace(policy, canary_replicas=n, baseline=True),
    "rolling": lambda policy, n: replace(policy, strategy="rolling"),
    "mirror": lambda policy, n: replace(policy, strategy="mirror"),
    "blue-green": lambda policy, n: replace(
        policy, strategy="blue-green", weights=(0, FULL_WEIGHT), matches=(HEADER,)
    ),
    "switch": lambda policy, n: replace(policy, strategy="blue-green", weights=(FULL_WEIGHT,)),
    "ab": lambda policy, n: replace(policy, strategy="ab", weights=(0,), matches=(HEADER,)),
    "recreate": lambda policy, n: replace(policy, strategy="recreate", weights=(FULL_WEIGHT,)),
    "queue": lambda policy, n: replace(policy, strategy="rolling", sharing="queue"),
    "partition": _partitioned,
}


def start(policy: Policy) -> State:
    begun = release.begin(
        policy, release="r1", service="orders", stable="v1", canary="v2", generation=7, at=0.0
    )
    return transitions.enter(begun, Phase.STARTING, 0.0, "")


class World:
    """One release and one place, one effect at a time; checks the capacity after each."""

    def __init__(self, policy: Policy) -> None:
        self.policy, self.place, self.state = policy, Place(policy), start(policy)

    def settle(self, limit: int = 60) -> None:
        """Until nothing is owed in this phase and stage; one effect at a time."""
        for _ in range(limit):
            facts = self.place.facts(1.0)
            seen = release.confirm(self.state, facts)
            moved, self.state = seen.step != self.state.step or seen.phase != self.state.phase, seen
            effects = owing.owed(self.state, facts)
            if moved or not effects:
                return
            for effect in effects:
                self.place.obey(effect)
                self.check()
        raise AssertionError("never settles")

    def check(self) -> None:
        policy, split, wanted = self.policy, self.place.split, self.place.wanted
        if policy.strategy == "recreate":
            return
        total = sum(wanted.get(arm, 0) for arm in ("canary", "stable"))
        assert total >= policy.stable_replicas
        if policy.sharing != "traffic":
            return
        for arm, version in (("canary", "v2"), ("stable", "v1"), ("baseline", "v1-baseline")):
            share = split.weights.get(version, 0)
            enough = wanted.get(arm, 0) * FULL_WEIGHT >= share * policy.stable_replicas
            assert enough, (arm, split, wanted)
        copies = split.mirror.get("v2", 0)
        assert wanted.get("canary", 0) * FULL_WEIGHT >= copies * policy.stable_replicas
        if split.matches:
            assert wanted["canary"] > 0


@settings(max_examples=200, deadline=None)
@given(policies(), st.integers(0, 6), st.booleans())
def test_every_arm_has_the_replicas_for_its_share_on_every_way(
    policy: Policy, stages: int, abort: bool
) -> None:
    """Up through some stages, then to one of both ends: grow, route, shrink."""
    assert problems(policy) == ()
    world = World(policy)
    world.settle()
    assert world.state.phase is Phase.STEPPING
    for step in range(1, min(stages, len(policy.weights))):
        world.settle()
        assert world.state.confirmed
        world.state = transitions.advance(world.state, step, 1.0, "")
    if abort:
        world.state = transitions.roll_back(world.state, 1.0, "", Phase.ABORTED)
    else:
        world.settle()
        world.state = transitions.promote(world.state, 1.0, "")
    world.settle()
    whole = policy.stable_replicas
    assert world.state.phase is (Phase.ABORTED if abort else Phase.PROMOTED)
    assert world.place.wanted == {"stable" if abort else "canary": whole}
    assert set(world.place.partitions.values()) <= {None, ""}
    if policy.sharing == "traffic":
        assert world.place.split.weights == {"v1" if abort else "v2": FULL_WEIGHT}


@settings(max_examples=100, deadline=None)
@given(policies())
def test_stages_are_sound(policy: Policy) -> None:
    found = strategies.stages(policy)
    assert len(found) == len(policy.weights)
    for stage in found:
        shape = stage.shape
        assert 0 <= shape.canary_bp + shape.baseline_bp <= FULL_WEIGHT
        assert stage.asked_share is None or 0 < stage.asked_share < 1
        if policy.strategy != "recreate":
            assert shape.canary + shape.stable >= policy.stable_replicas
        if policy.sharing == "partition":
            assert 0 < shape.partitions < policy.partitions
    assert strategies.final(policy).canary == policy.stable_replicas
    assert strategies.back(policy) == Shape(0, policy.stable_replicas)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (
            replace(BASE, weights=(1000, 5000)),
            (
                Stage("10%", Shape(1, 4, canary_bp=1000), 10.0, "stable", 0.1),
                Stage("50%", Shape(2, 4, canary_bp=5000), 10.0, "stable", 0.5),
            ),
        ),
        (
            replace(BASE, weights=(1000,), baseline=True),
            (
                Stage(
                    "10%", Shape(1, 4, 1, canary_bp=1000, baseline_bp=1000), 10.0, "baseline", 0.5
                ),
            ),
        ),
        (
            replace(BASE, strategy="rolling", weights=(2500,)),
            (Stage("25% of replicas", Shape(1, 3, canary_bp=2500), 10.0, "stable", 0.25),),
        ),
        (
            replace(
                BASE, strategy="blue-green", weights=(0, 10_000), matches=(HEADER,), keep_seconds=90
            ),
            (
                Stage("preview", Shape(4, 4, matches=(HEADER,)), 10.0, ""),
                Stage("switched", Shape(4, 4, canary_bp=10_000), 90.0, "objective"),
            ),
        ),
        (
            replace(BASE, strategy="mirror", weights=(5000,)),
            (Stage("copies of 50%", Shape(2, 4, mirror_bp=5000), 10.0, "stable"),),
        ),
        (
            replace(BASE, strategy="ab", weights=(0,), matches=(HEADER,)),
            (Stage("segment", Shape(4, 4, matches=(HEADER,)), 10.0, "stable"),),
        ),
        (
            replace(BASE, strategy="recreate", weights=(10_000,)),
            (Stage("replaced", Shape(4, 0, canary_bp=10_000), 10.0, "objective"),),
        ),
    ],
)
def test_what_each_strategy_goes_through(policy: Policy, expected: tuple[Stage, ...]) -> None:
    assert strategies.stages(policy) == expected


def test_a_recreated_service_never_has_both_versions() -> None:
    world = World(replace(BASE, strategy="recreate", weights=(10_000,)))
    kinds = []
    for _ in range(4):
        (effect,) = owing.owed(world.state, world.place.facts(1.0))[:1]
        world.place.obey(effect)
        world.state = release.confirm(world.state, world.place.facts(1.0))
        kinds.append((world.place.wanted.get("stable"), world.place.wanted.get("canary")))
        if world.state.confirmed:
            break
    assert kinds == [(0, None), (0, 4), (0, 4)]


def test_partitions_never_have_two_readers() -> None:
    """The arm that loses partitions is told before the one that gets them."""
    policy = replace(
        BASE, strategy="rolling", sharing="partition", partitions=8, weights=(2500, 7500)
    )
    world, told = World(policy), []
    world.settle()
    for step in (1, 2):
        for _ in range(10):
            effects = owing.owed(world.state, world.place.facts(1.0))
            if not effects:
                break
            world.place.obey(effects[0])
            texts = world.place.partitions
            told.append((texts.get("stable"), texts.get("canary")))
        world.state = release.confirm(world.state, world.place.facts(1.0))
        assert world.state.confirmed
        if step == 1:
            world.state = transitions.advance(world.state, 1, 1.0, "")
    assert list(dict.fromkeys(told)) == [
        ("2-7", ""),
        ("2-7", "0-1"),
        ("6-7", "0-1"),
        ("6-7", "0-5"),
    ]


def test_weights_chosen_as_they_go_change_the_stage() -> None:
    policy = replace(BASE, weights=(5000,), exposure_share=0.1)
    chosen = strategies.stage(policy, 0, 200)
    assert (chosen.shape.canary_bp, chosen.asked_share, chosen.shape.canary) == (200, 0.02, 2)
    assert strategies.stage(replace(policy, exposure_share=0.0), 0, 200).shape.canary_bp == 5000
