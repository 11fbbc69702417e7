"""As-found secrets: the objects by which an operator fetches them, never a value and never a plain
Secret, which would overwrite the real one. Called by `telford.road.found`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from telford.estate.kinds import secret
from telford.road import spellings
from telford.road.found_values import Key, Object, head, named, some, written

KINDS: Mapping[str, str] = {
    "external-secrets": "ExternalSecret",
    "sealed-secrets": "SealedSecret",
    "secrets-store-csi": "SecretProviderClass",
    "vault-secrets": "VaultStaticSecret",
}
# The name of a key that means all that the store has at its path.
EVERY = "*"


def secrets(spec: secret.Secret) -> Iterator[tuple[Key, Object]]:
    """The object that an operator reads; none for a secret that is made by other means."""
    if spec.operator is None:
        return
    kind = KINDS[spec.operator]
    name = named(spec, kind)
    made = head(spec, kind, name, own=True)
    builder = _SPECS.get(spec.operator)
    yield (kind, name), made | ({"spec": builder(spec)} if builder is not None else {})


def _external(spec: secret.Secret) -> dict[str, Any]:
    template = some(data=dict(spec.composed))
    target = some(name=spec.target, deletionPolicy=spec.on_delete, template=template)
    single = [key for key in spec.keys if key.name != EVERY]
    whole = [key for key in spec.keys if key.name == EVERY]
    return some(
        refreshInterval=spec.refresh,
        secretStoreRef=_store(spec.provider),
        target=target,
        data=[{"secretKey": key.name, "remoteRef": _remote(key)} for key in single],
        dataFrom=[{"extract": _remote(key)} for key in whole],
    )


def _store(provider: str | None) -> dict[str, Any]:
    """``ClusterSecretStore/aws``: the kind only where it is said."""
    kind, _, name = (provider or "").rpartition("/")
    return some(name=name or None, kind=kind or None)


def _remote(key: secret.Key) -> dict[str, Any]:
    return written(key, spellings.inverse(spellings.REMOTE))


def _provider_class(spec: secret.Secret) -> dict[str, Any]:
    return {"provider": spec.store}


def _vault(spec: secret.Secret) -> dict[str, Any]:
    mount, _, path = (spec.path or "").partition("/")
    return some(
        vaultAuthRef=spec.provider,
        mount=mount or None,
        path=path or None,
        refreshAfter=spec.refresh,
        destination=some(name=spec.target),
    )


_SPECS = {
    "external-secrets": _external,
    "secrets-store-csi": _provider_class,
    "vault-secrets": _vault,
}
