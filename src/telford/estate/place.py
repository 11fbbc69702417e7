"""A place: an environment, or a region or cluster of one (``prod/eu-west-1/a``)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a binding binds. An empty `region` or `cluster` means there is none."""

    environment: str
    region: str = ""
    cluster: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.environment, self.region, self.cluster) if part)


def parse(text: str) -> Place:
    """A place from its text. Raises ValueError with a sentence where it is not one."""
    parts = text.split("/")
    if not 1 <= len(parts) <= 3 or not all(parts):
        raise ValueError(f"not a place: {text!r}; write ENVIRONMENT or ENVIRONMENT/REGION")
    return Place(*parts)
