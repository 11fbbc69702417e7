"""Places: Environment, Region, Cluster and Account."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from telford.estate.kinds import base


class Promotion(base.Model):
    """How a release comes into an environment from the one before it."""

    # The environment before; the next lower in the order where nothing is said.
    from_: base.Name | None = Field(default=None, alias="from")
    # How long it is the stable one there first.
    after: base.Duration = "0s"
    # Whether it then goes on by itself; its gates and evidence decide here as they do anywhere.
    automatic: bool = False


class Folder(base.Model):
    """Where whoever applies this environment looks in the Architecture's repository."""

    # The branch; the repository's own where nothing is said.
    branch: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    # Whether a change is a commit there, or asked for by a pull or merge request.
    changes: Literal["commit", "request"] = "commit"
    # Whether such a request is merged as soon as its host allows it.
    merge: bool = False


class Environment(base.Kind):
    """A stage on the way to users, in an order: dev before staging before prod.

    `regions` lists where it exists; an environment without one is a single place. `clusters` names
    clusters of its regions as REGION/CLUSTER, where one region has several.
    """

    owned: ClassVar[bool] = False

    kind: Literal["Environment"]
    order: int = Field(default=0, ge=0)
    production: bool = False
    regions: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    # The accounts that it is paid from, one a provider or more.
    accounts: tuple[str, ...] = ()
    namespace: base.Name | None = None
    # How releases come here from the environment before.
    promotion: Promotion = Promotion()
    # Where Argo CD or Flux, if they are in charge, look for it.
    git: Folder = Folder()

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        if self.promotion.from_ is not None:
            yield base.Reference(("promotion", "from"), "Environment", self.promotion.from_)
        for index, region in enumerate(self.regions):
            yield base.Reference(("regions", index), "Region", region)
        for index, account in enumerate(self.accounts):
            yield base.Reference(("accounts", index), "Account", account)


Provider = Literal["aws", "azure", "gcp", "on-premises", "local"]


class Region(base.Kind):
    """A region of a provider, or a machine room: somewhere that fails on its own."""

    owned: ClassVar[bool] = False

    kind: Literal["Region"]
    provider: Provider = "local"
    # What the provider calls it (``eu-west-1``), where that is not its name here.
    location: str = ""
    zones: int = Field(default=1, ge=1)
    account: str | None = None

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        if self.account is not None:
            yield base.Reference(("account",), "Account", self.account)


class Account(base.Kind):
    """What a provider bills and isolates: an AWS account, an Azure subscription, a project of
    Google Cloud, a cost centre of one's own machine room.
    """

    stand_ins: ClassVar[dict[str, object]] = {"provider": "local"}
    identity: ClassVar[tuple[str, ...]] = (*base.Kind.identity, "provider")

    owned: ClassVar[bool] = False

    kind: Literal["Account"]
    provider: Provider
    # The provider's own number or name of it; no credential.
    id: base.Version | None = None
    # The folder, organisational unit or management group above it.
    parent: str | None = None
    regions: tuple[str, ...] = ()

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        for index, region in enumerate(self.regions):
            yield base.Reference(("regions", index), "Region", region)


class Host(base.Model):
    """A machine that is there by itself: a name, where it answers, and what runs on it."""

    name: base.Name
    address: str | None = None
    os: Literal["rhel", "debian", "ubuntu", "windows", "other"] = "rhel"
    version: base.Version | None = None
    zone: str | None = None
    roles: tuple[str, ...] = ()
    labels: dict[str, str] = Field(default_factory=dict)


class Pool(base.Model):
    """Machines of one form that a cluster makes and removes by itself."""

    name: base.Name
    machine: str = ""
    min: Annotated[int, Field(ge=0, strict=True)] = 0
    max: Annotated[int, Field(ge=0, strict=True)] | None = None
    zones: tuple[str, ...] = ()
    labels: dict[str, str] = Field(default_factory=dict)


class Cluster(base.Kind):
    """Where workloads run: a Kubernetes cluster, hosts with systemd, or a container service."""

    merge_keys: ClassVar[dict[str, tuple[str, ...]]] = {"hosts": ("name",), "pools": ("name",)}

    owned: ClassVar[bool] = False

    kind: Literal["Cluster"]
    type: Literal["kubernetes", "hosts", "ecs", "cloud-run", "local"] = "kubernetes"
    # The managed service that it is, where it is one.
    service: Literal["eks", "aks", "gke", "openshift", "self-run"] | None = None
    version: base.Version | None = None
    region: str | None = None
    account: str | None = None
    # Where its API answers; no credential.
    server: str | None = None
    hosts: tuple[Host, ...] = ()
    pools: tuple[Pool, ...] = ()

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        if self.region is not None:
            yield base.Reference(("region",), "Region", self.region)
        if self.account is not None:
            yield base.Reference(("account",), "Account", self.account)
