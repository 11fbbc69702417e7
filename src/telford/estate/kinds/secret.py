"""Secret: that there is one, where it is kept and who rotates it; never its value."""

from typing import ClassVar, Literal

from telford.estate.kinds import base, structure


class Key(base.Model):
    """One key of a secret: the name that workloads use, and what the store calls it."""

    name: str
    # The path and the property in the store, where they are not those of the secret.
    path: str | None = None
    property: str | None = None
    version: base.Version | None = None


class Secret(base.Kind):
    """A reference to a secret, by name: workloads say it in `env` and `volumes`."""

    merge_keys: ClassVar[dict[str, tuple[str, ...]]] = {
        "keys": ("name",),
        "carried": ("object",),
    }

    kind: Literal["Secret"]
    store: Literal["kubernetes", "vault", "aws", "azure", "gcp", "file"] = "kubernetes"
    # The store's own name for it; the name of an operator's store object, where one fetches it.
    path: str | None = None
    provider: str | None = None
    keys: tuple[Key, ...] = ()
    # How often it is fetched again, and how old it may become.
    refresh: base.Duration | None = None
    rotate: base.Duration | None = None
    road: structure.Road = "paved"
    namespace: str | None = None
    carried: tuple[structure.Carried, ...] = ()
