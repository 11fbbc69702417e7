"""How long a gate needs, said before the start and while it is open.

The expected growth of the promotion evidence is known for given rates and traffic; a forecast says
when it will reach the bound of each step. `Forecast.fastest_seconds` is the limit that no honest
test can beat; the difference is the price of not knowing the rates. Called by the app floor for
`telford release` and for the live page.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from telford.deliver import bernoulli, block, limit, mixture
from telford.deliver.judging import duration
from telford.deliver.mixture import Logs
from telford.deliver.policy import (
    FULL_WEIGHT,
    Indicator,
    Policy,
    beta_of,
    certified_rate,
    soak_of,
)
from telford.deliver.state import WATCHED, State

_DOUBLINGS = 60
_HALVINGS = 50


@dataclass(frozen=True, slots=True)
class StepForecast:
    """One step: canary requests and seconds until its gate opens; infinite where it never does.

    `seconds` includes warm-up and soak; `fastest_seconds` is what an ideal test would need.
    """

    weight_bp: int
    requests: float
    seconds: float
    fastest_seconds: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """The whole release; `sentence` is for people."""

    steps: tuple[StepForecast, ...]
    seconds: float
    fastest_seconds: float
    possible: bool
    sentence: str


def forecast(policy: Policy, rps: float, stable_rates: Mapping[str, float]) -> Forecast:
    """What to expect if the new version is as good as the stable one.

    `rps` is the service's requests a second in all; `stable_rates` each indicator's present rate
    (an absent one counts as 0).
    """
    steps = tuple(_step(policy, number, rps, stable_rates) for number in range(len(policy.weights)))
    seconds = sum(step.seconds for step in steps)
    fastest = sum(step.fastest_seconds for step in steps)
    possible = math.isfinite(seconds) and all(
        step.seconds <= policy.deadline_seconds for step in steps
    )
    sentence = _sentence(policy, steps, rps, stable_rates)
    return Forecast(steps, seconds, fastest, possible, sentence)


def remaining(state: State, rps: float) -> float | None:
    """Seconds until the open step's gate is met at `rps`, if the rates stay as counted.

    None where no gate is open; infinite where the gate will not be met at these rates.
    """
    if state.phase not in WATCHED or state.clocks.confirmed_at is None or state.at is None:
        return None
    policy, weight = state.policy, state.desired_bp / FULL_WEIGHT
    longest = 0.0
    for indicator, evidence in zip(policy.indicators, state.evidence, strict=True):
        (n1, k1), (n0, k0) = evidence.canary, evidence.stable
        rates = k1 / n1 if n1 else 0.0, k0 / n0 if n0 else 0.0
        growth = _growth(policy, indicator, weight, *rates)
        bound = mixture.log_bound(beta_of(policy, state.step))
        requests = _requests(evidence.good, growth, bound)
        longest = max(longest, requests / rps if rps > 0 else math.inf)
    served = state.at - state.clocks.confirmed_at - policy.warmup_seconds
    return max(longest, soak_of(policy, state.step) - served)


def remaining_sentence(state: State, rps: float) -> str:
    """For people: "at this traffic decided in about 4 min", or why not; "" where no gate is open."""
    seconds = remaining(state, rps)
    if seconds is None:
        return ""
    if math.isinf(seconds):
        return "at these rates this gate will not be met"
    return f"at this traffic decided in about {duration(seconds)}"


def _step(policy: Policy, number: int, rps: float, rates: Mapping[str, float]) -> StepForecast:
    weight = policy.weights[number] / FULL_WEIGHT
    level = beta_of(policy, number)
    least = policy.warmup_seconds + soak_of(policy, number)
    requests = 0.0
    fastest = 0.0
    for indicator in policy.indicators:
        rate = rates.get(indicator.name, 0.0)
        growth = _growth(policy, indicator, weight, rate, rate)
        needed = _requests(mixture.start(len(growth)), growth, mixture.log_bound(level))
        requests = max(requests, needed)
        fastest = max(fastest, _least_requests(policy, indicator, level, weight, rate))
    seconds = requests / rps + policy.warmup_seconds if rps > 0 else math.inf
    ideal = fastest / rps + policy.warmup_seconds if rps > 0 else math.inf
    return StepForecast(
        policy.weights[number], requests * weight, max(seconds, least), max(ideal, least)
    )


def _least_requests(
    policy: Policy, indicator: Indicator, level: float, weight: float, rate: float
) -> float:
    """Requests to both arms that an ideal test needs."""
    if policy.certificate == "objective":
        p_max = certified_rate(policy, indicator)
        return limit.requests_to_certify(level, p_max, rate) / weight
    if rate <= 0:
        return math.inf
    return limit.errors_to_promote(level, weight, policy.tolerable_ratio) / rate


def _growth(
    policy: Policy, indicator: Indicator, weight: float, canary: float, stable: float
) -> Logs:
    """Expected growth of each promotion alternative's logarithm, for one request to the service."""
    if policy.certificate == "objective":
        p_max = certified_rate(policy, indicator)
        alternatives = bernoulli.better(p_max)
        return tuple(weight * _expected(canary, a, p_max) for a in alternatives)
    guess = min(max(stable, block.RATE_FLOOR), block.RATE_CEILING)
    ratio = policy.tolerable_ratio
    return tuple(
        -math.inf if pair is None else _pair_growth(pair, weight, canary, stable, ratio)
        for pair in block.better(guess, ratio)
    )


def _pair_growth(
    pair: block.Pair, weight: float, canary: float, stable: float, ratio: float
) -> float:
    # The nearest null point depends on n1 : n0 alone, so a large block with that proportion does.
    n1 = max(round(weight * FULL_WEIGHT), 1)
    q1, q0 = block.nearest(n1, FULL_WEIGHT - n1, pair, ratio)
    return weight * _expected(canary, pair[0], q1) + (1 - weight) * _expected(stable, pair[1], q0)


def _expected(rate: float, a: float, q: float) -> float:
    """E log of one request's likelihood ratio of rates a and q, at the true `rate`."""
    hit = rate * (math.log(a / q) if a > 0 else -math.inf) if rate > 0 else 0.0
    return hit + (1 - rate) * (math.log1p(-a) - math.log1p(-q))


def _requests(logs: Logs, growth: Logs, bound: float) -> float:
    """Requests until the mixture that grows by `growth` each reaches `bound`; infinite if never."""

    def reached(requests: float) -> bool:
        grown = [a + requests * b if requests else a for a, b in zip(logs, growth, strict=True)]
        return mixture.log_e(grown) >= bound

    if reached(0.0):
        return 0.0
    high = 1.0
    for _ in range(_DOUBLINGS):
        if reached(high):
            break
        high *= 2
    else:
        return math.inf
    low = high / 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def _sentence(
    policy: Policy, steps: tuple[StepForecast, ...], rps: float, rates: Mapping[str, float]
) -> str:
    seconds = sum(step.seconds for step in steps)
    traffic = f"at {f'{rps:,.0f}' if rps >= 10 else f'{rps:.2g}'} requests a second"
    if math.isinf(seconds):
        return f"this gate cannot be met {traffic}: {_obstacle(policy, rps, rates)}"
    first = steps[0]
    late = [step for step in steps if step.seconds > policy.deadline_seconds]
    warning = ""
    if late:
        limit_text = duration(policy.deadline_seconds)
        warning = f"; a step's deadline of {limit_text} comes first, then: {policy.on_deadline}"
    return (
        f"this gate needs about {duration(seconds)} {traffic} "
        f"(no honest test less than {duration(sum(one.fastest_seconds for one in steps))}; "
        f"the first step {duration(first.seconds)} and {first.requests:,.0f} requests to the new "
        f"version){warning}"
    )


def _obstacle(policy: Policy, rps: float, rates: Mapping[str, float]) -> str:
    if rps <= 0:
        return "there is no traffic"
    if policy.certificate == "ratio":
        return "without errors there is no evidence about a ratio of errors"
    over = [
        one.name
        for one in policy.indicators
        if rates.get(one.name, 0.0) >= certified_rate(policy, one) / 2
    ]
    which = " and ".join(over) or "an indicator"
    return f"too little of the objective's budget is left by the stable version's own {which}"
