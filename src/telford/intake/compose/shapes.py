"""The short forms of compose values: ports, volumes, durations, sizes, commands.

Each function takes a text or node and answers with what it means, or None where it means nothing.
Called by `merging` and by the modules that map services.
"""

import ipaddress
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from telford.basics import units
from telford.intake.compose import nodes
from telford.intake.compose.nodes import Node, Table

# A service listens on a handful of ports; a range of more is no list that anybody reads.
MAX_PORTS = 100
HIGHEST_PORT = 65_535
# A command of more words is a script that belongs into a file.
MAX_COMMAND = 65_536

_RANGE = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
_PUBLISHED = re.compile(
    r"(?:(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<ip>[0-9a-fA-F:.]*)):)?"
    r"(?P<published>\d{0,5}(?:-\d{1,5})?):(?P<target>\d{1,5}(?:-\d{1,5})?)"
)
_PARTS = re.compile(r"(\d+(?:\.\d+)?)(us|ms|ns|[smhdw])")
_SECONDS = {
    "ns": Decimal("1e-9"),
    "us": Decimal("1e-6"),
    "ms": Decimal("1e-3"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86_400),
    "w": Decimal(604_800),
}
_SIZE = re.compile(r"(\d{1,18}(?:\.\d{1,9})?) ?(b|[kmgtp]b?|[kmgtp]i?b?)?", re.IGNORECASE)
_POWERS = {"k": "Ki", "m": "Mi", "g": "Gi", "t": "Ti", "p": "Pi"}


@dataclass(frozen=True, slots=True)
class Port:
    """One port: of the container (`target`), of the machine (`published`, None where any)."""

    target: int
    published: int | None = None
    protocol: str = "TCP"
    host: str = ""


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume of a service: where it comes from and where it is seen."""

    kind: str
    source: str
    target: str
    read_only: bool = False
    options: tuple[str, ...] = ()


def ports(text: str) -> list[Port] | None:
    """The ports of the short form (``127.0.0.1:8000-8001:80-81/udp``); None where it is none, or
    means more than `MAX_PORTS`.
    """
    rest, _, protocol = text.strip().partition("/")
    name = (protocol or "tcp").upper()
    if name not in ("TCP", "UDP", "SCTP"):
        return None
    if _RANGE.fullmatch(rest):
        return [Port(port, None, name) for port in numbers(rest) or ()] or None
    match = _PUBLISHED.fullmatch(rest)
    targets = numbers(match["target"]) if match else None
    if match is None or targets is None:
        return None
    host = match["six"] or match["ip"] or ""
    outside = _outside(match["published"], len(targets))
    if outside is None or (host and not _is_address(host)):
        return None
    pairs = zip(targets, outside, strict=True)
    return [Port(target, published, name, host) for target, published in pairs]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _outside(text: str, count: int) -> list[int | None] | None:
    """The published ports for so many targets; any port where a range stands for one target."""
    if not text:
        return [None] * count
    first, _, last = text.partition("-")
    if last and count == 1 and first != last:
        inside = 0 < int(first) <= int(last) <= HIGHEST_PORT
        return [None] if inside else None
    found = numbers(text)
    return list(found) if found is not None and len(found) == count else None


def numbers(text: str) -> list[int] | None:
    """The ports of ``80`` or ``80-82``; None where they are none, or too many."""
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    first, last = int(match[1]), int(match[2] or match[1])
    if not 0 < first <= last <= HIGHEST_PORT or last - first >= MAX_PORTS:
        return None
    return list(range(first, last + 1))


def port_key(item: Node) -> str | None:
    """What makes two entries of `ports` the same: host, published, target and protocol."""
    if isinstance(item, Table):
        parts = [nodes.written(item.items.get(key)) for key in ("published", "target")]
        host = nodes.written(item.items.get("host_ip")) or ""
        protocol = (nodes.written(item.items.get("protocol")) or "tcp").upper()
        return f"{host}:{parts[0] or ''}:{parts[1]}/{protocol}"
    text = nodes.written(item)
    if text is None:
        return None
    rest, _, protocol = text.partition("/")
    match = _PUBLISHED.fullmatch(rest)
    if match is None:
        return f"::{rest}/{(protocol or 'tcp').upper()}"
    host = match["six"] or match["ip"] or ""
    return f"{host}:{match['published']}:{match['target']}/{(protocol or 'tcp').upper()}"


def mount(text: str) -> Mount | None:
    """The volume of the short form: ``[SOURCE:]TARGET[:OPTIONS]``."""
    parts = list(_volume_parts(text))
    if not text or len(parts) > 3 or not all(parts):
        return None
    if len(parts) == 1:
        return Mount("volume", "", parts[0])
    options = tuple(parts[2].split(",")) if len(parts) == 3 else ()
    kind = "bind" if path_like(parts[0]) else "volume"
    rest = tuple(option for option in options if option not in ("ro", "rw"))
    return Mount(kind, parts[0], parts[1], "ro" in options, rest)


def path_like(source: str) -> bool:
    """Whether the source of a volume is a path of the machine and no volume's name."""
    return source[:1] in (".", "/", "~", "\\") or bool(re.match(r"[A-Za-z]:[\\/]", source))


def _volume_parts(text: str) -> Iterator[str]:
    r"""Split at colons, but for those of a drive (``C:\\data``) and inside of ``${...}``."""
    part = ""
    depth = 0
    for index, letter in enumerate(text):
        depth += text.startswith("${", index)
        depth -= letter == "}" and depth > 0
        drive = len(part) == 1 and part.isalpha() and text[index + 1 : index + 2] in ("\\", "/")
        # `v:/data` is a volume called v unless another path follows.
        if letter != ":" or depth or (drive and ":" in text[index + 1 :]):
            part += letter
        else:
            yield part
            part = ""
    yield part


def target_of_volume(item: Node) -> str | None:
    """Where an entry of `volumes` or `devices` is seen."""
    if isinstance(item, Table):
        return nodes.text(item.items.get("target"))
    text = nodes.text(item)
    found = mount(text) if text else None
    return found.target if found is not None else None


def target_of_grant(item: Node, folder: str) -> str | None:
    """Where an entry of `secrets` or `configs` is seen."""
    if isinstance(item, Table):
        source = nodes.text(item.items.get("source")) or ""
        target = nodes.text(item.items.get("target")) or source
    else:
        target = nodes.text(item) or ""
    if not target:
        return None
    return target if target.startswith("/") else f"{folder}/{target}"


def path_of_file(item: Node) -> str | None:
    """The path of an entry of `env_file`."""
    return nodes.text(item.items.get("path")) if isinstance(item, Table) else nodes.text(item)


def duration(text: str) -> str | None:
    """A duration such as ``1m30s`` in the estate's form; nothing is shorter than a millisecond."""
    found = _PARTS.findall(text[:64])
    if not found or "".join(number + unit for number, unit in found) != text:
        return None
    seconds = sum(Decimal(number) * _SECONDS[unit] for number, unit in found)
    if seconds < Decimal("0.001") and seconds != 0:
        return None
    return units.duration_text(Decimal(seconds))


def size(text: str) -> str | None:
    """A number of bytes such as ``512m`` in the estate's form: compose counts in 1024s."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        return None
    amount, unit = Decimal(match[1]), (match[2] or "b").lower()
    letter = unit[0]
    if letter == "b":
        return str(int(amount)) if amount == int(amount) else None
    if amount == int(amount):
        return f"{int(amount)}{_POWERS[letter]}"
    power = "kmgtp".index(letter) + 1
    return str(int(amount * 1024**power))


def words(text: str) -> list[str] | None:
    """A command line as a shell splits it; None where its quotes are not closed."""
    if len(text) > MAX_COMMAND:
        return None
    try:
        return shlex.split(text)
    except ValueError:
        return None
