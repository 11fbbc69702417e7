"""Deliveries by strategy: what contradicts itself, and what a service of a kind cannot have."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from telford.basics import units
from telford.estate.codes import Code, document, documents, service
from telford.estate.kinds.change import Delivery, Verdict
from telford.estate.kinds.structure import Service
from telford.rules.rule import Finding, Path, Rule, Subject

STEPPED = frozenset({"canary", "mirror"})
ALONE = frozenset({"blue-green", "recreate"})
"""Strategies without anything to compare with: before and after are judged by the objective."""
WORKERS = frozenset({"worker", "job", "cron"})
# An indicator of a release by its name (`telford.app.release.indicators`).
_INDICATOR = re.compile(r"^(errors|latency|slowness(-[0-9]+(\.[0-9]+)?)?)$")
# What belongs to which strategies; a field that is not here belongs to all.
_OF: dict[str, frozenset[str]] = {
    "steps": frozenset({"canary", "mirror", "rolling"}),
    "preview": frozenset({"blue-green"}),
    "keep": frozenset({"blue-green"}),
    "match": frozenset({"canary", "rolling", "ab"}),
    "affinity": frozenset({"canary", "rolling"}),
    "baseline": frozenset({"canary"}),
    "exposure": frozenset({"canary"}),
    "canaryReplicas": frozenset({"canary", "mirror", "ab"}),
}


def _delivery(fields: str) -> str:
    return document("Delivery", "safe", fields)


def _spec(subject: Subject) -> Delivery:
    assert isinstance(subject.spec, Delivery)
    return subject.spec


def _steps(subject: Subject) -> Iterator[Finding]:
    spec = _spec(subject)
    cut = subject.lost("steps") or subject.shortened("steps")
    if spec.strategy in STEPPED and not spec.steps and not cut:
        yield Finding(
            ("strategy",) if "strategy" in subject.node.keys else (),
            f"{spec.strategy} without steps",
            "say how much each step has: `steps: [{weight: 10%}, {weight: 50%}]`",
        )


def _foreign(subject: Subject) -> Iterator[Finding]:
    spec = _spec(subject)
    for field, strategies in _OF.items():
        if field in subject.node.keys and spec.strategy not in strategies:
            one_of = " and ".join(sorted(strategies))
            yield Finding(
                (field,),
                f"{spec.strategy} has no `{field}`: that belongs to {one_of}",
                "remove it, or change the strategy",
                key=True,
            )


def _segment(subject: Subject) -> Iterator[Finding]:
    spec = _spec(subject)
    if spec.strategy == "ab" and spec.match is None and not subject.lost("match"):
        yield Finding(
            ("strategy",),
            "an A/B test that does not say whose requests reach the new version",
            "name a header or a cookie: `match: {header: x-segment, value: b}`",
        )
    preview = spec.preview
    if preview and preview.judged and not preview.match and not subject.lost("preview", "match"):
        yield Finding(
            ("preview", "judged"),
            "a preview that is judged, and that no request reaches",
            "name a header or a cookie: `preview: {match: {header: x-preview, value: yes}}`",
        )


def _baseline(subject: Subject) -> Iterator[Finding]:
    spec = _spec(subject)
    for index, step in enumerate(spec.steps):
        if spec.baseline and units.ratio(step.weight) > Decimal("0.5"):
            yield Finding(
                ("steps", index, "weight"),
                f"the canary and its baseline cannot have {step.weight} each",
                "let a step have 50% at most, or leave the baseline out",
            )


def _groups(subject: Subject) -> Iterator[Finding]:
    spec = _spec(subject)
    if spec.verdict.engine != "E4" or spec.strategy in ALONE:
        return
    if spec.canary_replicas < 2 and spec.strategy != "rolling":
        yield Finding(
            ("verdict", "engine"),
            "E4 needs two new replicas: with one, a bad host looks like a bad version",
            "`canaryReplicas: 2`, or let the engine be E2",
        )
    equal = spec.baseline or spec.strategy in {"rolling", "mirror", "ab"}
    if len(spec.steps) > 1 and not equal:
        yield Finding(
            ("steps", 1),
            "E4 rests on equal traffic to every replica, so there is one weight: their own share",
            "one step, or `baseline: true`, whose groups are always equal",
        )
    if spec.exposure is not None:
        yield Finding(
            ("exposure",),
            "E4 needs a weight that stays, and exposure chooses it as it goes",
            "remove one of the two",
        )


def _compared(subject: Subject) -> Iterator[Finding]:
    spec, verdict = _spec(subject), _spec(subject).verdict
    if spec.strategy not in ALONE:
        return
    path: Path
    for path, wrong in (
        (("verdict", "certificate"), verdict.certificate != "objective"),
        (("verdict", "latency"), verdict.latency),
        (("verdict", "placebo"), verdict.placebo > 0),
    ):
        if wrong:
            yield Finding(
                path,
                f"{spec.strategy} compares no two versions at the same time",
                "judge it by the objective alone, or choose a canary",
            )


def _worker(subject: Subject) -> Iterator[Finding]:
    """A service and the delivery that it names."""
    spec = subject.spec
    assert isinstance(spec, Service)
    if spec.delivery is None or subject.lost("type"):
        return
    found = subject.world.index.refer("Delivery", spec.delivery, spec)
    entity = subject.world.estate.entities.get(found[0]) if len(found) == 1 else None
    if entity is None or not isinstance(entity.spec, Delivery):
        return
    delivery = entity.spec
    if spec.type not in WORKERS:
        if delivery.sharing is not None:
            yield Finding(
                ("delivery",),
                f"{delivery.name} shares a queue, and the service answers requests",
                "name a delivery without `sharing`",
            )
        return
    if spec.type != "worker" and delivery.strategy != "recreate":
        yield Finding(
            ("delivery",),
            f"a {spec.type} runs now and then: there is no {delivery.strategy} of it",
            "name a delivery whose strategy is `recreate`",
        )
    for what in _needs_requests(delivery):
        yield Finding(
            ("delivery",),
            f"{delivery.name} divides requests ({what}), and a {spec.type} has none",
            "name a delivery that is rolling, recreate, or a canary by replicas",
        )


def _needs_requests(delivery: Delivery) -> Iterator[str]:
    if delivery.strategy in {"blue-green", "mirror", "ab"}:
        yield delivery.strategy
    for what in ("match", "affinity", "baseline", "exposure"):
        if getattr(delivery, what):
            yield what


def _sharing(subject: Subject) -> Iterator[Finding]:
    sharing = _spec(subject).sharing
    if sharing is None:
        return
    if sharing.by == "partition" and sharing.partitions is None:
        if not subject.lost("sharing", "partitions"):
            yield Finding(
                ("sharing", "by"),
                "partitions are shared, and nobody says how many there are",
                "`sharing: {by: partition, partitions: 16}`",
            )
    elif sharing.by == "queue" and sharing.partitions is not None:
        yield Finding(
            ("sharing", "partitions"),
            "whoever takes from one queue has no partitions",
            "remove it, or `by: partition`",
        )


def _kept(subject: Subject) -> Iterator[Finding]:
    spec = _spec(subject)
    if subject.lost("deadline"):
        return
    limit = units.seconds(spec.deadline)
    soaks: list[tuple[Path, str]] = [(("keep",), spec.keep), (("soak",), spec.soak)]
    if spec.preview is not None:
        soaks.append((("preview", "soak"), spec.preview.soak))
    for path, text in soaks:
        stepless = path != ("soak",) or not spec.steps
        if stepless and path[0] in subject.node.keys and units.seconds(text) >= limit:
            yield Finding(
                path,
                f"{text} is not before the deadline ({spec.deadline})",
                "give it more time: a later `deadline`",
            )


def _alpha(subject: Subject) -> Iterator[Finding]:
    verdict = _spec(subject).verdict
    at: Path = ("verdict", "alphaShares")
    if subject.lost(*at):
        return
    spent = Decimal(0)
    for name, share in verdict.alpha_shares.items():
        spent += units.ratio(share)
        if not _INDICATOR.match(name):
            yield Finding(
                (*at, name),
                f"nothing that is counted is called {name!r}",
                "write errors, slowness, a threshold such as slowness-300, or latency",
                key=True,
            )
        elif name == "latency" and not verdict.latency:
            yield Finding(
                (*at, name),
                "a share of alpha for the whole distribution of latencies, which is not compared",
                "add `latency: true`, or remove the share",
                key=True,
            )
        elif units.ratio(share) == 0 or spent > 1:
            wrong = "without alpha it is never rolled back" if spent <= 1 else "more than 100%"
            yield Finding(
                (*at, name),
                f"the share of {name} is {share}: {wrong}",
                "give each more than 0%, and 100% at most to all of them together",
            )
            return
    forgotten = [one for one in _counted(verdict) if not _named(one, verdict.alpha_shares)]
    if spent == 1 and forgotten:
        yield Finding(
            at,
            f"the shares leave no alpha for {' and '.join(forgotten)}",
            "name every indicator, or let the shares add up to less than 100%",
        )


def _counted(verdict: Verdict) -> tuple[str, ...]:
    return ("errors", "slowness", "latency") if verdict.latency else ("errors", "slowness")


def _named(indicator: str, shares: Mapping[str, str]) -> bool:
    return any(name.partition("-")[0] == indicator for name in shares)


_AB = "strategy: ab\n"
_SHARES = "steps: [{weight: 10%}]\nverdict: {alphaShares: "
_JOB = "type: job\ndelivery: safe\n"

RULES = (
    Rule(
        Code(
            "TEL720",
            "a strategy without its steps",
            "Nobody knows how much of the traffic the new version gets first.",
            _delivery("strategy: canary"),
            _delivery("strategy: canary\nsteps: [{weight: 10%}, {weight: 50%}]"),
            "`canary` and `mirror` have `steps`; `rolling` without steps goes replica by replica.",
        ),
        (Delivery,),
        _steps,
    ),
    Rule(
        Code(
            "TEL721",
            "a field of another strategy",
            "It would be read by nobody, and whoever wrote it counts on it.",
            _delivery("strategy: recreate\nkeep: 10m"),
            _delivery("strategy: blue-green\nkeep: 10m"),
            "A delivery has the fields of its strategy; docs/guides/strategies.md lists them.",
        ),
        (Delivery,),
        _foreign,
    ),
    Rule(
        Code(
            "TEL722",
            "a segment that nobody is in",
            "No request would ever reach the new version, so nothing is learnt of it.",
            _delivery(_AB),
            _delivery(_AB + "match: {header: x-segment, value: b}"),
            "`ab` has `match`, and so has a preview that is judged.",
        ),
        (Delivery,),
        _segment,
    ),
    Rule(
        Code(
            "TEL723",
            "a baseline with more than half",
            "Canary and baseline get equally much, and together they cannot have more than all.",
            _delivery("baseline: true\nsteps: [{weight: 60%}]"),
            _delivery("baseline: true\nsteps: [{weight: 30%}]"),
            "With `baseline`, a step has at most 50%.",
        ),
        (Delivery,),
        _baseline,
    ),
    Rule(
        Code(
            "TEL724",
            "E4 without equal groups",
            "The engine that stands errors which come in clusters bets on equal traffic to every"
            " replica. Without that its error bounds do not hold.",
            _delivery("steps: [{weight: 10%}]\nverdict: {engine: E4}"),
            _delivery("steps: [{weight: 50%}]\ncanaryReplicas: 2\nverdict: {engine: E4}"),
            "With E4: `canaryReplicas` of 2 or more, and one step (or a baseline); no exposure.",
        ),
        (Delivery,),
        _groups,
    ),
    Rule(
        Code(
            "TEL725",
            "a comparison with nothing",
            "Before and after a switch are different times: a difference may be the traffic's.",
            _delivery("strategy: blue-green\nverdict: {certificate: ratio}"),
            _delivery("strategy: blue-green\nverdict: {certificate: objective}"),
            "`blue-green` and `recreate` are judged by the objective: no ratio, latency, placebo.",
        ),
        (Delivery,),
        _compared,
    ),
    Rule(
        Code(
            "TEL726",
            "a delivery that its service cannot have",
            "A worker has no requests to divide, and a service with requests has no queue to share.",
            documents(service(_JOB), _delivery("strategy: rolling")),
            documents(service(_JOB), _delivery("strategy: recreate")),
            "Workers are delivered rolling, recreated, or as a canary by replicas; jobs recreated.",
        ),
        (Service,),
        _worker,
    ),
    Rule(
        Code(
            "TEL727",
            "partitions that nobody counted",
            "Neither version would know which messages are its own.",
            _delivery("strategy: rolling\nsharing: {by: partition}"),
            _delivery("strategy: rolling\nsharing: {by: partition, partitions: 16}"),
            "`sharing` by partition says how many there are; a queue has none.",
        ),
        (Delivery,),
        _sharing,
    ),
    Rule(
        Code(
            "TEL728",
            "a soak beyond the deadline",
            "The deadline would always come first.",
            _delivery("strategy: blue-green\nkeep: 2h\ndeadline: 1h"),
            _delivery("strategy: blue-green\nkeep: 30m\ndeadline: 1h"),
            "`soak`, `keep` and the preview's soak are less than `deadline`.",
        ),
        (Delivery,),
        _kept,
    ),
    Rule(
        Code(
            "TEL729",
            "shares of alpha that do not add up",
            "The bound on wrong rollbacks would not hold, or a fault would be seen by nobody:"
            " without a share of alpha an indicator can never roll back.",
            _delivery(_SHARES + "{errors: 80%, slowness: 40%}}"),
            _delivery(_SHARES + "{errors: 80%, slowness: 20%}}"),
            "`alphaShares` name errors, slowness, a threshold (slowness-300) or latency; each is"
            " above 0%, all together are at most 100%, and leave something to whatever is not"
            " named. They are not normalised: a share that nobody spends stays unspent.",
        ),
        (Delivery,),
        _alpha,
    ),
)
