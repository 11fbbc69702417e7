"""Promises: an objective leaves room for failure, and less than everything."""

from collections.abc import Iterator

from telford.basics import units
from telford.estate.codes import Code, document, documents, service
from telford.estate.kinds.promises import Objective
from telford.rules.rule import Finding, Rule, Subject


def _objective(target: str, sli: str = "{availability: {}}") -> str:
    fields = f"service: orders\ntarget: {target}\nsli: {sli}"
    return documents(service(""), document("Objective", "orders-up", fields))


def _target(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Objective)
    ratio = units.ratio(spec.target)
    if ratio == 1:
        yield Finding(
            ("target",),
            "an objective of 100% has no budget for failure",
            "promise a little less, such as 99.9%: every change would break it",
        )
    elif ratio == 0:
        yield Finding(
            ("target",), "an objective of 0% promises nothing", "promise more, such as 99%"
        )


def _threshold(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Objective)
    if spec.sli.latency is not None and units.seconds(spec.sli.latency.threshold) == 0:
        yield Finding(
            ("sli", "latency", "threshold"),
            "no request is answered in no time",
            "write a threshold such as 300ms",
        )
    if units.seconds(spec.period) == 0:
        yield Finding(("period",), "a period of no time", "write a period such as 30d")


RULES = (
    Rule(
        Code(
            "TEL180",
            "an objective without a budget",
            "At 100% the first failure breaks the promise for the whole period: no release could"
            " ever be judged against it. At 0% nothing is promised.",
            _objective("100%"),
            _objective("99.9%"),
            "`target` is more than 0% and less than 100%.",
        ),
        (Objective,),
        _target,
    ),
    Rule(
        Code(
            "TEL181",
            "an objective over no time",
            "Nothing can be measured in it.",
            _objective("99%", "{latency: {threshold: 0ms}}"),
            _objective("99%", "{latency: {threshold: 300ms}}"),
            "`period` and `sli.latency.threshold` are more than zero.",
        ),
        (Objective,),
        _threshold,
    ),
)
