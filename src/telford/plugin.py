"""What a package of somebody else may use to add a target: the only names that are kept stable.

A package offers a `Plugin` under an entry point of group ``telford.targets``; it is loaded only
when an estate's Architecture or ``--target`` names it. `VERSION` grows when something here changes
so that a target written before might no longer work; a plugin says which version it was written
for. See docs/guides/own-target.md. Loaded by `telford.app.extensions`.
"""

from dataclasses import dataclass

from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.estate.graph import Graph
from telford.estate.model import Binding, Bound, Entity, Estate
from telford.render.artifacts import NOTHING, Object, Rendering, Unit, key, ready
from telford.render.findings import finding
from telford.render.scene import Scene, World
from telford.render.target import Target
from telford.render.whole import owner as owner_of_all
from telford.road.architecture import Architecture
from telford.road.heading import comment
from telford.road.subject import Subject
from telford.road.yamlout import document, documents

VERSION = 1

__all__ = [
    "NOTHING",
    "VERSION",
    "Architecture",
    "Binding",
    "Bound",
    "Diagnostic",
    "Entity",
    "Estate",
    "Graph",
    "Object",
    "Plugin",
    "Position",
    "Rendering",
    "Scene",
    "Severity",
    "Subject",
    "Target",
    "Unit",
    "World",
    "comment",
    "document",
    "documents",
    "finding",
    "key",
    "owner_of_all",
    "ready",
]


@dataclass(frozen=True, slots=True)
class Plugin:
    """A target, and the `VERSION` of this module that it was written for, as a plain number."""

    version: int
    target: Target
