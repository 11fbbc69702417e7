"""Gates at each tick: gather the facts, ask whoever must be asked, see how each gate stands.

`Gatherer.gather` reads the store once a tick for all releases that have gates; `look` is pure and
looks at one release. Webhooks and commands are orders of kind "gate": they never hold a tick up, at
most `MAX_CALLS` are under way at once, and what they answered stands in the row's progress, so a
controller that was killed anywhere goes on from there. Called by `controller` and `advancing`.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from telford.backends import zones
from telford.basics.errors import UsageError
from telford.deliver import codec, gate_judging, gate_settings, strategies
from telford.deliver.gate_judging import Act, Answer, Facts, Standing
from telford.deliver.gates import Gate, GateView
from telford.deliver.state import State
from telford.deliver.turns import Turn
from telford.flows import orders, waves
from telford.store.approvals import Act as Stored
from telford.store.commands import Command
from telford.store.objectives import Evaluated
from telford.store.releases import Release
from telford.store.store import Store

# The key of a row's progress that is kept here.
KEY = "gates"
# Half of the threads that carry orders out: slow answers must not keep weights from changing.
MAX_CALLS = 4
# A call without an answer is made again after this, then after twice as long, up to its interval.
FIRST_RETRY_SECONDS = 2.0
_DOUBLINGS = 10
_NO_STEP = -1

Hook = gate_settings.Webhook | gate_settings.Command
Rows = Sequence[tuple[Release, State]]
Statuses = Mapping[str, orders.Status]
Grants = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the store says at a tick: acts by release; objectives by address; the stable versions
    and active releases of the place by service; the zones that windows name; whose turn
    it is in a rollout, by release, and the commands to write where one turns back; which gates, as
    (release, gate key), may make a call now.
    """

    acts: Mapping[str, tuple[Act, ...]] = field(default_factory=dict)
    standings: Mapping[str, Standing] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    releases: Mapping[str, str] = field(default_factory=dict)
    zones: Mapping[str, Any] = field(default_factory=dict)
    turns: Mapping[str, Turn] = field(default_factory=dict)
    stops: tuple[Command, ...] = ()
    grants: Grants = frozenset()


@dataclass(frozen=True, slots=True)
class Looked:
    """How a release's gates stand, what its row must remember, and the (id, order) pairs to submit."""

    views: tuple[GateView, ...] = ()
    progress: Mapping[str, Any] = field(default_factory=dict)
    submit: tuple[tuple[str, orders.Order], ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """What is remembered of one gate's calls: the answers so far, how many calls there were in all,
    the id of the one under way ("" for none) and when it was asked.
    """

    answer: Answer
    attempt: int = 0
    id: str = ""
    asked_at: float = 0.0


class Gatherer:
    """Reads what gates are judged by, for one place."""

    def __init__(self, store: Store, place: str) -> None:
        self._store = store
        self._place = place

    def gather(self, rows: Rows, statuses: Statuses, at: float) -> Gathered:
        """The facts of a tick; nothing is read where no release has a gate."""
        gated = [(row, state) for row, state in rows if state.policy.gates]
        if not gated:
            return Gathered()
        acts = self._store.approvals.some(row.id for row, _ in gated)
        gates = {gate for _, state in gated for gate in state.policy.gates}
        rollouts = waves.gather(self._store, self._place, gated, at)
        found = Gathered(
            acts={key: acts_of(one) for key, one in acts.items()},
            standings=standings(self._store.objectives.of(self._place)),
            versions={one.service: one.version for one in self._store.bindings.of(self._place)},
            releases={row.service: row.id for row, _ in rows},
            zones=zones.known(zone_names(gates)),
            turns=rollouts.turns,
            stops=rollouts.commands,
        )
        return replace(found, grants=_grants(gated, found, statuses, at))


def asked_ids(row: Release) -> tuple[str, ...]:
    """The ids of the calls that the row waits for."""
    return tuple(one["id"] for one in row.progress.get(KEY, {}).values() if one["id"])


def look(row: Release, state: State, gathered: Gathered, statuses: Statuses, at: float) -> Looked:
    """One release's gates at a tick. Pure."""
    if not state.policy.gates or state.final:
        return Looked(state.gates, dict(row.progress.get(KEY, {})))
    found = facts(row, state, gathered, at)
    calls: dict[str, Call] = {}
    submit: list[tuple[str, orders.Order]] = []
    for gate in state.policy.gates:
        if _hook_of(gate) is None:
            continue
        call = _told(_current(_call(row, gate), gate, found), statuses)
        hook = _callable(gate, found)
        if hook is not None and _ready(call, hook, at) and (row.id, gate.key) in gathered.grants:
            call = _begun(call, row, state, gate, at)
        # An id that the engine does not know was committed by a controller that was killed.
        if hook is not None and call.id and call.id not in statuses:
            submit.append((call.id, _order(row, state, gate, hook, found)))
        calls[gate.key] = call
    found = replace(found, answers={key: call.answer for key, call in calls.items()})
    views = gate_judging.views(state.policy.gates, found, state.gates)
    return Looked(views, {key: _plain(call) for key, call in calls.items()}, tuple(submit))


def facts(row: Release, state: State, gathered: Gathered, at: float) -> Facts:
    """All that a release's gates are judged by, but for answers."""
    policy, step = state.policy, state.step
    last = step == len(policy.weights) - 1
    soak = strategies.stage(policy, step).soak_seconds + policy.warmup_seconds
    return Facts(
        at=at,
        who=row.who,
        reason=row.reason,
        asked_at=row.created_at,
        moment=gate_judging.moment(state.phase, last=last),
        step=step,
        served_at=state.clocks.confirmed_at,
        soak_seconds=soak,
        acts=gathered.acts.get(row.id, ()),
        standings=gathered.standings,
        versions=gathered.versions,
        releases=gathered.releases,
        zones=gathered.zones,
        turn=gathered.turns.get(row.id),
    )


def acts_of(stored: Iterable[Stored]) -> tuple[Act, ...]:
    """Rows of the store as what gates are judged by."""
    return tuple(
        Act(one.gate, one.step, one.verb, one.who, one.person, one.reason, one.at) for one in stored
    )


def standings(evaluated: Iterable[Evaluated]) -> dict[str, Standing]:
    """Objective -> how it stood at the last evaluation."""
    found = {}
    for one in evaluated:
        data = one.evaluation
        calendar = " " in data["period"]
        whole = data["burns"][-1]["seconds"] if data["burns"] else 0
        resets = data["since"] + whole if calendar else None
        left = float(data["left"])
        found[one.objective] = Standing(one.objective, one.state, data["pace"], left, resets)
    return found


def zone_names(gates: Iterable[Gate]) -> set[str]:
    """The time zones that windows among the gates name."""
    found: set[str] = set()
    for gate in gates:
        if gate.kind == "window":
            with suppress(UsageError):  # its view says that it cannot be read
                rules = gate_settings.read(gate_settings.Window, gate).rules
                found.update(rule.zone for rule in rules)
    return found


# --- calls ------------------------------------------------------------------------------------


def _hook_of(gate: Gate) -> Hook | None:
    """What the gate would ask, or None for one that asks nobody, or that cannot be read (its view
    says so).
    """
    try:
        if gate.kind == "webhook":
            return gate_settings.read(gate_settings.Webhook, gate)
        if gate.kind == "command":
            return gate_settings.read(gate_settings.Command, gate)
        if gate.kind == "record":
            return gate_settings.read(gate_settings.Record, gate).lookup
    except UsageError:
        return None
    return None


def _callable(gate: Gate, found: Facts) -> Hook | None:
    """What the gate asks now: at its moment, and a record only once one is named."""
    if not gate_judging.due(gate, found):
        return None
    if gate.kind == "record" and not _record(gate, found):
        return None
    return _hook_of(gate)


def _record(gate: Gate, found: Facts) -> str:
    if gate.kind != "record":
        return ""
    pattern = gate_settings.read(gate_settings.Record, gate).pattern
    return gate_judging.record(pattern, found, gate.name)


def _grants(rows: Rows, gathered: Gathered, statuses: Statuses, at: float) -> Grants:
    """Which gates may make a call: those that have waited longest, as many as there is room for."""
    waiting: list[tuple[float, str, str]] = []
    room = MAX_CALLS
    for row, state in rows:
        asking = [one for one in state.policy.gates if _hook_of(one) is not None]
        if not asking:
            continue
        room -= sum(_pending(key, statuses) for key in asked_ids(row))
        found = facts(row, state, gathered, at)
        for gate in asking:
            call = _told(_current(_call(row, gate), gate, found), statuses)
            hook = _callable(gate, found)
            if hook is not None and _ready(call, hook, at):
                waiting.append((call.asked_at, row.id, gate.key))
    return frozenset((row, key) for _, row, key in sorted(waiting)[: max(room, 0)])


def _pending(key: str, statuses: Statuses) -> bool:
    status = statuses.get(key)
    return status is None or status.phase == "pending"


def _current(call: Call, gate: Gate, found: Facts) -> Call:
    """Answers are about a step: at another one everything is asked anew."""
    if call.answer.step == found.step or not gate_judging.due(gate, found):
        return call
    return Call(Answer(found.step), call.attempt)


def _told(call: Call, statuses: Statuses) -> Call:
    """The call with what came back of it."""
    status = statuses.get(call.id) if call.id else None
    if status is None or status.phase == "pending":
        return call
    before = call.answer
    if status.phase == "done" and "open" in status.result:
        result = status.result
        answer = Answer(before.step, result["open"], result["why"], result["at"])
    else:
        problem = status.problem or "it came back without an answer"
        answer = replace(before, failures=before.failures + 1, problem=problem)
    return replace(call, answer=answer, id="")


def _ready(call: Call, hook: Hook, at: float) -> bool:
    """Whether it is time to ask (again)."""
    if call.id:
        return False
    answer = call.answer
    if not answer.failures:
        return answer.open is None or at >= answer.at + hook.interval
    pause = FIRST_RETRY_SECONDS * float(2 ** min(answer.failures - 1, _DOUBLINGS))
    return at >= call.asked_at + min(pause, max(hook.interval, FIRST_RETRY_SECONDS))


def _begun(call: Call, row: Release, state: State, gate: Gate, at: float) -> Call:
    attempt = call.attempt + 1
    key = f"{row.id}:{state.generation}:gate-{gate.key}"
    return replace(call, attempt=attempt, id=orders.order_id(key, attempt), asked_at=at)


def _order(row: Release, state: State, gate: Gate, hook: Hook, found: Facts) -> orders.Order:
    kind = "command" if isinstance(hook, gate_settings.Command) else "webhook"
    about = {
        "release": row.id,
        "service": row.service,
        "place": row.place,
        "from": row.from_version,
        "version": row.to_version,
        "step": str(state.step),
        "weight": str(state.desired_bp / 100),
        "gate": gate.name,
        "at": gate.at,
        "who": row.who,
        "record": _record(gate, found),
    }
    arguments = {
        "service": state.service,
        "generation": state.generation,
        "hook": {"kind": kind, **codec.encode(hook)},
        "about": about,
    }
    return orders.Order(row.id, state.service, state.generation, "gate", gate.key, arguments)


def _call(row: Release, gate: Gate) -> Call:
    plain = row.progress.get(KEY, {}).get(gate.key)
    if plain is not None:
        with suppress(UsageError):  # written by another version: asked anew
            return codec.decode(Call, plain)
    return Call(Answer(_NO_STEP))


def _plain(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = codec.encode(call)
    return found
