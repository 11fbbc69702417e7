"""How each kind of SLI counts its events, as PromQL. Called by `rules` and `proofs`.

Events are counters (increase over a range) or the samples of a probe. A series of failures that
is not there means no failure; a series of good events that is not there means no data, never
failure: the objective's ratio is then absent, and the alert on absent data says so.
"""

from dataclasses import dataclass

from telford.render.prometheus.promise import Promise, duration
from telford.road import counted


@dataclass(frozen=True, slots=True)
class Counters:
    """Events by counters: `total`, and one of `bad` and `good`, as series selectors."""

    total: str
    bad: str = ""
    good: str = ""

    def total_events(self, seconds: int) -> str:
        """All events of a window that ends now."""
        return _increase(self.total, seconds)

    def good_events(self, seconds: int) -> str:
        """The good ones."""
        if self.good:
            return _increase(self.good, seconds)
        return f"{self.total_events(seconds)}\n- ({self.bad_events(seconds)})"

    def bad_events(self, seconds: int) -> str:
        """The bad ones; 0 where there is traffic and nothing ever failed."""
        total = self.total_events(seconds)
        if self.good:
            return without(total, self.good_events(seconds))
        return f"{_increase(self.bad, seconds)}\nor 0 * {total}"

    @property
    def needed(self) -> tuple[str, ...]:
        """The selectors without which there is no data."""
        return (self.total, self.good) if self.good else (self.total,)


@dataclass(frozen=True, slots=True)
class Samples:
    """Events are the samples of a gauge that is 1 or 0."""

    success: str

    def total_events(self, seconds: int) -> str:
        """All samples of a window. A second less, so that the sample on its edge counts once."""
        return f"sum(count_over_time({self.success}[{duration(seconds - 1)}]))"

    def good_events(self, seconds: int) -> str:
        """The samples that are 1."""
        return f"sum(sum_over_time({self.success}[{duration(seconds - 1)}]))"

    def bad_events(self, seconds: int) -> str:
        """The samples that are 0."""
        return without(self.total_events(seconds), self.good_events(seconds))

    @property
    def needed(self) -> tuple[str, ...]:
        """The selectors without which there is no data."""
        return (self.success,)


Events = Counters | Samples


def without(total: str, good: str) -> str:
    """What is not good. Rounding may leave a hair below zero; there is no negative failure."""
    return f"clamp_min(\n{total}\n- {good},\n0)"


def _increase(selector: str, seconds: int) -> str:
    return f"sum(increase({selector}[{duration(seconds)}]))"


def events(promise: Promise) -> Events:
    """The events of an objective."""
    found = counted.counted(promise.spec, promise.service, promise.told_apart)
    if found.success:
        return Samples(found.success)
    return Counters(found.total, found.bad, found.good)
