"""Whatever happens in whatever order: what must never happen to a release does not happen."""

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_release import ERRORS, SLOWNESS, Place, begin

from telford.basics.errors import RefusedError
from telford.deliver import evidence, hands, owing, release
from telford.deliver.policy import Policy
from telford.deliver.state import (
    FINAL,
    WATCHED,
    Phase,
    Remove,
    State,
)
from telford.estate.observation import Observation, Series, Tally

POLICY = Policy(
    (ERRORS, SLOWNESS),
    weights=(1000, 5000),
    soak_seconds=(2.0,),
    warmup_seconds=1.0,
    deadline_seconds=30.0,
    stale_seconds=6.0,
    start_seconds=8.0,
    canary_replicas=2,
    stable_replicas=2,
)
POLICIES = st.sampled_from(
    [
        POLICY,
        replace(POLICY, engine="E1", certificate="ratio", on_deadline="promote"),
        replace(POLICY, engine="E4", weights=(5000,), on_deadline="rollback"),
    ]
)
BAD = st.sampled_from([0, 0, 0, 1, 5, 40])
READING = st.tuples(st.just("tick"), BAD, BAD, st.integers(0, 200), st.booleans())
ACTIONS = st.lists(
    st.one_of(
        READING,
        READING,
        st.tuples(st.just("obey")),
        st.tuples(st.just("obey")),
        st.tuples(st.just("blind")),
        st.tuples(st.just("wrong place"), st.integers(0, 10_000), st.booleans()),
        st.tuples(st.just("command"), st.sampled_from(hands.VERBS)),
    ),
    max_size=60,
)


class Story:
    """A release and a place that obeys only when told to."""

    def __init__(self, policy: Policy) -> None:
        self.state, self.now, self.entries = begin(policy), 0.0, []
        self.place = Place(policy)

    def act(self, action: tuple) -> None:
        self.now += 1.0
        before = self.state
        getattr(self, action[0].replace(" ", "_"))(*action[1:])
        self.check(before, self.state)

    def tick(self, k1: int, k0: int, n1: int, whole: bool) -> None:
        tallies = [
            Tally(Series("orders", version, str(number)), sli, total, 0 if number else bad)
            for version, total, bad in (("v2", n1, min(k1, n1)), ("v1", 900, k0))
            for number in range(2 if whole else 1)
            for sli in ("errors", "slowness")
        ]
        self.step(Observation(self.state.tick + 1, self.now, tuple(tallies)))

    def blind(self) -> None:
        self.step(None)

    def step(self, observation: Observation | None) -> None:
        step = release.next_step(self.state, observation, self.now)
        self.state = step.state
        if step.entry is not None:
            self.entries.append(step.entry)

    def obey(self) -> None:
        for effect in owing.owed(self.state, self.place.facts(self.now)):
            self.place.obey(effect)
        self.state = release.confirm(self.state, self.place.facts(self.now))

    def wrong_place(self, weight: int, failed: bool) -> None:
        facts = self.place.facts(self.now)
        split = replace(self.place.split, weights={"v1": 10_000 - weight, "v2": weight})
        canary = replace(facts.canary, ready=(), running=0, failed=failed)
        self.state = release.confirm(self.state, replace(facts, split=split, canary=canary))

    def command(self, verb: str) -> None:
        try:
            step = hands.command(self.state, verb, who="ada", reason="", now=self.now)
        except RefusedError:
            return
        self.state = step.state

    def check(self, before: State, after: State) -> None:
        assert after.generation >= before.generation
        if after.desired_bp != before.desired_bp:
            assert after.generation > before.generation
            assert not after.confirmed
        if before.final:
            assert after == before
        assert after.desired_bp in {0, *after.policy.weights, 10_000}
        assert (after.desired_bp == 10_000) <= (after.phase in {Phase.PROMOTING, Phase.PROMOTED})
        assert (after.phase in WATCHED) <= (after.desired_bp == after.policy.weights[after.step])
        effects = owing.owed(after, self.place.facts(self.now))
        for effect in effects:
            if isinstance(effect, Remove):
                assert effect.arm == ("stable" if after.phase is Phase.PROMOTING else "canary")
                assert self.place.weight == (10_000 if effect.arm == "stable" else 0)
        assert (after.phase in FINAL) <= (effects == ())
        assert State.from_json(json.loads(json.dumps(after.to_json()))) == after


@settings(max_examples=150)
@given(POLICIES, ACTIONS)
def test_no_history_breaks_a_release(policy, actions):
    """Weights move only with the generation, nothing with traffic is stopped, the row is whole."""
    story = Story(policy)
    for action in actions:
        story.act(action)
    assert evidence.disagreements(policy, story.entries) == ()
