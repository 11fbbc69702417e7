"""How long a gate needs and what it would find, said before the start and while it is open.

The expected growth of evidence is known for given rates and traffic (`power`); a forecast says when
it will reach the bounds of each stage, for every strategy, engine and certificate.
`Forecast.fastest_seconds` is the limit that no honest test can beat; the difference is the price of
not knowing the rates. Called by the app floor for `telford release` and for the live page.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from telford.deliver import histogram, mixture, power, strategies
from telford.deliver.histogram import Shape
from telford.deliver.judging import duration
from telford.deliver.policy import (
    Indicator,
    Policy,
    alpha_of,
    certificate_betas,
    certified_rate,
    kind_of,
)
from telford.deliver.power import Arms, Rates
from telford.deliver.shape import Stage
from telford.deliver.state import WATCHED, State

PLANNED_TIMES = 5.0
"""The forecast says how soon a version would be rolled back that is this many times worse."""


@dataclass(frozen=True, slots=True)
class StepForecast:
    """One step: canary requests and seconds until its gate opens; infinite where it never does.

    `seconds` includes warm-up and soak; `fastest_seconds` is what an ideal test would need.
    `judged` is False where nothing is compared, and `known` where the number of requests is not
    known beforehand (a header, a cookie); both then take their soak.
    """

    weight_bp: int
    requests: float
    seconds: float
    fastest_seconds: float
    judged: bool = True
    known: bool = True


@dataclass(frozen=True, slots=True)
class Forecast:
    """The whole release; `sentence` is for people. `found_seconds` is how soon a bad version would
    be rolled back in the first stage that compares, and `slower_seconds` one that answers slower
    (`power.PLANNED_MOVE`); infinite where it would not be, None where that is not known.
    """

    steps: tuple[StepForecast, ...]
    seconds: float
    fastest_seconds: float
    possible: bool
    sentence: str
    found_seconds: float = math.inf
    slower_seconds: float | None = None


def forecast(
    policy: Policy,
    rps: float,
    stable_rates: Mapping[str, float],
    tick_seconds: float = 15.0,
    shape: Shape = (),
) -> Forecast:
    """What to expect if the new version is as good as the stable one.

    `rps` is the service's requests a second in all; `stable_rates` each indicator's present rate
    (an absent one counts as 0); `shape` the stable version's histogram of latencies, where one is
    known. A decision comes with the end of a tick, so times are whole ticks.
    """
    stages = strategies.stages(policy)
    steps = tuple(
        _step(policy, number, stage, rps, stable_rates, tick_seconds)
        for number, stage in enumerate(stages)
    )
    seconds = sum(step.seconds for step in steps)
    fastest = sum(step.fastest_seconds for step in steps)
    possible = math.isfinite(seconds) and all(
        step.seconds <= policy.deadline_seconds for step in steps
    )
    found = _found(policy, rps, stable_rates, tick_seconds)
    slower = _slower(policy, rps, shape, tick_seconds)
    sentence = _sentence(policy, steps, rps, stable_rates, (found, slower))
    return Forecast(steps, seconds, fastest, possible, sentence, found, slower)


def remaining(state: State, rps: float) -> float | None:
    """Seconds until the open step's gate is met at `rps`, if the rates stay as counted.

    None where no gate is open; infinite where the gate will not be met at these rates.
    """
    if state.phase not in WATCHED or state.clocks.confirmed_at is None or state.at is None:
        return None
    policy = state.policy
    stage = strategies.stage(policy, state.step, state.desired_bp)
    longest, seen = 0.0, power.arms(stage)
    if strategies.judged(policy, state.step):
        if seen is None:
            return None
        for indicator, evidence in zip(policy.indicators, state.evidence, strict=True):
            (n1, k1), (n0, k0) = evidence.canary, evidence.stable
            rates = Rates(k1 / n1 if n1 else 0.0, k0 / n0 if n0 else 0.0)
            logs = {"objective": evidence.good, "ratio": evidence.ratio or evidence.good}
            needed = _requests(policy, indicator, state.step, seen, rates, logs)
            longest = max(longest, needed / rps if rps > 0 else math.inf)
    served = state.at - state.clocks.confirmed_at - policy.warmup_seconds
    return max(longest, stage.soak_seconds - served)


def remaining_sentence(state: State, rps: float) -> str:
    """For people: "at this traffic decided in about 4 min", or why not; "" where no gate is open."""
    seconds = remaining(state, rps)
    if seconds is None:
        return ""
    if math.isinf(seconds):
        return "at these rates this gate will not be met"
    return f"at this traffic decided in about {duration(seconds)}"


def _step(
    policy: Policy,
    number: int,
    stage: Stage,
    rps: float,
    rates: Mapping[str, float],
    tick_seconds: float,
) -> StepForecast:
    least = policy.warmup_seconds + stage.soak_seconds
    judged, seen = strategies.judged(policy, number), power.arms(stage)
    weight = stage.shape.mirror_bp or stage.shape.canary_bp
    if not judged or seen is None:
        return StepForecast(weight, 0.0, least, least, judged, not judged)
    requests = 0.0
    fastest = 0.0
    for indicator in policy.indicators:
        rate = rates.get(indicator.name, 0.0)
        needed = _requests(policy, indicator, number, seen, Rates(rate, rate), None)
        requests = max(requests, needed)
        fastest = max(fastest, _least_requests(policy, indicator, number, seen, rate))
    seconds = _decided(policy, requests, rps, tick_seconds)
    ideal = fastest / rps + policy.warmup_seconds if rps > 0 else math.inf
    return StepForecast(weight, requests * seen.canary, max(seconds, least), max(ideal, least))


def _certificates(policy: Policy, step: int, seen: Arms) -> dict[str, float]:
    """The certificates that can be had with these arms: name -> level."""
    return {
        name: level
        for name, level in certificate_betas(policy, step).items()
        if name == "objective" or seen.other > 0
    }


def _requests(
    policy: Policy,
    indicator: Indicator,
    step: int,
    seen: Arms,
    rates: Rates,
    logs: Mapping[str, mixture.Logs] | None,
) -> float:
    """Requests to the service until one certificate is there; 0 for what needs none.

    `logs` is the evidence that there is already, by certificate; None before the start.
    """
    if kind_of(indicator) == "latency":
        return 0.0
    fewest = math.inf
    for name, level in _certificates(policy, step, seen).items():
        if name == "objective":
            growth = power.objective_growth(policy, indicator, seen, rates)
        else:
            growth = power.ratio_growth(policy, seen, rates)
        start = mixture.start(len(growth)) if logs is None else logs[name]
        fewest = min(fewest, power.requests_until(start, growth, mixture.log_bound(level)))
    return fewest


def _least_requests(
    policy: Policy, indicator: Indicator, step: int, seen: Arms, rate: float
) -> float:
    if kind_of(indicator) == "latency":
        return 0.0
    return min(
        power.least_to_certify(policy, indicator, name, level, seen, rate)
        for name, level in _certificates(policy, step, seen).items()
    )


def _found(policy: Policy, rps: float, rates: Mapping[str, float], tick_seconds: float) -> float:
    """Seconds until a bad version is rolled back, in the first stage that compares anything."""
    for stage, seen in _compared(policy):
        requests = (
            _found_requests(policy, indicator, stage, seen, rates, rps * tick_seconds)
            for indicator in policy.indicators
            if kind_of(indicator) != "latency" and rps > 0
        )
        return _decided(policy, min(requests, default=math.inf), rps, tick_seconds)
    return math.inf


def _slower(policy: Policy, rps: float, shape: Shape, tick_seconds: float) -> float | None:
    """Seconds until slower answers are found by a latency indicator; the first tick only teaches."""
    latency = next((one for one in policy.indicators if kind_of(one) == "latency"), None)
    if latency is None or not any(shape):
        return None
    bound = mixture.log_bound(alpha_of(policy, latency))
    for _, seen in _compared(policy):
        growth = power.latency_growth(shape, seen)
        needed = power.requests_until(mixture.start(len(growth)), growth, bound)
        return tick_seconds + _decided(policy, needed, rps, tick_seconds)
    return None


def _compared(policy: Policy) -> Iterator[tuple[Stage, Arms]]:
    """The stages at which something is judged and of which it is known how much they see."""
    for number, stage in enumerate(strategies.stages(policy)):
        seen = power.arms(stage)
        if strategies.judged(policy, number) and seen is not None:
            yield stage, seen


def _decided(policy: Policy, requests: float, rps: float, tick_seconds: float) -> float:
    """Seconds until so many requests are counted: from the first tick after warm-up to the end of
    one, and one at least.
    """
    if rps <= 0 or math.isinf(requests):
        return math.inf
    ticks = math.ceil(policy.warmup_seconds / tick_seconds)
    return (ticks + max(math.ceil(requests / rps / tick_seconds), 1)) * tick_seconds


def _found_requests(
    policy: Policy,
    indicator: Indicator,
    stage: Stage,
    seen: Arms,
    rates: Mapping[str, float],
    a_tick: float,
) -> float:
    worse = Rates(_bad_rate(indicator, rates), rates.get(indicator.name, 0.0))
    growth = power.rollback_growth(policy, indicator, stage, seen, worse, a_tick)
    bound = mixture.log_bound(alpha_of(policy, indicator))
    return power.requests_until(mixture.start(len(growth)), growth, bound)


def _bad_rate(indicator: Indicator, rates: Mapping[str, float]) -> float:
    """What counts as bad in a forecast: several times the stable rate, and beyond the budget."""
    times = PLANNED_TIMES * max(rates.get(indicator.name, 0.0), indicator.budget)
    return min(times, 0.9)


def _sentence(
    policy: Policy,
    steps: tuple[StepForecast, ...],
    rps: float,
    rates: Mapping[str, float],
    found: tuple[float, float | None],
) -> str:
    seconds = sum(step.seconds for step in steps)
    traffic = f"at {f'{rps:,.0f}' if rps >= 10 else f'{rps:.2g}'} requests a second"
    if math.isinf(seconds):
        return f"this gate cannot be met {traffic}: {_obstacle(policy, rps, rates)}"
    if not any(step.judged for step in steps):
        return f"nothing is compared: readiness, soak and gates decide, in {duration(seconds)}"
    if not any(step.judged and step.known for step in steps):
        return (
            "how many requests will reach the new version is not known beforehand, so neither is "
            f"how long its gate needs: {duration(seconds)} at least"
        )
    return "".join(_parts(policy, steps, traffic, found))


def _parts(
    policy: Policy,
    steps: tuple[StepForecast, ...],
    traffic: str,
    found: tuple[float, float | None],
) -> Iterator[str]:
    seconds = sum(step.seconds for step in steps)
    fastest = sum(step.fastest_seconds for step in steps)
    first = next(step for step in steps if step.judged and step.known)
    yield (
        f"this gate needs about {duration(seconds)} {traffic} "
        f"(no honest test less than {duration(fastest)}; the first step {duration(first.seconds)} "
        f"and {first.requests:,.0f} requests to the new version)"
    )
    if any(step.judged and not step.known for step in steps):
        yield "; how many requests its preview gets is not known beforehand"
    worse, slower = found
    if math.isfinite(worse):
        yield (
            f"; {PLANNED_TIMES:g} times as many bad requests as the objective allows would be "
            f"rolled back in about {duration(worse)}"
        )
    if any(kind_of(one) == "latency" for one in policy.indicators):
        yield _slower_words(slower)
    if any(step.seconds > policy.deadline_seconds for step in steps):
        limit_text = duration(policy.deadline_seconds)
        yield f"; a step's deadline of {limit_text} comes first, then: {policy.on_deadline}"


def _slower_words(seconds: float | None) -> str:
    if seconds is None:
        return (
            "; how soon slower answers would be found is not known: no release has counted this "
            "service's latencies yet"
        )
    moved, slowest = f"{power.PLANNED_MOVE:.0%}", f"{1 - histogram.TAIL:.0%}"
    when = f"in about {duration(seconds)}" if math.isfinite(seconds) else "never"
    return f"; {moved} of all answers as slow as the slowest {slowest} are now, {when}"


def _obstacle(policy: Policy, rps: float, rates: Mapping[str, float]) -> str:
    if rps <= 0:
        return "there is no traffic"
    if policy.certificate == "ratio":
        return "without errors there is no evidence about a ratio of errors"
    over = [
        one.name
        for one in policy.indicators
        if kind_of(one) != "latency" and rates.get(one.name, 0.0) >= certified_rate(policy, one) / 2
    ]
    which = " and ".join(over) or "an indicator"
    return f"too little of the objective's budget is left by the stable version's own {which}"
