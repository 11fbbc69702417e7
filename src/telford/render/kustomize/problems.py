"""What this target has to say about an estate: TEL530. Called by `target`.

- TEL530 (warning): two things give the same object, and kustomize takes one of a name.
"""

from collections.abc import Iterator

from telford.basics.diagnostics import Diagnostic, Severity
from telford.render.findings import finding
from telford.render.kustomize.stacks import Held
from telford.render.scene import Scene
from telford.road import sameness


def twice(scene: Scene, held: Held) -> Iterator[Diagnostic]:
    """Objects of which only the later one is laid out."""
    for first, later in held.twice:
        yield finding(
            scene.bound(later.owner),
            "TEL530",
            Severity.WARNING,
            f"{later.owner} and {first.owner} both give {sameness.label(later.object)}",
            detail="kustomize takes one object of a kind and a name: the later one is laid out.",
            fix="name one of them otherwise (`carried` says what an as-found object is called)",
        )
