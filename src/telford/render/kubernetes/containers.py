"""The containers of a pod: the main one with the road's defaults, sidecars and initialisers with
its security. Called by `pods`.
"""

from typing import Any

from telford.basics import units
from telford.estate.kinds import running
from telford.render.kubernetes import environment, probes, volumes
from telford.road import defaults, spellings
from telford.road.found_values import written
from telford.road.subject import Subject

DEFAULT_NAME = "main"


def main(subject: Subject) -> dict[str, Any]:
    """The main container."""
    run = subject.run
    security = security_context(run.security, run.container_security, subject.road.security)
    return _container(
        subject,
        run,
        name=run.container or DEFAULT_NAME,
        security=security,
        extra=_Extra(
            env=environment.road_variables(subject),
            probes=probes.main(subject),
            mounts=volumes.main_mounts(subject),
        ),
    )


def beside(subject: Subject, sidecars: tuple[running.Sidecar, ...]) -> list[dict[str, Any]]:
    """Sidecars, or initialisers: as written, restricted like the main container."""
    return [
        _container(
            subject,
            sidecar,
            name=sidecar.name,
            security=security_context(sidecar.security, sidecar.security, subject.road.security),
            extra=_Extra([], probes.given(sidecar.health, subject), volumes.scratch_mount(subject)),
        )
        | written(sidecar, {"restart": "restartPolicy"})
        for sidecar in sidecars
    ]


class _Extra:
    """What a container gets beside its own fields."""

    __slots__ = ("env", "mounts", "probes")

    def __init__(
        self, env: list[dict[str, Any]], probes: dict[str, Any], mounts: list[dict[str, Any]]
    ) -> None:
        self.env = env
        self.probes = probes
        self.mounts = mounts


def _container(
    subject: Subject,
    given: running.Container,
    *,
    name: str,
    security: dict[str, Any],
    extra: _Extra,
) -> dict[str, Any]:
    ports = subject.ports if given is subject.run else given.ports
    found: dict[str, Any] = {
        "name": name,
        "image": given.image,
        "imagePullPolicy": given.pull,
        "command": list(given.command),
        "args": list(given.args),
        "workingDir": given.working_directory,
        "ports": [_port(port) for port in ports],
        "env": environment.variables(given) + extra.env,
        "envFrom": environment.sources(given),
        "resources": resources(given.resources, subject.road),
        **extra.probes,
        "lifecycle": _lifecycle(given.before_stop, "preStop")
        | _lifecycle(given.after_start, "postStart"),
        **written(given, spellings.inverse(spellings.CONTAINER)),
        "securityContext": security,
        "volumeMounts": volumes.more_mounts(given.mounts, extra.mounts),
    }
    return {key: value for key, value in found.items() if value not in (None, [], {})}


def _port(port: running.Port) -> dict[str, Any]:
    found: dict[str, Any] = {"name": port.name, "containerPort": port.port}
    if port.protocol != "TCP":
        found["protocol"] = port.protocol
    if port.host_port is not None:
        found["hostPort"] = port.host_port
    return found


def _lifecycle(given: running.BeforeStop | None, when: str) -> dict[str, Any]:
    """A wait is a command, for the sleep action is younger than the oldest supported version."""
    if given is None:
        return {}
    if given.sleep is not None:
        pause = f"{units.seconds(given.sleep):f}"
        return {when: {"exec": {"command": ["sleep", pause]}}}
    return {when: {"exec": {"command": list(given.command)}}}


def resources(given: running.Resources, road: defaults.Defaults) -> dict[str, Any]:
    """What is written, the road's requests beside it, and a memory limit equal to the request."""
    limits = _amounts(given.limits)
    requests = {
        "cpu": limits.get("cpu", road.cpu),
        "memory": limits.get("memory", road.memory),
    } | _amounts(given.requests)
    return {"requests": requests, "limits": {"memory": requests["memory"]} | limits}


def _amounts(given: running.Amounts) -> dict[str, str]:
    found = {
        "cpu": given.cpu,
        "memory": given.memory,
        "ephemeral-storage": given.ephemeral_storage,
    }
    return {key: value for key, value in found.items() if value is not None} | given.devices


def security_context(
    given: running.Security, own: running.Security | None, road: defaults.Security
) -> dict[str, Any]:
    """The road's, but for what is written. `own` may also say user and group of this container."""
    told = own if own is not None else running.Security()
    drop = _first(told.drop_capabilities, given.drop_capabilities, road.drop_capabilities)
    add = told.add_capabilities or given.add_capabilities
    found: dict[str, Any] = {
        "allowPrivilegeEscalation": _first(
            told.allow_privilege_escalation,
            given.allow_privilege_escalation,
            road.allow_privilege_escalation,
        ),
        "readOnlyRootFilesystem": _first(
            told.read_only_root_filesystem,
            given.read_only_root_filesystem,
            road.read_only_root_filesystem,
        ),
        "capabilities": {"drop": list(drop)} | ({"add": list(add)} if add else {}),
    }
    if _first(told.privileged, given.privileged, False):
        found["privileged"] = True
    return found | identity(told)


def identity(given: running.Security) -> dict[str, Any]:
    """User, groups and system call filter, as far as they are written."""
    found: dict[str, Any] = {
        "runAsUser": given.run_as_user,
        "runAsGroup": given.run_as_group,
        "runAsNonRoot": given.run_as_non_root,
    }
    if given.seccomp is not None:
        found |= seccomp(given.seccomp)
    return {key: value for key, value in found.items() if value is not None}


def seccomp(profile: str) -> dict[str, Any]:
    """``RuntimeDefault``, ``Unconfined`` or ``Localhost/FILE`` as Kubernetes writes it."""
    kind, _, file = profile.partition("/")
    return {"seccompProfile": {"type": kind} | ({"localhostProfile": file} if file else {})}


def _first(*values: Any) -> Any:
    return next(value for value in values if value is not None)
