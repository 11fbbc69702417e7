"""Burn rates: the windows an objective is watched over, and the arithmetic of its error budget.

    budget      = 1 - target                      the share of events that may be bad
    burn rate   = (bad / total) / budget          1 spends exactly the budget in one period
    threshold   = burn rate * budget              as an error ratio
    budget left = 1 - (bad / total) / budget      over the whole period, by event counts

Everything is `Decimal`, so 0.001 is 0.001. Ratios come from event counts, never from averages of
ratios: ten bad requests in a quiet night are ten bad requests. The table of windows is
`windows.toml`. Called by the prometheus target, by `telford.operate` and by rules.
"""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from functools import cache
from typing import Literal

from telford.basics import resources, units

Severity = Literal["page", "ticket"]

# Windows up to this long are read from the raw counters, by the minute; longer ones are sums of
# five-minute counts, so they are multiples of five minutes.
DIRECT_SECONDS = 7200
GRAIN_SECONDS = 300
_MINUTE = 60
# Burn rates and thresholds are written with this many significant digits at most.
_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Pair:
    """One alert condition: both windows burn faster than `rate`.

    `share` of the budget is spent when `long_seconds` have passed at `rate`.
    """

    severity: Severity
    share: Decimal
    long_seconds: int
    short_seconds: int
    rate: Decimal

    def threshold(self, target: Decimal) -> Decimal:
        """The error ratio above which a window counts, for a target such as 0.999."""
        return plain(self.rate * (1 - target))

    def reachable(self, target: Decimal) -> bool:
        """Whether any error ratio can exceed the threshold: an error ratio is at most 1."""
        return self.rate * (1 - target) < 1


@dataclass(frozen=True, slots=True)
class Table:
    """`windows.toml` as values."""

    period_seconds: int
    chance: Decimal
    least_bad: int
    shortest_seconds: int
    pairs: tuple[Pair, ...]


def plain(value: Decimal) -> Decimal:
    """Without trailing zeros or an exponent: 14.40 is 14.4, 1E+1 is 10."""
    rounded = value.normalize()
    if len(rounded.as_tuple().digits) > _DIGITS:
        rounded = rounded.quantize(Decimal(1).scaleb(rounded.adjusted() - _DIGITS + 1)).normalize()
    return Decimal(f"{rounded:f}")


@cache
def table() -> Table:
    """The windows for a period of 30 days, as the source gives them."""
    data = resources.toml("telford.road", "windows.toml")
    period = _whole(data["period"])
    return Table(
        period,
        Decimal(data["chance"]),
        data["least_bad"],
        _whole(data["shortest"]),
        tuple(_pair(row, period) for row in data["pair"]),
    )


def _whole(text: str) -> int:
    return int(units.seconds(text))


def _pair(row: dict[str, str], period: int) -> Pair:
    long, short, share = _whole(row["long"]), _whole(row["short"]), Decimal(row["share"])
    severity: Severity = "page" if row["severity"] == "page" else "ticket"
    return Pair(severity, share, long, short, plain(share * period / long))


@cache
def pairs(period_seconds: int) -> tuple[Pair, ...]:
    """The pairs for a period, strictest rate first; every rate is at least 1.

    The windows stay as they are while share * period / long is at least 1 (28 days: 13.44, 5.6,
    2.8); a pair that would fall below is scaled with the period. Where that would let a pair that
    tickets fire before one that pages, all windows are scaled (7 days). Pairs that even the
    shortest windows cannot bring to 1 are left out.
    """
    base = table()
    kept = [_at_period(pair, period_seconds) for pair in base.pairs]
    mixed = [pair if pair.rate >= 1 else _scaled(pair, period_seconds) for pair in kept]
    falling = all(a.rate > b.rate for a, b in itertools.pairwise(mixed))
    chosen = mixed if falling else [_scaled(pair, period_seconds) for pair in base.pairs]
    return tuple(pair for pair in chosen if pair.rate >= 1)


def _at_period(pair: Pair, period: int) -> Pair:
    return replace(pair, rate=plain(pair.share * period / pair.long_seconds))


def _scaled(pair: Pair, period: int) -> Pair:
    base = table().period_seconds
    long = _grained(pair.long_seconds * period // base)
    short = min(_grained(pair.short_seconds * period // base), long)
    rate = pair.share * period / long
    return replace(pair, long_seconds=long, short_seconds=short, rate=_up(rate))


def _up(rate: Decimal) -> Decimal:
    """Rounded up to four places: a rate of exactly 1 never becomes a little less."""
    return plain(rate.quantize(Decimal("0.0001"), rounding=ROUND_CEILING))


def _grained(seconds: int) -> int:
    """Down to a whole minute, above two hours to five: a shorter window has a higher rate."""
    grain = _MINUTE if seconds <= DIRECT_SECONDS else GRAIN_SECONDS
    return max(seconds // grain * grain, table().shortest_seconds)


def reachable(period_seconds: int, target: Decimal) -> tuple[Pair, ...]:
    """The pairs that can fire at all."""
    return tuple(pair for pair in pairs(period_seconds) if pair.reachable(target))


def unreachable(period_seconds: int, target: Decimal) -> tuple[Pair, ...]:
    """The pairs that can never fire, because burn rate * (1 - target) is 1 or more: 14.4 for
    targets up to 93.06%, 6 for targets up to 83.3%.
    """
    return tuple(pair for pair in pairs(period_seconds) if not pair.reachable(target))


def highest_unreachable_target(pair: Pair) -> Decimal:
    """The largest target at which the pair can never fire: 14.4 gives 0.930555556."""
    return plain(1 - 1 / pair.rate)


@cache
def least_bad_events(minimum_events: int, target: Decimal) -> int:
    """How many bad events the long window needs before an alert may fire.

    The smallest k with P(X >= k) <= chance for X ~ Binomial(minimum_events, 1 - target): a
    service that spends exactly its budget crosses it by chance at most that often at the lowest
    traffic at which it may fire. Never below `least_bad`, so one error alone never fires.
    """
    base = table()
    budget = float(1 - target)
    if budget <= 0:
        return base.least_bad
    tail, count = 1.0, 0
    while tail > float(base.chance) and count <= minimum_events:
        tail -= _mass(minimum_events, count, budget)
        count += 1
    return max(base.least_bad, count)


def _mass(trials: int, count: int, probability: float) -> float:
    """The binomial probability of exactly `count`, through logarithms: no overflow."""
    if probability >= 1:
        return 1.0 if count == trials else 0.0
    log = (
        math.lgamma(trials + 1)
        - math.lgamma(count + 1)
        - math.lgamma(trials - count + 1)
        + count * math.log(probability)
        + (trials - count) * math.log1p(-probability)
    )
    return math.exp(log)


@dataclass(frozen=True, slots=True)
class Count:
    """Events of an objective in one slice of time."""

    total: Decimal
    bad: Decimal

    @property
    def ratio(self) -> Decimal | None:
        """Bad / total; None where there was no event: no data is neither good nor bad."""
        return self.bad / self.total if self.total > 0 else None


def summed(counts: Iterable[Count]) -> Count:
    """One count of many: events add up, ratios do not."""
    total = bad = Decimal(0)
    for count in counts:
        total += count.total
        bad += count.bad
    return Count(total, bad)


def burn_rate(count: Count, target: Decimal) -> Decimal | None:
    """How many times faster than the budget allows; None without events."""
    ratio = count.ratio
    return None if ratio is None else ratio / (1 - target)


def budget_left(count: Count, target: Decimal) -> Decimal:
    """The share of the period's budget that is left: 1 is untouched, below 0 is overspent.

    `count` is of the whole period. Without events nothing is spent.
    """
    rate = burn_rate(count, target)
    return Decimal(1) if rate is None else 1 - rate
