"""Rules about rules: policies, controls, waivers, decisions and proposals mean what they say."""

import re
from collections.abc import Iterator

from telford.analysis import expressions
from telford.basics.diagnostics import Severity
from telford.estate import suggestions
from telford.estate.codes import Code, document, documents
from telford.estate.kinds import registry
from telford.estate.kinds.governance import Control, Decision, Policy, Proposal, Waiver
from telford.rules.rule import EstateRule, Finding, Path, Rule, Subject, World, base

_CODE = re.compile(r"TEL\d{3}")


def _codes(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    said: list[tuple[Path, str]] = []
    if isinstance(spec, Control):
        said = [(("checks", index), text) for index, text in enumerate(spec.checks)]
    elif isinstance(spec, Waiver) and "/" not in spec.rule:
        said = [(("rule",), spec.rule)]
    known = subject.world.codes
    for path, text in said:
        if text not in known and known:
            more = "" if isinstance(spec, Control) else ", or a policy or control by address"
            near = suggestions.nearest(text, known) if _CODE.fullmatch(text) is None else None
            fix = f"did you mean `{near}`?" if near else f"write a code such as TEL134{more}"
            yield Finding(path, f"there is no rule `{text}`", fix)


def _kinds(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Policy)
    for index, kind in enumerate(spec.kinds):
        if kind not in registry.BY_NAME:
            fix = suggestions.for_value(kind, list(registry.BY_NAME))
            yield Finding(("kinds", index), f"there is no kind `{kind}`", fix)


def _expressions(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    said: list[tuple[Path, str]] = []
    if isinstance(spec, Policy):
        said = [(("expression",), spec.expression)]
        yield from _kinds(subject)
    elif isinstance(spec, Decision):
        checks = enumerate(spec.checks)
        said = [(("checks", index, "expression"), check.expression) for index, check in checks]
    for path, text in said:
        problem = expressions.problem(text)
        if problem and not subject.lost(*path):
            yield Finding(
                path, f"it is no expression of CEL: {problem}", "write for example spec.tier > 0"
            )


def _replaced(world: World) -> Iterator[Finding]:
    by: dict[str, str] = {}
    for entity in world.estate.of_kind("Decision"):
        spec = entity.spec
        assert isinstance(spec, Decision)
        for index, name in enumerate(spec.supersedes):
            found = world.index.refer("Decision", name, spec)
            if len(found) != 1:
                continue
            by[found[0]] = str(entity.address)
            other = world.estate.entities[found[0]].spec
            assert isinstance(other, Decision)
            if spec.status == "accepted" and other.status == "accepted":
                yield Finding(
                    ("supersedes", index),
                    f"`{name}` is superseded by this, and still says that it is accepted",
                    f"write `status: superseded` in decision/{name}",
                    subject=base(entity, world),
                )
    for entity in world.estate.of_kind("Decision"):
        spec = entity.spec
        assert isinstance(spec, Decision)
        if spec.status == "superseded" and str(entity.address) not in by:
            yield Finding(
                ("status",),
                "it is superseded, and no decision says that it supersedes it",
                "name it in `supersedes` of the newer one",
                lenient=True,
                subject=base(entity, world),
            )


def _undecided(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Proposal)
    decided = spec.decision is not None or subject.lost("decision")
    if spec.status in {"accepted", "done"} and not decided:
        yield Finding(
            ("status",),
            f"the proposal is {spec.status}, and what was decided is not written down",
            "name a `decision`",
        )


_DECISION = "title: T\ndecision: D\nstatus: {}"

RULES = (
    Rule(
        Code(
            "TEL240",
            "a rule that there is not",
            "The control checks nothing, and the waiver waives nothing.",
            document(
                "Control", "owners", "framework: soc2\nid: CC1.3\ntitle: Owners\nchecks: [TEL999]"
            ),
            document(
                "Control", "owners", "framework: soc2\nid: CC1.3\ntitle: Owners\nchecks: [TEL134]"
            ),
            "`checks` of a Control and `rule` of a Waiver are codes of rules (or addresses of policies"
            " and controls).",
        ),
        (Control, Waiver),
        _codes,
    ),
    Rule(
        Code(
            "TEL241",
            "a policy that looks at nothing",
            "Nothing would be found, and everything would pass.",
            document("Policy", "p", 'kinds: [Servise]\nexpression: "true"\nmessage: m'),
            document("Policy", "p", 'kinds: [Service]\nexpression: "true"\nmessage: m'),
            "`kinds` of a Policy are kinds; `expression` of a Policy, and of a check of a Decision, is an"
            " expression of CEL.",
        ),
        (Policy, Decision),
        _expressions,
    ),
    Rule(
        Code(
            "TEL243",
            "a proposal that was accepted without a decision",
            "In a year nobody knows what was agreed to, or by whom.",
            document("Proposal", "p", "title: T\nsummary: S\nstatus: accepted"),
            documents(
                document("Proposal", "p", "title: T\nsummary: S\nstatus: accepted\ndecision: d"),
                document("Decision", "d", _DECISION.format("accepted")),
            ),
            "a warning: a Proposal that is accepted or done names its `decision`.",
        ),
        (Proposal,),
        _undecided,
        severity=Severity.WARNING,
    ),
)
ESTATE_RULES = (
    EstateRule(
        Code(
            "TEL242",
            "two decisions that both hold",
            "Whoever reads the older one alone does what was given up.",
            documents(
                document("Decision", "new", _DECISION.format("accepted\nsupersedes: [old]")),
                document("Decision", "old", _DECISION.format("accepted")),
            ),
            documents(
                document("Decision", "new", _DECISION.format("accepted\nsupersedes: [old]")),
                document("Decision", "old", _DECISION.format("superseded")),
            ),
            "A decision that an accepted one supersedes is not accepted; one that is superseded is"
            " named by another (a warning).",
        ),
        _replaced,
    ),
)
