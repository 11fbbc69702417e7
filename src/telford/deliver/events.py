"""What happened to a release, as events for whoever listens: derived from two states in a row.

An event's id follows from what happened and not from when it was seen, so a controller that was
killed between a decision and its telling tells it once under the same id. Called by
`telford.flows.controller` in the transaction that writes the state; `cdevents` and the templates of
notifications say the same thing to others.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from telford.deliver.gates import GateView
from telford.deliver.state import FINAL, Cause, Phase, State
from telford.estate.kinds.telling import EventName

NAMES: tuple[str, ...] = get_args(EventName)
"""Everything that can be told of a release. `waiting`: a gate is closed and people or time must open
it; `suspected`: one replica carries all the evidence and is moved before anything is decided.
"""
# Things that somebody should look at, in the order of how soon.
GRAVE = frozenset({"release.rolled-back", "release.failed", "release.rolling-back"})
ASKING = frozenset({"release.waiting", "release.held", "release.suspected"})
_ENTERED = {
    Phase.PAUSED: "release.paused",
    Phase.HELD: "release.held",
    Phase.PROMOTING: "release.promoting",
    Phase.ROLLING_BACK: "release.rolling-back",
    Phase.PROMOTED: "release.promoted",
    Phase.ROLLED_BACK: "release.rolled-back",
    Phase.ABORTED: "release.aborted",
    Phase.FAILED: "release.failed",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `at` is epoch seconds; `weight_bp` the new version's weight from now
    on; `evidence` the hash of the ledger entry that it rests on ("" where there is none); `detail`
    is what belongs to the name (a gate, a replica): keys of `EVENT_DETAILS`.
    """

    id: str
    name: str
    at: float
    place: str
    service: str
    release: str
    from_version: str
    to_version: str
    strategy: str
    weight_bp: int
    who: str
    reason: str
    evidence: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> str:
        """The place's environment."""
        return self.place.partition("/")[0]

    @property
    def gravity(self) -> str:
        """One of bad, asks and news."""
        return "bad" if self.name in GRAVE else "asks" if self.name in ASKING else "news"

    def to_json(self) -> dict[str, Any]:
        """A plain dict; `from_json` gives back an equal event."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return plain | {"detail": dict(self.detail)}

    def for_template(self) -> dict[str, Any]:
        """What a template may name: `EVENT_FIELDS`, with `weight` in percent."""
        more = {"environment": self.environment, "weight": self.weight_bp / 100}
        return self.to_json() | more

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Event":
        """Raises `TypeError` where a key is unknown or missing."""
        return cls(**data)


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event is about, beside the states: the place, the service's canonical address, and
    who started the release.
    """

    place: str
    service: str
    who: str


def between(
    before: State, after: State, subject: Subject, at: float, evidence: str = ""
) -> tuple[Event, ...]:
    """What happened from one state to the next; nothing where they differ in counts only."""
    return tuple(
        Event(
            id=f"{after.release}.{after.generation}.{after.step}.{key}",
            name=name,
            at=at,
            place=subject.place,
            service=subject.service,
            release=after.release,
            from_version=after.stable,
            to_version=after.canary,
            strategy=after.policy.strategy,
            weight_bp=after.desired_bp,
            who=after.who or subject.who,
            reason=_reason(after, detail),
            evidence=evidence,
            detail=detail,
        )
        for name, key, detail in _happened(before, after)
    )


def _happened(before: State, after: State) -> Iterator[tuple[str, str, dict[str, str]]]:
    """(name, what makes its id one of a kind in this generation and step, detail)."""
    if before.phase is Phase.PLANNED and after.phase is not Phase.PLANNED:
        yield "release.started", "started", _declared(after)
    if after.phase in _ENTERED and before.phase is not after.phase:
        cause = {"cause": after.cause.value} if after.cause is not Cause.NONE else {}
        # Held, let go and held again is two things: each time another moment, as the row has it.
        key = "" if after.phase in FINAL else f".{after.clocks.phase_at:.3f}"
        yield _ENTERED[after.phase], f"{after.phase.value}{key}", cause
    if after.phase is Phase.STEPPING and before.phase in {Phase.PAUSED, Phase.HELD}:
        yield "release.resumed", f"resumed.{after.clocks.phase_at:.3f}", {}
    if after.phase is Phase.STEPPING and _further(before, after):
        yield "release.advanced", "advanced", {"step": str(after.step + 1)}
    if after.probe is not None and before.probe is None:
        yield "release.suspected", "suspected", {"replica": after.probe.replica}
    for gate in _newly_closed(before, after):
        yield (
            "release.waiting",
            f"waiting.{gate.at}.{gate.name}",
            {"gate": gate.name, "kind": gate.kind, "why": gate.why, "opens": gate.opens},
        )


def _further(before: State, after: State) -> bool:
    return before.step != after.step or before.phase is Phase.STARTING


def _declared(state: State) -> dict[str, str]:
    return {"analysis": "skipped"} if state.policy.skip_analysis else {}


def _newly_closed(before: State, after: State) -> Iterator[GateView]:
    """Gates that the release waits for now and that were not closed at this step before."""
    known = {(one.name, one.at, one.step) for one in before.gates if not one.open}
    for one in after.gates:
        due = one.at == "start" if after.phase is Phase.PLANNED else one.at != "start"
        if due and not one.open and (one.name, one.at, one.step) not in known and not after.final:
            yield one


def _reason(after: State, detail: Mapping[str, str]) -> str:
    return detail.get("why", after.reason)


def evidence_hash(entry: Mapping[str, Any]) -> str:
    """SHA-256 of a ledger entry's canonical JSON: what an audit line and an event refer to."""
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
