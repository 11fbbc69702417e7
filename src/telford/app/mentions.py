"""Who names whom: every reference between documents, from both ends.

Dependencies (`uses`) have their own section on a page, and owner and system their own line: these
are the others, such as the runbook of a recovery or the decision behind a technology. Made once for
an estate by `telford.app.described`; shown on the page of each thing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from telford.estate.edges import Index
from telford.estate.model import Estate

# Shown elsewhere on the page.
_ELSEWHERE = frozenset({"owner", "system", "uses"})


@dataclass(frozen=True, slots=True)
class Mention:
    """`source` names `target` in `field` (canonical addresses, a dotted YAML path)."""

    source: str
    target: str
    field: str

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {"source": self.source, "target": self.target, "field": self.field}


@dataclass(frozen=True, slots=True)
class Mentions:
    """All mentions, by either end."""

    of: Mapping[str, tuple[Mention, ...]]
    by: Mapping[str, tuple[Mention, ...]]


def collect(estate: Estate) -> Mentions:
    """Every reference of an estate at its base that means exactly one thing."""
    index = Index(estate)
    of: dict[str, list[Mention]] = {}
    by: dict[str, list[Mention]] = {}
    for address, entity in estate.entities.items():
        spec = entity.spec
        for reference in spec.references():
            target = index.sure(reference.kind, reference.text, spec)
            if target is None or target == address or reference.path[0] in _ELSEWHERE:
                continue
            mention = Mention(address, target, _field(reference.path))
            of.setdefault(address, []).append(mention)
            by.setdefault(target, []).append(mention)
    return Mentions(
        {address: tuple(dict.fromkeys(found)) for address, found in of.items()},
        {address: tuple(dict.fromkeys(found)) for address, found in by.items()},
    )


def _field(path: tuple[str | int, ...]) -> str:
    """The path without the numbers of items: all items of a list say the same sort of thing."""
    return ".".join(step for step in path if isinstance(step, str))
