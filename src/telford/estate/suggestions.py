"""Did you mean: the nearest of what would have been right, and where a misplaced key belongs.

Used wherever a diagnostic can name the way out: keys, values, references, places.
"""

import difflib
import heapq
import itertools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

# Below this likeness (difflib's ratio) a guess confuses more than it helps.
LIKENESS = 0.6
# From here on a key beside it is meant, whatever the kind knows elsewhere.
CERTAINTY = 0.85
# What other formats call our keys.
SYNONYMS = {
    "dependson": "uses",
    "dependencies": "uses",
    "depends": "uses",
    "requires": "uses",
    "environment": "env",
    "variables": "env",
    "cmd": "command",
    "entrypoint": "command",
    "arguments": "args",
    "readinessprobe": "ready",
    "livenessprobe": "live",
    "startupprobe": "startup",
    "initialdelayseconds": "delay",
    "periodseconds": "every",
    "timeoutseconds": "timeout",
    "failurethreshold": "failures",
    "containerport": "port",
    "overlays": "in",
    "environments": "in",
    "slo": "target",
    "title": "name",
    "dlq": "deadLetter",
    "deadletterqueue": "deadLetter",
}
# Comparing closely costs; of many names only those are compared whose ends are most alike.
MAX_COMPARED = 200
_MANY = 8
_FEW = 3


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about an unknown key; `instead` is the key at the same level that was meant."""

    fix: str
    instead: str | None = None


def bare(key: str) -> str:
    """A key without what people vary: case, underscores, hyphens."""
    return key.lower().replace("_", "").replace("-", "")


def nearest(text: str, candidates: Iterable[str]) -> str | None:
    """The candidate most like a text, or None where none is like it."""
    known = list(candidates)
    spelled = bare(text)
    same = [candidate for candidate in known if bare(candidate) == spelled]
    if same:
        return same[0]
    if len(known) > MAX_COMPARED:
        known = heapq.nlargest(MAX_COMPARED, known, key=lambda one: _ends_alike(one, text))
    found = difflib.get_close_matches(text, known, 1, LIKENESS)
    return found[0] if found else None


def _ends_alike(one: str, other: str) -> int:
    """How many characters two texts share at their beginning and at their end."""
    pairs = itertools.chain(
        itertools.takewhile(_same, zip(one, other, strict=False)),
        itertools.takewhile(_same, zip(reversed(one), reversed(other), strict=False)),
    )
    return sum(1 for _ in pairs)


def _same(pair: tuple[str, str]) -> bool:
    return pair[0] == pair[1]


def for_key(
    key: str, allowed: Collection[str], places: Mapping[str, tuple[str, ...]], path: str
) -> Advice:
    """Advice on an unknown key, given the keys allowed beside it and the kind's other keys."""
    meant = nearest(key, allowed)
    if meant is None:
        synonym = SYNONYMS.get(bare(key))
        meant = synonym if synonym in allowed else None
    elsewhere = _elsewhere(key, places, path)
    if elsewhere and (meant is None or not _surely(key, meant)):
        return Advice(f"`{key}` belongs at {elsewhere}")
    if meant is not None:
        return Advice(f"did you mean `{meant}`?", meant)
    if not allowed:
        return Advice("remove it, or give it a name that begins with `x-`")
    shown = ", ".join(f"`{name}`" for name in sorted(allowed)[:_MANY])
    more = ", ..." if len(allowed) > _MANY else ""
    where = "here" if path else "at the top"
    return Advice(f"{where} one may write {shown}{more}; a key of your own begins with `x-`")


def _surely(key: str, meant: str) -> bool:
    return difflib.SequenceMatcher(None, bare(key), bare(meant)).ratio() >= CERTAINTY


def _elsewhere(key: str, places: Mapping[str, tuple[str, ...]], path: str) -> str:
    """Where the kind does know a key of this very name: as near to `path` as may be, and the one
    that is nearest to the top where there is only one such. `places` come shortest first.
    """
    found = places.get(key, ())
    if not found:
        return ""
    shared = [_shared(place, path) for place in found]
    near = [place for place, steps in zip(found, shared, strict=True) if steps == max(shared)]
    shallow = [place for place in near if place.count(".") == near[0].count(".")]
    shown = shallow if len(shallow) == 1 else near[:_FEW]
    return " or ".join(f"`{place}`" for place in shown)


def _shared(one: str, other: str) -> int:
    """How many steps two paths have in common from the top."""
    pairs = zip(one.split("."), other.split("."), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def for_value(text: str, choices: Collection[str]) -> str:
    """A fix for a value that is none of the choices."""
    meant = nearest(text, choices)
    listed = ", ".join(choices)
    return f"did you mean `{meant}`? (one of {listed})" if meant else f"write one of {listed}"


def for_name(text: str, known: Iterable[str], what: str) -> str:
    """A fix for a name that nothing has."""
    meant = nearest(text, known)
    return f"did you mean `{meant}`?" if meant else f"add {what}, or fix the name"
