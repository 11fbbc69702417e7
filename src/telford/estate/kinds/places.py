"""Places: Environment and Region."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from telford.estate.kinds import base


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
    namespace: base.Name | None = None

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        for index, region in enumerate(self.regions):
            yield base.Reference(("regions", index), "Region", region)


class Region(base.Kind):
    """A region of a provider, or a machine room: somewhere that fails on its own."""

    owned: ClassVar[bool] = False

    kind: Literal["Region"]
    provider: Literal["aws", "azure", "gcp", "on-premises", "local"] = "local"
    location: str = ""
    zones: int = Field(default=1, ge=1)
