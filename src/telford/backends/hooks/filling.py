"""What is known of a release, put into a hook: places in a URL or an argument, and variables."""

import re
from collections.abc import Mapping
from urllib.parse import quote

_PLACE = re.compile(r"\{([a-z]+)\}")
PREFIX = "TELFORD_"


def url(text: str, about: Mapping[str, str]) -> str:
    """The URL with every known ``{place}`` filled in, quoted whole: it adds no part to a path."""
    return _PLACE.sub(lambda m: quote(about[m[1]], safe="") if m[1] in about else m[0], text)


def argument(text: str, about: Mapping[str, str]) -> str:
    """An argument with every known ``{place}`` filled in, as it is: no shell reads it."""
    return _PLACE.sub(lambda m: about.get(m[1], m[0]), text)


def variables(about: Mapping[str, str]) -> dict[str, str]:
    """All that is known, as variables of an environment: TELFORD_RELEASE and so on."""
    return {f"{PREFIX}{name.upper()}": value for name, value in about.items()}
