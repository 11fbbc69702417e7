"""Doors: routes that do not contradict one another, certificates that cover them, secrets that are
what workloads ask for.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from telford.basics import units
from telford.basics.diagnostics import Severity
from telford.estate.codes import Code, document, documents, service
from telford.estate.kinds.network import Route
from telford.estate.kinds.network import Rule as RouteRule
from telford.estate.kinds.running import Run
from telford.estate.kinds.secret import Secret
from telford.estate.kinds.structure import Datastore, Service
from telford.estate.model import Entity
from telford.rules.rule import EstateRule, Finding, Path, Rule, Subject, World, base

# Every key at the path of a secret.
_ALL_KEYS = "*"


@dataclass(frozen=True, slots=True)
class _Claim:
    """One way in: what it matches, where it leads, and where it is written."""

    matches: tuple[object, ...]
    leads: tuple[str, ...]
    entity: Entity
    path: Path


def _claims(world: World) -> Iterator[_Claim]:
    for entity in world.estate.of_kind("Service"):
        spec = entity.spec
        assert isinstance(spec, Service)
        for index, route in enumerate(spec.routes):
            if route.host is not None:
                match = "Exact" if route.match == "Exact" else "Prefix"
                key = ("ingress", None, route.host, route.path, match, (), ())
                yield _Claim(key, (str(entity.address),), entity, ("routes", index))
    for entity in world.estate.of_kind("Route"):
        spec = entity.spec
        assert isinstance(spec, Route)
        for index, rule in enumerate(spec.rules):
            for host in (rule.host,) if rule.host is not None else spec.hosts:
                yield _claim(world, entity, spec, index, rule, host)  # fmt: skip


def _claim(
    world: World, entity: Entity, spec: Route, index: int, rule: RouteRule, host: str
) -> _Claim:
    match = "Prefix" if rule.match == "ImplementationSpecific" else rule.match
    headers = tuple(sorted((h.name.lower(), h.value) for h in rule.headers))
    doors = spec.gateways if spec.via == "gateway" else None
    methods = tuple(sorted(rule.methods))
    key: tuple[object, ...] = (spec.via, doors, host, rule.path, match, methods, headers)
    found = [a for to in rule.to for a in world.index.refer("Service", to.service, spec)]
    return _Claim(key, tuple(sorted(found)), entity, ("rules", index))


def _conflicts(world: World) -> Iterator[Finding]:
    taken: dict[tuple[object, ...], _Claim] = {}
    for claim in _claims(world):
        first = taken.setdefault(claim.matches, claim)
        if first.leads == claim.leads or not first.leads or not claim.leads:
            continue
        where = f"{claim.matches[2]}{claim.matches[3]}"
        yield Finding(
            claim.path,
            f"{where} leads to {first.leads[0]} already, by {first.entity.address}",
            "keep one of the two, or tell them apart by host, path, method or header",
            lenient=world.is_as_found(claim.entity.spec) or world.is_as_found(first.entity.spec),
            subject=base(claim.entity, world),
        )


def _covered(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Route)
    if not spec.tls or subject.shortened("tls") or any(not c.hosts for c in spec.tls):
        return
    names = {host for certificate in spec.tls for host in certificate.hosts}
    for index, host in enumerate(spec.hosts):
        wild = f"*.{host.partition('.')[2]}"
        if host not in names and wild not in names:
            yield Finding(
                ("hosts", index),
                f"no certificate in `tls` is for {host}",
                "add it to the `hosts` of a certificate",
            )


def _keys(subject: Subject) -> Iterator[Finding]:
    """Keys of a described secret that it does not have."""
    spec = subject.spec
    assert isinstance(spec, Service | Datastore)
    if spec.run is None:
        return
    for path, name, key in _asked(spec.run):
        found = subject.world.index.refer("Secret", name, spec)
        secret = subject.world.estate.entities[found[0]] if len(found) == 1 else None
        if secret is None or not isinstance(secret.spec, Secret):
            continue
        known = {k.name for k in secret.spec.keys}
        whole = not base(secret, subject.world).shortened("keys")
        if known and key not in known and _ALL_KEYS not in known and whole:
            yield Finding(
                path,
                f"the secret `{name}` has no key `{key}`",
                f"write one of {', '.join(sorted(known))}, or add it to secret/{name}",
            )


def _asked(run: Run) -> Iterator[tuple[Path, str, str]]:
    containers: list[tuple[Path, object]] = [(("run",), run)]
    containers += [(("run", "sidecars", i), c) for i, c in enumerate(run.sidecars)]
    containers += [(("run", "initialise", i), c) for i, c in enumerate(run.initialise)]
    for path, container in containers:
        env = getattr(container, "env", {})
        for variable, value in env.items():
            if (
                isinstance(value, str)
                or value.secret is None
                or value.key is None
                or value.optional
            ):
                continue
            yield (*path, "env", variable, "key"), value.secret, value.key


def _rotation(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Secret)
    if spec.refresh is None or spec.rotate is None:
        return
    if units.seconds(spec.refresh) >= units.seconds(spec.rotate):
        yield Finding(
            ("refresh",),
            f"it is fetched again after {spec.refresh}, and replaced after {spec.rotate}",
            "fetch it several times as often as it is replaced",
        )


def _route(name: str, fields: str) -> str:
    return document("Route", name, fields)


_TWO = document("Service", "catalogue", "")

RULES = (
    Rule(
        Code(
            "TEL250",
            "a host without a certificate",
            "Browsers refuse the page, on that host alone, and tests look at the others.",
            documents(
                service(""),
                _route(
                    "www",
                    "hosts: [a.example, b.example]\nrules: [{to: [{service: orders}]}]\ntls: [{hosts: [a.example], secret: tls}]",
                ),
            ),
            documents(
                service(""),
                _route(
                    "www",
                    "hosts: [a.example, b.example]\nrules: [{to: [{service: orders}]}]\ntls: [{hosts: [a.example, b.example], secret: tls}]",
                ),
            ),
            "a warning: where a Route has certificates for some hosts, it has one for each.",
        ),
        (Route,),
        _covered,
        severity=Severity.WARNING,
    ),
    Rule(
        Code(
            "TEL251",
            "a key that the secret does not have",
            "The workload waits for ever to be started: a reference to a missing key is no error, it"
            " is patience.",
            documents(
                service("run: {env: {PASSWORD: {secret: book, key: pasword}}}"),
                document("Secret", "book", "keys: [{name: password}]"),
            ),
            documents(
                service("run: {env: {PASSWORD: {secret: book, key: password}}}"),
                document("Secret", "book", "keys: [{name: password}]"),
            ),
            "Where a Secret lists its `keys`, workloads read those.",
        ),
        (Service, Datastore),
        _keys,
    ),
    Rule(
        Code(
            "TEL255",
            "a secret that is replaced before it is fetched",
            "Workloads work with a value that the store has given up.",
            document("Secret", "book", "refresh: 30d\nrotate: 7d"),
            document("Secret", "book", "refresh: 1h\nrotate: 7d"),
            "a warning: `refresh` is less than `rotate`.",
        ),
        (Secret,),
        _rotation,
        severity=Severity.WARNING,
    ),
)
ESTATE_RULES = (
    EstateRule(
        Code(
            "TEL249",
            "two doors with one address",
            "Which of the two answers is decided by the controller, and may change.",
            documents(
                service("routes: [{host: a.example, path: /}]"),
                _TWO,
                _route("www", "hosts: [a.example]\nrules: [{to: [{service: catalogue}]}]"),
            ),
            documents(
                service("routes: [{host: a.example, path: /orders}]"),
                _TWO,
                _route("www", "hosts: [a.example]\nrules: [{to: [{service: catalogue}]}]"),
            ),
            "The same host, path, methods and headers lead to the same services. A warning where one of"
            " the two is `as-found`.",
        ),
        _conflicts,
    ),
)  # fmt: skip
