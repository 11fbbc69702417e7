"""Days, hours and people: rotas that somebody is on, windows that mean a time, zones that exist."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from telford.basics import resources, units
from telford.estate import suggestions
from telford.estate.codes import Code, document, documents
from telford.estate.kinds.change import Window
from telford.estate.kinds.people import Override, Rota
from telford.estate.kinds.pipelines import Pipeline
from telford.estate.kinds.structure import Service
from telford.rules import circles
from telford.rules.rule import EstateRule, Finding, Path, Rule, Subject, World, base

_ADA = "apiVersion: telford/v1\nkind: Person\nname: ada\n"
_BOB = "apiVersion: telford/v1\nkind: Person\nname: bob\n"


def zones() -> frozenset[str]:
    """Every time zone's name."""
    lines = resources.text("telford.rules", "timezones.txt").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def _zone(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    path: Path = ("timezone",)
    if isinstance(spec, Service):
        path, name = ("run", "batch", "timeZone"), spec.run.batch.time_zone
    else:
        assert isinstance(spec, Rota | Window | Pipeline)
        name = spec.timezone
    # UTC is what nearly everybody writes: the list is read for the others only.
    if name is None or name == "UTC" or name in zones():
        return
    near = suggestions.nearest(name, zones())
    yield Finding(
        path,
        f"there is no time zone `{name}`",
        f"did you mean `{near}`?" if near else "write a name such as Europe/Dublin or UTC",
    )


def _rota(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Rota)
    if units.seconds(spec.turn) == 0:
        yield Finding(("turn",), "a turn of no time", "write a turn such as 1w")
    if len(set(spec.members)) == 1 and not spec.escalation and not subject.shortened("members"):
        yield Finding(
            ("members",),
            f"`{spec.members[0]}` is on call always, and nobody is called after them",
            "add a member, or an `escalation`",
            lenient=True,
        )
    for index, override in enumerate(spec.overrides):
        if override.last < override.first:
            yield Finding(
                ("overrides", index, "last"),
                f"the last day {override.last} is before the first {override.first}",
                "swap them",
            )
    for before, after in _overlapping(spec.overrides):
        if spec.overrides[before].person != spec.overrides[after].person:
            yield Finding(
                ("overrides", after),
                f"`{spec.overrides[before].person}` stands in on some of the same days",
                "let one of the two stand in on each day",
            )


def _overlapping(overrides: Sequence[Override]) -> Iterator[tuple[int, int]]:
    """Pairs of neighbours by their first day that share a day, as places in the list."""
    order = sorted(range(len(overrides)), key=lambda i: (overrides[i].first, i))
    for one, other in pairwise(order):
        if overrides[other].first <= overrides[one].last:
            yield one, other


def _endless(world: World) -> Iterator[Finding]:
    """Rotas whose escalation comes back to them without a person or team on the way."""
    following: dict[str, list[tuple[int, str]]] = {}
    for entity in world.estate.of_kind("Rota"):
        spec = entity.spec
        assert isinstance(spec, Rota)
        for index, step in enumerate(spec.escalation):
            kind, _, name = step.to.partition("/")
            found = world.index.refer(kind, name, spec) if kind == "rota" else []
            if len(found) == 1:
                following.setdefault(str(entity.address), []).append((index, found[0]))
    edges = {address: [target for _, target in steps] for address, steps in following.items()}
    for address, steps in following.items():
        circle = circles.back_to(address, edges)
        if circle and min(circle) == address:
            yield Finding(
                ("escalation", next(i for i, target in steps if target in circle), "to"),
                "nobody is left to call: the escalation comes back to this rota",
                "end with a person or a team",
                " -> ".join([*circle, circle[0]]),
                subject=base(world.estate.entities[address], world),
            )


def _window(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Window)
    lists = (subject.shortened("weekly"), subject.shortened("spans"))
    if not spec.weekly and not spec.spans and not any(lists):
        what = "nothing is ever frozen" if spec.type == "freeze" else "nothing is ever allowed"
        yield Finding(
            ("type",), f"a window without hours or days: {what}", "add `weekly` or `spans`"
        )
    spans = sorted(range(len(spec.spans)), key=lambda i: spec.spans[i].first)
    for one, other in pairwise(spans):
        if spec.spans[other].first <= spec.spans[one].last:
            yield Finding(
                ("spans", other),
                f"days of the span until {spec.spans[one].last} are in this one too",
                "make one span of the two",
                lenient=True,
            )


RULES = (
    Rule(
        Code(
            "TEL236",
            "a rota that nobody or two people are on",
            "At three in the morning it must be certain who is called.",
            documents(
                _ADA,
                _BOB,
                document(
                    "Rota",
                    "shop",
                    "members: [ada, bob]\noverrides:\n"
                    '  - {person: ada, first: "2026-12-24", last: "2026-12-26"}\n'
                    '  - {person: bob, first: "2026-12-26", last: "2026-12-27"}',
                ),
            ),
            documents(
                _ADA,
                _BOB,
                document(
                    "Rota",
                    "shop",
                    "members: [ada, bob]\noverrides:\n"
                    '  - {person: ada, first: "2026-12-24", last: "2026-12-25"}\n'
                    '  - {person: bob, first: "2026-12-26", last: "2026-12-27"}',
                ),
            ),
            "A turn lasts, an override ends after it begins, and no two people stand in on one day. A"
            " rota of one person with nobody after them is a warning.",
        ),
        (Rota,),
        _rota,
    ),
    Rule(
        Code(
            "TEL237",
            "a time zone that there is not",
            "Whoever reads it takes UTC instead, or nothing at all.",
            documents(_ADA, _BOB, document("Rota", "shop", "members: [ada, bob]\ntimezone: Europe/Dubln")),
            documents(_ADA, _BOB, document("Rota", "shop", "members: [ada, bob]\ntimezone: Europe/Dublin")),
            "Time zones are names of the IANA database.",
        ),
        (Rota, Window, Pipeline, Service),
        _zone,
    ),
    Rule(
        Code(
            "TEL239",
            "a window without a time",
            "A freeze that never comes, or a door that never opens.",
            document("Window", "summer", "type: freeze"),
            document("Window", "summer", 'type: freeze\nspans: [{first: "2027-07-02", last: "2027-07-05"}]'),
            "A window has `weekly` hours or `spans` of days; spans that overlap are a warning.",
        ),
        (Window,),
        _window,
    ),
)  # fmt: skip
ESTATE_RULES = (
    EstateRule(
        Code(
            "TEL238",
            "an escalation that never ends",
            "When nobody answers, the same people are called again and nobody else.",
            documents(
                _ADA,
                document("Rota", "a", "members: [ada]\nescalation: [{after: 5m, to: rota/b}]"),
                document("Rota", "b", "members: [ada]\nescalation: [{after: 5m, to: rota/a}]"),
            ),
            documents(
                _ADA,
                document("Rota", "a", "members: [ada]\nescalation: [{after: 5m, to: rota/b}]"),
                document("Rota", "b", "members: [ada]\nescalation: [{after: 5m, to: team/shop}]"),
            ),
            "Escalation from rota to rota never comes back to where it began.",
        ),
        _endless,
    ),
)
