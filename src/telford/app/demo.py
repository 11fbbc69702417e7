"""The demo: the example shop from its description to a release that rolls itself back.

Nothing here is a path of its own: every step is the use case that the command of the same name
calls (`check`, `build`, `up`, `release`, `evidence`), on the example's estate, in a state folder of
the demo's. What is added is the customers and the telling. Called by `telford demo`, which brings
the portal and the screen, and by `tools/bench_demo.py`.
"""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from telford.app import build as building
from telford.app import demo_customers, demo_story, evidence, loading, up, wiring, workloads
from telford.app import release as releasing
from telford.app.demo_customers import Crowd, Customers, Seen
from telford.app.demo_folder import Example
from telford.basics import clock as clocks
from telford.basics.errors import TemporaryError
from telford.deliver.state import Entry, State
from telford.estate import overlays
from telford.estate.model import Estate
from telford.flows.controller import Pace, Report
from telford.plan.actions import Verb
from telford.store.releases import Release

PLACE = "dev"
SERVICE = "storefront"
# A release of the demo ends within two minutes; a step's own deadline is ten.
FOLLOW_SECONDS = 660.0
POLL_SECONDS = 0.2
# Before the first release customers see this long without a failure: enough traffic for the
# forecast, and a machine that has just installed everything has written it to its disk.
CALM_SECONDS = 6.0
SETTLE_LIMIT_SECONDS = 45.0
# Beyond this share of failures that no version is to blame for, the shop itself broke its promise
# of 99.5% (examples/shop/estate/objectives.yaml), and so did the demo.
BLAMELESS_SHARE = 0.005


class Voice(Protocol):
    """Where the story is told."""

    def say(self, text: str, tone: str = "") -> None:
        """One line that stays; tones are those of `demo_story`, and "title"."""
        ...

    def live(self, lines: Sequence[str]) -> None:
        """How it stands now; the next ones replace it."""
        ...


@dataclass(frozen=True, slots=True)
class Act:
    """One release of the demo: the version, what is known about it, how it has to end."""

    version: str
    about: str
    ends: str


ACTS = (
    Act("1.1.0", "a good version", "promoted"),
    Act("1.2.0", "a version that fails one order in ten", "rolled-back"),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """What a demo is played on: the example, the state folder, the clock, the teller, and under
    whose name.
    """

    example: Example
    kept: wiring.Files
    clock: clocks.Clock
    voice: Voice
    who: str


@dataclass(frozen=True, slots=True)
class Played:
    """A release that is over: its row, its whole ledger, and whether the recount agrees."""

    row: Release
    entries: list[Entry]
    state: State
    agrees: bool
    differences: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        found = demo_story.harmed(self.state)
        return {
            "release": self.row.id,
            "version": self.row.to_version,
            "phase": self.row.phase,
            "reason": self.state.reason,
            "seconds": round((self.row.finished_at or 0.0) - self.row.created_at, 1),
            "excess_bad": round(found.excess_bad, 2) if found else None,
            "evidence_agrees": self.agrees,
        }


def check(stage: Stage) -> Estate:
    """`telford check`. Raises `RefusedError` where the estate has errors."""
    began = stage.clock.monotonic()
    loaded = loading.load_folder(stage.example.estate)
    estate = loading.require(loaded)
    took = stage.clock.monotonic() - began
    found = len(loaded.diagnostics)
    problems = f"{found} remarks" if found else "nothing wrong"
    stage.voice.say(f"{len(estate.entities)} entities, {problems} ({took:.2f} s)")
    return estate


def build(stage: Stage, out: Path) -> None:
    """`telford build`, every target for every place."""
    began = stage.clock.monotonic()
    proposal = building.build(stage.example.estate, out)
    by_target: dict[str, int] = {}
    for action in proposal.plan.of(Verb.CREATE):
        by_target[action.target] = by_target.get(action.target, 0) + 1
    counts = ", ".join(f"{count} files for {target}" for target, count in sorted(by_target.items()))
    took = stage.clock.monotonic() - began
    stage.voice.say(f"{counts} in {near(out)} ({took:.2f} s)")


def start(stage: Stage, estate: Estate, port: int, pace: Pace) -> up.Running:
    """`telford up`: supervisor, Envoy, services and controller."""
    began = stage.clock.monotonic()
    local = local_of(stage.example)
    request = up.Request(estate, up.choose(estate, PLACE), local, stage.who, port, pace)
    running = up.raise_up(request, stage.kept, stage.clock, _Problems(stage.voice))
    took = stage.clock.monotonic() - began
    services = len(workloads.runnable(running.binding))
    stage.voice.say(
        f"Envoy and {services} services are up: {running.place.ingress_url} ({took:.1f} s)"
    )
    return running


def local_of(example: Example) -> workloads.Local:
    """Where the example's services run."""
    return workloads.Local(str(example.estate.absolute()), sys.executable)


def invite(stage: Stage, running: up.Running, crowd: Crowd) -> Customers:
    """Let customers come; they stay until they are sent home."""
    url = running.place.ingress_url
    found = demo_customers.begin(stage.example, url, crowd, stage.kept.state)
    stage.voice.say(f"{crowd.rate:g} requests a second, one in three places an order")
    return found


def settle(stage: Stage, customers: Customers) -> None:
    """Wait until customers are served without a failure for a while, or the limit."""
    clock = stage.clock
    began = calm_since = clock.monotonic()
    failed = 0
    while clock.monotonic() - calm_since < CALM_SECONDS:
        if clock.monotonic() - began > SETTLE_LIMIT_SECONDS:
            stage.voice.say("this machine is busy: some requests still fail before any release")
            return
        clock.sleep(POLL_SECONDS)
        now_failed = customers.seen().all_failed
        if now_failed != failed:
            failed, calm_since = now_failed, clock.monotonic()


def prepare(stage: Stage, running: up.Running, version: str) -> releasing.Prepared:
    """The first half of `telford release`: what it would be, and how long it needs."""
    estate = loading.require(loading.load_folder(stage.example.estate))
    binding = overlays.bind(estate, running.binding.place)
    now = stage.clock.now()
    local = local_of(stage.example)
    return releasing.prepare(running.store, binding, local, SERVICE, version=version, now=now)


def play(stage: Stage, running: up.Running, act: Act) -> Played:
    """`telford release`, told from its records until it is over, then `telford evidence`."""
    prepared = prepare(stage, running, act.version)
    stage.voice.say(f"forecast: {prepared.forecast.sentence}")
    row = releasing.start(
        running.store, prepared, who=stage.who, reason=act.about, now=stage.clock.now()
    )
    return follow(stage, running, row)


def follow(
    stage: Stage, running: up.Running, row: Release, limit_seconds: float = FOLLOW_SECONDS
) -> Played:
    """Tell a release until it is over. Raises `TemporaryError` where it takes too long, and what
    ended the controller where that has ended.
    """
    state = State.from_json(row.state)
    story = demo_story.Story(state.policy, row.created_at)
    deadline = stage.clock.monotonic() + limit_seconds
    while True:
        row = _again(running, row)
        for one in running.store.ledger.of(row.id, after=_last_tick(story)):
            _tell(stage.voice, story.hear(Entry.from_json(dict(one.entry))))
        if not row.active:
            return _end(stage, running, row, story)
        stage.voice.live(story.now())
        _refuse_ended(running)
        if stage.clock.monotonic() > deadline:
            raise TemporaryError(
                f"{row.id} is still {row.phase} after {limit_seconds:g} s: {row.state['reason']}"
            )
        stage.clock.sleep(POLL_SECONDS)


def tell_others(stage: Stage, running: up.Running) -> None:
    """Tell every release that somebody starts, for as long as the controller runs.

    Raises what ended the controller.
    """
    while True:
        for row in running.store.releases.find(place=PLACE, active=True):
            stage.voice.say(f"Release {row.name} {row.to_version}, asked for by {row.who}", "title")
            follow(stage, running, row, limit_seconds=math.inf)
        _refuse_ended(running)
        stage.clock.sleep(POLL_SECONDS)


def summary(played: list[Played], seen: Seen) -> tuple[demo_story.Line, ...]:
    """What it came to: each release from its record, then what customers saw."""
    lines = [demo_story.ending(one.row, one.entries, one.state) for one in played]
    failed = sum(seen.failed.values())
    text = f"customers saw {failed:,} of {seen.sent:,} requests fail"
    if failed:
        who = ", ".join(f"{count:,} by {name}" for name, count in sorted(seen.failed.items()))
        kinds = ", ".join(sorted(seen.kinds))
        text += f" ({kinds}; answered {who})"
    if seen.latency_ms:
        text += f"; half were answered in {seen.latency_ms['p50']:g} ms, 99% in {seen.latency_ms['p99']:g} ms"
    return (*lines, demo_story.Line(0.0, text))


def shortcomings(played: list[Played], seen: Seen) -> tuple[str, ...]:
    """What did not go as the demo promises, a sentence each; none where all did."""
    found: list[str] = []
    for act, one in zip(ACTS, played, strict=True):
        name = f"{SERVICE} {act.version}"
        if one.row.phase != act.ends:
            found.append(
                f"{name} was to be {demo_story.said(act.ends)}, "
                f"it is {demo_story.said(one.row.phase)}: {one.state.reason}"
            )
        elif act.ends == "promoted" and not demo_story.by_evidence(one.entries):
            found.append(f"{name} was promoted, but not by its evidence: {one.state.reason}")
        elif act.ends != "promoted" and not demo_story.rolled_back_by_evidence(one.entries):
            found.append(f"{name} was rolled back, but not by evidence: {one.state.reason}")
        if not one.agrees:
            found.append(f"the recount of {one.row.id} disagrees: {one.differences[0]}")
    if seen.lost:
        found.append("the load generator ended before its time, so nobody knows what it saw")
    guilty = next(f"{SERVICE}/{act.version}" for act in ACTS if act.ends != "promoted")
    blameless = seen.all_failed - seen.failed_of(guilty)
    if blameless > BLAMELESS_SHARE * seen.sent or seen.not_sent:
        found += seen.unexplained(guilty)
    return tuple(found)


# --- telling ----------------------------------------------------------------------------------


class _Problems:
    """Says what a controller could not do, once for as long as it lasts."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._said: tuple[str, ...] = ()

    def __call__(self, report: Report) -> None:
        for problem in report.problems:
            if problem not in self._said:
                self._voice.say(f"controller: {problem}", demo_story.BAD)
        self._said = report.problems


def _tell(voice: Voice, lines: tuple[demo_story.Line, ...]) -> None:
    for line in lines:
        voice.say(f"{line.seconds:6.1f} s  {line.text}", line.tone)


def _end(stage: Stage, running: up.Running, row: Release, story: demo_story.Story) -> Played:
    state = State.from_json(row.state)
    took = (row.finished_at or stage.clock.now()) - row.created_at
    tone = demo_story.GOOD if row.phase == "promoted" else demo_story.BAD
    stage.voice.say(f"{took:6.1f} s  {row.to_version} is {demo_story.said(row.phase)}", tone)
    stage.voice.say(demo_story.harm_sentence(state))
    recomputed = evidence.recompute(running.store, row)
    agrees = "agrees" if recomputed.agrees else "disagrees"
    stage.voice.say(
        f"evidence recomputed from the raw counts of {len(story.entries)} ticks: it {agrees}"
    )
    return Played(row, story.entries, state, recomputed.agrees, recomputed.differences)


def _again(running: up.Running, row: Release) -> Release:
    found = running.store.releases.get(row.id)
    assert found is not None, f"the row of {row.id} is gone"
    return found


def _last_tick(story: demo_story.Story) -> int:
    return story.entries[-1].tick if story.entries else -1


def _refuse_ended(running: up.Running) -> None:
    if running.ended.is_set():
        raise running.failed[0] if running.failed else TemporaryError("the controller has ended")


def near(path: Path) -> str:
    """As short as it can be said from here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
