"""Panels, by what they show: one line of a dashboard each. Called by `dashboards`.

A thin coat over the Grafana Foundation SDK: every panel asks the data source that the reader
chose, has a description, and a unit.
"""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, table
from grafana_foundation_sdk.builders import timeseries as lines
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import prometheus as asking

DATASOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
# A dashboard is 24 units wide.
THIRD, HALF, WHOLE = 8, 12, 24
_HEIGHT, _LOW = 8, 5

_LEGEND = (
    common.VizLegendOptions()
    .show_legend(True)
    .display_mode(looks.LegendDisplayMode.LIST)
    .placement(looks.LegendPlacement.BOTTOM)
)

# One question and what its answers are called.
Query = tuple[str, str]
# From a value on a colour; the first has none.
Step = tuple[float | None, str]


def _target(query: Query, index: int, *, instant: bool = False) -> prometheus.Dataquery:
    expression, legend = query
    asked = prometheus.Dataquery().expr(expression).legend_format(legend).ref_id(_letter(index))
    return asked.instant() if instant else asked


def _letter(index: int) -> str:
    return chr(ord("A") + index)


def _thresholds(steps: Sequence[Step]) -> dashboard.ThresholdsConfig:
    every = [models.Threshold(value=value, color=color) for value, color in steps]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(every)


def timeline(
    title: str, about: str, queries: Sequence[Query], *, unit: str, span: int = HALF
) -> lines.Panel:
    """Lines over time."""
    panel = (
        lines.Panel()
        .title(title)
        .description(about)
        .datasource(DATASOURCE)
        .unit(unit)
        .min(0)
        .span(span)
        .height(_HEIGHT)
        .legend(_LEGEND)
        .tooltip(common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI))
    )
    for index, query in enumerate(queries):
        panel = panel.with_target(_target(query, index))
    return panel


def number(
    title: str, about: str, query: Query, *, unit: str, steps: Sequence[Step], span: int = THIRD
) -> stat.Panel:
    """One number now, in a colour that says how good it is."""
    return (
        stat.Panel()
        .title(title)
        .description(about)
        .datasource(DATASOURCE)
        .unit(unit)
        .thresholds(_thresholds(steps))
        .span(span)
        .height(_LOW)
        .with_target(_target(query, 0, instant=True))
    )


def bars(
    title: str, about: str, query: Query, *, unit: str, steps: Sequence[Step]
) -> bargauge.Panel:
    """A bar for each answer."""
    return (
        bargauge.Panel()
        .title(title)
        .description(about)
        .datasource(DATASOURCE)
        .unit(unit)
        .min(0)
        .max(1)
        .orientation(looks.VizOrientation.HORIZONTAL)
        .thresholds(_thresholds(steps))
        .span(WHOLE)
        .height(_HEIGHT * 2)
        .with_target(_target(query, 0, instant=True))
    )


def rows(title: str, about: str, query: Query) -> table.Panel:
    """A table of labels and values."""
    return (
        table.Panel()
        .title(title)
        .description(about)
        .datasource(DATASOURCE)
        .span(WHOLE)
        .height(_HEIGHT)
        .with_target(_target(query, 0, instant=True).format(asking.PromQueryFormat.TABLE))
    )
