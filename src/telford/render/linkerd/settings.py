"""The names of `linkerd.toml`, typed. Called by this target's modules."""

from dataclasses import dataclass
from functools import cache

from telford.basics import resources


@dataclass(frozen=True, slots=True)
class Settings:
    """All of `linkerd.toml`."""

    identity_suffix: str
    retry_http: str
    retry_grpc: str
    outside: str


@cache
def settings() -> Settings:
    """The settings; one value for the life of the process."""
    data = resources.toml("telford.render.linkerd", "linkerd.toml")
    return Settings(
        identity_suffix=data["identity"]["suffix"],
        retry_http=data["retries"]["http"],
        retry_grpc=data["retries"]["grpc"],
        outside=data["egress"]["network"],
    )
