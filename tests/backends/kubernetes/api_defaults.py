"""What the real API server fills in where an object says nothing, for the kinds that Telford makes.

Written from Kubernetes' own defaulting functions (pkg/apis/core/v1/defaults.go and those of apps,
autoscaling, batch and networking), and from what its allocators and controllers set.
"""

from collections.abc import Callable
from typing import Any

Object = dict[str, Any]


def fill(item: Object, number: int) -> None:
    """Fill in one object; `number` makes what is allocated unlike any other's."""
    known = _FILLERS.get(item["kind"])
    if known is not None:
        known(item, number)


def _default(where: Object, **values: Any) -> None:
    for name, value in values.items():
        if where.get(name) is None:
            where[name] = value


def _pod(spec: Object) -> None:
    _default(
        spec, restartPolicy="Always", dnsPolicy="ClusterFirst", schedulerName="default-scheduler",
        terminationGracePeriodSeconds=30, securityContext={},
    )  # fmt: skip
    if spec.get("serviceAccountName"):
        spec["serviceAccount"] = spec["serviceAccountName"]
    for container in [*spec.get("containers", ()), *spec.get("initContainers", ())]:
        _container(container)
    for volume in spec.get("volumes", ()):
        for kind in ("configMap", "secret", "projected"):
            if kind in volume:
                _default(volume[kind], defaultMode=420)
        for source in volume.get("projected", {}).get("sources", ()):
            if "serviceAccountToken" in source:
                _default(source["serviceAccountToken"], expirationSeconds=3600)
        if "hostPath" in volume:
            _default(volume["hostPath"], type="")


def _container(container: Object) -> None:
    image = container.get("image", "")
    tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
    floating = "@" not in image and tag in ("", "latest")
    _default(
        container, terminationMessagePath="/dev/termination-log", terminationMessagePolicy="File",
        imagePullPolicy="Always" if floating else "IfNotPresent", resources={},
    )  # fmt: skip
    resources = container["resources"]
    for name, amount in resources.get("limits", {}).items():
        resources.setdefault("requests", {}).setdefault(name, amount)
    for port in container.get("ports", ()):
        _default(port, protocol="TCP")
    for variable in container.get("env", ()):
        if "fieldRef" in variable.get("valueFrom", {}):
            _default(variable["valueFrom"]["fieldRef"], apiVersion="v1")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if name in container:
            probe = container[name]
            _default(
                probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3
            )
            if "httpGet" in probe:
                _default(probe["httpGet"], scheme="HTTP", path="/")
            if "grpc" in probe:
                _default(probe["grpc"], service="")
    for hook in container.get("lifecycle", {}).values():
        if "httpGet" in hook:
            _default(hook["httpGet"], scheme="HTTP", path="/")


def _deployment(item: Object, number: int) -> None:
    spec = item["spec"]
    _default(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600, strategy={})
    _default(spec["strategy"], type="RollingUpdate")
    if spec["strategy"]["type"] == "RollingUpdate":
        _default(spec["strategy"], rollingUpdate={})
        _default(spec["strategy"]["rollingUpdate"], maxSurge="25%", maxUnavailable="25%")
    _pod(spec["template"]["spec"])


def _stateful_set(item: Object, number: int) -> None:
    spec = item["spec"]
    _default(
        spec, replicas=1, revisionHistoryLimit=10, podManagementPolicy="OrderedReady",
        updateStrategy={}, persistentVolumeClaimRetentionPolicy={},
    )  # fmt: skip
    _default(
        spec["persistentVolumeClaimRetentionPolicy"], whenDeleted="Retain", whenScaled="Retain"
    )
    _default(spec["updateStrategy"], type="RollingUpdate")
    if spec["updateStrategy"]["type"] == "RollingUpdate":
        _default(spec["updateStrategy"], rollingUpdate={})
        _default(spec["updateStrategy"]["rollingUpdate"], partition=0)
    _pod(spec["template"]["spec"])
    for claim in spec.get("volumeClaimTemplates", ()):
        _default(claim, apiVersion="v1", kind="PersistentVolumeClaim", status={"phase": "Pending"})
        _default(claim["spec"], volumeMode="Filesystem")


def _daemon_set(item: Object, number: int) -> None:
    spec = item["spec"]
    _default(spec, revisionHistoryLimit=10, updateStrategy={})
    _default(spec["updateStrategy"], type="RollingUpdate")
    if spec["updateStrategy"]["type"] == "RollingUpdate":
        _default(spec["updateStrategy"], rollingUpdate={})
        _default(spec["updateStrategy"]["rollingUpdate"], maxSurge=0, maxUnavailable=1)
    _pod(spec["template"]["spec"])


def _job_spec(spec: Object) -> None:
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    _default(
        spec, parallelism=1, backoffLimit=6, completionMode="NonIndexed", suspend=False,
        podReplacementPolicy="TerminatingOrFailed",
    )  # fmt: skip
    _pod(spec["template"]["spec"])


def _job(item: Object, number: int) -> None:
    spec = item["spec"]
    _job_spec(spec)
    uid = {"batch.kubernetes.io/controller-uid": f"job-{number}"}
    _default(spec, manualSelector=False)
    _default(spec, selector={"matchLabels": uid})
    marks = {"batch.kubernetes.io/job-name": item["metadata"]["name"], **uid}
    about = spec["template"].setdefault("metadata", {})
    about["labels"] = {**about.get("labels", {}), **marks, "controller-uid": f"job-{number}",
                       "job-name": item["metadata"]["name"]}  # fmt: skip


def _cron_job(item: Object, number: int) -> None:
    spec = item["spec"]
    _default(
        spec, concurrencyPolicy="Allow", suspend=False, successfulJobsHistoryLimit=3,
        failedJobsHistoryLimit=1,
    )  # fmt: skip
    # The job's own defaults are filled in when a Job is made of it.
    _pod(spec["jobTemplate"]["spec"]["template"]["spec"])


def _service(item: Object, number: int) -> None:
    spec = item["spec"]
    _default(spec, type="ClusterIP", sessionAffinity="None")
    if spec["type"] == "ExternalName":
        return
    address = f"10.96.{number // 250}.{number % 250 + 1}"
    _default(spec, clusterIP=address, internalTrafficPolicy="Cluster")
    _default(
        spec, clusterIPs=[spec["clusterIP"]], ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack"
    )
    if spec["type"] in ("NodePort", "LoadBalancer"):
        _default(spec, externalTrafficPolicy="Cluster")
    if spec["type"] == "LoadBalancer":
        _default(spec, allocateLoadBalancerNodePorts=True)
    for index, port in enumerate(spec.get("ports", ())):
        _default(port, protocol="TCP", targetPort=port["port"])
        if spec["type"] in ("NodePort", "LoadBalancer"):
            _default(port, nodePort=30000 + (number * 7 + index) % 2767)


def _scaler(item: Object, number: int) -> None:
    _default(item["spec"], minReplicas=1)


def _claim(item: Object, number: int) -> None:
    _default(
        item["spec"], volumeMode="Filesystem", storageClassName="standard",
        volumeName=f"pvc-{number}",
    )  # fmt: skip
    item["metadata"].setdefault("finalizers", ["kubernetes.io/pvc-protection"])


def _policy(item: Object, number: int) -> None:
    spec = item["spec"]
    _default(spec, policyTypes=["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    for rule in [*spec.get("ingress", ()), *spec.get("egress", ())]:
        for port in rule.get("ports", ()):
            _default(port, protocol="TCP")


def _namespace(item: Object, number: int) -> None:
    item.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    labels = item["metadata"].setdefault("labels", {})
    labels["kubernetes.io/metadata.name"] = item["metadata"]["name"]
    item["status"] = {"phase": "Active"}


def _binding(item: Object, number: int) -> None:
    for subject in item.get("subjects", ()):
        if subject["kind"] in ("User", "Group"):
            _default(subject, apiGroup="rbac.authorization.k8s.io")


def _secret(item: Object, number: int) -> None:
    _default(item, type="Opaque")


_FILLERS: dict[str, Callable[[Object, int], None]] = {
    "ClusterRoleBinding": _binding,
    "CronJob": _cron_job,
    "DaemonSet": _daemon_set,
    "Deployment": _deployment,
    "HorizontalPodAutoscaler": _scaler,
    "Job": _job,
    "Namespace": _namespace,
    "NetworkPolicy": _policy,
    "PersistentVolumeClaim": _claim,
    "RoleBinding": _binding,
    "Secret": _secret,
    "Service": _service,
    "StatefulSet": _stateful_set,
}
