"""How things are built: Architecture, Recipe and Pins. An organisation's own word over the road's.

Resolved by `telford.road.recipes`; the aspects and ways of `Choices` are those of
`telford.road.realisation.ASPECTS`, which is tested.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from telford.estate.kinds import base, places, standards

# The kinds that are realised: what is built for a place.
Built = Literal[
    "Service", "Datastore", "Stream", "Pipeline", "Contract", "Route", "Secret", "Config",
    "Objective", "Environment", "System", "Team",
]  # fmt: skip
# What a service is (`type`), or what a data store or stream runs on (`engine`).
Class = Literal[
    "http", "grpc", "worker", "job", "cron", "function",
    "postgres", "mysql", "cassandra", "dynamodb", "redis", "opensearch", "object-store",
    "mongodb", "sqlite", "kafka", "rabbitmq", "nats", "sqs", "embedded",
]  # fmt: skip
Tier = Annotated[int, Field(ge=0, le=4, strict=True)]


class Repository(base.Model):
    """Where what is built is committed."""

    url: Annotated[str, Field(min_length=1, max_length=2000)]
    branch: Annotated[str, Field(min_length=1)] = "main"
    # The folder inside of it; its root where nothing is said.
    path: str = ""
    # The folder of the estate in the same repository.
    estate: str = ""
    # What keeps it, and so how a change gets in; `git` is the git binary alone.
    host: Literal["git", "github", "gitlab", "gitea"] = "git"
    # Where the host's API answers, where that is not its usual address.
    api: Annotated[str, Field(pattern=base.URL_PATTERN)] | None = None
    # Where the controller finds the host's token: never the token itself.
    token: Annotated[str, Field(pattern=r"^(env|file):.+$")] | None = None


class Telemetry(base.Model):
    """Where a collector sends what it gathers; nowhere what has no URL."""

    metrics: Annotated[str, Field(pattern=base.URL_PATTERN)] | None = None
    logs: Annotated[str, Field(pattern=base.URL_PATTERN)] | None = None
    traces: Annotated[str, Field(pattern=base.URL_PATTERN)] | None = None


class Choices(base.Model):
    """The way that is taken in each aspect; the road's own where nothing is said."""

    # Who lets requests in.
    traffic: Literal["ingress", "gateway-api", "istio"] | None = None
    # Who proves identities between services and authorises their calls.
    mesh: Literal["none", "istio", "linkerd"] | None = None
    # What changes the number of replicas.
    scaling: Literal["horizontal-pod-autoscaler", "keda"] | None = None
    # How metrics of a workload are found.
    monitoring: Literal["scrape", "prometheus-operator"] | None = None
    # What lays manifests out for whoever applies them.
    packaging: Literal["kubernetes", "kustomize", "helm"] | None = None
    # Who applies them.
    delivery: Literal["push", "argo-cd", "flux"] | None = None
    # Where a change is built and checked.
    pipeline: Literal["none", "github-actions", "gitlab-ci", "jenkins"] | None = None


class Patch(base.Model):
    """A change of what is built, merged over it: into objects of Kubernetes, or into files of YAML
    or JSON that are none.

    `merge` is a strategic merge: mappings merge, lists whose items have names merge by name, null
    deletes (the grammar is that of `telford.road.patch`).
    """

    # Which objects, as KIND/NAME; `{name}` is the name of the thing, `*` is anything.
    object: Annotated[str, Field(pattern=base.OBJECT_PATTERN)] | None = None
    # Which files, by their path in the folder of the build; `*` is anything but a slash.
    file: Annotated[str, Field(min_length=1)] | None = None
    # The target whose artifacts it is for; all of them where nothing is said.
    target: Annotated[str, Field(min_length=1)] | None = None
    # What is merged over it.
    merge: Annotated[dict[str, Any], Field(min_length=1)]

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = sum(one is not None for one in (self.object, self.file))
        base.exactly_one(given, "name exactly one of `object` or `file`")
        return self


class Architecture(base.Kind):
    """The reference architecture that the estate is built by: what is built, where it is kept, which
    ways are taken and which defaults hold. An estate has one.
    """

    kind: Literal["Architecture"]
    # Raised by people; what conforms is told against it.
    version: base.Version = "1"
    # What is built where a command names no target, by name; the road's own where it is empty.
    targets: tuple[str, ...] = ()
    # Where what is built is committed.
    repository: Repository | None = None
    # Where images are published, such as registry.example.com/shop.
    registry: str = ""
    # Who signs them: the URL of an issuer of OpenID Connect.
    issuer: Annotated[str, Field(pattern=base.URL_PATTERN)] | None = None
    # The DNS name under which the organisation's own tools answer.
    domain: str = ""
    # Where a collector sends what it gathers.
    telemetry: Telemetry = Telemetry()
    # The ways that are taken, unless a recipe says otherwise.
    choices: Choices = Choices()
    # The defaults that hold, unless a recipe says otherwise.
    defaults: standards.Defaults = standards.Defaults()
    # What is changed in what the targets make of everything on the paved road.
    patches: tuple[Patch, ...] = ()


class Criteria(base.Model):
    """What a recipe is for: all criteria must hold, and of a list any one; everything where there
    is none.
    """

    name: base.Name | tuple[base.Name, ...] | None = None
    system: str | tuple[str, ...] | None = None
    # What it is or runs on: the type of a service, the engine of a data store or stream.
    class_: Class | tuple[Class, ...] | None = Field(default=None, alias="class")
    kind: Built | tuple[Built, ...] | None = None
    tier: Tier | tuple[Tier, ...] | None = None
    region: str | tuple[str, ...] | None = None
    environment: str | tuple[str, ...] | None = None
    # Whose machines the place is made of.
    provider: places.Provider | tuple[places.Provider, ...] | None = None

    def values(self, criterion: str) -> tuple[str | int, ...]:
        """What a criterion (a Python name of a field) allows; () where it is not given."""
        said = getattr(self, criterion)
        if said is None:
            return ()
        return said if isinstance(said, tuple) else (said,)


class Recipe(base.Kind):
    """How what it matches is realised: which ways are taken, which defaults hold, what is changed.
    The most special recipe that says something of it wins.
    """

    kind: Literal["Recipe"]
    # What it is for.
    match: Criteria = Criteria()
    # The ways that are taken.
    choices: Choices = Choices()
    # The defaults that hold.
    defaults: standards.Defaults = standards.Defaults()
    # What is changed in what the targets make of it.
    patches: tuple[Patch, ...] = ()
    # Why, for whoever asks where a value comes from.
    why: str = ""

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        for key in ("system", "region", "environment"):
            texts = self.match.values(key)
            many = isinstance(getattr(self.match, key), tuple)
            for index, text in enumerate(texts):
                path = ("match", key, index) if many else ("match", key)
                yield base.Reference(path, key.capitalize(), str(text))


class Pin(base.Model):
    """The very thing that a name stands for."""

    # A commit (40 hexadecimal digits) for an action or a repository, sha256:... for an image or file.
    digest: Annotated[str, Field(pattern=base.DIGEST_PATTERN)]
    # Where it was looked up.
    source: str = ""
    # The day on which it was.
    date: base.Date | None = None


class Pins(base.Kind):
    """The organisation's lock file: names of actions and images, and what each stands for."""

    kind: Literal["Pins"]
    # By the name that people write, such as actions/checkout@v4.
    pins: dict[str, Pin] = Field(default_factory=dict)
