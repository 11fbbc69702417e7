"""Response: runbooks that can be followed, and experiments that stop in time."""

from collections.abc import Iterator

from telford.estate.codes import Code, document, documents, service
from telford.estate.kinds.places import Environment
from telford.estate.kinds.response import Experiment, Runbook
from telford.rules.rule import Finding, Rule, Subject

_PROD = "apiVersion: telford/v1\nkind: Environment\nname: prod\nproduction: true\n"


def _steps(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Runbook)
    for index, step in enumerate(spec.steps):
        if not step.automatic or subject.lost("steps", index, "command"):
            continue
        path = ("steps", index, "automatic")
        if not step.command:
            yield Finding(
                path, f"the step `{step.name}` runs by itself and has no command", "add `command`"
            )
        elif not step.undo and not subject.lost("steps", index, "undo"):
            yield Finding(
                path,
                f"the step `{step.name}` runs by itself and nothing takes it back",
                "add `undo`, or let a person start it",
                lenient=True,
            )


def _fault(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Experiment)
    fault = spec.fault
    if subject.lost("fault"):
        return
    if fault.kind == "latency" and fault.latency is None and not subject.lost("fault", "latency"):
        yield Finding(("fault", "kind"), "how much latency is not said", "add `latency: 500ms`")
    if fault.kind != "latency" and fault.latency is not None:
        yield Finding(
            ("fault", "latency"), f"`latency` means nothing to a fault of {fault.kind}", "remove it",
            key=True,
        )  # fmt: skip
    if fault.kind == "partition" and fault.from_ is None and not subject.lost("fault", "from"):
        yield Finding(
            ("fault", "kind"), "a partition from what is not said", "add `from: service/NAME`"
        )
    if fault.kind != "partition" and fault.from_ is not None:
        yield Finding(
            ("fault", "from"), f"`from` means nothing to a fault of {fault.kind}", "remove it",
            key=True,
        )  # fmt: skip


def _production(subject: Subject) -> Iterator[Finding]:
    """Experiments where customers are, with nothing that stops them."""
    spec = subject.spec
    assert isinstance(spec, Experiment)
    if (spec.objectives and spec.stop_at is not None) or subject.shortened("objectives"):
        return
    if subject.lost("stopAt") or subject.shortened("environments"):
        return
    for entity in subject.world.estate.of_kind("Environment"):
        place = entity.spec
        assert isinstance(place, Environment)
        if place.production and (not spec.environments or place.name in spec.environments):
            lacks = "`objectives`" if not spec.objectives else "`stopAt`"
            where = "named" if spec.environments else "among all environments, for none is named"
            yield Finding(
                ("environments",) if spec.environments else ("name",),
                f"it may run in {place.name} ({where}), and has no {lacks}: nothing stops it",
                "name the objectives that must hold and `stopAt`, or other environments",
            )
            return


def _experiment(fields: str) -> str:
    return document("Experiment", "slow", f"of: service/orders\nhypothesis: It holds.\n{fields}")


RULES = (
    Rule(
        Code(
            "TEL244",
            "a step that runs by itself and cannot",
            "At night a machine would do nothing, or do something that nobody can take back.",
            document("Runbook", "r", "steps: [{name: restart, automatic: true}]"),
            document(
                "Runbook", "r",
                "steps: [{name: restart, automatic: true, command: [restart], undo: [start]}]",
            ),
            "A step that is `automatic` has a `command`; one without `undo` is a warning.",
        ),
        (Runbook,),
        _steps,
    ),
    Rule(
        Code(
            "TEL245",
            "an experiment that does nothing certain, or is never stopped",
            "A fault without its strength tests nothing; one that nothing stops is an incident.",
            documents(_PROD, service(""), _experiment("fault: {kind: kill}")),
            documents(
                _PROD,
                "apiVersion: telford/v1\nkind: Environment\nname: dev\norder: 1\n",
                service(""),
                _experiment("fault: {kind: kill}\nenvironments: [dev]"),
            ),
            "A latency fault says how much, a partition from what; in a production environment an"
            " experiment names `objectives` and `stopAt`.",
        ),
        (Experiment,),
        lambda subject: (*_fault(subject), *_production(subject)),
    ),
)  # fmt: skip
