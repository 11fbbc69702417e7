"""Promises: an objective leaves room for failure, and less than everything."""

from collections.abc import Iterator

from telford.basics import units
from telford.estate.codes import Code, document, documents, service
from telford.estate.kinds.promises import Objective
from telford.road import burn
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


def _reachable(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Objective)
    target, period = units.ratio(spec.target), int(units.seconds(spec.period))
    if target == 0 or period == 0 or subject.lost("target") or subject.lost("period"):
        return
    for pair in burn.unreachable(period, target):
        highest = burn.highest_unreachable_target(pair) * 100
        yield Finding(
            ("target",),
            f"the alert at {pair.rate:f} times the budget rate over"
            f" {units.duration_text(pair.long_seconds)} can never fire at {spec.target}",
            "promise more, or live with the slower alerts; this one is left out of the rules",
            f"It asks for an error ratio of {pair.rate:f} * {burn.plain(1 - target):f} or more, which"
            f" is beyond 1 for every target up to {highest:.2f}%.",
            lenient=True,
        )


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
    Rule(
        Code(
            "TEL182",
            "an alert that can never fire",
            "A burn-rate alert fires when the error ratio exceeds a multiple of the budget rate; for"
            " a modest target that multiple is more than every request failing, and nobody is"
            " told that the fast alert is not there.",
            _objective("90%"),
            _objective("95%"),
            "a warning: the error ratio that each burn-rate alert asks for can occur.",
        ),
        (Objective,),
        _reachable,
    ),
)
