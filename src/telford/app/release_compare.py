"""Two releases beside each other: what was released, by which settings, and what came of it.

Reads the store alone and changes nothing. Values of environment variables are never shown, only
that they differ: nobody knows which of them are secret. Called by `telford compare` and the API.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from telford.deliver.state import State
from telford.store.releases import Release

Json = Mapping[str, Any]
HIDDEN = "(not shown)"
ABSENT = "-"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same; `what` is its path, the values are texts for people."""

    what: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one release went. `seconds` is None while it is on its way; `harmed` are the bad requests
    beyond what the old version would have had, by indicator.
    """

    release: str
    service: str
    place: str
    from_version: str
    to_version: str
    phase: str
    reason: str
    seconds: float | None
    ticks: int
    harmed: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both outcomes, and what differs in the settings and in what was run."""

    first: Outcome
    second: Outcome
    settings: tuple[Difference, ...]
    content: tuple[Difference, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "first": _outcome_json(self.first),
            "second": _outcome_json(self.second),
            "settings": [_difference_json(one) for one in self.settings],
            "content": [_difference_json(one) for one in self.content],
        }


def compare(first: Release, second: Release) -> Comparison:
    """What differs between two releases, of one service or of two."""
    return Comparison(
        _outcome(first),
        _outcome(second),
        tuple(_differences(first.policy, second.policy)),
        tuple(_contents(first, second)),
    )


def _outcome(row: Release) -> Outcome:
    state = State.from_json(row.state)
    ended = row.finished_at
    return Outcome(
        release=row.id,
        service=row.service,
        place=row.place,
        from_version=row.from_version,
        to_version=row.to_version,
        phase=row.phase,
        reason=state.reason,
        seconds=None if ended is None else ended - row.created_at,
        ticks=row.tick + 1,
        harmed={one.indicator: one.excess_bad for one in state.harm},
    )


def _contents(first: Release, second: Release) -> Iterator[Difference]:
    if first.digest != second.digest:
        yield Difference("digest", first.digest[:12], second.digest[:12])
    yield from _differences(_shown(first), _shown(second))


def _shown(row: Release) -> Json:
    """What ran as the new version, without what every release changes."""
    workload = row.workloads.get("canary", {})
    return {key: one for key, one in workload.items() if key != "generation"}


def _differences(first: Any, second: Any, path: str = "") -> Iterator[Difference]:
    """Leaf by leaf, in the order of the keys."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for key in dict.fromkeys((*first, *second)):
            inner = f"{path}.{key}" if path else str(key)
            yield from _differences(first.get(key), second.get(key), inner)
    elif first != second:
        yield Difference(path, _text(path, first), _text(path, second))


def _text(path: str, value: object) -> str:
    if value is None:
        return ABSENT
    return HIDDEN if path.startswith(("env.", "objects")) else str(value)


def _outcome_json(one: Outcome) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Outcome.__slots__} | {"harmed": dict(one.harmed)}


def _difference_json(one: Difference) -> dict[str, str]:
    return {"what": one.what, "first": one.first, "second": one.second}
