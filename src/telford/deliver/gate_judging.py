"""How each gate of a release stands: facts and what was declared -> `GateView`s. Pure.

Every view says why, what opens the gate, and when it opens by itself where it does. A gate whose
moment has passed stays as it was; one that would ask somebody outside waits for its moment. One
function a kind, in `_JUDGES`. Called by `telford.flows.gating` each tick, and by the app for people.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from telford.analysis.people import Group
from telford.basics.errors import UsageError
from telford.deliver import gate_settings as settings
from telford.deliver import judging
from telford.deliver.gates import APPROVE, MOMENTS, OVERRIDE, REFUSE, WITHDRAW, Gate, GateView
from telford.deliver.state import WATCHED, Phase
from telford.deliver.turns import Turn
from telford.road import holding

# Kinds that wait for their moment: before it there is nothing to measure, or nobody to ask.
TIMELY = frozenset({"soak", "webhook", "command"})
_STATES = ("ok", "watch", "burning", "exhausted")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Act:
    """What a person did at a gate, see `telford.store.approvals`; `person` is an address."""

    gate: str
    step: int
    verb: str
    who: str
    person: str
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class Standing:
    """An objective as it was last evaluated: `left` is the share of its budget; `resets_at` when a
    calendar period begins anew, None for a rolling one.
    """

    objective: str
    state: str
    pace: str
    left: float
    resets_at: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a webhook or command last said, for `step`: `open` is None before the first answer.

    `failures` calls in a row have had no answer since, the last for `problem`.
    """

    step: int
    open: bool | None = None
    why: str = ""
    at: float = 0.0
    failures: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that gates are judged by, for one release at one moment.

    `moment` is "start", "step" or "promote" (then those of "step" count as well), or "" between
    them; `served_at` is when the present step was confirmed; `soak_seconds` that step's warm-up and
    soak together. `standings` are by objective, `versions` the stable ones by service, `releases`
    the active ones of others by service, `answers` by gate key; `turn` is the place's in a rollout.
    """

    at: float
    who: str
    reason: str
    asked_at: float
    moment: str
    step: int = 0
    served_at: float | None = None
    soak_seconds: float = 0.0
    acts: tuple[Act, ...] = ()
    standings: Mapping[str, Standing] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    releases: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, Answer] = field(default_factory=dict)
    zones: holding.Zones = field(default_factory=dict)
    turn: Turn | None = None


def moment(phase: Phase, *, last: bool) -> str:
    """At which moment a release stands; `last` says that no step is ahead of it."""
    if phase is Phase.PLANNED:
        return "start"
    if phase in WATCHED:
        return "promote" if last else "step"
    return ""


def views(
    gates: tuple[Gate, ...], facts: Facts, before: tuple[GateView, ...] = ()
) -> tuple[GateView, ...]:
    """How every gate stands; `before` is how they stood at the last look."""
    known = {(one.name, one.at): one for one in before}
    return tuple(_view(one, facts, known.get((one.name, one.at))) for one in gates)


def due(gate: Gate, facts: Facts) -> bool:
    """Whether this is the moment at which the gate holds."""
    return facts.moment == gate.at or (facts.moment == "promote" and gate.at == "step")


def _view(gate: Gate, facts: Facts, before: GateView | None) -> GateView:
    if not due(gate, facts) and before is not None and _over(gate, facts):
        return before
    view = GateView(gate.name, gate.kind, gate.at, open=True, why="", step=facts.step)
    overridden = _override(gate, facts)
    if overridden is not None:
        return replace(view, why=f"overridden by {overridden.who}: {overridden.reason}")
    if gate.kind in TIMELY and not due(gate, facts):
        opens = {"start": "the start is asked for", "step": "a step is asked for"}
        when = opens.get(gate.at, "the last step is reached")
        return replace(
            view, open=False, why="it is not its turn yet", opens=f"it is asked when {when}"
        )
    try:
        return _JUDGES[gate.kind](gate, facts, view)
    except (KeyError, UsageError):  # one row of another version must not stop all the others
        why = f"this version of Telford cannot read a gate of kind {gate.kind}"
        return _shut(view, why, "the version that made it controls the place, or it is overridden")


def _over(gate: Gate, facts: Facts) -> bool:
    """Whether the gate's moment lies behind: a start is over once it was; the others with the end."""
    return not facts.moment or MOMENTS.index(gate.at) < MOMENTS.index(facts.moment)


def _override(gate: Gate, facts: Facts) -> Act | None:
    """The newest override that its giver has not withdrawn since. It holds for the whole release."""
    if settings.override(gate) is None:
        return None
    found: dict[str, Act] = {}
    for act in facts.acts:
        if act.gate == gate.name and act.verb in {OVERRIDE, WITHDRAW}:
            found[act.person] = act
    given = [one for one in found.values() if one.verb == OVERRIDE]
    return max(given, key=lambda one: one.at) if given else None


def _shut(view: GateView, why: str, opens: str, until: float | None = None) -> GateView:
    return replace(view, open=False, why=why, opens=opens, until=until)


# --- the error budget -------------------------------------------------------------------------


def _budget(gate: Gate, facts: Facts, view: GateView) -> GateView:
    """The worst objective decides; what was never measured has its whole budget left."""
    found = settings.read(settings.Budget, gate)
    known = [facts.standings[one] for one in found.objectives if one in facts.standings]
    if not known:
        return replace(view, why="nothing has been measured yet: the whole budget is left")
    frozen = [one for one in known if one.pace == "freeze"]
    if frozen:
        return _frozen(frozen, view)
    slow = [one for one in known if one.pace == "slow"]
    if slow:
        return _slow(found, slow[0], facts, view)
    least = min(known, key=lambda one: one.left)
    return replace(view, why=f"{_left(least)}: releases go on as declared")


def _frozen(frozen: list[Standing], view: GateView) -> GateView:
    resets = [one.resets_at for one in frozen]
    until = max((one for one in resets if one is not None), default=None)
    opens = "the period's bad requests grow old, or somebody who may overrides it with a reason"
    if None not in resets:
        opens = "the next period begins, or somebody who may overrides it with a reason"
    words = "; ".join(_left(one) for one in frozen)
    return _shut(view, f"{words}: no release now", opens, until if None not in resets else None)


def _slow(found: settings.Budget, worst: Standing, facts: Facts, view: GateView) -> GateView:
    words = f"{_left(worst)}: releases go slower"
    if found.slow == "open" or (found.slow == "soak" and view.at == "start"):
        return replace(view, why=words)
    if found.slow == "closed":
        return _shut(view, words, "the budget recovers, or the objective stops burning")
    wanted = found.factor * facts.soak_seconds
    longer = f"{judging.duration(wanted)} at this step, {found.factor:g} times as long as declared"
    if facts.served_at is None:
        return _shut(view, words, f"it has been served for {longer}")
    until = facts.served_at + wanted
    if facts.at >= until:
        return replace(view, why=f"{words}; it was served for {longer}")
    return _shut(view, words, f"it has been served for {longer}", until)


def _left(one: Standing) -> str:
    burning = f", {one.state}" if one.state in {"burning", "no-data"} else ""
    return f"{one.objective} has {max(one.left, 0.0):.1%} of its budget left{burning}"


# --- people -----------------------------------------------------------------------------------


def _approval(gate: Gate, facts: Facts, view: GateView) -> GateView:
    """So many different people, none of them the one who started it; one refusal is enough."""
    found = settings.read(settings.Approval, gate)
    latest = _latest(gate, facts)
    refusals = [one for one in latest.values() if one.verb == REFUSE]
    if refusals:
        one = refusals[0]
        opens = f"{one.who} withdraws the refusal"
        return _shut(view, f"refused by {one.who}: {one.reason}", opens)
    starter = {facts.who, f"person/{facts.who}"}
    given = [
        one
        for one in latest.values()
        if one.verb == APPROVE and starter.isdisjoint({one.who, one.person})
    ]
    names = ", ".join(one.who for one in given)
    if len(given) >= found.count:
        return replace(view, why=f"approved by {names}")
    missing = found.count - len(given)
    why = f"{len(given)} of {found.count} approvals" + (f" ({names})" if names else "")
    what = "one more person approves" if given and missing == 1 else f"{missing} approve"
    if not given and missing == 1:
        what = "somebody approves"
    return _shut(view, why, f"{what}: {whom(found.people)}, and not {facts.who}, who started it")


def whom(people: Group) -> str:
    """Who may, in words."""
    words = " or ".join(people.by) if people.by else "anybody of the estate"
    if people.level:
        words += f" with level {people.level} or above"
    if people.forbid:
        words += f" except {', '.join(people.forbid)}"
    return words


def _latest(gate: Gate, facts: Facts) -> dict[str, Act]:
    """Each person's last word on a gate; on one of steps, about the present step."""
    found: dict[str, Act] = {}
    for act in facts.acts:
        about = gate.at != "step" or act.step == facts.step
        if act.gate == gate.name and about and act.verb in {APPROVE, REFUSE, WITHDRAW}:
            found[act.person] = act
    return found


def _wave(gate: Gate, facts: Facts, view: GateView) -> GateView:
    turn = facts.turn
    if turn is None:
        return _shut(view, "the rollout is not known", "its record is found in the store")
    return replace(view, open=turn.open, why=turn.why, opens=turn.opens, until=turn.until)


def _record(gate: Gate, facts: Facts, view: GateView) -> GateView:
    found = settings.read(settings.Record, gate)
    known = record(found.pattern, facts, gate.name)
    if not known:
        opens = f"an id that fits {found.pattern} is given: telford approve --gate {gate.name} --reason ID"
        return _shut(view, "no change record was named", opens)
    if found.lookup is None:
        return replace(view, why=f"change record {known}")
    if not due(gate, facts):
        return _shut(view, f"change record {known} is not looked up yet", "its turn comes")
    return _answered(facts.answers.get(gate.key), found.lookup.retries, facts, view)


def record(pattern: str, facts: Facts, gate: str) -> str:
    """The id of the change record: from the release's reason, or what somebody gave; "" for none."""
    texts = [act.reason for act in facts.acts if act.gate == gate and act.verb == APPROVE]
    try:
        found = (re.search(pattern, text) for text in (*reversed(texts), facts.reason))
        return next((match[0] for match in found if match and match[0]), "")
    except re.error:  # `telford check` says so; until it is mended no id fits
        return ""


# --- time -------------------------------------------------------------------------------------


def _window(gate: Gate, facts: Facts, view: GateView) -> GateView:
    found = settings.read(settings.Window, gate)
    unknown = sorted({one.zone for one in found.rules} - set(facts.zones))
    if unknown:
        why = f"this machine knows no time zone {unknown[0]}"
        return _shut(view, why, "time zone data are installed (tzdata)")
    shut = holding.shutting(found.rules, facts.at, facts.zones)
    if not shut:
        return replace(view, why="no window keeps changes out now")
    until = holding.opening(found.rules, facts.at, facts.zones)
    words = "; ".join(_named(one) for one in shut)
    if until is None:
        days = f"it does not open by itself within {holding.HORIZON_DAYS} days"
        opens = "somebody who may overrides it with a reason"
        return _shut(view, f"{words}; {days}", opens)
    zone = facts.zones[shut[0].zone]
    moment = dt.datetime.fromtimestamp(until, zone)
    opens = f"{moment:%a %Y-%m-%d %H:%M} {shut[0].zone} has come"
    return _shut(view, words, opens, until)


def _named(rule: holding.Rule) -> str:
    what = "freezes changes" if rule.freeze else "allows changes at other times only"
    return f"window {rule.name} {what}" + (f" ({rule.reason})" if rule.reason else "")


def _soak(gate: Gate, facts: Facts, view: GateView) -> GateView:
    seconds = settings.read(settings.Soak, gate).seconds
    words = judging.duration(seconds)
    since = facts.asked_at if gate.at == "start" else facts.served_at
    if since is None:
        return _shut(view, "the step is not served yet", f"it has been served for {words}")
    if facts.at >= since + seconds:
        return replace(view, why=f"{words} are over")
    # What is left of it is for whoever shows `until`: a text of its own would change every second.
    what = "since it was asked for" if gate.at == "start" else "at this step"
    return _shut(view, f"{words} {what} are not over", "they are over", since + seconds)


# --- what it needs ----------------------------------------------------------------------------


def _dependency(gate: Gate, facts: Facts, view: GateView) -> GateView:
    """The first thing that is not as it must be."""
    found = settings.read(settings.Dependency, gate)
    for judge in (_unsettled, _unhealthy, _too_old, _not_offered):
        closed = judge(found, facts)
        if closed is not None:
            return _shut(view, *closed)
    return replace(view, why=f"{found.on} is as it must be")


def _unsettled(found: settings.Dependency, facts: Facts) -> tuple[str, str] | None:
    underway = facts.releases.get(found.on) if found.settled else None
    if underway is None:
        return None
    return f"{found.on} is being released ({underway})", f"{underway} is over"


def _unhealthy(found: settings.Dependency, facts: Facts) -> tuple[str, str] | None:
    if not found.worst:
        return None
    for name in found.objectives:
        one = facts.standings.get(name)
        if one is None or one.state == "no-data":
            why = f"nothing is known of {name}"
            return why, f"{name} is measured"
        if _STATES.index(one.state) > _STATES.index(found.worst):
            return f"{name} is {one.state}", f"it is {found.worst} or better"
    return None


def _too_old(found: settings.Dependency, facts: Facts) -> tuple[str, str] | None:
    if not found.version:
        return None
    here = facts.versions.get(found.on)
    opens = f"{found.on} {found.version} or later is the stable version here"
    if here is None:
        return f"{found.on} does not run here", opens
    if older(here, found.version):
        return f"{found.on} is {here} here", opens
    return None


def _not_offered(found: settings.Dependency, facts: Facts) -> tuple[str, str] | None:
    if not found.contract:
        return None
    asked = f"{found.contract} {found.offers}"
    if found.offers not in found.offered:
        known = ", ".join(found.offered) or "no version"
        opens = "the estate names that version and the release is started anew"
        return f"{asked} is not offered: {known} is", opens
    today = dt.datetime.fromtimestamp(facts.at, dt.UTC).date().isoformat()
    if found.sunset and today >= found.sunset:
        return f"{asked} may not be counted on since {found.sunset}", "a later version is asked for"
    return None


def older(version: str, least: str) -> bool:
    """Whether a version comes before another: by its numbers, then with a pre-release before none.

    After Semantic Versioning 2.0.0, item 11, but for the order among pre-releases (as text).
    """
    one, other = _ordered(version), _ordered(least)
    for mine, theirs in zip_longest(one[0], other[0], fillvalue=0):
        if mine != theirs:
            return mine < theirs
    return one[1] < other[1]


def _ordered(version: str) -> tuple[tuple[int, ...], tuple[bool, str]]:
    core, dash, suffix = version.partition("+")[0].partition("-")
    return tuple(int(one) for one in _NUMBER.findall(core)), (not dash, suffix)


# --- whoever is asked -------------------------------------------------------------------------


def _webhook(gate: Gate, facts: Facts, view: GateView) -> GateView:
    found = settings.read(settings.Webhook, gate)
    return _answered(facts.answers.get(gate.key), found.retries, facts, view)


def _command(gate: Gate, facts: Facts, view: GateView) -> GateView:
    found = settings.read(settings.Command, gate)
    return _answered(facts.answers.get(gate.key), found.retries, facts, view)


def _answered(answer: Answer | None, retries: int, facts: Facts, view: GateView) -> GateView:
    """An answer is about one step. An open gate survives some calls without an answer."""
    if answer is None or answer.step != facts.step or (answer.open is None and not answer.failures):
        return _shut(view, "asked, and no answer has come yet", "the answer is yes")
    calls = "1 call" if answer.failures == 1 else f"{answer.failures} calls"
    failing = f"no answer in {calls}: {answer.problem}" if answer.failures else ""
    if answer.open is None or (answer.open and answer.failures > retries):
        return _shut(view, failing, "it answers, and the answer is yes")
    why = f"{answer.why}; {failing}" if failing else answer.why
    if answer.open:
        return replace(view, why=why)
    return _shut(view, why, "the answer is yes: it is asked again and again")


_JUDGES: dict[str, Callable[[Gate, Facts, GateView], GateView]] = {
    "wave": _wave,
    "budget": _budget,
    "approval": _approval,
    "window": _window,
    "soak": _soak,
    "dependency": _dependency,
    "webhook": _webhook,
    "command": _command,
    "record": _record,
}
