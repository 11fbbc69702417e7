"""What a local place shall run: an immutable value, the fences around it, and its file.

The supervisor keeps one `Desired`, replaces it as a whole and writes it before acting, so that a
supervisor that starts again knows what was wanted and which generations it has seen. Fences are
per service, one for workloads and one for splits: what repeats the present wish changes nothing
and is always fine; otherwise a generation below the highest one seen is refused.
"""

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from telford.backends.local import codec, layout
from telford.basics.errors import PermanentError, RefusedError, UsageError
from telford.estate.workload import Ingress, Split, Workload

FORMAT = 1
WHOLE = 10_000  # basis points of a split

# Names become file names, cluster names and labels.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+:-]{0,127}")

# What a header or a cookie may be called, and be worth (RFC 9110 5.6.2, RFC 6265 4.1.1).
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_VALUES = {
    "header": re.compile(r"[!-~](?:[ -~]{0,254}[!-~])?"),
    "cookie": re.compile(r"[!#-+\--:<-\[\]-~]{1,256}"),
}

# A preview, a few segments; each is one more comparison for every request.
MAX_MATCHES = 20

# A laptop; beyond these somebody made a mistake.
MAX_REPLICAS = 50
MAX_WORKLOADS = 500

Key = tuple[str, str]  # service, version


@dataclass(frozen=True, slots=True)
class Desired:
    """Everything that is wanted, and the highest generations seen per service.

    `ports` remembers the listeners' ports by service name, "" for the ingress, so that addresses
    stay the same over a restart.
    """

    workloads: Mapping[Key, Workload] = field(default_factory=dict)
    splits: Mapping[str, Split] = field(default_factory=dict)
    ingress: tuple[Ingress, ...] = ()
    workload_generations: Mapping[str, int] = field(default_factory=dict)
    split_generations: Mapping[str, int] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)


def targets(split: Split) -> list[str]:
    """The versions that get requests: by weight, by a match, or copies of them."""
    found = [version for version, weight in split.weights.items() if weight]
    found += [one.version for one in split.matches]
    found += [version for version, share in split.mirror.items() if share]
    return sorted(set(found))


def _burden(split: Split | None, version: str) -> str:
    """What a split gives to a version, for a sentence; "" for nothing."""
    if split is None:
        return ""
    if split.weights.get(version):
        return f"{split.weights[version] / 100:g}% of the traffic"
    if any(one.version == version for one in split.matches):
        return "requests by a header or a cookie"
    if split.mirror.get(version):
        return f"copies of {split.mirror[version] / 100:g}% of the requests"
    return ""


def with_workload(desired: Desired, workload: Workload) -> Desired:
    """Add or replace a version; raises `RefusedError` (stale) or `UsageError` (nonsense)."""
    _check_workload(workload)
    key = (workload.service, workload.version)
    if desired.workloads.get(key) == workload:
        return desired
    _fence(desired.workload_generations, workload.service, workload.generation, "workload")
    if len(desired.workloads) >= MAX_WORKLOADS and key not in desired.workloads:
        raise RefusedError(f"a local place runs at most {MAX_WORKLOADS} versions")
    return dataclasses.replace(
        desired,
        workloads={**desired.workloads, key: workload},
        workload_generations=_seen(
            desired.workload_generations, workload.service, workload.generation
        ),
    )


def without_workload(desired: Desired, service: str, version: str, generation: int) -> Desired:
    """Drop a version; raises `RefusedError` while it has traffic or where stale.

    One that is not there is fine, but its removal is remembered: what was asked before it and
    comes later (a start, overtaken by an abort) is stale.
    """
    key = (service, version)
    if key not in desired.workloads:
        if generation <= desired.workload_generations.get(service, generation):
            return desired
        seen = _seen(desired.workload_generations, service, generation)
        return dataclasses.replace(desired, workload_generations=seen)
    _fence(desired.workload_generations, service, generation, "removal")
    burden = _burden(desired.splits.get(service), version)
    if burden:
        raise RefusedError(
            f"version {version} of {service} carries {burden}",
            fix=f"route {service} to another version first",
        )
    splits = dict(desired.splits)
    if service in splits:
        split = splits[service]
        weights = {name: share for name, share in split.weights.items() if name != version}
        mirror = {name: share for name, share in split.mirror.items() if name != version}
        splits[service] = dataclasses.replace(split, weights=weights, mirror=mirror)
    return dataclasses.replace(
        desired,
        workloads={k: w for k, w in desired.workloads.items() if k != key},
        splits=splits,
        workload_generations=_seen(desired.workload_generations, service, generation),
    )


def with_replacement(desired: Desired, service: str, version: str, generation: int) -> Desired:
    """The same wish, at a generation that has been seen; raises `RefusedError` where stale."""
    if (service, version) not in desired.workloads:
        raise RefusedError(
            f"{service} has no version {version} in this place", fix="apply it before replacing it"
        )
    _fence(desired.workload_generations, service, generation, "replacement")
    seen = _seen(desired.workload_generations, service, generation)
    return dataclasses.replace(desired, workload_generations=seen)


def with_split(desired: Desired, split: Split) -> Desired:
    """Change a service's split (no weights: no traffic); raises `RefusedError` (stale, unknown) or `UsageError`."""
    _check_split(split)
    if desired.splits.get(split.service) == split:
        return desired
    _fence(desired.split_generations, split.service, split.generation, "split")
    for version in targets(split):
        if (split.service, version) not in desired.workloads:
            raise RefusedError(
                f"{split.service} has no version {version} in this place",
                fix=f"apply version {version} before routing to it",
            )
    return dataclasses.replace(
        desired,
        splits={**desired.splits, split.service: split},
        split_generations=_seen(desired.split_generations, split.service, split.generation),
    )


def with_ingress(desired: Desired, ingress: Sequence[Ingress]) -> Desired:
    """Replace the routes from outside; raises `UsageError` for bad or doubled prefixes."""
    prefixes = [route.prefix for route in ingress]
    for route in ingress:
        check_name("service", route.service)
        if not route.prefix.startswith("/") or prefixes.count(route.prefix) > 1:
            raise UsageError(f"ingress prefix {route.prefix!r} must start with / and be given once")
    return dataclasses.replace(desired, ingress=tuple(ingress))


def with_port(desired: Desired, name: str, port: int) -> Desired:
    """Remember a listener's port."""
    return dataclasses.replace(desired, ports={**desired.ports, name: port})


def check_name(what: str, name: str) -> None:
    """Raise `UsageError` for a name that cannot be a file, a cluster and a label."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of a {what}",
            fix="use letters, digits and . _ + : - and start with a letter or digit",
        )


def _check_workload(workload: Workload) -> None:
    check_name("service", workload.service)
    check_name("version", workload.version)
    for upstream in workload.upstreams:
        check_name("service", upstream)
    if not workload.command:
        raise UsageError(f"{workload.service} {workload.version} has no command")
    if workload.listens and any(
        "{metrics_port}" in text for text in (*workload.command, *workload.env.values())
    ):
        raise UsageError(
            f"{workload.service} {workload.version} names {{metrics_port}}, which is for workers",
            fix="use {port}, or declare the service as a worker",
        )
    if not 0 <= workload.replicas <= MAX_REPLICAS:
        raise UsageError(
            f"{workload.service} {workload.version}: {workload.replicas} replicas",
            fix=f"use 0 to {MAX_REPLICAS}",
        )


def _check_split(split: Split) -> None:
    check_name("service", split.service)
    for version in {*split.weights, *split.mirror, *(one.version for one in split.matches)}:
        check_name("version", version)
    _check_weights(split)
    _check_matches(split)
    for version, share in split.mirror.items():
        if not 0 <= share <= WHOLE:
            raise UsageError(
                f"{split.service} {version} cannot get copies of {share} of {WHOLE} requests",
                fix=f"give basis points: 0 to {WHOLE}",
            )
    if split.sticky:
        _check_token("cookie", split.sticky)


def _check_weights(split: Split) -> None:
    weights = split.weights.values()
    if not weights:  # nobody gets traffic: how a service is taken away
        if split.matches or split.mirror or split.sticky:
            raise UsageError(
                f"{split.service}: matches, copies and a cookie need a version with weight",
                fix="give the stable version its weight, or leave them out with it",
            )
        return
    if sum(weights) != WHOLE or any(weight < 0 for weight in weights):
        raise UsageError(
            f"the weights of {split.service} must sum to {WHOLE}, not {sum(weights)}",
            fix="give basis points per version: 9000 and 1000 for 90% and 10%",
        )


def _check_matches(split: Split) -> None:
    if len(split.matches) > MAX_MATCHES:
        raise UsageError(f"{split.service}: a split has at most {MAX_MATCHES} matches")
    seen: set[tuple[str, str, str]] = set()
    for one in split.matches:
        if bool(one.header) == bool(one.cookie):
            raise UsageError(
                f"{split.service}: a match names a header or a cookie, one of them",
                fix="name x-preview as the header, for example, and leave the cookie empty",
            )
        kind, name = ("header", one.header) if one.header else ("cookie", one.cookie)
        _check_token(kind, name)
        if not _VALUES[kind].fullmatch(one.value):
            raise UsageError(
                f"{one.value!r} cannot be the value of the {kind} {name}",
                fix="use 1 to 256 printable ASCII characters"
                + (", without space, comma, semicolon or quote" if kind == "cookie" else ""),
            )
        what = (kind, name.lower() if kind == "header" else name, one.value)
        if what in seen:
            raise UsageError(f"{split.service}: {kind} {name} = {one.value} is matched twice")
        seen.add(what)


def _check_token(kind: str, name: str) -> None:
    if not _TOKEN.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of a {kind}",
            fix="use letters, digits and - _ . as in x-preview",
        )


def _fence(seen: Mapping[str, int], service: str, generation: int, what: str) -> None:
    highest = seen.get(service)
    if highest is not None and generation < highest:
        raise RefusedError(
            f"stale {what} of {service}: generation {generation}, already at {highest}",
            fix="another controller has moved on; read the state again",
        )


def _seen(seen: Mapping[str, int], service: str, generation: int) -> dict[str, int]:
    return {**seen, service: max(generation, seen.get(service, generation))}


def as_text(desired: Desired) -> str:
    """The state file's text."""
    body = {
        "format": FORMAT,
        "workloads": [codec.plain(item) for item in desired.workloads.values()],
        "splits": [codec.plain(item) for item in desired.splits.values()],
        "ingress": [codec.plain(item) for item in desired.ingress],
        "workload_generations": dict(desired.workload_generations),
        "split_generations": dict(desired.split_generations),
        "ports": dict(desired.ports),
    }
    return json.dumps(body, indent=1) + "\n"


def from_text(text: str) -> Desired:
    """The reverse of `as_text`; raises ValueError, KeyError or TypeError for anything else."""
    body: dict[str, Any] = json.loads(text)
    if body["format"] != FORMAT:
        raise ValueError(f"format {body['format']} is not {FORMAT}")
    workloads = [codec.workload(item) for item in body["workloads"]]
    splits = [codec.split(item) for item in body["splits"]]
    return Desired(
        workloads={(item.service, item.version): item for item in workloads},
        splits={item.service: item for item in splits},
        ingress=tuple(codec.ingress(item) for item in body["ingress"]),
        workload_generations=body["workload_generations"],
        split_generations=body["split_generations"],
        ports=body["ports"],
    )


def load(paths: layout.Layout) -> Desired:
    """What the file says; an empty wish where there is none. Raises `PermanentError`."""
    with layout.disk_errors(f"cannot read {paths.state_file}"):
        if not paths.state_file.exists():
            return Desired()
        text = paths.state_file.read_text(encoding="utf-8")
    try:
        return from_text(text)
    except (ValueError, KeyError, TypeError) as error:
        raise PermanentError(
            f"{paths.state_file} is not a state file of this version of telford",
            fix="move it away to start from nothing; generations start anew then",
        ) from error


def save(paths: layout.Layout, desired: Desired) -> None:
    """Write the file whole and durably; raises `PermanentError`."""
    layout.write_whole(paths.state_file, as_text(desired), durable=True)
