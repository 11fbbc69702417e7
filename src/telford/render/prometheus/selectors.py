"""Series selectors as users write them: parsed just far enough to make a series that one matches.

A generated test feeds the rules with series; for an SLI of the user's own counters they must match
the user's own selectors. Called by `series`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

_SELECTOR = re.compile(r"\s*([a-zA-Z_:][\w:]*)?\s*(?:\{(.*)\})?\s*", re.DOTALL)
_MATCHER = re.compile(r'\s*([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*")\s*(?:,|$)')
_LITERAL = re.compile(r"[\w:/ -]*")
# Values that are tried for a matcher, beside what its pattern spells out.
_TRIED = ("200", "500", "404", "2xx", "5xx", "ok", "error", "true", "false", "x")

# Each objective's selectors are asked for two dozen times in a row, once a test.
_KEPT = 256


@dataclass(frozen=True, slots=True)
class Matcher:
    """One label matcher."""

    label: str
    operator: str
    value: str

    def accepts(self, value: str) -> bool:
        """As Prometheus matches: patterns are anchored."""
        if self.operator in ("=", "!="):
            return (value == self.value) == (self.operator == "=")
        return bool(re.fullmatch(self.value, value)) == (self.operator == "=~")


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric and its matchers."""

    metric: str
    matchers: tuple[Matcher, ...]

    def accepts(self, labels: dict[str, str]) -> bool:
        """Whether it selects a series of its metric with these labels."""
        return all(matcher.accepts(labels.get(matcher.label, "")) for matcher in self.matchers)


@lru_cache(maxsize=_KEPT)
def parse(text: str) -> Selector | None:
    """The selector, or None where it is no plain one (a function, an offset)."""
    found = _SELECTOR.fullmatch(text)
    if found is None or found[1] is None:
        return None
    rest, matchers = (found[2] or "").strip(), []
    while rest:
        head = _MATCHER.match(rest)
        if head is None:
            return None
        matchers.append(Matcher(head[1], head[2], head[3][1:-1].replace("\\\\", "\\")))
        rest = rest[head.end() :].strip()
    return Selector(found[1], tuple(matchers))


def example(wanted: Selector, *, unlike: Selector | None = None) -> Mapping[str, str] | None:
    """Labels that `wanted` selects and `unlike` does not; None where none was found."""
    return _example(wanted, unlike)


@lru_cache(maxsize=_KEPT)
def _example(wanted: Selector, unlike: Selector | None) -> Mapping[str, str] | None:
    labels: dict[str, str] = {}
    for matcher in wanted.matchers:
        if matcher.label not in labels or not matcher.accepts(labels[matcher.label]):
            value = _value(wanted, matcher.label)
            if value is None:
                return None
            labels[matcher.label] = value
    labels = {key: value for key, value in labels.items() if value}
    if unlike is None or not unlike.accepts(labels):
        return labels
    return _told_apart(wanted, unlike, labels)


def _value(wanted: Selector, label: str) -> str | None:
    matchers = [m for m in wanted.matchers if m.label == label]
    candidates = [value for m in matchers for value in _spelled(m)]
    return _fitting(matchers, (*candidates, *_TRIED, ""))


def _fitting(matchers: list[Matcher], candidates: tuple[str, ...]) -> str | None:
    return next((c for c in candidates if all(m.accepts(c) for m in matchers)), None)


def _told_apart(
    wanted: Selector, unlike: Selector, labels: dict[str, str]
) -> dict[str, str] | None:
    """Change one label that `unlike` asks for, within what `wanted` allows."""
    for matcher in unlike.matchers:
        for value in (*_TRIED, *_spelled(matcher), ""):
            changed = {k: v for k, v in (labels | {matcher.label: value}).items() if v}
            if wanted.accepts(changed) and not unlike.accepts(changed):
                return changed
    return None


def _spelled(matcher: Matcher) -> list[str]:
    """Texts that a pattern spells out: its literal beginning, each alternative with wildcards
    filled in. They are candidates; `Matcher.accepts` decides.
    """
    if matcher.operator == "=":
        return [matcher.value]
    if matcher.operator != "=~":
        return []
    literal = _LITERAL.match(matcher.value.lstrip("^("))
    found = [literal[0] if literal else ""]
    for alternative in matcher.value.strip("^$()").split("|"):
        text = re.sub(r"\(\?:|[()]", "", alternative)
        text = re.sub(r"\\d|\[0-9\]", "0", text)
        text = re.sub(r"\[\^[^\]]*\]", "x", text)
        text = re.sub(r"\[(.)[^\]]*\]", r"\1", text)
        text = re.sub(r"\.[*+?]", "x", text).replace("\\.", "\0").replace(".", "0")
        text = re.sub(r"[*+?]|\{\d+(?:,\d*)?\}", "", text).replace("\0", ".")
        found.append(text)
    return found
