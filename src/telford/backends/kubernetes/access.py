"""Which API server is asked and as whom: the neutral form that a kubeconfig and a service account
are both read into. Used by `wire`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Plugin:
    """A program that a kubeconfig names to get credentials. It is run only where the caller allows
    it.
    """

    command: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    api_version: str
    wants_cluster: bool = False


@dataclass(frozen=True, slots=True)
class Credentials:
    """As whom: at most one of a bearer token (or a file that holds one and changes), a client
    certificate with its key (PEM), a name with a password. Nothing of it is ever shown.
    """

    token: str = field(default="", repr=False)
    token_file: Path | None = None
    certificate: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Access:
    """A server and how to talk to it. `authority` is the PEM of whom to trust (b"" for the
    system's); `unverified` is ``insecure-skip-tls-verify``; `headers` are those of impersonation.
    """

    name: str
    server: str
    namespace: str = "default"
    authority: bytes = field(default=b"", repr=False)
    unverified: bool = False
    server_name: str = ""
    proxy: str = ""
    credentials: Credentials = Credentials()
    plugin: Plugin | None = None
    headers: tuple[tuple[str, str], ...] = ()
