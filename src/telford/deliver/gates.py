"""Gates: what must be open before a release starts, goes a step further, or is finished.

A gate is declared before the start (`Gate`, a part of the policy); how it stands now is a
`GateView`, which says why it is closed and what opens it. Judged from facts that `telford.flows`
gathers; `release` only asks whether those of a moment are open.
"""

from dataclasses import dataclass

MOMENTS = ("start", "step", "promote")
KINDS = ("budget", "approval", "window", "soak", "dependency", "webhook", "command", "record")


@dataclass(frozen=True, slots=True)
class Gate:
    """A declared gate: `at` is one of `MOMENTS`, `kind` of `KINDS`; `settings` are what that kind
    needs, as (name, text) pairs. `name` is unique in a release.
    """

    name: str
    kind: str
    at: str
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class GateView:
    """How a gate stands. `why` it is closed (or what opened it), `opens` what would open it;
    `until` (epoch seconds) when it opens by itself, None where it does not. `step` is the step that
    it was judged for.
    """

    name: str
    kind: str
    at: str
    open: bool
    why: str
    opens: str = ""
    until: float | None = None
    step: int = 0


def closed(views: tuple[GateView, ...], moment: str) -> tuple[GateView, ...]:
    """The closed gates of a moment; finishing is also a step."""
    moments = {"promote", "step"} if moment == "promote" else {moment}
    return tuple(one for one in views if one.at in moments and not one.open)
