"""A token by reference: ``env:NAME`` or ``file:PATH``. Read at each use, kept and printed nowhere."""

from collections.abc import Callable, Mapping
from pathlib import Path

from telford.basics.errors import PermanentError, UsageError

# Longer than any host's token, shorter than a file named by mistake.
MAX_CHARACTERS = 4096


def reader(reference: str, environment: Mapping[str, str]) -> Callable[[], str]:
    """What gives the token now. Raises `UsageError` for a reference that is none."""
    kind, _, name = reference.partition(":")
    if kind == "env" and name:
        return lambda: _environment(name, environment)
    if kind == "file" and name:
        return lambda: _file(name)
    raise UsageError(
        "a token is given by reference, never itself",
        fix="write env:NAME (a variable of the controller's environment) or file:PATH",
    )


def _environment(name: str, environment: Mapping[str, str]) -> str:
    return _whole(environment.get(name, ""), f"the variable {name}")


def _file(name: str) -> str:
    try:
        with Path(name).open(encoding="utf-8") as file:
            text = file.read(MAX_CHARACTERS + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise PermanentError(
            f"the token's file {name} cannot be read", fix="make it readable for the controller"
        ) from error
    return _whole(text, f"the file {name}")


def _whole(text: str, where: str) -> str:
    token = text.strip()
    if not token or len(token) > MAX_CHARACTERS or not token.isascii() or not token.isprintable():
        raise PermanentError(
            f"{where} holds no token", fix="put the Git host's token there, on one line"
        )
    return token
