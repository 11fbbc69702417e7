"""When an alert must fire: the rules' own conditions worked out on the phases of a test, exactly.

An independent reading of the rules in whole minutes and fractions: no PromQL. Called by `proofs`.
"""

from collections.abc import Iterable
from fractions import Fraction
from itertools import accumulate

from telford.render.prometheus.promise import Promise
from telford.render.prometheus.series import Phase
from telford.road import burn


class Timeline:
    """Events since minute 0, by the minute."""

    def __init__(self, phases: Iterable[Phase]) -> None:
        steps = [phase for phase in phases for _ in range(phase.minutes)]
        self._events = [Fraction(0), *accumulate(Fraction(s.events) for s in steps)]
        self._bad = [Fraction(0), *accumulate(Fraction(s.bad) for s in steps)]
        self.minutes = len(steps)

    def window(self, minute: int, seconds: int) -> tuple[Fraction, Fraction]:
        """(events, bad) of the window that ends at `minute`."""
        first = max(0, minute - seconds // 60)
        return (
            self._events[minute] - self._events[first],
            self._bad[minute] - self._bad[first],
        )

    def fires(self, promise: Promise, pair: burn.Pair, minute: int) -> bool:
        """Whether the alert's condition holds at `minute`."""
        threshold = Fraction(pair.threshold(promise.target))
        events, bad = self.window(minute, pair.long_seconds)
        short_events, short_bad = self.window(minute, pair.short_seconds)
        minimum = promise.minimum_events(pair)
        needed = burn.least_bad_events(minimum, promise.target) - Fraction(1, 2)
        return (
            bad > threshold * events
            and short_bad > threshold * short_events
            and events > minimum - Fraction(1, 2)
            and bad > needed
        )

    def first(
        self, promise: Promise, pair: burn.Pair, minutes: range, *, firing: bool
    ) -> int | None:
        """The first of `minutes` at which it fires, or does not."""
        return next((m for m in minutes if self.fires(promise, pair, m) is firing), None)
