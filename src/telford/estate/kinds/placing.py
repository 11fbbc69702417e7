"""Where replicas run and how they resolve names. Parts of `running.Run`."""

from typing import Annotated, Literal

from pydantic import Field

from telford.estate.kinds import base


class Toleration(base.Model):
    """Lets replicas run on nodes with a taint that keeps others away."""

    key: str | None = None
    operator: Literal["Equal", "Exists"] | None = None
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    seconds: int | None = None


class Term(base.Model):
    """A label that something must have, by key."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"] = "In"
    values: tuple[str, ...] = ()


class NodeRule(base.Model):
    """Nodes that replicas must run on, or run on rather than others where it has a `weight`."""

    labels: Annotated[tuple[Term, ...], Field(min_length=1)]
    weight: Annotated[int, Field(ge=1, le=100, strict=True)] | None = None


class Neighbour(base.Model):
    """Pods that replicas must be near to, or apart from; rather than must where it has a `weight`.

    `by` is the label of nodes whose value makes them one neighbourhood.
    """

    by: str
    selector: dict[str, str] = Field(default_factory=dict)
    labels: tuple[Term, ...] = ()
    weight: Annotated[int, Field(ge=1, le=100, strict=True)] | None = None


class Spread(base.Model):
    """How evenly replicas are spread over neighbourhoods of nodes: at most `skew` more in one than
    in another.
    """

    by: str
    skew: Annotated[int, Field(ge=1, strict=True)] = 1
    otherwise: Literal["DoNotSchedule", "ScheduleAnyway"] | None = None
    selector: dict[str, str] = Field(default_factory=dict)


class Placement(base.Model):
    """Where replicas run. Of node rules without a weight one must hold."""

    nodes: tuple[NodeRule, ...] = ()
    together: tuple[Neighbour, ...] = ()
    apart: tuple[Neighbour, ...] = ()
    spread: tuple[Spread, ...] = ()


class Dns(base.Model):
    """How names are resolved: the policy, and servers, suffixes and options beside it."""

    policy: Literal["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"] | None = None
    servers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    # Option -> value, "" where it has none.
    options: dict[str, str] = Field(default_factory=dict)


class HostAlias(base.Model):
    """Names that mean an address, whatever the name service says."""

    ip: str
    names: tuple[str, ...] = ()
