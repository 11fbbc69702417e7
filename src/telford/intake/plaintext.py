"""Secrets that an input writes out and that an import has to keep, for a build gives back what was
found: a literal ``DB_PASSWORD`` of a Deployment, a password in an address or an argument. They are
told, by name and never by value, so that nobody shares the estate without knowing.

What a reader leaves out by itself (compose files, infrastructure code) never gets here. Called by
`telford.app.importing`, once for all formats and environments.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from telford.basics.diagnostics import Diagnostic, Severity
from telford.estate.address import Address
from telford.intake.compose import hiding
from telford.intake.imported import Document

# ConfigMaps have a diagnostic of their own, TEL607; Secrets have no values.
_ELSEWHERE = ("Config", "Secret")
# Mappings whose keys are names of settings.
_SETTINGS = frozenset({"env", "variables", "environment"})
_BEARER = re.compile(r"\bbearer\s{1,3}(?!\$|<|\{)[\w.~+/=-]{8,}", re.IGNORECASE)
_PASSWORD = re.compile(r"(?:password|passwd)$", re.IGNORECASE)
# A reference to a value that is elsewhere, in whole.
_REFERENCE = re.compile(r"\$[({].*[)}]|\$\w+|\{\{.*\}\}")
# Texts without any of these hold no password in a form that tells one.
_SIGNS = re.compile(r"[@=]|--|earer|EARER|PRIVATE")
# Named one by one; more are counted.
_MAX_NAMED = 3
# A longer text is data, and a look at it costs more than it finds.
_MAX_TEXT = 65_536


def found(documents: Iterable[Document]) -> Iterator[Diagnostic]:
    """A warning for each document that holds what seems to be a secret."""
    for document in documents:
        if document.value["kind"] in _ELSEWHERE:
            continue
        places = list(dict.fromkeys(".".join(path) for path in _places(document.value, ())))
        if places:
            yield _problem(document, places)


def _problem(document: Document, places: Sequence[str]) -> Diagnostic:
    value = document.value
    address = Address(
        str(value["kind"]).lower(), str(value.get("system") or ""), str(value["name"])
    )
    more = f" and {len(places) - _MAX_NAMED} more" if len(places) > _MAX_NAMED else ""
    return Diagnostic(
        "TEL615",
        Severity.WARNING,
        f"this seems to be a secret in plain text: {', '.join(places[:_MAX_NAMED])}{more}",
        address=str(address),
        position=document.origins[0] if document.origins else None,
        detail="It is in the estate as it was found, for a build gives it back.",
        fix="move it to a secret, and refer to that; share the estate with nobody until then",
    )


def _places(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The paths of what seems to be a secret; items of lists by their name, else by their index."""
    if isinstance(value, Mapping):
        settings = bool(path) and path[-1] in _SETTINGS
        for key, item in value.items():
            inner = (*path, str(key))
            if isinstance(item, str) and _is_secret(str(key), item, settings=settings):
                yield inner
            else:
                yield from _places(item, inner)
    elif isinstance(value, list | tuple):
        yield from _in_list(value, path)
    elif isinstance(value, str) and _holds(value):
        yield path


def _in_list(value: Sequence[Any], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    before = ""
    for index, item in enumerate(value):
        if isinstance(item, Mapping) and isinstance(name := item.get("name"), str):
            inner = (*path, name)
            setting = item.get("value")
            if isinstance(setting, str) and _is_secret(name, setting, settings=True):
                yield inner
                continue
        else:
            inner = (*path, str(index))
        option = isinstance(item, str) and before.startswith("-") and not item.startswith("-")
        if option and _is_secret(before.lstrip("-"), item, settings=True):
            yield inner
        else:
            yield from _places(item, inner)
        before = item if isinstance(item, str) else ""


def _is_secret(name: str, value: str, *, settings: bool) -> bool:
    """Whether a text is a secret by its name, where names are those of settings, or by its form."""
    if not value or _REFERENCE.fullmatch(value):
        return False
    called = hiding.named(name) if settings else _PASSWORD.search(name) is not None
    return (called and hiding.hidden(name, value)) or _holds(value)


def _holds(text: str) -> bool:
    """Whether a text has a password in one of the forms that tell it."""
    if len(text) > _MAX_TEXT or _SIGNS.search(text) is None:
        return False
    return hiding.clear(text) != text or _BEARER.search(text) is not None
