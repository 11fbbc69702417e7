"""What a workload has around it in a cluster: permissions, and who reads its metrics. Parts of
`running.Run`.
"""

from typing import Literal

from pydantic import Field

from telford.estate.kinds import base


class Account(base.Model):
    """The service account that it runs as, where that is its alone: what a provider knows it by
    stands in the annotations.
    """

    # Those of the document where they are not given.
    labels: dict[str, str] | None = None
    annotations: dict[str, str] = Field(default_factory=dict)
    mount_token: bool | None = None
    pull_secrets: tuple[str, ...] = ()


class Permission(base.Model):
    """What may be done (`verbs`) with which objects of the cluster's API, or at which of its
    paths.
    """

    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    verbs: tuple[str, ...]
    # These objects alone.
    names: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


class Grant(base.Model):
    """Permissions that its service account has: a role of the place, or one that it brings along
    (then `permissions` are the role's own).
    """

    role: str
    # A role of the whole cluster, and one that holds in the whole cluster.
    cluster_role: bool = False
    everywhere: bool = False
    # The object that grants it: called as the role where it is not given.
    binding: str | None = None
    # Its labels, and the role's, where they are not those of the document.
    labels: dict[str, str] | None = None
    role_labels: dict[str, str] | None = None
    permissions: tuple[Permission, ...] = ()


class Scrape(base.Model):
    """One page of metrics that is read."""

    port: base.PortNumber | str | None = None
    path: str | None = None
    scheme: Literal["http", "https"] | None = None
    every: base.Duration | None = None
    timeout: base.Duration | None = None


class Monitor(base.Model):
    """How Prometheus finds its metrics (a PodMonitor or ServiceMonitor)."""

    # Called as the document where it is not given.
    name: str | None = None
    # Found by the replicas themselves, or by the endpoint in front of them.
    by: Literal["pod", "endpoint"] = "pod"
    scrapes: tuple[Scrape, ...] = ()
    job_label: str | None = None
    # Those of the document where they are not given.
    labels: dict[str, str] | None = None
    # The labels of what it looks at: those of the replicas or the document, where not given.
    selector: dict[str, str] | None = None
