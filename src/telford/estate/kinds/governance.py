"""Rules that people make: Policy, Control, Waiver, Decision and Proposal."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from telford.estate.kinds import base

# A CEL expression; longer ones are programs.
Expression = Annotated[str, Field(min_length=1, max_length=4000)]


class Policy(base.Kind):
    """A rule in CEL that entities of some kinds must satisfy."""

    stand_ins: ClassVar[dict[str, object]] = {"expression": "true", "message": "-"}

    kind: Literal["Policy"]
    # The kinds it looks at, by name; all of them where it is empty.
    kinds: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    # True where all is well.
    expression: Expression
    message: str
    fix: str = ""
    severity: Literal["info", "warning", "error"] = "error"
    why: str = ""

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        for index, environment in enumerate(self.environments):
            yield base.Reference(("environments", index), "Environment", environment)


class Control(base.Kind):
    """A demand of a framework, and what here fulfils it."""

    stand_ins: ClassVar[dict[str, object]] = {"framework": "-", "id": "-", "title": "-"}

    kind: Literal["Control"]
    # Such as soc2, iso27001, pci-dss, hipaa; `id` is the framework's own number.
    framework: str
    id: base.Version
    title: str
    # The policies that check it, and the codes of built-in rules (``TEL134``).
    policies: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    # What an auditor is shown.
    evidence: tuple[str, ...] = ()

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        for index, policy in enumerate(self.policies):
            yield base.Reference(("policies", index), "Policy", policy)


class Waiver(base.Kind):
    """An exception: which rule does not hold for what, why, and until when."""

    stand_ins: ClassVar[dict[str, object]] = {
        "rule": "-",
        "of": ["system/none"],
        "reason": "-",
        "expires": "2000-01-01",
    }

    kind: Literal["Waiver"]
    # A policy, control or architecture by address, or the code of a built-in rule.
    rule: str
    # Of an architecture: the capabilities or fields in which it may be differed from; all of them
    # where it is empty.
    parts: tuple[str, ...] = ()
    of: Annotated[tuple[base.AddressText, ...], Field(min_length=1)]
    reason: Annotated[str, Field(min_length=1)]
    expires: base.Date
    approved_by: str | None = None

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        if "/" in self.rule:
            yield base.to_address(("rule",), self.rule)
        yield from base.addressed(("of",), self.of)
        if self.approved_by is not None:
            yield base.Reference(("approvedBy",), "Person", self.approved_by)


class LiveCheck(base.Model):
    """What must stay true for a decision to be kept: a CEL expression over an address."""

    of: base.AddressText
    expression: Expression


class Decision(base.Kind):
    """An architecture decision record: what was decided, why, and what follows."""

    stand_ins: ClassVar[dict[str, object]] = {"title": "-", "decision": "-"}

    kind: Literal["Decision"]
    title: str
    status: Literal["proposed", "accepted", "rejected", "deprecated", "superseded"] = "accepted"
    date: base.Date | None = None
    context: str = ""
    decision: str
    consequences: str = ""
    deciders: tuple[str, ...] = ()
    of: tuple[base.AddressText, ...] = ()
    supersedes: tuple[str, ...] = ()
    checks: tuple[LiveCheck, ...] = ()

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        for index, person in enumerate(self.deciders):
            yield base.Reference(("deciders", index), "Person", person)
        yield from base.addressed(("of",), self.of)
        for index, decision in enumerate(self.supersedes):
            yield base.Reference(("supersedes", index), "Decision", decision)
        for index, check in enumerate(self.checks):
            yield base.to_address(("checks", index, "of"), check.of)


class Alternative(base.Model):
    """Another way that was thought of, and why it is not the one proposed."""

    title: str
    against: str = ""


class Proposal(base.Kind):
    """A request for comments: a change that somebody wants, and whom it touches."""

    stand_ins: ClassVar[dict[str, object]] = {"title": "-", "summary": "-"}

    kind: Literal["Proposal"]
    title: str
    status: Literal["draft", "open", "accepted", "rejected", "withdrawn", "done"] = "draft"
    author: str | None = None
    date: base.Date | None = None
    summary: str
    problem: str = ""
    # What it would change.
    of: tuple[base.AddressText, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    reviewers: tuple[str, ...] = ()
    decision: str | None = None

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        if self.author is not None:
            yield base.Reference(("author",), "Person", self.author)
        yield from base.addressed(("of",), self.of)
        for index, person in enumerate(self.reviewers):
            yield base.Reference(("reviewers", index), "Person", person)
        if self.decision is not None:
            yield base.Reference(("decision",), "Decision", self.decision)
