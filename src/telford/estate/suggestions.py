"""Did you mean: the nearest of what would have been right, and where a misplaced key belongs.

Used wherever a diagnostic can name the way out: keys, values, references, places.
"""

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

# Below this likeness (difflib's ratio) a guess confuses more than it helps.
LIKENESS = 0.6
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
_MANY = 8


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
    found = difflib.get_close_matches(text, known, 1, LIKENESS)
    return found[0] if found else None


def for_key(
    key: str, allowed: Collection[str], places: Mapping[str, tuple[str, ...]], path: str
) -> Advice:
    """Advice on an unknown key, given the keys allowed beside it and the kind's other keys."""
    meant = nearest(key, allowed)
    if meant is None:
        synonym = SYNONYMS.get(bare(key))
        meant = synonym if synonym in allowed else None
    elsewhere = _elsewhere(key, places)
    if elsewhere and (meant is None or bare(meant) != bare(key)):
        return Advice(f"`{key}` belongs at `{elsewhere}`")
    if meant is not None:
        return Advice(f"did you mean `{meant}`?", meant)
    if not allowed:
        return Advice("remove it, or give it a name that begins with `x-`")
    shown = ", ".join(f"`{name}`" for name in sorted(allowed)[:_MANY])
    more = ", ..." if len(allowed) > _MANY else ""
    where = "here" if path else "at the top"
    return Advice(f"{where} one may write {shown}{more}; a key of your own begins with `x-`")


def _elsewhere(key: str, places: Mapping[str, tuple[str, ...]]) -> str | None:
    """Where the kind does know a key of this very name; its shortest path."""
    return places[key][0] if key in places else None


def for_value(text: str, choices: Collection[str]) -> str:
    """A fix for a value that is none of the choices."""
    meant = nearest(text, choices)
    listed = ", ".join(choices)
    return f"did you mean `{meant}`? (one of {listed})" if meant else f"write one of {listed}"


def for_name(text: str, known: Iterable[str], what: str) -> str:
    """A fix for a name that nothing has."""
    meant = nearest(text, known)
    return f"did you mean `{meant}`?" if meant else f"add {what}, or fix the name"
