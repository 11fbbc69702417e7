"""What a person may ask of a release, and what each act would do if it were asked now.

`telford.deliver.hands.command` is pure, so the answer to "what would happen" is to do it and look
at the state that comes out: the same code that the controller will run. Called by the release page,
its forms and the API.
"""

from dataclasses import dataclass

from telford.app import release_words
from telford.basics.errors import RefusedError
from telford.deliver import hands, owing, strategies
from telford.deliver.policy import FULL_WEIGHT
from telford.deliver.shape import Shape
from telford.deliver.state import Phase, State, Step
from telford.flows import waves


@dataclass(frozen=True, slots=True)
class Act:
    """One act. `says` is what it does, in a sentence; `refusal` why it cannot be done now, or "".
    A dangerous one wants the service's name typed.
    """

    verb: str
    label: str
    says: str
    refusal: str
    dangerous: bool

    @property
    def possible(self) -> bool:
        """Whether it can be asked now."""
        return not self.refusal


VERBS = ("step", "promote", "pause", "resume", "hold", "abort")
"""Those with a button, in their order; all that a release can be told."""
DANGEROUS = frozenset({"promote", "abort"})
"""Those that want the service's name typed."""
_LABELS = {
    "promote": "Promote",
    "step": "Next step",
    "abort": "Abort",
    "pause": "Pause",
    "resume": "Resume",
    "hold": "Hold",
}


def acts(state: State, now: float) -> tuple[Act, ...]:
    """Every act, possible or not, in the order of the buttons."""
    return tuple(act(state, verb, now) for verb in VERBS)


def act(state: State, verb: str, now: float) -> Act:
    """One act as it stands now."""
    refusal = ""
    try:
        hands.command(state, verb, who="", reason="", now=now)
    except RefusedError as error:
        refusal = error.message.removeprefix(f"cannot {verb} {state.release}: ")
        if state.phase is Phase.STEPPING and verb == "resume":
            refusal = "it is neither paused nor held"
    return Act(verb, _LABELS[verb], _says(state, verb), refusal, verb in DANGEROUS)


def plan(state: State, verb: str, now: float) -> tuple[str, ...]:
    """What the act will do, step by step, before it does it. Raises `RefusedError` where it is
    impossible.
    """
    step = hands.command(state, verb, who="", reason="", now=now)
    return (*_traffic(state, step), *_afterwards(state, verb))


def _says(state: State, verb: str) -> str:
    what = _what(state)
    if verb == "promote":
        return _finish(state)
    if verb == "abort":
        return f"gives {state.stable} all {what} at once and stops {state.canary}"
    if verb == "step":
        last = state.step == len(state.policy.weights) - 1
        return _finish(state) if last else f"goes on to {_next(state)} at once"
    if verb in {"pause", "hold"}:
        stays = (
            "stays where it is, and is said to be held" if verb == "hold" else "stays where it is"
        )
        watched = strategies.judged(state.policy, state.step)
        return f"{stays}; it is still watched and can roll back" if watched else stays
    return "goes on from where it is; the deadline counts from now"


def _finish(state: State) -> str:
    return f"gives {state.canary} all {_what(state)} at once and stops {state.stable}"


def _what(state: State) -> str:
    return "traffic" if strategies.routes(state.policy) else "the work"


def _next(state: State) -> str:
    stages = strategies.stages(state.policy)
    after = state.step + 1
    return f"the stage {stages[after].name}" if after < len(stages) else "the end"


def _traffic(state: State, step: Step) -> tuple[str, ...]:
    """What changes for requests, or for the work, and who confirms it."""
    before, after = release_words.weight_words(state), release_words.weight_words(step.state)
    old, new = owing.shape_of(state), owing.shape_of(step.state)
    if old == new:
        if state.policy.strategy in {"mirror", "ab"} or not strategies.routes(state.policy):
            return (f"{state.canary} stays as it is: {before} of {_whole(state)}.",)
        return (f"{state.canary} stays at {before} of {_whole(state)}.",)
    if not strategies.routes(state.policy):
        return (
            (
                f"Replicas of {state.canary} go from {old.canary} to {new.canary}, of {state.stable} "
                f"from {old.stable} to {new.stable}; no work is lost on the way."
            ),
        )
    if old.canary_bp == new.canary_bp:
        return (f"{state.canary} goes from {before} to {after} of {_whole(state)}.",)
    return (
        (
            f"{state.canary} goes from {_weight(old.canary_bp)} to {_weight(new.canary_bp)} of "
            f"{_whole(state)}, {state.stable} from {_weight(_left(old))} to {_weight(_left(new))}; the "
            "data plane confirms it before anything else happens."
        ),
    )


def _left(shape: Shape) -> int:
    return FULL_WEIGHT - shape.canary_bp - shape.baseline_bp


def _whole(state: State) -> str:
    if strategies.routes(state.policy):
        return f"the requests to {state.service}"
    return f"the work of {state.service}"


def _afterwards(state: State, verb: str) -> tuple[str, ...]:
    written = "Your name and reason go into the audit log, which nobody can change."
    if verb == "promote":
        unproven = (
            f"{state.canary} becomes the stable version, without the evidence that is still "
            "missing: the release says that it was promoted by hand."
        )
        return (f"Every replica of {state.stable} is drained and stopped.", unproven, written)
    if verb == "abort":
        return (
            f"Every replica of {state.canary} is drained and stopped.",
            f"{state.stable} stays the stable version; the release ends as aborted.",
            *_with_it(state),
            written,
        )
    if verb == "step":
        return (*_by_step(state), written)
    if verb in {"pause", "hold"}:
        return (
            "No step is taken until somebody resumes it.",
            _still(state),
            written,
        )
    return (
        "It takes the next step as soon as its gate opens.",
        "The deadline of this step counts from now.",
        written,
    )


def _with_it(state: State) -> tuple[str, ...]:
    """What else goes back where the release is a part of a rollout."""
    rollout = waves.rollout_of(state)
    if not rollout:
        return ()
    return (f"The other places of the rollout {rollout} turn back with it.",)


def _by_step(state: State) -> tuple[str, ...]:
    said = (
        f"It goes on to {_next(state)}; this stage's evidence is left as it is, and the release says "
        "that it went on by hand."
    )
    if state.step == len(state.policy.weights) - 1:
        return (said, f"{state.canary} becomes the stable version.")
    return (said, "The next stage is judged like any other.")


def _still(state: State) -> str:
    if not strategies.judged(state.policy, state.step):
        return "Nothing is compared here, so nothing is rolled back by itself either."
    return "Errors are still counted: if the evidence is enough it is rolled back all the same."


def _weight(basis_points: int) -> str:
    return f"{basis_points / 100:g}%"
