"""Change: a delivery's steps rise, fit before its deadline, and spend what they may."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from telford.basics import units
from telford.estate.codes import Code, document
from telford.estate.kinds.change import CanaryStep, Delivery
from telford.rules.rule import Finding, Rule, Subject


def _delivery(fields: str) -> str:
    return document("Delivery", "canary", fields)


def _weights(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Delivery)
    before = Decimal(0)
    for index, step in enumerate(spec.steps):
        weight = units.ratio(step.weight)
        if weight <= before:
            less = f"not more than the {before:%} before it" if before else "no traffic at all"
            yield Finding(
                ("steps", index, "weight"),
                f"the weight {step.weight} is {less.replace('.000000', '')}",
                "let the weights rise from step to step",
            )
        elif weight == 1 and spec.strategy != "mirror":
            yield Finding(
                ("steps", index, "weight"),
                "a step of 100% leaves nothing to compare with",
                "remove it: promotion gives the new version everything",
            )
        before = max(before, weight)


def _shares(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Delivery)
    spent = Decimal(0)
    for index, step in enumerate(spec.steps):
        spent += units.ratio(step.beta_share) if step.beta_share is not None else Decimal(0)
        if spent > 1:
            yield Finding(
                ("steps", index, "betaShare"),
                "the steps spend more than 100% of beta",
                "let the shares add up to 100% at most",
            )
            return
    silent = [index for index, step in enumerate(spec.steps) if step.beta_share is None]
    nothing = [*_without_beta(spec.steps), *(silent if spent == 1 else ())]
    if nothing and not subject.lost("steps", nothing[0], "betaShare"):
        declared = spec.steps[nothing[0]].beta_share is not None
        yield Finding(
            ("steps", nothing[0], *(("betaShare",) if declared else ())),
            "this step has no beta: nothing could ever be promoted from it",
            "leave every step more than 0% of beta",
        )


def _without_beta(steps: Sequence[CanaryStep]) -> list[int]:
    shares = [None if one.beta_share is None else units.ratio(one.beta_share) for one in steps]
    return [index for index, share in enumerate(shares) if share == 0]


def _deadline(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Delivery)
    if subject.lost("deadline"):
        return
    known = [s for i, s in enumerate(spec.steps) if not subject.lost("steps", i, "soak")]
    soak = sum((units.seconds(step.soak) for step in known), units.seconds(spec.warmup))
    if soak >= units.seconds(spec.deadline):
        yield Finding(
            ("deadline",),
            f"the steps take {units.duration_text(soak)}, and the deadline is {spec.deadline}",
            "give it more time, or let the steps soak for less",
        )


def _ticks(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Delivery)
    tick = units.seconds(spec.tick)
    if tick == 0:
        yield Finding(("tick",), "a tick of no time", "write a tick such as 15s")
    elif units.seconds(spec.stale) < tick and not (subject.lost("tick") or subject.lost("stale")):
        yield Finding(
            ("stale",),
            f"data counts as stale after {spec.stale}, before the next tick ({spec.tick}) can come",
            "let `stale` be several ticks",
        )


def _ratios(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Delivery)
    verdict = spec.verdict
    ratios = ("tolerableRatio", "harmlessRatio")
    if any(subject.lost("verdict", name) for name in ratios):
        return
    if verdict.certificate == "ratio" and verdict.tolerable_ratio <= verdict.harmless_ratio:
        yield Finding(
            ("verdict", "tolerableRatio"),
            f"the tolerable ratio {verdict.tolerable_ratio:g} is not above the harmless one"
            f" ({verdict.harmless_ratio:g})",
            "raise it: between the two lies what may be promoted but is no reason to roll back",
        )


RULES = (
    Rule(
        Code(
            "TEL190",
            "weights out of order",
            "A step back would move users off a version that is doing well, and its evidence with"
            " them.",
            _delivery("steps: [{weight: 50%}, {weight: 10%}]"),
            _delivery("steps: [{weight: 10%}, {weight: 50%}]"),
            "The weights of `steps` rise, from more than 0% to less than 100%.",
        ),
        (Delivery,),
        _weights,
    ),
    Rule(
        Code(
            "TEL191",
            "more beta spent than there is",
            "The bound on wrong promotions would not hold.",
            _delivery("steps: [{weight: 10%, betaShare: 80%}, {weight: 50%, betaShare: 40%}]"),
            _delivery("steps: [{weight: 10%, betaShare: 60%}, {weight: 50%, betaShare: 40%}]"),
            "The `betaShare` of the steps are above 0%, add up to at most 100%, and leave something"
            " to every step that names none. What all of them leave is not spent.",
        ),
        (Delivery,),
        _shares,
    ),
    Rule(
        Code(
            "TEL192",
            "a deadline before the end of the steps",
            "No release could ever be promoted in time.",
            _delivery("deadline: 5m\nsteps: [{weight: 10%, soak: 10m}]"),
            _delivery("deadline: 30m\nsteps: [{weight: 10%, soak: 10m}]"),
            "`warmup` and all `soak` times together are less than `deadline`.",
        ),
        (Delivery,),
        _deadline,
    ),
    Rule(
        Code(
            "TEL193",
            "data that is stale before it comes",
            "Every release would be held for want of data.",
            _delivery("tick: 5m\nsteps: [{weight: 10%, soak: 10m}]"),
            _delivery("tick: 15s\nsteps: [{weight: 10%, soak: 10m}]"),
            "`tick` is more than zero and at most `stale`.",
        ),
        (Delivery,),
        _ticks,
    ),
    Rule(
        Code(
            "TEL194",
            "a tolerable ratio that is not above the harmless one",
            "No rate could be promoted without also being a reason to roll back.",
            _delivery(
                "steps: [{weight: 10%}]\n"
                "verdict: {certificate: ratio, harmlessRatio: 2.5, tolerableRatio: 2}"
            ),
            _delivery(
                "steps: [{weight: 10%}]\n"
                "verdict: {certificate: ratio, harmlessRatio: 1.2, tolerableRatio: 2}"
            ),
            "Under the ratio certificate `tolerableRatio` is above `harmlessRatio`.",
        ),
        (Delivery,),
        _ratios,
    ),
)
