"""From the name of a context to a client. Called by `telford.app.drift` and `cluster_place`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from telford.backends.kubernetes import kubeconfig, plugins
from telford.backends.kubernetes.access import Access
from telford.backends.kubernetes.client import ApiServer, Progress
from telford.backends.kubernetes.wire import Limits
from telford.basics.errors import UsageError


@dataclass(frozen=True, slots=True)
class Choice:
    """Which cluster, by which surroundings. `context` is "" for the current one; `plugins` allows
    a program that the kubeconfig names to be run for credentials.
    """

    context: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    home: Path = Path()
    plugins: bool = False
    limits: Limits = field(default_factory=Limits)


def connect(choice: Choice, progress: Progress) -> ApiServer:
    """A client that reads the cluster. Nothing is asked yet. Raises as `access` does."""
    return ApiServer(access(choice), choice.limits, progress)


def access(choice: Choice) -> Access:
    """How to talk to the cluster, credentials included.

    Raises `UsageError` for a context that there is not, and where credentials come of a plugin and
    plugins are not allowed; `PermanentError` where a file or the plugin is of no use.
    """
    found = kubeconfig.access(choice.context, choice.environment, choice.home)
    plugin = found.plugin
    if plugin is None:
        return found
    if not choice.plugins:
        raise UsageError(
            f"the context {found.name} gets its credentials by running {plugin.command},"
            " and nothing is run unasked",
            fix="add --exec-plugins to allow it, or use a context with a token or certificate",
        )
    given = plugins.credentials(found, plugin, choice.environment)
    return replace(found, credentials=given)
