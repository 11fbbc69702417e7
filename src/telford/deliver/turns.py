"""A place's turn in a rollout: what `waves` decides and the gate of kind "wave" tells."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """Whether a place may begin, why, and what opens it; `until` (epoch seconds) where that opens
    by itself.
    """

    place: str
    open: bool
    why: str
    opens: str = ""
    until: float | None = None
