"""Gates: what must be open before a release starts, goes a step further, or is finished.

A gate is declared before the start (`Gate`, a part of the policy); how it stands now is a
`GateView`, which says why it is closed and what opens it. Judged by `gate_judging` from facts that
`telford.flows.gating` gathers; `release` only asks whether those of a moment are open.
"""

from dataclasses import dataclass

MOMENTS = ("start", "step", "promote")
KINDS = (
    "budget",
    "approval",
    "window",
    "soak",
    "dependency",
    "webhook",
    "command",
    "record",
    "wave",
)
# Acts of people on a gate, see `telford.store.approvals`.
APPROVE, REFUSE, WITHDRAW, OVERRIDE = "approve", "refuse", "withdraw", "override"
ACTS = (APPROVE, REFUSE, WITHDRAW, OVERRIDE)


@dataclass(frozen=True, slots=True)
class Gate:
    """A declared gate: `at` is one of `MOMENTS`, `kind` of `KINDS`; `settings` are what that kind
    needs, as (name, text) pairs (`gate_settings`). A gate that holds at several moments is there
    once for each: name and moment together are unique in a release.
    """

    name: str
    kind: str
    at: str
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """Its name and moment."""
        return f"{self.name}@{self.at}"


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
