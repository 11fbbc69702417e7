"""Whoever gates ask, in memory: answers as it was told, and remembers every question."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from telford.basics.errors import TelfordError
from telford.ports import Said


@dataclass(slots=True)
class FakeHooks:
    """Implements `ports.Hooks`. `answers` are used up one a question, the last for ever."""

    answers: list[Said | TelfordError] = field(default_factory=lambda: [Said(True, "yes")])
    asked: list[Mapping[str, str]] = field(default_factory=list)

    def ask(self, hook: Mapping[str, Any], about: Mapping[str, str]) -> Said:
        """See `ports.Hooks.ask`."""
        self.asked.append(dict(about))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, TelfordError):
            raise answer
        return answer
