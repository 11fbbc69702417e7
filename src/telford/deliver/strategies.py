"""Strategies: each a plain function from a policy to the sequence of shapes that it goes through.

A release is at one of `stages`; finishing leads to `final`, rolling back to `back`, and before the
first stage the new version is brought up in the shape of `start`. In every shape an arm has at
least the replicas that its share of the requests needs, and all arms together never fewer than the
old version had (but for recreate, which has a gap and says so). There is one stage for each of the
policy's weights, whatever the strategy. Called by `owing`, `release`, `judging` and `evidence`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from telford.deliver.once import once
from telford.deliver.policy import FULL_WEIGHT, Policy, soak_of
from telford.deliver.shape import Shape, Stage
from telford.estate.workload import BASELINE_SUFFIX, Split


@once
def stages(policy: Policy) -> tuple[Stage, ...]:
    """What a release goes through before it is finished, one stage a weight."""
    return _STRATEGIES[policy.strategy](policy)


def stage(policy: Policy, step: int, weight_bp: int | None = None) -> Stage:
    """One stage (0-based); where weights are chosen as they go, with the weight chosen now.

    `weight_bp` is ignored where the weights are declared.
    """
    found = stages(policy)[step]
    if policy.exposure_share <= 0 or weight_bp is None:
        return found
    beside = weight_bp if policy.baseline else 0
    shape = replace(found.shape, canary_bp=weight_bp, baseline_bp=beside)
    return replace(found, shape=shape, asked_share=_asked(policy, weight_bp))


@once
def start(policy: Policy) -> Shape:
    """Before the first stage: its new replicas, without a request; the old version is whole.

    Recreate stops the old version first, so there it is gone already.
    """
    first = stages(policy)[0].shape
    whole = 0 if stops_first(policy) else policy.stable_replicas
    return Shape(first.canary, whole, first.baseline)


@once
def final(policy: Policy) -> Shape:
    """The new version has everything and as many replicas as the old one had."""
    return Shape(policy.stable_replicas, 0, canary_bp=FULL_WEIGHT, partitions=policy.partitions)


@once
def back(policy: Policy) -> Shape:
    """The old version has everything again."""
    return Shape(0, policy.stable_replicas)


def judged(policy: Policy, step: int) -> bool:
    """Whether anything is compared at a stage; elsewhere readiness, soak and gates decide."""
    return bool(stages(policy)[step].against) and not policy.skip_analysis


def stops_first(policy: Policy) -> bool:
    """Whether the arm that loses is stopped before the other one starts: the only way to a gap."""
    return policy.strategy == "recreate"


@once
def shrinks(policy: Policy) -> bool:
    """Whether the old version has fewer replicas at some stage than it had before."""
    return any(one.shape.stable < policy.stable_replicas for one in stages(policy))


def routes(policy: Policy) -> bool:
    """Whether requests are divided by a data plane; workers share a queue or its partitions."""
    return policy.sharing == "traffic"


def split(shape: Shape, service: str, generation: int, *, stable: str, canary: str) -> Split:
    """The split that a shape asks for; versions without weight are left out."""
    weights = {
        stable: FULL_WEIGHT - shape.canary_bp - shape.baseline_bp,
        stable + BASELINE_SUFFIX: shape.baseline_bp,
        canary: shape.canary_bp,
    }
    return Split(
        service,
        generation,
        {version: weight for version, weight in weights.items() if weight},
        tuple(replace(one, version=canary) for one in shape.matches),
        {canary: shape.mirror_bp} if shape.mirror_bp else {},
        shape.sticky,
    )


def partitions(policy: Policy, shape: Shape) -> Mapping[str, str | None]:
    """Arm -> the partitions it has, as the text its replicas are told ("0-3"; "" for none).

    None where it has all of them and need not be told.
    """
    mine, all_of_them = shape.partitions, policy.partitions
    if mine <= 0:
        return {"canary": "", "stable": None}
    if mine >= all_of_them:
        return {"canary": None, "stable": ""}
    return {"canary": _span(0, mine), "stable": _span(mine, all_of_them)}


def count(text: str | None, all_of_them: int) -> int:
    """How many partitions such a text names."""
    if text is None:
        return all_of_them
    first, _, last = text.partition("-")
    return int(last) - int(first) + 1 if last else 0


# --- the strategies ---------------------------------------------------------------------------


def canary(policy: Policy) -> tuple[Stage, ...]:
    """More and more requests for the new version, beside an old one that stays whole.

    With a baseline, as many fresh replicas of the old version get as many requests as the new ones.
    """
    found = []
    for step, weight in enumerate(policy.weights):
        replicas = _canaries(policy, weight)
        beside = (replicas, weight) if policy.baseline else (0, 0)
        shape = Shape(
            replicas,
            policy.stable_replicas,
            baseline=beside[0],
            canary_bp=weight,
            baseline_bp=beside[1],
            matches=policy.matches,
            sticky=policy.sticky,
            partitions=_partitions(policy, weight),
        )
        against = "baseline" if policy.baseline else "stable"
        found.append(_stage(policy, step, _percent(weight), shape, against))
    return tuple(found)


def rolling(policy: Policy) -> tuple[Stage, ...]:
    """Old replicas give way to new ones, and requests follow; all of them together are never fewer
    than there were.
    """
    found = []
    for step, weight in enumerate(policy.weights):
        shape = Shape(
            max(_needed(policy, weight), 1),
            _needed(policy, FULL_WEIGHT - weight),
            canary_bp=weight,
            matches=policy.matches,
            sticky=policy.sticky,
            partitions=_partitions(policy, weight),
        )
        found.append(_stage(policy, step, f"{_percent(weight)} of replicas", shape, "stable"))
    return tuple(found)


def blue_green(policy: Policy) -> tuple[Stage, ...]:
    """A whole new version beside the old one: looked at first (a weight of 0), then switched to.

    The old one stays whole for `keep_seconds` after the switch, so going back is one change of
    weight. Before and after are no fair comparison, so the new version is judged by its objective.
    """
    whole = policy.stable_replicas
    found = []
    for step, weight in enumerate(policy.weights):
        if weight:
            shape = Shape(whole, whole, canary_bp=FULL_WEIGHT)
            switched = _stage(policy, step, "switched", shape, "objective")
            kept = max(switched.soak_seconds, policy.keep_seconds)
            found.append(replace(switched, soak_seconds=kept))
        else:
            shape = Shape(whole, whole, matches=policy.matches)
            against = "objective" if policy.judge_preview else ""
            found.append(_stage(policy, step, "preview", shape, against))
    return tuple(found)


def mirror(policy: Policy) -> tuple[Stage, ...]:
    """Copies of requests for the new version, whose answers nobody sees but which are counted."""
    found = []
    for step, weight in enumerate(policy.weights):
        shape = Shape(_canaries(policy, weight), policy.stable_replicas, mirror_bp=weight)
        found.append(_stage(policy, step, f"copies of {_percent(weight)}", shape, "stable"))
    return tuple(found)


def ab(policy: Policy) -> tuple[Stage, ...]:
    """Requests with a header or a cookie for the new version, all others for the old one.

    Nobody knows how many those are, so the new version is as large as the old one. Segments are not
    randomised: a difference between versions may be one between users.
    """
    whole = policy.stable_replicas
    shape = Shape(max(policy.canary_replicas, whole), whole, matches=policy.matches)
    return tuple(
        _stage(policy, step, "segment", shape, "stable") for step in range(len(policy.weights))
    )


def recreate(policy: Policy) -> tuple[Stage, ...]:
    """The old version stops, then the new one starts: for what cannot stand beside itself."""
    shape = Shape(policy.stable_replicas, 0, canary_bp=FULL_WEIGHT, partitions=policy.partitions)
    return tuple(
        _stage(policy, step, "replaced", shape, "objective") for step in range(len(policy.weights))
    )


_STRATEGIES: dict[str, Callable[[Policy], tuple[Stage, ...]]] = {
    "canary": canary,
    "blue-green": blue_green,
    "rolling": rolling,
    "mirror": mirror,
    "ab": ab,
    "recreate": recreate,
}


def _stage(policy: Policy, step: int, name: str, shape: Shape, against: str) -> Stage:
    asked = None
    if shape.canary_bp < FULL_WEIGHT and against in {"stable", "baseline"}:
        asked = _asked(policy, shape.canary_bp)
    return Stage(name, shape, soak_of(policy, step), against, asked)


def _asked(policy: Policy, weight_bp: int) -> float | None:
    """The canary's share of the compared requests, where requests are divided by chance alone.

    Somebody who always reaches one version (a cookie, a header) is no draw of a lot, and nobody
    asks a queue for shares.
    """
    drawn = routes(policy) and not policy.matches and not policy.sticky
    if not drawn or not weight_bp:
        return None
    return 0.5 if policy.baseline else weight_bp / FULL_WEIGHT


def _canaries(policy: Policy, weight_bp: int) -> int:
    """Enough for the weight; E4's bet rests on the replicas that were declared."""
    if policy.engine == "E4":
        return policy.canary_replicas
    return max(policy.canary_replicas, _needed(policy, weight_bp))


def _needed(policy: Policy, weight_bp: int) -> int:
    """Replicas for that share of what the whole old version carries, rounded up."""
    return -(-policy.stable_replicas * weight_bp // FULL_WEIGHT)


def _partitions(policy: Policy, weight_bp: int) -> int:
    """About that share of the partitions; both arms have at least one."""
    if policy.sharing != "partition":
        return 0
    near = round(policy.partitions * weight_bp / FULL_WEIGHT)
    return min(max(near, 1), policy.partitions - 1)


def _span(first: int, end: int) -> str:
    return f"{first}-{end - 1}"


def _percent(weight_bp: int) -> str:
    return f"{100 * weight_bp / FULL_WEIGHT:g}%"
