"""What the chart gives every service of a kind by itself: the road's defaults in the chart's words.

A change of one of them changes `place.yaml` of a place, and the values of no service. Called by
`target`.
"""

from telford.render.helm.taking import Values
from telford.render.scene import Scene
from telford.road import defaults

_LONG = ("Deployment", "StatefulSet", "DaemonSet")


def of(scene: Scene) -> Values:
    """What the chart gives in a place, by kind of workload."""
    return _of(scene.realisation().defaults)


def names(scene: Scene) -> Values:
    """The way out by which names are resolved in a place, as an opening of a network policy."""
    network = scene.realisation().defaults.network
    return {
        "namespace": network.dns_namespace,
        "pods": dict(network.dns_labels),
        "ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")],
    }


def _of(road: defaults.Defaults) -> Values:
    made = {kind: _every(road) | {"history": road.revision_history} for kind in _LONG}
    rolling = {"maxUnavailable": road.max_unavailable, "maxSurge": road.max_surge}
    made["Deployment"]["rollout"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
    finite = _every(road) | {
        "restart": "Never",
        "retries": road.jobs.backoff,
        "keepSeconds": road.jobs.ttl_seconds,
    }
    made["Job"] = finite
    made["CronJob"] = finite | {"concurrency": road.jobs.concurrency}
    made["container"] = _container(road)
    return made


def _every(road: defaults.Defaults) -> Values:
    security = road.security
    user = {} if security.run_as_user is None else {"runAsUser": security.run_as_user}
    kind, _, file = security.seccomp.partition("/")
    profile = {"type": kind} | ({"localhostProfile": file} if file else {})
    return {
        "mountToken": False,
        "serviceLinks": False,
        "account": {"mountToken": False},
        "podSecurity": {
            "runAsNonRoot": security.run_as_non_root,
            "seccompProfile": profile,
            **user,
        },
        "volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": road.scratch_size}}],
    }


def _container(road: defaults.Defaults) -> Values:
    return {
        "resources": {
            "requests": {"cpu": road.cpu, "memory": road.memory},
            "limits": {"memory": road.memory},
        },
        "security": {
            "allowPrivilegeEscalation": road.security.allow_privilege_escalation,
            "readOnlyRootFilesystem": road.security.read_only_root_filesystem,
            "capabilities": {"drop": list(road.security.drop_capabilities)},
        },
        "mounts": [{"name": "scratch", "mountPath": road.scratch_path}],
    }
