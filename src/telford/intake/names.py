"""Names out of foreign texts. Called by every reader of `telford.intake`."""

import hashlib
import re

# A DNS label has 63 characters; the rest is for a digest that keeps long names apart.
_LONGEST = 63
_KEPT = 54
_FOREIGN = re.compile(r"[^a-z0-9]+")


def slug(text: str) -> str:
    """A DNS label made of a text; a long one ends in a digest, an empty one is ``unnamed``."""
    label = _FOREIGN.sub("-", text.lower()).strip("-") or "unnamed"
    if len(label) <= _LONGEST:
        return label
    return f"{label[:_KEPT].rstrip('-')}-{_digest(text)}"


def told_apart(label: str, by: str) -> str:
    """A label with something at its end that another text `by` would not give."""
    return f"{slug(label)[:_KEPT].rstrip('-')}-{_digest(by)}"


def _digest(text: str) -> str:
    """Eight characters that tell a text from others."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
