"""Reads kubeconfig files, and the service account of a pod, into an `Access`.

Several files merge as kubectl merges them: the first to name a cluster, a user or a context wins,
and relative paths are relative to the file that says them. What is not understood and would change
who is asked or as whom is refused, never ignored.
https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from telford.backends.kubernetes.access import Access, Credentials, Plugin
from telford.basics.errors import PermanentError, UsageError

# Where a pod finds its service account.
# https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
# A kubeconfig of a thousand clusters with their certificates has a few megabytes.
MAX_BYTES = 16 * 1024 * 1024

_EXEC_VERSIONS = frozenset(
    {"client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"}
)


@dataclass(slots=True)
class _Config:
    """Several files as one: name -> (what it says, the folder of the file that says it)."""

    current: str = ""
    parts: dict[str, dict[str, tuple[Mapping[str, Any], Path]]] = field(
        default_factory=lambda: {"clusters": {}, "users": {}, "contexts": {}}
    )


def paths(environment: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """The files that KUBECONFIG names, else the one of the home folder."""
    named = environment.get("KUBECONFIG", "")
    if named:
        return tuple(Path(part) for part in named.split(":") if part)
    return (home / ".kube" / "config",)


def access(context: str, environment: Mapping[str, str], home: Path) -> Access:
    """How to reach the cluster of a context; of the current one where it is "".

    Where there is no kubeconfig and this is a pod, its service account is taken. Raises
    `UsageError` for a context that there is not, `PermanentError` for a file that cannot be used.
    """
    config = _Config()
    for path in paths(environment, home):
        _merge(config, path)
    wanted = context or config.current
    if wanted:
        return _of_context(config, wanted)
    if environment.get("KUBERNETES_SERVICE_HOST"):
        return in_cluster(environment)
    looked = ", ".join(map(str, paths(environment, home)))
    known = ", ".join(config.parts["contexts"])
    raise UsageError(
        f"no context is chosen in {looked}",
        fix=f"name one with --context: {known}" if known else "set KUBECONFIG to a kubeconfig",
    )


def in_cluster(environment: Mapping[str, str], folder: Path = SERVICE_ACCOUNT) -> Access:
    """How a pod reaches the API server of its own cluster, as its service account."""
    host = environment["KUBERNETES_SERVICE_HOST"]
    port = environment.get("KUBERNETES_SERVICE_PORT", "443")
    namespace = folder / "namespace"
    return Access(
        name="in-cluster",
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        namespace=_read(namespace).decode().strip() if namespace.exists() else "default",
        authority=_read(folder / "ca.crt"),
        credentials=Credentials(token_file=folder / "token"),
    )


def _merge(config: _Config, path: Path) -> None:
    if not path.exists():
        return
    try:
        data = yaml.load(_read(path), yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        # The parser's own words may quote a line of the file, and that may be a key.
        raise PermanentError(f"{path} is no YAML", fix="correct the kubeconfig") from error
    if not isinstance(data, dict):
        raise PermanentError(f"{path} is no kubeconfig", fix="correct it, or set KUBECONFIG")
    config.current = config.current or str(data.get("current-context") or "")
    for part, known in config.parts.items():
        body = part.removesuffix("s")
        for item in _dicts(data.get(part)):
            if isinstance(item.get("name"), str):
                said = item.get(body)
                known.setdefault(
                    item["name"], (said if isinstance(said, dict) else {}, path.parent)
                )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in _list(value) if isinstance(item, dict)]


def _of_context(config: _Config, name: str) -> Access:
    context, _ = _part(config, "contexts", name)
    cluster, folder = _part(config, "clusters", str(context.get("cluster", "")))
    server = str(cluster.get("server") or "")
    if not server.startswith(("https://", "http://")):
        raise PermanentError(
            f"the cluster of context {name} has no server", fix="correct the kubeconfig"
        )
    user: Mapping[str, Any] = {}
    beside = folder
    if context.get("user"):
        user, beside = _part(config, "users", str(context["user"]))
    _understood(user, name)
    return Access(
        name=name,
        server=server.rstrip("/"),
        namespace=str(context.get("namespace") or "default"),
        authority=_bytes(cluster, "certificate-authority", folder),
        unverified=cluster.get("insecure-skip-tls-verify") is True,
        server_name=str(cluster.get("tls-server-name") or ""),
        proxy=str(cluster.get("proxy-url") or ""),
        credentials=_credentials(user, beside),
        plugin=_plugin(user.get("exec"), beside),
        headers=tuple(_impersonation(user)),
    )


def _part(config: _Config, part: str, name: str) -> tuple[Mapping[str, Any], Path]:
    known = config.parts[part]
    if name not in known:
        one = part.removesuffix("s")
        listed = ", ".join(known) or "none"
        raise UsageError(f"the kubeconfig has no {one} {name!r}", fix=f"it has: {listed}")
    return known[name]


def _understood(user: Mapping[str, Any], context: str) -> None:
    if user.get("auth-provider"):
        raise PermanentError(
            f"the user of context {context} signs in by an auth-provider, which Kubernetes removed",
            fix="let your provider's tool write an exec plugin or a token into the kubeconfig",
        )
    if user.get("as-user-extra"):
        raise PermanentError(
            f"the user of context {context} acts for another with as-user-extra, which is not read",
            fix="use a context without it",
        )


def _credentials(user: Mapping[str, Any], folder: Path) -> Credentials:
    file = user.get("tokenFile")
    return Credentials(
        # As in client-go, a token that is written wins over one in a file.
        token=str(user.get("token") or ""),
        token_file=folder / str(file) if file and not user.get("token") else None,
        certificate=_bytes(user, "client-certificate", folder),
        key=_bytes(user, "client-key", folder),
        username=str(user.get("username") or ""),
        password=str(user.get("password") or ""),
    )


def _plugin(said: Any, folder: Path) -> Plugin | None:
    if not isinstance(said, dict):
        return None
    version = str(said.get("apiVersion") or "")
    if version not in _EXEC_VERSIONS:
        raise PermanentError(
            f"an exec plugin of the kubeconfig speaks {version or 'no version'}",
            fix=f"one of {', '.join(sorted(_EXEC_VERSIONS))} is understood",
        )
    command = str(said.get("command") or "")
    # A command with a slash is relative to the kubeconfig, one without is looked for in the PATH.
    named = str(folder / command) if "/" in command and not command.startswith("/") else command
    return Plugin(
        command=named,
        arguments=tuple(map(str, _list(said.get("args")))),
        environment={str(e.get("name")): str(e.get("value")) for e in _dicts(said.get("env"))},
        api_version=version,
        wants_cluster=said.get("provideClusterInfo") is True,
    )


def _impersonation(user: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Headers: kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation."""
    if user.get("as"):
        yield "Impersonate-User", str(user["as"])
    if user.get("as-uid"):
        yield "Impersonate-Uid", str(user["as-uid"])
    for group in _list(user.get("as-groups")):
        yield "Impersonate-Group", str(group)


def _bytes(said: Mapping[str, Any], name: str, folder: Path) -> bytes:
    """What ``NAME-data`` holds in base64, else the file that ``NAME`` names; b"" for neither."""
    data = said.get(f"{name}-data")
    if data:
        try:
            return base64.b64decode(str(data), validate=True)
        except ValueError as error:
            raise PermanentError(
                f"{name}-data of the kubeconfig is no base64", fix="correct the kubeconfig"
            ) from error
    return _read(folder / str(said[name])) if said.get(name) else b""


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PermanentError(
            f"{path} cannot be read: {error.strerror}", fix="check the kubeconfig's paths"
        ) from error
    if len(data) > MAX_BYTES:
        raise PermanentError(f"{path} is too large for a kubeconfig", fix="check KUBECONFIG")
    return data
