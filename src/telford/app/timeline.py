"""A service over time: which version each place ran when, and every release on the same axis.

Pure: records become shares of a span (0 is its begin, 1 is now), which a picture draws at any width.
Called by the portal's timeline page and by ``/api/timeline``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telford.basics.errors import UsageError
from telford.store.bindings import Past
from telford.store.releases import Brief

SPANS: Mapping[str, float] = {
    "hour": 3600.0,
    "day": 86_400.0,
    "week": 7 * 86_400.0,
    "month": 30 * 86_400.0,
}
"""Word -> seconds before now; "" is everything that is known."""
COLOURS = 6
TICKS = 5
LABELLED = 0.06
"""A bar that is narrower than this share has no room for its version's name."""
NARROWEST = 0.002


@dataclass(frozen=True, slots=True)
class Bar:
    """One version in one place, from `start` for `width` (shares of the span); `until` is None for
    what runs now.
    """

    version: str
    colour: int
    start: float
    width: float
    since: float
    until: float | None
    release: str

    @property
    def labelled(self) -> bool:
        """Whether its name fits into it."""
        return self.width >= LABELLED


@dataclass(frozen=True, slots=True)
class Mark:
    """A release: begun at the share `start`, over at `end` (1 where it is on its way)."""

    release: str
    version: str
    phase: str
    start: float
    end: float
    begun_at: float


@dataclass(frozen=True, slots=True)
class Lane:
    """One place."""

    place: str
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    kept_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """All places; `ticks` are (share, epoch seconds)."""

    service: str
    begin: float
    end: float
    lanes: tuple[Lane, ...]
    ticks: tuple[tuple[float, float], ...]

    def as_json(self) -> dict[str, Any]:
        """For the API: times instead of shares."""
        return {
            "service": self.service,
            "begin": self.begin,
            "end": self.end,
            "places": [_lane_json(lane) for lane in self.lanes],
        }


def timeline(
    service: str,
    histories: Mapping[str, Sequence[Past]],
    releases: Sequence[Brief],
    kept_out: Mapping[str, Sequence[str]],
    *,
    now: float,
    span: str = "",
) -> Timeline:
    """`histories` is what each place ran, newest first; `kept_out` the quarantined versions of a
    place. Raises `UsageError` for a span that is none of `SPANS`.
    """
    if span and span not in SPANS:
        raise UsageError(f"there is no span {span!r}", fix=f"one of {', '.join(SPANS)}")
    begin = now - SPANS[span] if span else _earliest(histories, releases, now)
    axis = _Axis(begin, max(now, begin + 1.0))
    colours = _colours(histories, releases)
    places = sorted({*histories, *(one.place for one in releases)})
    lanes = tuple(
        Lane(
            place,
            tuple(_bars(histories.get(place, ()), axis, colours)),
            tuple(_marks([one for one in releases if one.place == place], axis)),
            tuple(kept_out.get(place, ())),
        )
        for place in places
    )
    ticks = tuple(
        (number / (TICKS - 1), begin + (axis.end - begin) * number / (TICKS - 1))
        for number in range(TICKS)
    )
    return Timeline(service, begin, axis.end, lanes, ticks)


@dataclass(frozen=True, slots=True)
class _Axis:
    begin: float
    end: float

    def share(self, at: float) -> float:
        return min(max((at - self.begin) / (self.end - self.begin), 0.0), 1.0)


def _earliest(
    histories: Mapping[str, Sequence[Past]], releases: Sequence[Brief], now: float
) -> float:
    times = [one.at for past in histories.values() for one in past]
    times += [one.created_at for one in releases]
    return min(times, default=now - SPANS["hour"])


def _colours(histories: Mapping[str, Sequence[Past]], releases: Sequence[Brief]) -> dict[str, int]:
    """Each version's colour, by the order in which they first came: the same as on every page."""
    seen = [(one.at, one.version) for past in histories.values() for one in past]
    seen += [(one.created_at, one.to_version) for one in releases]
    order = dict.fromkeys(version for _, version in sorted(seen))
    return {version: number % COLOURS for number, version in enumerate(order)}


def _bars(past: Sequence[Past], axis: _Axis, colours: Mapping[str, int]) -> Iterator[Bar]:
    ordered = sorted(past, key=lambda one: (one.at, one.generation))
    ends: list[float | None] = [*(one.at for one in ordered[1:]), None]
    for one, until in zip(ordered, ends, strict=False):
        end = axis.end if until is None else until
        if end <= axis.begin:
            continue
        start = axis.share(one.at)
        width = max(axis.share(end) - start, NARROWEST)
        colour = colours[one.version]
        yield Bar(one.version, colour, start, width, one.at, until, one.release or "")


def _marks(releases: Sequence[Brief], axis: _Axis) -> Iterator[Mark]:
    for one in sorted(releases, key=lambda row: row.created_at):
        end = axis.end if one.finished_at is None else one.finished_at
        if end < axis.begin:
            continue
        begun = one.created_at
        yield Mark(one.id, one.to_version, one.phase, axis.share(begun), axis.share(end), begun)


def _lane_json(lane: Lane) -> dict[str, Any]:
    return {
        "place": lane.place,
        "versions": [
            {
                "version": one.version,
                "since": one.since,
                "until": one.until,
                "release": one.release or None,
            }
            for one in lane.bars
        ],
        "releases": [
            {
                "id": one.release,
                "version": one.version,
                "phase": one.phase,
                "begun_at": one.begun_at,
            }
            for one in lane.marks
        ],
        "quarantined": list(lane.kept_out),
    }
