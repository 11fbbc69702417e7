"""The keys of the Compose Specification and the shapes that their values may have.

Taken from the Specification's schema (compose-spec.json, 2026-08); t: text, n: number, b: true or
false, l: list, m: mapping, 0: null. Short forms are long here already (`merging.canonical`), and a
text may stand for a number or a boolean everywhere, because interpolation gives texts. Called by
`services` and `documents`.
"""

from collections.abc import Mapping

from telford.intake.compose.nodes import Leaf, Node, Row

TOP = {
    "version": "t",
    "name": "t",
    "include": "l",
    "services": "m",
    "models": "m",
    "networks": "m",
    "volumes": "m",
    "secrets": "m",
    "configs": "m",
    "jobs": "m",
}
SERVICE = {
    "annotations": "m",
    "attach": "tb",
    "blkio_config": "m",
    "build": "m",
    "cap_add": "l",
    "cap_drop": "l",
    "cgroup": "t",
    "cgroup_parent": "t",
    "command": "tl",
    "configs": "l",
    "container_name": "t",
    "cpu_count": "tn",
    "cpu_percent": "tn",
    "cpu_period": "tn",
    "cpu_quota": "tn",
    "cpu_rt_period": "tn",
    "cpu_rt_runtime": "tn",
    "cpu_shares": "tn",
    "cpus": "tn",
    "cpuset": "t",
    "credential_spec": "m",
    "depends_on": "m",
    "deploy": "m",
    "develop": "m",
    "device_cgroup_rules": "l",
    "devices": "l",
    "dns": "l",
    "dns_opt": "l",
    "dns_search": "l",
    "domainname": "t",
    "entrypoint": "tl",
    "env_file": "l",
    "environment": "m",
    "expose": "l",
    "extends": "m",
    "external_links": "l",
    "extra_hosts": "m",
    "gpus": "tl",
    "group_add": "l",
    "healthcheck": "m",
    "hostname": "t",
    "image": "t",
    "init": "tb",
    "ipc": "t",
    "isolation": "t",
    "label_file": "l",
    "labels": "m",
    "links": "l",
    "logging": "m",
    "mac_address": "t",
    "mem_limit": "tn",
    "mem_reservation": "tn",
    "mem_swappiness": "tn",
    "memswap_limit": "tn",
    "models": "m",
    "network_mode": "t",
    "networks": "m",
    "oom_kill_disable": "tb",
    "oom_score_adj": "tn",
    "pid": "t",
    "pids_limit": "tn",
    "platform": "t",
    "ports": "l",
    "post_start": "l",
    "pre_start": "l",
    "pre_stop": "l",
    "privileged": "tb",
    "profiles": "l",
    "provider": "m",
    "pull_policy": "t",
    "pull_refresh_after": "t",
    "read_only": "tb",
    "restart": "t",
    "runtime": "t",
    "scale": "tn",
    "secrets": "l",
    "security_opt": "l",
    "shm_size": "tn",
    "stdin_open": "tb",
    "stop_grace_period": "t",
    "stop_signal": "t",
    "storage_opt": "m",
    "sysctls": "m",
    "tmpfs": "l",
    "tty": "tb",
    "ulimits": "m",
    "umask": "tn",
    "use_api_socket": "b",
    "user": "t",
    "userns_mode": "t",
    "uts": "t",
    "volumes": "l",
    "volumes_from": "l",
    "working_dir": "t",
}
_WORDS = {"t": "a text", "n": "a number", "b": "true or false", "l": "a list", "m": "a mapping"}


def misfit(key: str, node: Node, shapes: Mapping[str, str]) -> str:
    """What a known key should be and is not, or ""."""
    wanted = shapes.get(key)
    found = _shape(node)
    if wanted is None or found in wanted or found == "0":
        return ""
    return "it must be " + " or ".join(_WORDS[letter] for letter in wanted)


def _shape(node: Node) -> str:
    if not isinstance(node, Leaf):
        return "l" if isinstance(node, Row) else "m"
    if isinstance(node.value, bool):
        return "b"
    if node.value is None:
        return "0"
    return "t" if isinstance(node.value, str) else "n"
