"""Containers: ports, probes, endpoints and volumes that fit together."""

from collections.abc import Iterator

from telford.basics.yamltext import Sequence
from telford.estate import pruning
from telford.estate.codes import Code, service
from telford.estate.kinds.running import Check, Container, Run
from telford.estate.kinds.structure import Datastore, Service
from telford.rules.rule import Finding, Path, Rule, Subject
from telford.rules.running import run_of

_RUNNERS = (Service, Datastore)


def _containers(run: Run) -> Iterator[tuple[Path, Container]]:
    """The main container, sidecars and initialisers, each with its path."""
    yield ("run",), run
    for index, sidecar in enumerate(run.sidecars):
        yield ("run", "sidecars", index), sidecar
    for index, sidecar in enumerate(run.initialise):
        yield ("run", "initialise", index), sidecar


def _ports(subject: Subject) -> Iterator[Finding]:
    run = run_of(subject)
    if run is None:
        return
    numbers: set[tuple[int, str]] = set()
    for path, container in _containers(run):
        own: set[str] = set()
        for index, port in enumerate(container.ports):
            at = (*path, "ports", index)
            if port.name in own and not subject.lost(*at, "name"):
                yield Finding(
                    (*at, "name"),
                    f"two ports are called `{port.name}`",
                    "give each port a name of its own (without a name it is `http`)",
                )
            elif (port.port, port.protocol) in numbers and not subject.lost(*at, "protocol"):
                yield Finding(
                    (*at, "port"),
                    f"port {port.port} is there twice",
                    "keep one of the two",
                )
            if not subject.lost(*at, "name"):
                own.add(port.name)
            if not subject.lost(*at, "protocol"):
                numbers.add((port.port, port.protocol))


def _probes(subject: Subject) -> Iterator[Finding]:
    run = run_of(subject)
    if run is None:
        return
    for path, container in _containers(run):
        known = [port.name for port in container.ports]
        for name in ("ready", "live", "startup"):
            check = getattr(container.health, name)
            if check is not None:
                for finding in _probe(check, known, (*path, "health", name)):
                    if not (_hidden_ports(subject, path) or subject.lost(*finding.path, "port")):
                        yield finding


def _hidden_ports(subject: Subject, path: Path) -> bool:
    """Whether a container has ports, or names of ports, that could not be read."""
    if not subject.world.partial:
        return False
    ports = pruning.at(subject.node, (*path, "ports"))
    count = len(ports.items) if isinstance(ports, Sequence) else 0
    return subject.shortened(*path, "ports") or any(
        subject.lost(*path, "ports", index, "name") for index in range(count)
    )


def _hidden_containers(subject: Subject) -> bool:
    return subject.shortened("run", "sidecars") or subject.shortened("run", "initialise")


def _probe(check: Check, known: list[str], path: Path) -> Iterator[Finding]:
    if isinstance(check.port, str) and check.port not in known:
        yield Finding(
            (*path, "port"),
            f"there is no port called `{check.port}`",
            f"one of {', '.join(known)}" if known else "add it to the container's `ports`",
        )
    elif check.port is None and not check.command and not known:
        yield Finding(
            path,
            "the probe has no port to ask",
            "add `port` to the probe, or `ports` to the container",
            key=True,
        )


def _targets(subject: Subject) -> Iterator[Finding]:
    run = run_of(subject)
    assert isinstance(subject.spec, _RUNNERS)
    if run is None:
        return
    if _hidden_containers(subject) or any(_hidden_ports(subject, at) for at, _ in _containers(run)):
        return
    known = {port.name for _, container in _containers(run) for port in container.ports}
    for index, endpoint in enumerate(subject.spec.endpoints):
        for number, port in enumerate(endpoint.ports):
            if isinstance(port.target, str) and port.target not in known:
                yield Finding(
                    ("endpoints", index, "ports", number, "target"),
                    f"there is no port called `{port.target}`",
                    f"one of {', '.join(sorted(known))}" if known else "add it to `run.ports`",
                )


def _volumes(subject: Subject) -> Iterator[Finding]:
    run = run_of(subject)
    if run is None:
        return
    seen: set[str] = set()
    for index, volume in enumerate(run.volumes):
        if volume.name in seen:
            yield Finding(
                ("run", "volumes", index, "name"),
                f"two volumes are called `{volume.name}`",
                "give each a name of its own",
            )
        seen.add(volume.name)
        unnamed = volume.type in {"config", "secret"} and volume.source is None
        if unnamed and not subject.lost("run", "volumes", index, "source"):
            yield Finding(
                ("run", "volumes", index, "type"),
                f"which {volume.type} the volume `{volume.name}` shows is not said",
                "add `source: NAME`",
            )
    if subject.shortened("run", "volumes"):
        return
    for path, container in _containers(run):
        for index, mount in enumerate(container.mounts):
            if mount.volume not in seen:
                yield Finding(
                    (*path, "mounts", index, "volume"),
                    f"there is no volume called `{mount.volume}`",
                    f"one of {', '.join(sorted(seen))}" if seen else "add it to `run.volumes`",
                )


RULES = (
    Rule(
        Code(
            "TEL160",
            "the same port twice",
            "A port is found by its name and its number; both are used once.",
            service("run: {ports: [{name: http, port: 8080}, {name: admin, port: 8080}]}"),
            service("run: {ports: [{name: http, port: 8080}, {name: admin, port: 9090}]}"),
            "No two ports of a replica share a number, no two of a container a name.",
        ),
        _RUNNERS,
        _ports,
    ),
    Rule(
        Code(
            "TEL161",
            "a probe of a port that is not there",
            "The probe would always fail, and the replica would never be ready.",
            service("run: {ports: [{port: 8080}], health: {ready: {path: /, port: web}}}"),
            service("run: {ports: [{port: 8080}], health: {ready: {path: /, port: http}}}"),
            "A probe names one of its container's ports.",
        ),
        _RUNNERS,
        _probes,
    ),
    Rule(
        Code(
            "TEL162",
            "an endpoint to a port that is not there",
            "Requests to it would find nobody.",
            service(
                "run: {ports: [{port: 8080}]}\n"
                "endpoints: [{name: orders, ports: [{port: 80, target: web}]}]"
            ),
            service(
                "run: {ports: [{port: 8080}]}\n"
                "endpoints: [{name: orders, ports: [{port: 80, target: http}]}]"
            ),
            "`endpoints[].ports[].target`, where it is a name, is a port of one of the containers.",
        ),
        _RUNNERS,
        _targets,
    ),
    Rule(
        Code(
            "TEL163",
            "volumes that do not fit",
            "The replica could not start.",
            service("run: {volumes: [{name: settings, path: /etc/orders, type: config}]}"),
            service("run: {volumes: [{name: scratch, path: /tmp}]}"),
            "Volume names are used once, a config or secret names its source, a mount names a volume.",
        ),
        _RUNNERS,
        _volumes,
    ),
)
