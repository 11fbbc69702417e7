"""What a release does at its present stage, in words: each strategy has its own.

Pure, from a `State` alone. `telford.app.release_page` makes its sentence of these, its stages and
its warnings; so does whoever else shows a release.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from telford.deliver import data_changes, judging, strategies
from telford.deliver.gates import GateView
from telford.deliver.policy import FULL_WEIGHT, Policy, alpha_part, beta_of
from telford.deliver.shape import Stage
from telford.deliver.state import WATCHED, Phase, State
from telford.estate.workload import Match


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that nobody may overlook; `meaning` is watch or bad, `word` what it is called."""

    meaning: str
    icon: str
    word: str
    text: str


def error_bounds(policy: Policy) -> str:
    """What was declared about wrong verdicts and how it is divided: alpha over the indicators, beta
    over the stages and, where both certificates count, between them.
    """
    each = [
        f"{one.name} {_share(alpha_part(policy, one) * policy.alpha)}" for one in policy.indicators
    ]
    betas = [beta_of(policy, step) for step in range(len(policy.weights))]
    stages = [
        f"{stage.name} {_share(beta)}"
        for stage, beta in zip(strategies.stages(policy), betas, strict=True)
        if stage.against
    ]
    both = policy.certificate == "both"
    split = f"{_share(policy.certificate_share)} of it by the objective, the rest by the ratio"
    return (
        f"a wrong rollback in at most {_share(policy.alpha)}{_divided(each)}, a wrong promotion in "
        f"at most {_share(policy.beta)}{_divided(stages, split if both else '')} of releases"
    )


def _share(part: float) -> str:
    return f"{part * 100:.3g}%"


def _divided(parts: list[str], more: str = "") -> str:
    found = [", ".join(parts) if len(parts) > 1 else "", more]
    inside = "; ".join(one for one in found if one)
    return f" ({inside})" if inside else ""


def stage_of(state: State) -> Stage:
    """The stage that the release is at, with the weight that was chosen where weights are."""
    return strategies.stage(state.policy, state.step, state.desired_bp)


def stands(state: State, place: str) -> str:
    """After "checkout 1.8.0 ": what it does now, once its place is in the shape that is wanted."""
    policy, stage = state.policy, stage_of(state)
    if policy.strategy == "blue-green":
        return _blue_green(state, stage, place)
    if policy.strategy == "mirror":
        share = _percent(stage.shape.mirror_bp)
        return f"gets copies of {share} of the requests in {place}; nobody sees its answers"
    if policy.strategy == "ab":
        return f"answers whoever sends {matched(policy.matches)} in {place}, and nobody else"
    if policy.strategy == "recreate":
        return f"has replaced {state.stable} in {place}, which is stopped"
    if policy.sharing != "traffic":
        return f"{_working(policy, stage)} in {place}"
    if policy.strategy == "rolling":
        shape = stage.shape
        return f"is {shape.canary} of {shape.canary + shape.stable} replicas in {place}"
    return f"is at {_percent(state.desired_bp)} in {place}{_beside(state, stage)}"


def heads(state: State, place: str) -> str:
    """The same while the place is not in that shape yet."""
    policy, stage = state.policy, stage_of(state)
    goal = _percent(state.desired_bp)
    if policy.strategy == "blue-green":
        goal = "all requests" if stage.shape.canary_bp else "its preview"
    elif policy.strategy == "mirror":
        goal = f"copies of {_percent(stage.shape.mirror_bp)} of the requests"
    elif policy.strategy == "ab":
        goal = f"those who send {matched(policy.matches)}"
    elif policy.sharing != "traffic" or policy.strategy == "rolling":
        shape = stage.shape
        goal = f"{shape.canary} of {shape.canary + shape.stable} replicas"
    ending = "not seen working yet" if policy.sharing != "traffic" else "not served yet"
    return f"is on its way to {goal} in {place}; {ending}"


def begins(state: State, place: str) -> str:
    """While it is planned or starting."""
    if strategies.stops_first(state.policy):
        gap = "nobody is answered" if strategies.routes(state.policy) else "no work is done"
        if state.phase is Phase.PLANNED:
            return f"will replace {state.stable} in {place}: from then on {gap} until it is ready"
        return f"starts in {place} after {state.stable} has stopped: {gap} until it is ready"
    ending = "it has no traffic yet" if strategies.routes(state.policy) else "it has no work yet"
    return f"is being started in {place}; {ending}"


def finishes(state: State, place: str) -> str:
    """While it is promoted for good."""
    what = "all traffic" if strategies.routes(state.policy) else "all the work"
    return f"is taking {what} in {place}"


def ended_well(policy: Policy, place: str) -> str:
    """Once it is promoted."""
    return (
        f"serves all of {place}" if strategies.routes(policy) else f"does all the work in {place}"
    )


def compared_with(state: State) -> str:
    """What its rates are held against now: "1.0.0", the fresh copies of it, "the objective", or ""."""
    if state.policy.skip_analysis:
        return ""
    against = stage_of(state).against
    if against == "baseline":
        return f"the fresh {state.stable} beside it"
    return {"stable": state.stable, "objective": "the objective"}.get(against, "")


def waiting(views: Iterable[GateView], state: State) -> GateView | None:
    """The first closed gate that holds the release up now."""
    moments = {"start"} if state.phase is Phase.PLANNED else {"step"}
    if state.step == len(state.policy.weights) - 1:
        moments = moments | {"promote"}
    if state.phase not in {*WATCHED, Phase.PLANNED}:
        return None
    return next((one for one in views if not one.open and one.at in moments), None)


def weight_words(state: State) -> str:
    """The share that the new version has, as the page's first figure."""
    shape = stage_of(state).shape
    if state.phase in {Phase.PROMOTED, Phase.PROMOTING}:
        return "all"
    if state.policy.strategy == "mirror" and state.phase in WATCHED:
        return f"copies of {_percent(shape.mirror_bp)}"
    if state.policy.strategy == "ab" and state.phase in WATCHED:
        return "a segment"
    if state.policy.sharing != "traffic" and state.phase in WATCHED:
        return f"{shape.canary} of {shape.canary + shape.stable} replicas"
    return _percent(state.desired_bp)


def stage_words(policy: Policy, stage: Stage) -> str:
    """What a stage asks of the place: replicas of each arm, and what it is compared with."""
    shape = stage.shape
    arms = [f"{shape.canary} new", f"{shape.stable} old"]
    if shape.baseline:
        arms.append(f"{shape.baseline} fresh old")
    if shape.partitions:
        arms.append(f"{shape.partitions} of {policy.partitions} partitions")
    if policy.skip_analysis:
        return f"{', '.join(arms)}; nothing is compared"
    against = {
        "stable": "compared with the old version",
        "baseline": "compared with the fresh copies",
        "objective": "judged by its objective",
    }.get(stage.against, "nothing is compared: gates decide")
    return f"{', '.join(arms)}; {against}"


def notices(state: State) -> Iterator[Notice]:
    """What stands above everything else, the worst first."""
    if state.policy.skip_analysis:
        words = (
            f"Nothing is compared: {state.canary} goes on as soon as it is ready and its soak and "
            "gates are over, however many requests fail. A person must watch it."
            if not state.final
            else "Nothing was compared: it went on by readiness, soak and gates alone."
        )
        yield Notice("bad", "watch", "Emergency, no analysis", words)
    if not state.final and strategies.stops_first(state.policy):
        gap = "nobody is answered" if strategies.routes(state.policy) else "no work is done"
        words = f"Between the stop of one version and the start of the other {gap}."
        yield Notice("watch", "watch", "With a gap", words)
    forward = data_changes.forward_fix(state.policy.data, state.data)
    if forward:
        yield Notice("bad", "lock", "Forward only", f"{forward[0].upper()}{forward[1:]}.")
    if state.policy.strategy == "ab" and not state.final:
        words = "Who is in the segment is not drawn by lot: a difference may be one of its users."
        yield Notice("watch", "info", "Not randomised", words)


def matched(matches: tuple[Match, ...]) -> str:
    """``header x-tester: yes or cookie beta=1``."""
    said = [
        f"header {one.header}: {one.value}" if one.header else f"cookie {one.cookie}={one.value}"
        for one in matches
    ]
    return " or ".join(said) or "a match that nobody declared"


def _blue_green(state: State, stage: Stage, place: str) -> str:
    if stage.shape.canary_bp < FULL_WEIGHT:
        who = matched(state.policy.matches) if state.policy.matches else ""
        seen = f"only whoever sends {who} reaches it" if who else "no request reaches it"
        return f"is previewed in {place}, whole beside {state.stable}; {seen}"
    kept = f"{state.stable} is kept whole"
    since = state.clocks.confirmed_at
    if since is not None and stage.soak_seconds:
        until = datetime.fromtimestamp(since + stage.soak_seconds, UTC).strftime("%H:%M:%S UTC")
        kept += f" until {until}"
    return f"answers all requests in {place} (switched); {kept}"


def _working(policy: Policy, stage: Stage) -> str:
    shape = stage.shape
    if policy.sharing == "partition":
        return f"has {shape.partitions} of {policy.partitions} partitions"
    total = shape.canary + shape.stable
    return f"is {shape.canary} of {total} replicas that take from the queue"


def _beside(state: State, stage: Stage) -> str:
    said = ""
    if stage.shape.baseline:
        copies = stage.shape.baseline
        said = (
            f", beside a baseline of {copies} fresh "
            f"{'replica' if copies == 1 else 'replicas'} of {state.stable} with as much"
        )
    if state.policy.sticky:
        said += "; whoever reached it stays with it"
    return said


def _percent(basis_points: int) -> str:
    return f"{basis_points / 100:g}%"


def gate_words(view: GateView) -> str:
    """``waiting for the gate freeze: a freeze until Monday``."""
    return f"waiting for the gate {view.name}: {view.why}"


def soak_words(seconds: float) -> str:
    """How long a stage is looked at; "" where it is not."""
    return f"soak {judging.duration(seconds)}" if seconds else "no soak"
