"""What somebody should look at after reading what delivers. Called by
`telford.intake.gitops.reading`. Codes: docs/guides/import-infrastructure.md.
"""

from collections.abc import Iterator, Sequence

from telford.basics.diagnostics import Diagnostic, Severity
from telford.intake.format import Rendering, Sources
from telford.intake.gitops.charts import Layout
from telford.intake.gitops.delivery import Delivery, Read
from telford.intake.gitops.places import Chosen


def of(
    renderings: Sequence[tuple[Rendering, Delivery | None]],
    sources: Sources,
    read: Read,
    chosen: Chosen,
    layout: Layout,
) -> Iterator[Diagnostic]:
    """Every diagnostic beyond those of reading."""
    rendered = []
    for rendering, one in renderings:
        reason = _missing(rendering, sources)
        if reason:
            yield _not_rendered(rendering, one, reason)
        else:
            rendered.append(one)
    known = (*layout.charts, *layout.kustomizations)
    for one in chosen.deliveries:
        if not any(f"/{folder}".endswith(f"/{one.path}") for folder in known if one.path):
            yield from _elsewhere(one, layout)
    for item, reason in read.unsaid:
        yield Diagnostic(
            "TEL662",
            Severity.INFO,
            f"not all of {item.label} can be said: {reason}",
            position=item.position,
            detail="It is carried along as it was found.",
            fix="import what the tool makes of it, as Kubernetes YAML",
        )
    if len(chosen.stages) > 1 and not chosen.left and any(rendered):
        stages = ", ".join(chosen.stages)
        yield Diagnostic(
            "TEL663",
            Severity.WARNING,
            f"what is delivered to several environments ({stages}) was read as one",
            position=chosen.deliveries[0].position,
            fix="import with `--environment NAME=PATH` for each of them",
        )


def twice(one: Delivery, first: Delivery, rendering: Rendering) -> Diagnostic:
    """Two deliveries of one source under one name, with other values."""
    return Diagnostic(
        "TEL665",
        Severity.WARNING,
        f"{one.item.label} and {first.item.label} deliver {rendering.path} under one name with"
        " other values; the first one counts",
        position=one.position,
        fix="import with `--environment NAME=PATH` for each of them",
    )


def _missing(rendering: Rendering, sources: Sources) -> str:
    """Why there is no text of a rendering, or "" where there is one."""
    if rendering.output in sources.texts:
        return ""
    for path in rendering.values:
        if path in sources.unreadable:
            return f"its values file {path} cannot be had: {sources.unreadable[path]}"
    return sources.unreadable.get(rendering.output, "it was not asked for")


def _not_rendered(rendering: Rendering, one: Delivery | None, reason: str) -> Diagnostic:
    what = "chart" if rendering.tool == "helm" else "kustomization"
    of = f", of {one.item.label}" if one is not None else ""
    return Diagnostic(
        "TEL660",
        Severity.WARNING,
        f"the {what} {rendering.path}{of} is not rendered: {reason}",
        position=rendering.position,
        detail="What it makes is not in the estate.",
        fix=f"import with `--render {rendering.tool}`, or import what it renders",
    )


def _elsewhere(one: Delivery, layout: Layout) -> Iterator[Diagnostic]:
    """A delivery whose source is not in the input."""
    if one.chart:
        yield Diagnostic(
            "TEL661",
            Severity.INFO,
            f"{one.item.label} delivers the chart {one.chart}, which is not in the input",
            position=one.position,
            detail="It is carried along as it was found; what the chart makes is not read.",
            fix="import what `helm template` makes of it",
        )
    elif one.path and not layout.charts and not layout.kustomizations:
        return
    elif one.path:
        yield Diagnostic(
            "TEL664",
            Severity.INFO,
            f"{one.item.label} delivers {one.path}, where the input has no chart and no"
            " kustomization",
            position=one.position,
            detail="Manifests that lie there are read as they are.",
            fix="import that folder too, if it is elsewhere",
        )
