"""What any mesh has to say of who calls a workload: connections that are only inferred, callers
without an identity, callers that share one. Called by the targets of meshes, which give the codes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from telford.basics.diagnostics import Diagnostic, Severity
from telford.estate.model import Bound
from telford.render.findings import finding
from telford.road.callers import Caller
from telford.road.openings import Openings


@dataclass(frozen=True, slots=True)
class Voice:
    """How one mesh speaks: its name, the codes of its diagnostics, and what becomes of a workload
    that a stranger calls (``takes calls without mutual TLS``).
    """

    mesh: str
    guessed: str
    stranger: str
    open: str
    outside: str

    def guesses(self, address: str, bound: Bound, ways: Openings) -> Iterator[Diagnostic]:
        """Policies that were not made, because they might cut real traffic."""
        for edge in ways.guessed:
            out = edge.client == address
            side, other = ("out of", edge.server) if out else ("into", edge.client)
            yield finding(
                bound,
                self.guessed,
                Severity.WARNING,
                f"no {self.mesh} policy {side} {address}: its connection with {other} is only "
                "inferred",
                field=("uses",),
                detail="A policy from declared dependencies alone might cut traffic that is real.",
                fix="declare the dependency, or confirm it (inferred.confirmed: true)",
            )

    def strangers(
        self, address: str, bound: Bound, called_by: Iterable[Caller]
    ) -> Iterator[Diagnostic]:
        """Callers without an identity."""
        for caller in called_by:
            if not caller.known:
                yield finding(
                    bound,
                    self.stranger,
                    Severity.WARNING,
                    f"{address} {self.open}: {caller.address} is {self.outside}",
                    detail="Who cannot prove an identity cannot be authorised, so no policy is "
                    "made; the network policy still holds.",
                    fix=f"bring {caller.address} onto the road, or choose the mesh for it too",
                )

    def twins(
        self, address: str, bound: Bound, found: Iterable[tuple[str, str]]
    ) -> Iterator[Diagnostic]:
        """Callers that the mesh cannot tell from others."""
        for caller, other in found:
            yield finding(
                bound,
                self.stranger,
                Severity.WARNING,
                f"{address} lets {other} in with {caller}: they run as one service account",
                detail="A mesh knows a caller by its account; the network policy tells them apart.",
                fix=f"give {other} a service account of its own (run.serviceAccount)",
            )
