"""What a person may ask of a release, and what each act would do if it were asked now.

`telford.deliver.hands.command` is pure, so the answer to "what would happen" is to do it and look
at the state that comes out: the same code that the controller will run. Called by the release page,
its forms and the API.
"""

from dataclasses import dataclass

from telford.basics.errors import RefusedError
from telford.deliver import hands
from telford.deliver.policy import FULL_WEIGHT
from telford.deliver.state import Phase, State, Step


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


VERBS = ("promote", "abort", "pause", "resume")
"""Those with a button; `hands.VERBS` are all that a release can be told."""
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
    return Act(verb, _LABELS[verb], _says(state, verb), refusal, verb in {"promote", "abort"})


def plan(state: State, verb: str, now: float) -> tuple[str, ...]:
    """What the act will do, step by step, before it does it. Raises `RefusedError` where it is
    impossible.
    """
    step = hands.command(state, verb, who="", reason="", now=now)
    return (*_traffic(state, step), *_afterwards(state, verb))


def _says(state: State, verb: str) -> str:
    if verb == "promote":
        return f"gives {state.canary} all traffic at once and stops {state.stable}"
    if verb == "abort":
        return f"gives {state.stable} all traffic at once and stops {state.canary}"
    if verb == "step":
        return "goes on to the next step at once, and is judged there"
    if verb in {"pause", "hold"}:
        return f"stays at {_weight(state.desired_bp)}; it is still watched and can roll back"
    return f"goes on from {_weight(state.desired_bp)}; the deadline counts from now"


def _traffic(state: State, step: Step) -> tuple[str, ...]:
    before, after = state.desired_bp, step.state.desired_bp
    if before == after:
        return (f"{state.canary} stays at {_weight(after)} of the requests to {state.service}.",)
    shares = (
        f"{state.canary} goes from {_weight(before)} to {_weight(after)} of the requests to "
        f"{state.service}, {state.stable} from {_weight(FULL_WEIGHT - before)} to "
        f"{_weight(FULL_WEIGHT - after)}; Envoy confirms it before anything else happens."
    )
    return (shares,)


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
            written,
        )
    if verb == "step":
        return (
            "This step's evidence is left as it is: the release says that it went on by hand.",
            "The next step is judged like any other.",
            written,
        )
    if verb in {"pause", "hold"}:
        return (
            "No step is taken until somebody resumes it.",
            "Errors are still counted: if the evidence is enough it is rolled back all the same.",
            written,
        )
    return (
        "It takes the next step as soon as its gate opens.",
        "The deadline of this step counts from now.",
        written,
    )


def _weight(basis_points: int) -> str:
    return f"{basis_points / 100:g}%"
