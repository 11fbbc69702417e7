"""Which settings are secrets, and texts without them: an estate never holds one.

Names decide, and the forms that passwords have in URLs, keys and options. Called wherever a value
of a compose file, or of a file with variables, could enter the estate.
"""

import re
from typing import Any

# The last words of a name. `DB_PASSWORD` and `POSTGRES_PW` are, `PASSWORD_FILE` and `KEYSPACE`
# are not.
_NAME = re.compile(
    r"(password|passwd|passphrase)$"
    r"|(^|[^a-z0-9])(pass|pwd|pw|secret|token|credential|credentials)$"
    r"|(^|[^a-z0-9])(secret|private|api|access|encryption|signing|master|license|app|auth)"
    r"[-_.]?key([-_.]base)?$"
    r"|(^|[^a-z0-9])secret[-_]access[-_]key$",
    re.IGNORECASE,
)
# Values that say something about a secret and are none.
_HARMLESS = re.compile(r"|true|false|yes|no|on|off|0|1|(/run/secrets)?/[\w./-]+", re.IGNORECASE)
# scheme://user:password@host; the password is group 2.
_URL = re.compile(
    r"((?<![a-z0-9])[a-z][a-z0-9+.-]{0,30}://[^\s/:@'\"]{0,200}:)([^\s/@'\"]{1,500})(@)",
    re.IGNORECASE,
)
# ...?password=x, ...;Pwd=x: in addresses and connection strings; and Go's user:password@tcp(host).
_PARAMETER = re.compile(
    r"((?:^|[?&;])\s{0,3}(?:password|passwd|pwd|secret|token|api[-_]?key)=)([^&;\s]{1,500})",
    re.IGNORECASE,
)
_SOURCE = re.compile(r"(^[^\s/:@]{1,200}:)([^\s/@]{1,500})(@(?:tcp|unix)\()")
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
# --password=x, --requirepass x, PGPASSWORD=x: what stands behind is the secret.
_OPTION = re.compile(
    r"(--?[a-z-]{0,40}(?:password|passwd|requirepass|secret|token)[= ]\s*|\b[A-Z_]{0,40}PASSWORD=)"
    r"(\"[^\"]*\"|'[^']*'|[^\s\"';|&]+)",
    re.IGNORECASE,
)
_KEPT = re.compile(r"\$[{(]?[_a-zA-Z][^}]*[})]?|\$\$?\(.*")
_REFERENCE = re.compile(r"\$\{([_a-zA-Z][_a-zA-Z0-9]*)\}")
# Shorter values are words that stand everywhere.
_SHORTEST = 4
HIDDEN = "a secret's value never enters an estate"


def named(name: str) -> bool:
    """Whether the name of a setting says that its value is a secret."""
    return _NAME.search(name) is not None


def secret(name: str, value: str) -> bool:
    """Whether a setting's value is a secret, by its name or by its form."""
    if named(name) and not _HARMLESS.fullmatch(value):
        return True
    return _holds(value)


def refers(text: str) -> bool:
    """Whether a text has the reference to a secret in it that interpolation left."""
    return any(named(name) for name in _REFERENCE.findall(text))


def clear(text: str, known: frozenset[str] = frozenset()) -> str:
    """A command or other text with its passwords taken out. `known` are secrets of the project:
    they are taken out behind a short option (``-P secret``) too.
    """
    found = text
    for form in (_URL, _SOURCE):
        found = form.sub(lambda match: match[1] + _placeholder(match[2]) + match[3], found)
    found = _PARAMETER.sub(lambda match: match[1] + _placeholder(match[2]), found)
    found = _OPTION.sub(lambda match: match[1] + _placeholder(match[2]), found)
    for value in known:
        if len(value) >= _SHORTEST and value in found:
            behind = re.compile(rf"((?:^|\s)-[a-zA-Z] ?['\"]?){re.escape(value)}(?![\w])")
            found = behind.sub(lambda match: match[1] + "${SECRET}", found)
    return "${SECRET}" if _PEM.search(found) else found


def cleared(value: Any, key: str = "", known: frozenset[str] = frozenset()) -> Any:
    """What is carried, without secrets: those that names tell are left out by value."""
    if isinstance(value, dict):
        return {name: cleared(item, name, known) for name, item in value.items()}
    if isinstance(value, list):
        return [cleared(item, key, known) for item in value]
    if not isinstance(value, str):
        return None if value is not None and hidden(key, value) else value
    name, equals, rest = value.partition("=")
    if equals and not name.startswith("-") and named(name) and not _HARMLESS.fullmatch(rest):
        return f"{name}=${{{name}}}"
    return "${SECRET}" if hidden(key, value) else clear(value, known)


def hidden(key: str, value: object) -> bool:
    """Whether the value under a key is left out of what is carried."""
    return named(key) and not isinstance(value, bool) and not _HARMLESS.fullmatch(str(value))


def _holds(value: str) -> bool:
    for form in (_URL, _SOURCE, _PARAMETER):
        match = form.search(value)
        if match is not None and not _KEPT.fullmatch(match[2]):
            return True
    return _PEM.search(value) is not None


def _placeholder(value: str) -> str:
    """What stands for a secret; a reference to one stays."""
    return value if _KEPT.match(value.strip("\"'")) else "${SECRET}"
