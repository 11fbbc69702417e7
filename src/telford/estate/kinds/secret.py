"""Secret: that there is one, where it is kept and who rotates it; never its value."""

from typing import ClassVar, Literal

from pydantic import Field

from telford.estate.kinds import base, structure


class Key(base.Model):
    """One key of a secret: the name that workloads use, and what the store calls it. The name
    ``*`` means every key that the store has at the path.
    """

    name: str
    # The path and the property in the store, where they are not those of the secret.
    path: str | None = None
    property: str | None = None
    version: base.Version | None = None
    # How its text is read: the names of what it holds, the coding of its value, and whether the
    # store's own notes about it are read instead.
    conversion: Literal["Default", "Unicode"] | None = None
    decoding: Literal["None", "Auto", "Base64", "Base64URL"] | None = None
    metadata: Literal["None", "Fetch"] | None = None


class Secret(base.Kind):
    """A reference to a secret, by name: workloads say it in `env` and `volumes`."""

    merge_keys: ClassVar[dict[str, tuple[str, ...]]] = {
        "keys": ("name",),
        "carried": ("object",),
    }

    kind: Literal["Secret"]
    # `external`: an operator's store object that the estate does not know more of; `sealed`: the
    # document that makes it holds the values in a form that only the cluster can read.
    store: Literal["kubernetes", "vault", "aws", "azure", "gcp", "file", "external", "sealed"] = (
        "kubernetes"
    )
    # The store's own name for it; the name of an operator's store object, where one fetches it.
    path: str | None = None
    provider: str | None = None
    keys: tuple[Key, ...] = ()
    # Who puts it into the place; a secret of kubernetes without one is made by other means, and
    # nothing is built of it.
    operator: (
        Literal["external-secrets", "sealed-secrets", "secrets-store-csi", "vault-secrets"] | None
    ) = None
    # Keys that are composed of the others: name -> template. Never a value.
    composed: dict[str, str] = Field(default_factory=dict)
    # What becomes of it when the store has it no more.
    on_delete: Literal["Retain", "Delete", "Merge"] | None = None
    # What the place calls it, where that is not its name here.
    target: str | None = None
    # How often it is fetched again, and how old it may become.
    refresh: base.Duration | None = None
    rotate: base.Duration | None = None
    road: structure.Road = "paved"
    namespace: str | None = None
    carried: tuple[structure.Carried, ...] = ()
