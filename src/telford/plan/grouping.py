"""Which changes of a plan are one and the same in many files, so that they are said once.

Two files change alike where the same fields of the same kinds go from the same to the same value,
the names of their owners aside, in the same place and for the same target. Called by
`telford.app.causes`.
"""

from collections.abc import Sequence

from telford.plan.fields import Change
from telford.plan.meaning import Meant
from telford.road import conventions

# What changes with everything else: it is a consequence and never the cause.
_DIGESTS = frozenset(
    {
        (conventions.ANNOTATION_DIGEST,),
        (conventions.ANNOTATION_CONFIG,),
        # In the values of a chart.
        ("object", "digest"),
    }
)

# Names a change whatever the thing is called that it happens to.
Signature = tuple[object, ...]


def signature(meant: Meant, owner: str) -> Signature:
    """What the change of a field is, whatever its owner is called."""
    change, name = meant.change, owner.rpartition("/")[2].rpartition(".")[2]
    values = [] if is_digest(change) else [_nameless(v, name) for v in (change.old, change.new)]
    path = change.path.removeprefix(change.subject.title)
    names = tuple(one.name for one in meant.meanings)
    return (change.subject.kind, _nameless(path, name), *values, names)


def of_file(found: Sequence[Meant], owner: str) -> Signature:
    """What the change of a file is, whatever its owner is called."""
    return tuple(signature(meant, owner) for meant in found)


def is_digest(change: Change) -> bool:
    """Whether a field only sums up others."""
    return change.steps[-1:] in _DIGESTS or change.steps[-2:] in _DIGESTS


def telling(found: Sequence[Meant]) -> list[Meant]:
    """The changes that a cause is looked for, the gravest meaning first; digests only alone."""
    return [meant for meant in found if not is_digest(meant.change)] or list(found)


def _nameless(text: str | None, name: str) -> str | None:
    return text if text is None or not name else text.replace(name, "{name}")
