"""Telford for Python programs: read an estate, judge it, resolve it, ask it.

    from telford import api

    found = api.load({"estate.yaml": text})
    for diagnostic in found.diagnostics:
        print(api.human(diagnostic))
    prod = api.bind(found.estate, api.Place("prod", "eu-west-1"))
    changed = api.diff(yesterday.estate, found.estate)

Everything here is a pure function of its arguments but `load_folder` and `plan`, which read folders,
and `build`, which writes one. What is not listed in `__all__` may change without notice.
"""

from collections.abc import Mapping
from pathlib import Path

from telford.app import loading
from telford.app.build import build
from telford.app.building import Proposal
from telford.app.desires import Scope
from telford.app.explain import Explanation, Origin, explain
from telford.app.planning import plan
from telford.backends import files
from telford.basics.diagnostics import Diagnostic, Position, Severity, human
from telford.basics.errors import (
    OutsideError,
    PermanentError,
    RefusedError,
    TelfordError,
    TemporaryError,
    UsageError,
)
from telford.estate.address import Address
from telford.estate.comparing import FieldChange
from telford.estate.diff import Change, Diff
from telford.estate.diff import compare as diff
from telford.estate.graph import BlastRadius, Edge, Graph, Reached
from telford.estate.model import Binding, Bound, Entity, Estate, Link, Loaded
from telford.estate.overlays import bind, chain, places
from telford.estate.place import Place

__all__ = [
    "Address",
    "Binding",
    "BlastRadius",
    "Bound",
    "Change",
    "Diagnostic",
    "Diff",
    "Edge",
    "Entity",
    "Estate",
    "Explanation",
    "FieldChange",
    "Graph",
    "Link",
    "Loaded",
    "Origin",
    "OutsideError",
    "PermanentError",
    "Place",
    "Position",
    "Proposal",
    "Reached",
    "RefusedError",
    "Scope",
    "Severity",
    "TelfordError",
    "TemporaryError",
    "UsageError",
    "bind",
    "build",
    "chain",
    "check",
    "diff",
    "explain",
    "human",
    "load",
    "load_folder",
    "places",
    "plan",
]


def load(texts: Mapping[str, str]) -> Loaded:
    """The estate of some texts (file name -> YAML) and everything wrong in it, rules included.

    Never raises for anything that a text can say.
    """
    return loading.of_texts(files.Texts(texts=dict(texts)))


def load_folder(folder: str | Path) -> Loaded:
    """The estate of a folder, as `telford check` reads it. Raises `UsageError` without a folder."""
    return loading.load_folder(Path(folder))


def check(texts: Mapping[str, str]) -> tuple[Diagnostic, ...]:
    """Everything wrong in some texts (file name -> YAML), in a stable order."""
    return load(texts).diagnostics
