"""What people ask of a release on its way: one visible table of verbs, each refused with its reason.

Pure; called by `flows.advancing` with what the store's commands say, and by the portal to tell
beforehand what a verb would do.
"""

from collections.abc import Callable
from dataclasses import replace

from telford.basics.errors import RefusedError, UsageError
from telford.deliver import data_changes, gates, judging, strategies, transitions, verdicts
from telford.deliver.judging import Judgement
from telford.deliver.state import WATCHED, Cause, Decision, Phase, State, Step

VERBS = ("promote", "step", "abort", "pause", "resume", "hold")
"""`promote` finishes a release, `step` takes it to its next stage; see `telford promote`."""


def command(state: State, verb: str, *, who: str, reason: str, now: float) -> Step:
    """What a person asked for. Raises `RefusedError` where it is impossible now."""
    if verb not in VERBS:
        raise UsageError(f"there is no {verb}; there are {', '.join(VERBS)}")
    refusal = _refusal(state, verb)
    if refusal:
        raise RefusedError(f"cannot {verb} {state.release}: {refusal}")
    said = f"{verb} by {who}" + (f": {reason}" if reason else "")
    after = replace(_COMMANDS[verb](state, now, said), who=who)
    by_hand = "by hand" if verb in {"promote", "step"} else ""
    judgement = Judgement(_says(state, verb), said, certificate=by_hand)
    return Step(after, verdicts.later(state, judgement, judging.all_values(state)), None)


def _refusal(state: State, verb: str) -> str:
    """Why a command is impossible now; "" where it is possible."""
    if state.final:
        return f"it is already {state.phase.value}"
    if state.phase is Phase.ROLLING_BACK:
        return "it is already rolling back"
    if verb == "abort":
        return _no_way_back(state)
    if state.phase not in WATCHED:
        return f"it is {state.phase.value}"
    allowed = {
        "promote": WATCHED,
        "step": WATCHED,
        "pause": {Phase.STEPPING},
        "resume": {Phase.PAUSED, Phase.HELD},
        "hold": {Phase.STEPPING, Phase.PAUSED},
    }
    if state.phase not in allowed[verb]:
        return f"it is {state.phase.value}"
    return _closed(state, verb)


def _no_way_back(state: State) -> str:
    if state.phase is Phase.PROMOTING and state.confirmed:
        return "all traffic is on the new version and the old one is being stopped"
    return data_changes.forward_fix(state.policy.data, state.data)


def _closed(state: State, verb: str) -> str:
    """A person goes on without evidence, but not past a gate: that has its own override."""
    if verb not in {"promote", "step"}:
        return ""
    last = verb == "promote" or _is_last(state)
    shut = gates.closed(state.gates, "promote" if last else "step")
    return judging.gate_sentence(shut[0]) if shut else ""


def _is_last(state: State) -> bool:
    return state.step == len(strategies.stages(state.policy)) - 1


def _says(state: State, verb: str) -> Decision:
    if verb == "step":
        return Decision.PROMOTE if _is_last(state) else Decision.ADVANCE
    return _SAYS[verb]


def _step(state: State, now: float, reason: str) -> State:
    if _is_last(state):
        return transitions.promote(state, now, reason)
    return transitions.advance(state, state.step + 1, now, reason)


def _abort(state: State, now: float, reason: str) -> State:
    return transitions.roll_back(state, now, reason, Phase.ABORTED)


def _pause(state: State, now: float, reason: str) -> State:
    return transitions.enter(state, Phase.PAUSED, now, reason)


def _hold(state: State, now: float, reason: str) -> State:
    return replace(transitions.enter(state, Phase.HELD, now, reason), cause=Cause.BY_HAND)


_COMMANDS: dict[str, Callable[[State, float, str], State]] = {
    "promote": transitions.promote,
    "step": _step,
    "abort": _abort,
    "pause": _pause,
    "resume": transitions.resume,
    "hold": _hold,
}
_SAYS = {
    "promote": Decision.PROMOTE,
    "abort": Decision.ROLLBACK,
    "pause": Decision.HOLD,
    "resume": Decision.CONTINUE,
    "hold": Decision.HOLD,
}
