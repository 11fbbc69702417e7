"""The one explicit list of targets. To add one: a folder with a `target.render`, and its line here.

Called by `telford.app.rendering`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from telford.estate.model import Binding
from telford.render.artifacts import Rendering
from telford.render.kubernetes import target as kubernetes_target
from telford.render.prometheus import target as prometheus_target


@dataclass(frozen=True, slots=True)
class Target:
    """A system that artifacts are rendered for. `render` is pure: a binding in, units out."""

    name: str
    summary: str
    render: Callable[[Binding], Rendering]


TARGETS: tuple[Target, ...] = (
    Target("kubernetes", "plain manifests, one file an entity", kubernetes_target.render),
    Target("prometheus", "rules and their tests, for each objective", prometheus_target.render),
)

BY_NAME: dict[str, Target] = {target.name: target for target in TARGETS}
