"""How a workload runs: images, ports, probes, replicas, resources. Parts of Service and Datastore."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from telford.estate.kinds import base, placing, scaling, surroundings

PortNumber = base.PortNumber
Count = base.Count
Replicas = scaling.Replicas
Toleration = placing.Toleration


class Port(base.Model):
    """A port the process listens on."""

    name: base.Name = "http"
    port: PortNumber
    protocol: Literal["TCP", "UDP", "SCTP"] = "TCP"
    # The same port of the machine it runs on.
    host_port: PortNumber | None = None


class EnvironmentReference(base.Model):
    """A value that comes from elsewhere: a Config's key, a Secret's key (never the value itself),
    a field of the running pod (`field`), or an amount of its container (`resource`, such as
    ``limits.cpu``; both are Kubernetes' downward API).
    """

    config: str | None = None
    secret: str | None = None
    field: str | None = None
    resource: str | None = None
    key: str | None = None
    optional: bool = False
    # The Config is in the place and not in the estate.
    elsewhere: bool = False
    # Of a resource: whose it is, where it is another container's, and in what it is counted.
    container: str | None = None
    divisor: str | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        ways = ("config", "secret", "field", "resource")
        named = [n for n in ways if getattr(self, n) is not None]
        base.exactly_one(len(named), "name exactly one of `config`, `secret`, `field`, `resource`")
        return self


class EnvironmentSource(base.Model):
    """All keys of a Config or Secret as environment variables, with an optional prefix."""

    config: str | None = None
    secret: str | None = None
    prefix: str = ""
    optional: bool = False
    # The Config is in the place and not in the estate.
    elsewhere: bool = False


class Amounts(base.Model):
    """Compute of one replica: cores, and bytes of memory and of scratch disk."""

    cpu: base.Cores | None = None
    memory: base.Bytes | None = None
    ephemeral_storage: base.Bytes | None = None
    # Whatever else a machine has so many of (``nvidia.com/gpu``, ``hugepages-2Mi``).
    devices: dict[str, str] = Field(default_factory=dict)


class Resources(base.Model):
    """What a replica is promised (`requests`) and may take at most (`limits`)."""

    requests: Amounts = Amounts()
    limits: Amounts = Amounts()


class Header(base.Model):
    """One HTTP header of a probe."""

    name: str
    value: str


class Check(base.Model):
    """One probe: exactly one of `path` (HTTP GET), `tcp`, `grpc` or `command`."""

    path: str | None = None
    scheme: Literal["HTTP", "HTTPS"] = "HTTP"
    headers: tuple[Header, ...] = ()
    tcp: bool = False
    grpc: bool = False
    grpc_service: str | None = None
    command: tuple[str, ...] = ()
    port: PortNumber | str | None = None
    delay: base.Duration | None = None
    every: base.Duration | None = None
    timeout: base.Duration | None = None
    failures: Annotated[int, Field(ge=1)] | None = None
    successes: Annotated[int, Field(ge=1)] | None = None
    # How long a container may take to end after it failed this check.
    grace: base.Duration | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        ways = [self.path is not None, self.tcp, self.grpc, bool(self.command)]
        base.exactly_one(sum(ways), "give exactly one of `path`, `tcp`, `grpc` or `command`")
        return self


class Health(base.Model):
    """When a replica is `ready` for traffic, `live`, and past its start (`startup`)."""

    ready: Check | None = None
    live: Check | None = None
    startup: Check | None = None


class Projection(base.Model):
    """Part of the files of a projected volume: a Config or Secret (all its keys, or `items` as key:
    file), `fields` of the pod as file: field, or a `token` of the service account as a file.
    """

    config: str | None = None
    secret: str | None = None
    items: dict[str, str] = Field(default_factory=dict)
    optional: bool | None = None
    fields: dict[str, str] = Field(default_factory=dict)
    token: str | None = None
    audience: str | None = None
    expires: base.Duration | None = None


class Volume(base.Model):
    """Files a replica sees at `path`: scratch, a Config or Secret, storage that outlives it, a
    folder that lies at `source` on the machine that it runs on (`host`) or on a file server (`nfs`,
    ``server:/path``), or several of these in one (`projected`).
    """

    name: base.Name
    # Where the main container sees it; a volume without a path is for sidecars alone.
    path: str | None = None
    type: Literal[
        "scratch", "config", "secret", "storage", "host", "driver", "nfs", "projected"
    ] = "scratch"
    source: str | None = None
    size: base.Bytes | None = None
    storage_class: str | None = None
    access: Literal["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany"] = "ReadWriteOnce"
    read_only: bool = False
    medium: Literal["", "Memory"] = ""
    # The part of the volume that is seen at `path`.
    sub_path: str | None = None
    # Of a Config or Secret: which key appears as which file; all of them where it is empty.
    items: dict[str, str] = Field(default_factory=dict)
    # Permission bits of the files of a Config or Secret.
    mode: Annotated[int, Field(ge=0, le=0o777, strict=True)] | None = None
    optional: bool = False
    # Of a host's file or folder: what must be there, or is made (`DirectoryOrCreate`).
    host_type: str | None = None
    # Of storage that it names and claims itself: the labels of the claim, where they are not those
    # of the document.
    claim_labels: dict[str, str] | None = None
    # Of storage that a driver gives (CSI): the driver, and what it is told.
    driver: str | None = None
    attributes: dict[str, str] = Field(default_factory=dict)
    # Of storage: each replica claims its own, and it is gone with the replica.
    ephemeral: bool | None = None
    # Of a projected volume: what it is put together of.
    sources: tuple[Projection, ...] = ()


class Mount(base.Model):
    """One more place where a container sees a volume."""

    volume: base.Name
    path: str
    sub_path: str | None = None
    read_only: bool = False


class Disruption(base.Model):
    """How much of it may be away at once on purpose (PodDisruptionBudget)."""

    min_available: Count | base.Percentage | None = None
    max_unavailable: Count | base.Percentage | None = None
    # Which replicas are counted: the workload's own selector where it is not given.
    selector: dict[str, str] | None = None
    # Whether replicas that are not ready may always be taken away.
    evict_unready: Literal["IfHealthyBudget", "AlwaysAllow"] | None = None


class Security(base.Model):
    """What the process may do; unset fields take the road's restricted defaults."""

    run_as_user: int | None = None
    run_as_group: int | None = None
    fs_group: int | None = None
    run_as_non_root: bool | None = None
    read_only_root_filesystem: bool | None = None
    allow_privilege_escalation: bool | None = None
    privileged: bool | None = None
    drop_capabilities: tuple[str, ...] | None = None
    add_capabilities: tuple[str, ...] = ()
    seccomp: str | None = None
    # Further groups of the process, and when the owner of files is changed to `fsGroup`.
    groups: tuple[int, ...] = ()
    fs_group_change: Literal["Always", "OnRootMismatch"] | None = None


class Rollout(base.Model):
    """How the place replaces old replicas by new ones: how many more (`surge`) and fewer
    (`unavailable`) there may be meanwhile.
    """

    strategy: Literal["RollingUpdate", "Recreate", "OnDelete"] | None = None
    surge: Count | base.Percentage | None = None
    unavailable: Count | base.Percentage | None = None
    partition: Count | None = None


class BeforeStop(base.Model):
    """What a container does before it is told to stop: wait, or run a command; not both."""

    sleep: base.Duration | None = None
    command: tuple[str, ...] = ()


class FailedPod(base.Model):
    """What a job does about a replica that fails in a certain way."""

    action: Literal["FailJob", "FailIndex", "Ignore", "Count"]
    # Conditions of the pod (``DisruptionTarget``) with the status that they must have.
    conditions: dict[str, str] = Field(default_factory=dict)
    # Exit codes that are among, or not among, these.
    exit_codes: tuple[int, ...] = ()
    other_codes: tuple[int, ...] = ()
    container: str | None = None


class Batch(base.Model):
    """How a job or cron runs to its end: attempts, parallel runs, time limits, what is kept."""

    retries: Count | None = None
    completions: Count | None = None
    parallelism: Count | None = None
    deadline: base.Duration | None = None
    keep: base.Duration | None = None
    # Whether each of the completions has a number of its own.
    completion: Literal["Indexed", "NonIndexed"] | None = None
    on_failure: tuple[FailedPod, ...] = ()
    # Of a cron only:
    concurrency: Literal["Allow", "Forbid", "Replace"] | None = None
    suspend: bool | None = None
    time_zone: str | None = None
    start_deadline: base.Duration | None = None
    keep_succeeded: Count | None = None
    keep_failed: Count | None = None


class Local(base.Model):
    """How to run it as a process on the local place; ``{port}``, ``{upstream:NAME}``, ``{state}``
    and, for workers, ``{metrics_port}`` are replaced (see `telford.estate.workload.Workload`).
    """

    command: tuple[str, ...]
    directory: str = "."
    env: dict[str, str] = Field(default_factory=dict)
    replicas: Annotated[int, Field(ge=1, le=20)] = 1


class Build(base.Model):
    """What an image is built from: a folder beside the document, a file in it, a stage of that."""

    context: str = "."
    dockerfile: str | None = None
    target: str | None = None
    args: dict[str, str] = Field(default_factory=dict)


class Quarantined(base.Model):
    """An image that was rolled back and is kept out until a person lifts the quarantine."""

    # The very reference, best by digest.
    image: Annotated[str, Field(min_length=1)]
    # Why it was rolled back.
    reason: str = ""
    # The release that it was rolled back in.
    release: str = ""


class Container(base.Model):
    """What every container of a replica has: the main one (`Run`), sidecars and initialisers."""

    image: str | None = None
    build: Build | None = None
    pull: Literal["Always", "IfNotPresent", "Never"] | None = None
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_directory: str | None = None
    ports: tuple[Port, ...] = ()
    env: dict[str, str | EnvironmentReference] = Field(default_factory=dict)
    env_from: tuple[EnvironmentSource, ...] = ()
    resources: Resources = Resources()
    health: Health = Health()
    mounts: tuple[Mount, ...] = ()
    before_stop: BeforeStop | None = None
    after_start: BeforeStop | None = None
    # A terminal, and an open standard input.
    tty: bool | None = None
    stdin: bool | None = None
    # Where the last words of a container are read from.
    message_path: str | None = None
    message_policy: Literal["File", "FallbackToLogsOnError"] | None = None


class Sidecar(Container):
    """A container beside the main one, or one that runs to its end before it (`initialise`)."""

    name: base.Name
    security: Security = Security()
    # `Always` of an initialiser: it starts before the others and runs beside them.
    restart: Literal["Always"] | None = None


class Run(Container):
    """How one workload runs."""

    # The Kubernetes workload kind; the default follows from the service's type.
    workload: (
        Literal[
            "Deployment",
            "StatefulSet",
            "DaemonSet",
            "Job",
            "CronJob",
            "ReplicaSet",
            "Pod",
            "Rollout",
            "ScaledJob",
        ]
        | None
    ) = None
    container: base.Name | None = None
    replicas: Count | Replicas | None = None
    volumes: tuple[Volume, ...] = ()
    disruption: Disruption | None = None
    # Of the whole replica: user, groups, seccomp; of the main container: the rest.
    security: Security = Security()
    # What the main container says about user, group or seccomp on its own; goes before `security`.
    container_security: Security | None = None
    service_account: str | None = None
    account: surroundings.Account | None = None
    mount_token: bool | None = None
    service_links: bool | None = None
    schedule: str | None = None
    batch: Batch = Batch()
    restart: Literal["Always", "OnFailure", "Never"] | None = None
    rollout: Rollout = Rollout()
    history: Count | None = None
    # How long a new replica must be ready before it counts, how long replacing all may take, and
    # whether replacing is at rest.
    min_ready: base.Duration | None = None
    progress_deadline: base.Duration | None = None
    paused: bool | None = None
    # Of a StatefulSet: one after the other, or all at once.
    order: Literal["OrderedReady", "Parallel"] | None = None
    stop: base.Duration | None = None
    node_selector: dict[str, str] = Field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()
    placement: placing.Placement = placing.Placement()
    # How it ranks among other workloads, what runs its containers, and who places it.
    priority_class: str | None = None
    preemption: Literal["PreemptLowerPriority", "Never"] | None = None
    runtime_class: str | None = None
    scheduler: str | None = None
    # Whether it shares the network, processes or memory of its machine, and its containers theirs.
    host_network: bool | None = None
    host_processes: bool | None = None
    host_memory: bool | None = None
    share_processes: bool | None = None
    hostname: str | None = None
    subdomain: str | None = None
    dns: placing.Dns = placing.Dns()
    host_aliases: tuple[placing.HostAlias, ...] = ()
    # The Secrets by which images are fetched.
    pull_secrets: tuple[str, ...] = ()
    # What its service account may do with the cluster.
    grants: tuple[surroundings.Grant, ...] = ()
    monitors: tuple[surroundings.Monitor, ...] = ()
    # Labels of the replicas, and of a cron's jobs: those of the document where they are not given.
    pod_labels: dict[str, str] | None = None
    pod_annotations: dict[str, str] = Field(default_factory=dict)
    job_labels: dict[str, str] | None = None
    # What the templates call the replicas, and a cron's jobs; the place names them otherwise.
    pod_name: str | None = None
    job_name: str | None = None
    # Which replicas are its own: `pod_labels` where it is not given.
    selector: dict[str, str] | None = None
    sidecars: tuple[Sidecar, ...] = ()
    initialise: tuple[Sidecar, ...] = ()
    local: Local | None = None
