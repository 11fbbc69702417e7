"""Network addresses in settings and arguments: which hosts a text names, and whether it means
them as addresses. Called by the importers to infer dependencies.

Precision over recall: an edge that is not there misleads more than one that is missing, so a bare
word counts only where its key says that it is a host.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL}){{0,7}}"
# scheme://user:password@host:port; the user part never leaves this module.
_URL = re.compile(
    rf"(?<![a-z0-9])(?P<scheme>(?:[a-z][a-z0-9+.-]{{0,30}}:){{0,2}})//(?:[^\s/@'\"]*@)?"
    rf"(?P<host>{_HOST})(?::(?P<port>\d{{1,5}}))?(?![-\w.@])",
    re.IGNORECASE,
)
_PAIR = re.compile(rf"(?<![-\w./$}}@])(?P<host>{_HOST}):(?P<port>\d{{2,5}})(?![\w.@:-])")
_CLUSTER = re.compile(
    rf"(?<![-\w./])(?P<host>{_LABEL}\.{_LABEL}\.svc(?:\.{_LABEL}){{0,5}})(?![-\w])"
)
_BARE = re.compile(_HOST)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# Words of a key that say its value is an address.
_SAYING = frozenset(
    {
        *("host", "hosts", "hostname", "hostnames", "addr", "addrs", "address", "addresses"),
        *("url", "urls", "uri", "uris", "endpoint", "endpoints", "dsn", "server", "servers"),
        *("broker", "brokers", "upstream", "upstreams"),
    }
)
# The machine itself, and names that every document uses as an example.
_NOWHERE = frozenset({"localhost", "0.0.0.0", "127.0.0.1"})  # noqa: S104 - nothing is bound
# Schemes whose host is a bucket or nothing, not a machine.
_NO_HOSTS = ("s3:", "s3a:", "gs:", "abfs:", "wasb:", "file:", "unix:", "oci:")
# A setting or script longer than this is data, not an address.
MAX_TEXT = 65_536
# So many names of settings are remembered; an organisation has a few thousand.
MAX_KEYS = 4096


@dataclass(frozen=True, slots=True)
class Candidate:
    """A host that a text may mean. `certain` where its form or its key says it is an address."""

    host: str
    port: int | None
    certain: bool


def candidates(key: str, text: str) -> Iterator[Candidate]:
    """The hosts in a text, each once; `key` is the name of the setting or option, or ""."""
    if len(text) > MAX_TEXT:
        return
    seen: set[tuple[str, int | None]] = set()
    for found in (*_in_text(says_address(key), text), *_bare(key, text)):
        if (found.host, found.port) not in seen and found.host not in _NOWHERE:
            seen.add((found.host, found.port))
            yield found


@lru_cache(maxsize=MAX_KEYS)
def says_address(key: str) -> bool:
    """Whether a key says that its value is an address: ``REDIS_ADDR``, ``--db-host``, ``baseUrl``."""
    return any(word.lower() in _SAYING for word in _WORDS.findall(key))


def external(host: str) -> bool:
    """Whether a host has the form of a name outside of the cluster: dotted, and not ``.svc``."""
    labels = host.split(".")
    return len(labels) > 1 and "svc" not in labels


def _in_text(said: bool, text: str) -> Iterator[Candidate]:
    for sign, pattern, certain in (
        ("//", _URL, True),
        (".svc", _CLUSTER, True),
        (":", _PAIR, said),
    ):
        # Most texts are no addresses: what every one has is found much faster than the pattern.
        if sign not in text:
            continue
        for match in pattern.finditer(text):
            parts = match.groupdict()
            if (parts.get("scheme") or "").lower().endswith(_NO_HOSTS):
                continue
            host = parts["host"].lower()
            port = int(parts["port"]) if parts.get("port") else None
            if any(letter.isalpha() for letter in host) and (port is None or port < 65_536):
                yield Candidate(host, port, certain)


def _bare(key: str, text: str) -> Iterator[Candidate]:
    """Whole values that are nothing but hosts, where the key says so."""
    if not says_address(key):
        return
    for part in text.split(","):
        word = part.strip()
        if _BARE.fullmatch(word) and any(letter.isalpha() for letter in word):
            yield Candidate(word, None, False)
