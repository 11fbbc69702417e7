"""The restricted Pod Security Standard, written down from its own page, apart from the code that
renders: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
    "projected", "secret",
}  # fmt: skip
SECCOMP = {"RuntimeDefault", "Localhost"}


def violations(pod: dict) -> list[str]:
    """What an admission controller that enforces the standard would say to a pod."""
    found = [f"{key} is set" for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key)]
    for volume in pod.get("volumes", []):
        found += [f"volume {key}" for key in volume.keys() - {"name"} - VOLUMES]
    own = pod.get("securityContext", {})
    for container in [*pod.get("containers", []), *pod.get("initContainers", [])]:
        context = container.get("securityContext", {})
        found += [f"{container['name']}: {text}" for text in _container(container, context, own)]
    return found


def _container(container: dict, context: dict, pod: dict) -> list[str]:
    found = []
    if any("hostPort" in port for port in container.get("ports", [])):
        found.append("a host port")
    if context.get("privileged"):
        found.append("privileged")
    if context.get("allowPrivilegeEscalation") is not False:
        found.append("may escalate privileges")
    if context.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
        found.append("may run as root")
    if context.get("runAsUser", pod.get("runAsUser")) == 0:
        found.append("runs as root")
    profile = context.get("seccompProfile", pod.get("seccompProfile", {}))
    if profile.get("type") not in SECCOMP:
        found.append("no seccomp profile")
    capabilities = context.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", []):
        found.append("keeps capabilities")
    if set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        found.append("adds capabilities")
    return found


def pod_of(item: dict) -> dict | None:
    """The pod that an object makes, if it makes one."""
    spec = item.get("spec", {})
    if item["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    return spec["template"]["spec"] if "template" in spec else None
