"""How a workload runs: images, ports, probes, replicas, resources. Parts of Service and Datastore."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from telford.estate.kinds import base

PortNumber = Annotated[int, Field(ge=1, le=65535, strict=True)]
Count = Annotated[int, Field(ge=0, strict=True)]


class Port(base.Model):
    """A port the process listens on."""

    name: base.Name = "http"
    port: PortNumber
    protocol: Literal["TCP", "UDP", "SCTP"] = "TCP"


class EnvironmentReference(base.Model):
    """A value that comes from elsewhere: a Config's key, a Secret's key (never the value itself),
    or a field of the running pod (`field`, Kubernetes downward API).
    """

    config: str | None = None
    secret: str | None = None
    field: str | None = None
    key: str | None = None
    optional: bool = False

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        named = [n for n in ("config", "secret", "field") if getattr(self, n) is not None]
        if len(named) != 1:
            raise ValueError("name exactly one of `config`, `secret` or `field`")
        return self


class EnvironmentSource(base.Model):
    """All keys of a Config or Secret as environment variables, with an optional prefix."""

    config: str | None = None
    secret: str | None = None
    prefix: str = ""
    optional: bool = False


class Amounts(base.Model):
    """Compute of one replica: cores, and bytes of memory and of scratch disk."""

    cpu: base.Cores | None = None
    memory: base.Bytes | None = None
    ephemeral_storage: base.Bytes | None = None


class Resources(base.Model):
    """What a replica is promised (`requests`) and may take at most (`limits`)."""

    requests: Amounts = Amounts()
    limits: Amounts = Amounts()


class Replicas(base.Model):
    """Automatic scaling between two bounds on mean CPU use."""

    min: Count
    max: Count
    target_cpu: base.Percentage | None = None


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

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        ways = [self.path is not None, self.tcp, self.grpc, bool(self.command)]
        if sum(ways) != 1:
            raise ValueError("give exactly one of `path`, `tcp`, `grpc` or `command`")
        return self


class Health(base.Model):
    """When a replica is `ready` for traffic, `live`, and past its start (`startup`)."""

    ready: Check | None = None
    live: Check | None = None
    startup: Check | None = None


class Volume(base.Model):
    """Files a replica sees at `path`: scratch, a Config or Secret, or storage that outlives it."""

    name: base.Name
    path: str
    type: Literal["scratch", "config", "secret", "storage"] = "scratch"
    source: str | None = None
    size: base.Bytes | None = None
    storage_class: str | None = None
    access: Literal["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany"] = "ReadWriteOnce"
    read_only: bool = False
    medium: Literal["", "Memory"] = ""


class Disruption(base.Model):
    """How much of it may be away at once on purpose (PodDisruptionBudget)."""

    min_available: Count | base.Percentage | None = None
    max_unavailable: Count | base.Percentage | None = None


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


class Local(base.Model):
    """How to run it as a process on the local place; ``{port}``, ``{upstream:NAME}`` and
    ``{state}`` are replaced (see `telford.estate.workload.Workload`).
    """

    command: tuple[str, ...]
    directory: str = "."
    env: dict[str, str] = Field(default_factory=dict)
    replicas: Annotated[int, Field(ge=1, le=20)] = 1


class Run(base.Model):
    """How one workload runs."""

    image: str | None = None
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    # The Kubernetes workload kind; the default follows from the service's type.
    workload: Literal["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"] | None = None
    container: base.Name | None = None
    replicas: Count | Replicas | None = None
    ports: tuple[Port, ...] = ()
    env: dict[str, str | EnvironmentReference] = Field(default_factory=dict)
    env_from: tuple[EnvironmentSource, ...] = ()
    resources: Resources = Resources()
    health: Health = Health()
    volumes: tuple[Volume, ...] = ()
    disruption: Disruption | None = None
    security: Security = Security()
    service_account: str | None = None
    schedule: str | None = None
    stop: base.Duration | None = None
    local: Local | None = None
