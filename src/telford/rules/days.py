"""Days: what has run out, or is overdue, on the day on which the estate is checked.

Nothing is said where no day is given (`World.today`): the rules of an estate at an old revision
are those of its own day.
"""

import datetime as dt
from collections.abc import Iterator

from telford.basics import units
from telford.basics.diagnostics import Severity
from telford.estate.codes import Code, document, documents, service
from telford.estate.kinds.contracts import Contract
from telford.estate.kinds.direction import Initiative, Technology
from telford.estate.kinds.governance import Waiver
from telford.estate.kinds.response import Drill
from telford.rules.rule import Finding, Rule, Subject


def _expired(subject: Subject) -> Iterator[Finding]:
    spec, today = subject.spec, subject.world.today
    assert isinstance(spec, Waiver)
    if today is None or subject.lost("expires"):
        return
    days = (today - dt.date.fromisoformat(spec.expires)).days
    if days > 0:
        yield Finding(
            ("expires",),
            f"the waiver ran out {_days(days)} ago",
            "put right what it waived, or have it allowed for some time more",
        )


def _overdue(subject: Subject) -> Iterator[Finding]:
    spec, today = subject.spec, subject.world.today
    assert isinstance(spec, Drill)
    if today is None or spec.every is None or spec.last is None:
        return
    days = int(units.seconds(spec.every) // 86_400)
    late = (today - dt.date.fromisoformat(spec.last)).days - days
    if late > 0:
        yield Finding(
            ("last",),
            f"the drill was due {_days(late)} ago (every {spec.every})",
            "do it, and write the day down",
        )


def _over(subject: Subject) -> Iterator[Finding]:
    """Support that ended, versions that nobody may count on, initiatives that are late."""
    spec, today = subject.spec, subject.world.today
    if today is None:
        return
    if isinstance(spec, Technology):
        if spec.end_of_life and spec.ring in {"adopt", "trial"} and _past(spec.end_of_life, today):
            yield Finding(
                ("endOfLife",),
                f"its vendor gave it up, and it is still in the ring `{spec.ring}`",
                "put it on hold and name what replaces it",
            )
    elif isinstance(spec, Initiative):
        if spec.due and spec.status in {"planned", "active"} and _past(spec.due, today):
            yield Finding(("due",), "it is late", "move the day, or say what became of it")
    else:
        assert isinstance(spec, Contract)
        last = spec.versions[-1]
        if last.sunset and _past(last.sunset, today):
            yield Finding(
                ("versions", len(spec.versions) - 1, "sunset"),
                f"the newest version ({last.version}) was to be gone by now",
                "name the version that takes its place",
            )


def _past(text: str, today: dt.date) -> bool:
    return dt.date.fromisoformat(text) < today


def _days(count: int) -> str:
    return f"{count} day{'s' * (count != 1)}"


def _waiver(expires: str) -> str:
    return documents(
        service(""),
        document(
            "Waiver", "w", f'rule: TEL134\nof: [service/orders]\nreason: r\nexpires: "{expires}"'
        ),
    )


def _drill(last: str) -> str:
    return document("Drill", "restore", f'scenario: s\nevery: 180d\nlast: "{last}"')


RULES = (
    Rule(
        Code(
            "TEL256",
            "a waiver that ran out",
            "An exception that nobody ends is a new rule that nobody made.",
            _waiver("2001-01-01"),
            _waiver("2999-01-01"),
            "a warning: the day in `expires` has not passed.",
        ),
        (Waiver,),
        _expired,
        severity=Severity.WARNING,
    ),
    Rule(
        Code(
            "TEL257",
            "a drill that is overdue",
            "What was practised two years ago was practised by other people on another system.",
            _drill("2001-01-01"),
            _drill("2999-01-01"),
            "a warning: from `last` on less time has passed than `every`.",
        ),
        (Drill,),
        _overdue,
        severity=Severity.WARNING,
    ),
    Rule(
        Code(
            "TEL258",
            "a day that has passed",
            "Plans that nobody moves are plans that nobody reads.",
            document("Technology", "t", 'ring: adopt\nendOfLife: "2001-01-01"'),
            document("Technology", "t", 'ring: adopt\nendOfLife: "2999-01-01"'),
            "a warning: a Technology in use is supported, an Initiative under way is not past `due`, and"
            " the newest version of a Contract is not past `sunset`.",
        ),
        (Technology, Initiative, Contract),
        _over,
        severity=Severity.WARNING,
    ),
)
