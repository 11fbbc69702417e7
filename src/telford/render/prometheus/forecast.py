"""When an alert must fire: the rules' own conditions worked out on the phases of a test, exactly.

An independent reading of the rules in whole minutes and fractions: no PromQL. Called by `proofs`.
"""

from bisect import bisect_right
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate

from telford.render.prometheus.promise import Promise
from telford.render.prometheus.series import Phase
from telford.road import burn

# Far more than an estate has of distinct targets, windows and phases.
_KEPT = 4096


class Timeline:
    """Events since minute 0. Within a phase they come evenly, so a phase's ends say all."""

    def __init__(self, phases: Iterable[Phase]) -> None:
        self._phases = tuple(phases)
        lengths = [phase.minutes for phase in self._phases]
        self._starts = (0, *accumulate(lengths))
        self._events = _sums(phase.minutes * Fraction(phase.events) for phase in self._phases)
        self._bad = _sums(phase.minutes * Fraction(phase.bad) for phase in self._phases)
        self.minutes = sum(lengths)

    def _until(self, minute: int) -> tuple[Fraction, Fraction]:
        """(events, bad) from minute 0 to `minute`."""
        index = min(bisect_right(self._starts, minute) - 1, len(self._phases) - 1)
        phase, into = self._phases[index], minute - self._starts[index]
        return (
            self._events[index] + into * Fraction(phase.events),
            self._bad[index] + into * Fraction(phase.bad),
        )

    def window(self, minute: int, seconds: int) -> tuple[Fraction, Fraction]:
        """(events, bad) of the window that ends at `minute`."""
        events, bad = self._until(minute)
        before_events, before_bad = self._until(max(0, minute - seconds // 60))
        return events - before_events, bad - before_bad

    def fires(self, promise: Promise, pair: burn.Pair, minute: int) -> bool:
        """Whether the alert's condition holds at `minute`."""
        return self.holds(pair, promise.target, promise.minimum_events(pair), minute)

    def first(
        self, promise: Promise, pair: burn.Pair, minutes: range, *, firing: bool
    ) -> int | None:
        """The first of `minutes` at which it fires, or does not."""
        minimum = promise.minimum_events(pair)
        return _first(self._phases, pair, promise.target, minimum, minutes, firing)

    def holds(self, pair: burn.Pair, target: Decimal, minimum: int, minute: int) -> bool:
        """Whether it holds for a target, with a least number of events."""
        threshold = Fraction(pair.threshold(target))
        events, bad = self.window(minute, pair.long_seconds)
        short_events, short_bad = self.window(minute, pair.short_seconds)
        needed = burn.least_bad_events(minimum, target) - Fraction(1, 2)
        return (
            bad > threshold * events
            and short_bad > threshold * short_events
            and events > minimum - Fraction(1, 2)
            and bad > needed
        )


@lru_cache(maxsize=_KEPT)
def _first(
    phases: tuple[Phase, ...],
    pair: burn.Pair,
    target: Decimal,
    minimum: int,
    minutes: range,
    firing: bool,
) -> int | None:
    """Most objectives of an estate promise one of a few numbers, so the answers are kept."""
    line = Timeline(phases)
    holds = (m for m in minutes if line.holds(pair, target, minimum, m) is firing)
    return next(holds, None)


def _sums(amounts: Iterable[Fraction]) -> tuple[Fraction, ...]:
    """What has come before each phase, and after the last."""
    return (Fraction(0), *accumulate(amounts))
