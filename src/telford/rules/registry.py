"""The one explicit list of rules, and the run over an estate."""

from telford.basics.diagnostics import Diagnostic
from telford.estate.model import Loaded


def check(loaded: Loaded) -> list[Diagnostic]:
    """Everything that the rules find, at base and in every place where overlays change it."""
    return []
