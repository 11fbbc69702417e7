"""A release told as it happens: what each entry of its ledger adds to the story. Pure.

Every number comes from the ledger (raw counts, evidence, weights) or from the release's row; the
bounds of rates hold at every peek, as `telford.deliver.bounds` explains. Called by
`telford.app.demo`; tests tell recorded entries again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from telford.deliver import bounds, judging
from telford.deliver.policy import FULL_WEIGHT, Policy
from telford.deliver.state import Decision, Entry, Harm, Phase, State
from telford.deliver.weighing import Count, EValue
from telford.store.releases import Release

_BY_EVIDENCE = frozenset({"objective", "ratio"})
_MOVES = frozenset({Decision.ADVANCE, Decision.PROMOTE})
_BAD_MEANS = {"errors": "failed", "slowness": "were too slow"}
# Less than this is shown as 0.0.
_VISIBLE = 0.05
PLAIN, GOOD, BAD = "", "good", "bad"


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence of a story, `seconds` after the release was asked for, in the tone of its news."""

    seconds: float
    text: str
    tone: str = PLAIN


@dataclass(slots=True)
class Story:
    """One release so far. `hear` takes the entries in the order of their ticks."""

    policy: Policy
    began_at: float
    entries: list[Entry] = field(default_factory=list)
    counts: dict[tuple[str, str], Count] = field(default_factory=dict)

    def hear(self, entry: Entry) -> tuple[Line, ...]:
        """The lines that one more entry is worth; none for most."""
        before = self.entries[-1] if self.entries else None
        self.entries.append(entry)
        if entry.counted:
            self._count(entry)
        at = entry.at - self.began_at
        return tuple(
            Line(at, text, tone)
            for text, tone in (
                *_beginning(before, entry, self.policy),
                *_weights(before, entry),
                *_decision(before, entry, self.policy),
            )
        )

    def _count(self, entry: Entry) -> None:
        for one in entry.series:
            key = (one.version, one.indicator)
            requests, bad = self.counts.get(key, (0, 0))
            self.counts[key] = requests + one.requests, bad + one.bad

    def now(self) -> tuple[str, ...]:
        """Where it stands: weight and both versions' rates, then evidence for and against."""
        if not self.entries:
            return ("waiting for the controller",)
        last = self.entries[-1]
        if last.phase in {Phase.PLANNED, Phase.STARTING}:
            return (f"{last.canary} is starting, without traffic",)
        weight = f"{last.canary} at {percent(last.weight_bp)}"
        if not last.counted:
            return (f"{weight}: not counted yet ({last.why})",)
        canary, stable = self._rate(last.canary, " failed"), self._rate(last.stable)
        rates = f"{weight}: {canary}; {last.stable}: {stable}"
        return (rates, f"{against(last.evidence)}; {in_favour(last.evidence)}")

    def _rate(self, version: str, verb: str = "") -> str:
        requests, bad = self.counts.get((version, "errors"), (0, 0))
        _, high = bounds.rate_bounds(requests, bad, self.policy.display_level / 2)
        return f"{bad:,} of {requests:,}{verb} (at most {min(high, 1.0):.2%})"


def percent(basis_points: int) -> str:
    """A weight for people."""
    return f"{100 * basis_points / FULL_WEIGHT:g}%"


def against(values: tuple[EValue, ...]) -> str:
    """The evidence to roll back that is nearest to its bound."""
    found = [one for one in values if one.name in {"rollback", "fuse"}]
    one = max(found, key=lambda value: value.log_e / value.log_bound)
    return f"evidence to roll back: {_of(one)}"


def in_favour(values: tuple[EValue, ...]) -> str:
    """The evidence to go on that is farthest from its bound: the gate waits for that."""
    found = [one for one in values if one.name == "promotion"]
    one = min(found, key=lambda value: value.log_e / value.log_bound)
    return f"to go on: {_of(one)}"


def _of(value: EValue) -> str:
    """Odds of 1:1 or less speak for nothing, or for the contrary."""
    odds = judging.odds(value.log_e) if value.log_e > 0 else "none"
    return f"{odds} of {judging.odds(value.log_bound)} ({value.indicator})"


def _beginning(before: Entry | None, entry: Entry, policy: Policy) -> Iterator[tuple[str, str]]:
    if before is None:
        some = policy.canary_replicas
        what = f"{some} replica{'s' * (some != 1)} of {entry.canary}"
        yield f"{what} {'start' if some != 1 else 'starts'} beside {entry.stable}", PLAIN
    elif before.phase is Phase.STARTING and entry.phase is Phase.STEPPING:
        yield f"{entry.canary} is ready", PLAIN


def _weights(before: Entry | None, entry: Entry) -> Iterator[tuple[str, str]]:
    if before is None or entry.clocks.confirmed_at is None:
        return
    if before.generation == entry.generation and before.clocks.confirmed_at is not None:
        return
    if entry.phase is Phase.ROLLING_BACK:
        yield f"Envoy confirms: no request goes to {entry.canary} any more", PLAIN
    elif entry.phase is Phase.PROMOTING:
        yield f"Envoy confirms: every request goes to {entry.canary}", PLAIN
    elif entry.weight_bp:
        yield (
            f"Envoy confirms: {percent(entry.weight_bp)} of the requests go to {entry.canary}",
            PLAIN,
        )


def _decision(before: Entry | None, entry: Entry, policy: Policy) -> Iterator[tuple[str, str]]:
    if entry.decision is Decision.ADVANCE:
        onward = percent(policy.weights[entry.step + 1])
        yield f"{_gate(entry)}, so on to {onward}: {entry.reason}", GOOD
    elif entry.decision is Decision.PROMOTE:
        yield f"{_gate(entry)}, so all of it: {entry.reason}", GOOD
    elif entry.decision is Decision.ROLLBACK:
        yield f"rolling back: {entry.reason}", BAD
    elif entry.decision is Decision.HOLD and (before is None or before.reason != entry.reason):
        yield f"held: {entry.reason}", BAD


def _gate(entry: Entry) -> str:
    if entry.certificate in _BY_EVIDENCE:
        return f"the gate at {percent(entry.weight_bp)} is met"
    return f"the gate at {percent(entry.weight_bp)} is passed ({entry.certificate})"


# --- the end ----------------------------------------------------------------------------------


def by_evidence(entries: list[Entry]) -> bool:
    """Whether every step that was taken rests on its evidence, and on no deadline or hand."""
    taken = [one for one in entries if one.decision in _MOVES]
    return bool(taken) and all(one.certificate in _BY_EVIDENCE for one in taken)


def rolled_back_by_evidence(entries: list[Entry]) -> bool:
    """Whether the rollback was decided by what was counted."""
    found = [one for one in entries if one.decision is Decision.ROLLBACK]
    return bool(found) and found[0].counted and found[0].certificate != "deadline"


def first_traffic_at(entries: list[Entry]) -> float | None:
    """The tick that ordered the first weight, in epoch seconds: no request can have come before
    it, and the first comes within milliseconds.
    """
    return next((one.at for one in entries if one.weight_bp), None)


def decided_at(entries: list[Entry], decision: Decision) -> float | None:
    """When that was decided first, in epoch seconds."""
    return next((one.at for one in entries if one.decision is decision), None)


def ending(row: Release, entries: list[Entry], state: State) -> Line:
    """A release in one line, after its end."""
    took = (row.finished_at or row.updated_at) - row.created_at
    text = f"{row.name} {row.to_version}: {said(row.phase)} after {judging.duration(took)}"
    first, undone = first_traffic_at(entries), decided_at(entries, Decision.ROLLBACK)
    if first is not None and undone is not None:
        text += f", decided {undone - first:.1f} s after its first traffic"
    tone = GOOD if state.phase is Phase.PROMOTED else BAD
    return Line(took, f"{text}; {harm_sentence(state)}", tone)


def harmed(state: State, indicator: str = "errors") -> Harm | None:
    """The bad requests of both versions since the start; None where that was not counted."""
    return next((one for one in state.harm if one.indicator == indicator), None)


def harm_sentence(state: State) -> str:
    """What a version cost: its bad requests beyond those that the stable one would have had."""
    costly = [one for one in state.harm if one.excess_bad >= _VISIBLE]
    found = costly or [one for one in state.harm if one.indicator == "errors"]
    return "; ".join(_harm(one, state) for one in found) or "no request was counted"


def _harm(one: Harm, state: State) -> str:
    (new, new_bad), (old, old_bad) = one.canary, one.stable
    excess = one.excess_bad
    harmed_ones = f"{excess:,.1f} requests harmed" if excess >= _VISIBLE else "no request harmed"
    verb = _BAD_MEANS.get(one.indicator, "were bad")
    return (
        f"{harmed_ones}: {new_bad:,} of {new:,} {verb} on {state.canary}, "
        f"{old_bad:,} of {old:,} on {state.stable} meanwhile"
    )


def said(phase: str) -> str:
    """A phase as people say it: "rolled back"."""
    return phase.replace("-", " ")
