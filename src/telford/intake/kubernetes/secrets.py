"""Objects by which an operator fetches secrets -> `Secret`, in document form: where a secret is
kept and what its keys are called. Never a value.

Called by `telford.intake.kubernetes.alone`; the other way is `telford.road.found_secrets`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from telford.intake.kubernetes import access
from telford.intake.kubernetes.containers import Fields, renamed, some
from telford.intake.kubernetes.objects import Object
from telford.road import found_secrets, spellings

# (kind, namespace, name) of a store object -> the store that it speaks to, "" where unknown.
Store = Callable[[str, str, str], str]
# Provider of a SecretStore -> the store's name here.
_PROVIDERS = {
    "aws": "aws",
    "vault": "vault",
    "azurekv": "azure",
    "gcpsm": "gcp",
    "kubernetes": "kubernetes",
}
# Made by the cluster and its tools; nobody keeps them.
_MADE = (
    "helm.sh/release.v1",
    "kubernetes.io/service-account-token",
    "bootstrap.kubernetes.io/token",
)


def fields(item: Object, store: Store) -> Fields:
    """The fields of a Secret that an operator fetches."""
    spec = access.mapping(item.body, "spec")
    if item.kind == "ExternalSecret":
        return _external(item, spec, store)
    if item.kind == "SealedSecret":
        keys = access.mapping(spec, "encryptedData")
        return {"store": "sealed", "operator": "sealed-secrets"} | some(keys=_named(keys))
    if item.kind == "SecretProviderClass":
        return _provider_class(spec)
    return _vault(spec)


def target(item: Object) -> str:
    """What the Secret is called that workloads read."""
    for path in (("target",), ("destination",)):
        name = access.mapping(item.body, "spec", *path).get("name")
        if isinstance(name, str) and name:
            return name
    return item.name


def plain(item: Object) -> Fields | None:
    """A Secret as it lies in the cluster: the names of its keys; None for one that the cluster
    itself makes.
    """
    if item.original.get("type") in _MADE:
        return None
    data = access.mapping(item.original, "data")
    texts = access.mapping(item.original, "stringData")
    return {"store": "kubernetes"} | some(keys=_named({**data, **texts}))


def provider(item: Object) -> str:
    """The store that a SecretStore speaks to, "" for one that has no name here."""
    found = access.mapping(item.body, "spec", "provider")
    return next((_PROVIDERS[name] for name in found if name in _PROVIDERS), "")


def _named(keys: Mapping[str, Any]) -> list[Fields]:
    return [{"name": name} for name in keys if isinstance(name, str)]


def _external(item: Object, spec: Mapping[str, Any], store: Store) -> Fields:
    reference = access.mapping(spec, "secretStoreRef")
    kind, name = access.text(reference.get("kind")), access.text(reference.get("name"))
    goal = access.mapping(spec, "target")
    found = store(kind or "SecretStore", item.namespace, name)
    return {"store": found or "external"} | some(
        provider="/".join(part for part in (kind, name) if part),
        operator="external-secrets",
        keys=_keys(spec),
        composed=access.texts(access.mapping(goal, "template").get("data")),
        onDelete=goal.get("deletionPolicy"),
        target=goal.get("name"),
        refresh=spec.get("refreshInterval"),
    )


def _keys(spec: Mapping[str, Any]) -> list[Fields]:
    names = spellings.documented(spellings.REMOTE)
    keys: list[Fields] = [
        {"name": item.get("secretKey")} | renamed(access.mapping(item, "remoteRef"), names)
        for item in access.mappings(spec.get("data"))
    ]
    listed = access.mappings(spec.get("dataFrom"))
    extracts = [item["extract"] for item in listed if access.mapping(item, "extract")]
    # A name is there once: several that all mean every key are carried.
    if len(extracts) == 1:
        keys.append({"name": found_secrets.EVERY} | renamed(extracts[0], names))
    return keys


def _provider_class(spec: Mapping[str, Any]) -> Fields:
    keys = [
        {"name": key.get("key")}
        for made in access.mappings(spec.get("secretObjects"))
        for key in access.mappings(made.get("data"))
    ]
    return some(store=spec.get("provider"), operator="secrets-store-csi", keys=keys)


def _vault(spec: Mapping[str, Any]) -> Fields:
    mount, path = access.text(spec.get("mount")), access.text(spec.get("path"))
    whole = f"{mount}/{path}" if mount and "/" not in mount else None
    return {"store": "vault", "operator": "vault-secrets"} | some(
        path=whole,
        provider=spec.get("vaultAuthRef"),
        target=access.mapping(spec, "destination").get("name"),
        refresh=spec.get("refreshAfter"),
    )
