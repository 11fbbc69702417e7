"""Input series for a generated test: traffic with a chosen share of bad events, as counters or
samples that the objective's own selectors match. Called by `proofs`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from telford.render.prometheus import indicators, selectors
from telford.render.prometheus.promise import Promise

# A probe in a test is sampled so often that a small share of failures is more than one sample.
SAMPLES_A_MINUTE = 20


def interval(promise: Promise) -> str:
    """How often the series have a sample."""
    return "3s" if promise.spec.sli.probe is not None else "1m"


@dataclass(frozen=True, slots=True)
class Phase:
    """So many minutes with so many events a minute, `bad` of them bad; all may be fractions."""

    minutes: int
    events: Decimal
    bad: Decimal


def series(promise: Promise, phases: Iterable[Phase]) -> list[dict[str, str]] | None:
    """The series, a sample each `interval`, the first at minute 0; None where a selector cannot be
    met.
    """
    steps = tuple(phases)
    events = indicators.events(promise)
    if isinstance(events, indicators.Samples):
        return _samples(events.success, steps)
    total, bad, good = (
        selectors.parse(text) if text else None for text in (events.total, events.bad, events.good)
    )
    part = bad or good
    if total is None or part is None:
        return None
    of_part = [p.bad if bad is not None else p.events - p.bad for p in steps]
    of_rest = [p.events - share for p, share in zip(steps, of_part, strict=True)]
    if total.metric != part.metric:
        return _named(steps, ((total, None, [p.events for p in steps]), (part, None, of_part)))
    return _named(steps, ((_both(total, part), None, of_part), (total, part, of_rest)))


def _both(total: selectors.Selector, part: selectors.Selector) -> selectors.Selector:
    """What both select: a part of the events is also in their total."""
    return selectors.Selector(total.metric, (*part.matchers, *total.matchers))


_Wanted = tuple[selectors.Selector, selectors.Selector | None, list[Decimal]]


def _named(steps: tuple[Phase, ...], wanted: tuple[_Wanted, ...]) -> list[dict[str, str]] | None:
    found = []
    for selector, unlike, increments in wanted:
        labels = selectors.example(selector, unlike=unlike)
        if labels is None:
            return None
        inner = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
        minutes = [step.minutes for step in steps]
        found.append(
            {"series": f"{selector.metric}{{{inner}}}", "values": _counter(minutes, increments)}
        )
    return found


def _counter(minutes: list[int], increments: list[Decimal]) -> str:
    """A counter that begins at 0, in promtool's notation: start+step x count."""
    parts, value = ["0"], Decimal(0)
    for count, increment in zip(minutes, increments, strict=True):
        if count:
            parts.append(f"{_plain(value + increment)}+{_plain(increment)}x{count - 1}")
        value += increment * count
    return " ".join(parts)


def _samples(success: str, steps: tuple[Phase, ...]) -> list[dict[str, str]] | None:
    """A gauge: 1 minus the share of bad events of its minute."""
    selector = selectors.parse(success)
    labels = selectors.example(selector) if selector is not None else None
    if selector is None or labels is None:
        return None
    inner = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    shares = [1 - (step.bad / step.events if step.events else 0) for step in steps]
    parts = [
        f"{_plain(share)}+0x{step.minutes * SAMPLES_A_MINUTE - 1}"
        for share, step in zip(shares, steps, strict=True)
        if step.minutes
    ]
    return [{"series": f"{selector.metric}{{{inner}}}", "values": " ".join(["1", *parts])}]


def _plain(value: Decimal | int) -> str:
    return f"{Decimal(value).normalize():f}"
