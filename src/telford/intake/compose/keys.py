"""The keys of the Compose Specification and the shapes that their values may have.

Taken from the Specification's schema (compose-spec.json, 2026-08); t: text, n: number, b: true or
false, l: list, m: mapping, 0: null. Short forms are long here already (`merging.canonical`), and a
text may stand for a number or a boolean everywhere, because interpolation gives texts. Called by
`services` and `documents`.
"""

from collections.abc import Iterator, Mapping

from telford.intake.compose.nodes import Leaf, Node, Row, Table

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
_ANY = "tnblm"
# The keys beneath keys of a service, by dotted path; `*` stands for any key. What the handler of a
# key checks on its own may have any shape here.
_BENEATH: Mapping[str, Mapping[str, str]] = {
    "build": {
        "context": _ANY,
        "dockerfile": _ANY,
        "dockerfile_inline": "t",
        "entitlements": "l",
        "args": "m",
        "ssh": "lm",
        "labels": "m",
        "cache_from": "l",
        "cache_to": "l",
        "no_cache": "tb",
        "no_cache_filter": "tl",
        "additional_contexts": "m",
        "network": "t",
        "provenance": "tb",
        "sbom": "tb",
        "pull": "tb",
        "target": _ANY,
        "shm_size": "tn",
        "extra_hosts": "m",
        "isolation": "t",
        "privileged": "tb",
        "secrets": "l",
        "tags": "l",
        "ulimits": "m",
        "platforms": "l",
    },
    "depends_on": {"*": "m"},
    "depends_on.*": {"condition": "t", "restart": "tb", "required": "tb"},
    "deploy": {
        "mode": _ANY,
        "endpoint_mode": "t",
        "replicas": _ANY,
        "labels": "m",
        "rollback_config": "m",
        "update_config": "m",
        "resources": "m",
        "restart_policy": "m",
        "placement": "m",
    },
    "deploy.resources": {"limits": "m", "reservations": "m"},
    "deploy.resources.limits": {"cpus": _ANY, "memory": _ANY, "pids": "tn"},
    "deploy.resources.reservations": {
        "cpus": _ANY,
        "memory": _ANY,
        "generic_resources": "l",
        "devices": "l",
    },
    "develop": {"watch": "l"},
    "extra_hosts": {"*": "tl"},
    "healthcheck": {
        "disable": "tb",
        "interval": _ANY,
        "retries": _ANY,
        "test": _ANY,
        "timeout": _ANY,
        "start_period": _ANY,
        "start_interval": "t",
    },
    "logging": {"driver": "t", "options": "m"},
    "logging.options": {"*": "tn"},
    "networks": {"*": "m"},
    "networks.*": {
        "aliases": "l",
        "interface_name": "t",
        "ipv4_address": "t",
        "ipv6_address": "t",
        "link_local_ips": "l",
        "mac_address": "t",
        "driver_opts": "m",
        "priority": "tn",
        "gw_priority": "tn",
        "use_service_name_alias": "tb",
    },
    "sysctls": {"*": "tnb"},
}
_WORDS = {"t": "a text", "n": "a number", "b": "true or false", "l": "a list", "m": "a mapping"}


def misfit(key: str, node: Node, shapes: Mapping[str, str]) -> str:
    """What a known key should be and is not, or ""."""
    wanted = shapes.get(key)
    found = _shape(node)
    if wanted is None or found in wanted or found == "0":
        return ""
    return "it must be " + " or ".join(_WORDS[letter] for letter in wanted)


def strange(path: str, node: Node) -> Iterator[tuple[str, Node, str]]:
    """What is wrong beneath a key of a service: where, the value, and what it should be; "" for a
    key that the Specification does not have.
    """
    yield from _strange(path, path, node)


def _strange(path: str, pattern: str, node: Node) -> Iterator[tuple[str, Node, str]]:
    shapes = _BENEATH.get(pattern)
    if shapes is None or not isinstance(node, Table):
        return
    for key, item in node.items.items():
        where = f"{path}.{key}"
        if key.startswith("x-"):
            continue
        if key not in shapes and "*" not in shapes:
            yield where, item, ""
        elif why := misfit("*" if "*" in shapes else key, item, shapes):
            yield where, item, why
        else:
            beneath = f"{pattern}.{'*' if '*' in shapes else key}"
            yield from _strange(where, beneath, item)


def _shape(node: Node) -> str:
    if not isinstance(node, Leaf):
        return "l" if isinstance(node, Row) else "m"
    if isinstance(node.value, bool):
        return "b"
    if node.value is None:
        return "0"
    return "t" if isinstance(node.value, str) else "n"
