"""`telford drift` against a running Prometheus: the rules it runs beside those of the build.

Nothing but GET is asked. Rules of others are left alone; a rule of ours that fails, and a reload
that went wrong, are told. Called by `telford.cli.drift`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from telford.app import drift_wanted
from telford.app.desires import Scope
from telford.app.drift_wanted import Desired
from telford.backends import files
from telford.backends.prometheus import Prometheus
from telford.basics.diagnostics import Diagnostic, Severity, ordered
from telford.plan import drift as plans
from telford.plan import drift_rules, promql
from telford.plan.drift import Drift, Judge
from telford.plan.drift_rules import Group

Progress = Callable[[str], None]
# https://prometheus.io/docs/prometheus/latest/configuration/configuration/ (evaluation_interval)
DEFAULT_INTERVAL_SECONDS = 60.0
# Expressions that are written differently are shown to the server's own parser: so many pairs.
MAX_ASKED = 500
_RULE_FILE = ".rules.yaml"


def of_prometheus(found: files.Texts, scope: Scope, url: str, progress: Progress) -> Drift:
    """Compare the rules of one place with a running Prometheus.

    Raises `UsageError` for a place or target that there is not, `RefusedError` where the estate has
    errors, `OutsideError` where the server cannot be reached.
    """
    server = Prometheus(url)
    try:
        progress("rendering the estate")
        desired = drift_wanted.read(found, scope)
        progress(f"asking {server.name} for its rules")
        return of_server(desired, server)
    finally:
        server.close()


def of_server(desired: Desired, server: Prometheus) -> Drift:
    """Compare a place with whatever answers as a Prometheus."""
    groups = list(_groups(desired))
    running = server.groups()
    parser = Parser(server)
    items = drift_rules.compare(
        groups, running, desired.place, _interval(server.configuration()), parser.same
    )
    count = sum(len(group.rules) for group in groups)
    said = ordered(_problems(groups, server))
    base = Drift(f"Prometheus {server.name}", desired.place, diagnostics=said)
    return plans.finished(list(items), Judge(), base, count)


class Parser:
    """The server's own parser, asked about a limited number of expressions."""

    def __init__(self, server: Prometheus) -> None:
        self._server = server
        self._left = MAX_ASKED

    def same(self, found: str, wanted: str) -> bool:
        """Whether the server writes both in the same way."""
        if self._left <= 0:
            return False
        self._left -= 1
        one = self._server.formatted(found)
        return one is not None and one == self._server.formatted(wanted)


def _groups(desired: Desired) -> Iterator[Group]:
    """The groups of rule files, and of PrometheusRule objects; each name once."""
    seen = set()
    for unit in desired.units:
        if unit.path.endswith(_RULE_FILE):
            bodies: list[Any] = [yaml.load(unit.make(), yaml.CSafeLoader)]
        else:
            bodies = [i.get("spec") for i in unit.objects() if i.get("kind") == "PrometheusRule"]
        for body in bodies:
            for group in (body or {}).get("groups") or ():
                if group["name"] not in seen:
                    seen.add(group["name"])
                    yield Group(group, desired.owned(unit.owner))


def _interval(configuration: str) -> float:
    """How often a group without an interval is evaluated, in seconds."""
    try:
        data = yaml.load(configuration, yaml.CSafeLoader)
        said: Mapping[str, Any] = (data or {}).get("global") or {}
        return promql.duration_seconds(str(said["evaluation_interval"]))
    except (yaml.YAMLError, AttributeError, KeyError, ValueError):
        return DEFAULT_INTERVAL_SECONDS


def _problems(groups: list[Group], server: Prometheus) -> Iterator[Diagnostic]:
    reload = server.reload()
    if reload is not None and not reload.ok:
        yield Diagnostic(
            "TEL710",
            Severity.WARNING,
            f"{server.name} refused the configuration that lies on its disk, and runs an older one",
            detail=f"The configuration in use is of {reload.at}." if reload.at else "",
            fix="`promtool check config` says what is wrong with it",
        )
    if not groups:
        yield Diagnostic(
            "TEL711",
            Severity.WARNING,
            "the estate wants no rules in this place, so there is nothing to compare",
            fix="add an Objective, or build the target prometheus",
        )
