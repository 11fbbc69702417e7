"""The options that say where services run: this machine, or which cluster. Used by `telford up` and
`telford controller`.
"""

from pathlib import Path
from typing import Annotated

import typer

from telford.app import cluster_place
from telford.basics.errors import UsageError
from telford.cli import options

On = Annotated[
    str,
    typer.Option("--on", metavar="WHAT", help="machine (the default) or kubernetes"),
]
Context = Annotated[
    str,
    typer.Option("--context", metavar="NAME", help="the context of the kubeconfig, for --on"),
]
Prometheus = Annotated[
    str,
    typer.Option("--prometheus", metavar="URL", help="who counts requests there, for --on"),
]
ExecPlugins = Annotated[
    bool,
    typer.Option("--exec-plugins", help="run the program by which the kubeconfig gets credentials"),
]
MACHINE, KUBERNETES = "machine", "kubernetes"


def chosen(
    on: str, context: str, prometheus: str, *, exec_plugins: bool
) -> cluster_place.Cluster | None:
    """Where the services run; None for this machine. Raises `UsageError` for what fits nothing."""
    if on not in (MACHINE, KUBERNETES):
        raise UsageError(f"there is no --on {on}", fix=f"{MACHINE} or {KUBERNETES}")
    if on == MACHINE:
        if context or prometheus:
            raise UsageError(
                "--context and --prometheus are about a cluster", fix=f"add --on {KUBERNETES}"
            )
        return None
    environment = options.environment()
    return cluster_place.Cluster(
        environment, Path.home(), context, prometheus, plugins=exec_plugins
    )


def words(cluster: cluster_place.Cluster) -> list[str]:
    """The options that say which cluster it is, for another process of ours."""
    found = ["--on", KUBERNETES]
    found += ["--context", cluster.context] if cluster.context else []
    found += ["--prometheus", cluster.prometheus] if cluster.prometheus else []
    return [*found, "--exec-plugins"] if cluster.plugins else found
