"""What names mean where an expression stands, and how much of it is evaluated. Called by
`telford.intake.terraform.expressions`, and given to it by `telford.intake.terraform.modules`.
"""

from dataclasses import dataclass
from typing import Protocol

from telford.basics.yamltext import Node

# Nodes that one expression may visit, so that nested `for`s end.
MAX_STEPS = 20_000
# The same for a whole input: ten thousand attributes take some thirty thousand.
MAX_ALL_STEPS = 300_000
# Expressions in expressions, through locals and modules too: Python's own stack must hold them.
MAX_DEPTH = 60


class Scope(Protocol):
    """What names mean in one module."""

    def variable(self, name: str) -> Node | None:
        """The value of ``var.NAME``, or None where there is no such variable."""

    def local(self, name: str) -> Node | None:
        """The value of ``local.NAME``."""

    def output(self, module: str, name: str) -> Node | None:
        """The value of ``module.MODULE.NAME``."""

    def reference(self, kind: str, name: str) -> str | None:
        """The key of a resource or data source of the module."""


class NoScope:
    """Knows nothing: what a text says before anything is evaluated."""

    def variable(self, name: str) -> Node | None:
        """See `Scope`."""
        del name
        return None

    def local(self, name: str) -> Node | None:
        """See `Scope`."""
        del name
        return None

    def output(self, module: str, name: str) -> Node | None:
        """See `Scope`."""
        del module, name
        return None

    def reference(self, kind: str, name: str) -> str | None:
        """See `Scope`."""
        del kind, name
        return None


@dataclass(slots=True)
class Limits:
    """How much was visited for the value that is being computed, and how deep it is now."""

    steps: int = 0
    depth: int = 0
    all: int = 0

    @property
    def spent(self) -> bool:
        """Whether nothing more is evaluated."""
        return self.all > MAX_ALL_STEPS

    def step(self) -> None:
        """Count one more."""
        self.steps += 1
        self.all += 1

    def over(self) -> bool:
        """Whether the value at hand is given up."""
        return self.depth > MAX_DEPTH or self.steps > MAX_STEPS or self.spent
