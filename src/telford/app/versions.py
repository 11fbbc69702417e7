"""What is released, as a value: the immutable release of a service, and what a place gives it.

Called by `telford.app.release` before a release starts, and by `telford.app.promotion`.
"""

from collections.abc import Mapping

from telford.app import workloads
from telford.deliver.contents import Contents, Settings, hashed
from telford.estate.graph import Index
from telford.estate.kinds.contracts import Contract
from telford.estate.kinds.secret import Secret
from telford.estate.kinds.structure import Config, Service
from telford.estate.model import Binding, Bound
from telford.road import pipeline
from telford.store.versions import Version


def contents(
    bound: Bound, version: str, image: str = "", binding: Binding | None = None
) -> Contents:
    """The immutable release: base fields, image, and the versions of the contracts that it names."""
    named = image_of(bound, version, image)
    return Contents(
        str(bound.entity.address), version, named, bound.entity.digest, _contracts(bound, binding)
    )


def image_of(bound: Bound, version: str, image: str = "") -> str:
    """The image of a version: as it was given, else the estate's, under the version's tag where it
    has another; "" where the service has none.
    """
    if image:
        return image
    service = bound.entity.spec
    assert isinstance(service, Service)
    said = service.run.image or ""
    if not said or workloads.tag(said) == version:
        return said
    return f"{pipeline.repository_of(said)}:{version}"


def settings(binding: Binding, bound: Bound) -> Settings:
    """The versions of configuration and secrets in a place: hashes of what is configured and of
    where each secret is kept. A secret's value never gets near it.
    """
    configs: dict[str, str] = {}
    secrets: dict[str, str] = {}
    for address, found in _named(binding, bound).items():
        if isinstance(found.spec, Config):
            configs[address] = hashed(dict(found.spec.values))
        elif isinstance(found.spec, Secret):
            secrets[address] = hashed(found.spec.model_dump(mode="json", exclude={"composed"}))
    assert isinstance(bound.spec, Service)
    own = bound.spec.run.model_dump(mode="json", include={"env", "env_from", "local"})
    configs[str(bound.entity.address)] = hashed(own)
    return Settings(configs, secrets)


def recorded(made: Contents, at: float) -> Version:
    """The row of an immutable release."""
    about = {"base": made.base, "contracts": dict(made.contracts)}
    return Version(made.service, made.digest, made.version, made.image, at, about)


def _named(binding: Binding, bound: Bound) -> Mapping[str, Bound]:
    """Configs and secrets that the service takes from, by address; what the estate does not hold
    has no version that anybody here knows.
    """
    assert isinstance(bound.spec, Service)
    run, index = bound.spec.run, Index(binding)
    pairs = [(one.config, one.secret) for one in run.env.values() if not isinstance(one, str)]
    pairs += [(one.config, one.secret) for one in run.env_from]
    wanted = {("Config", config) for config, _ in pairs if config}
    wanted |= {("Secret", secret) for _, secret in pairs if secret}
    found = {}
    for kind, name in sorted(wanted):
        for address in index.refer(kind, name, bound.spec):
            found[str(address)] = binding.entities[address]
    return found


def _contracts(bound: Bound, binding: Binding | None) -> Mapping[str, str]:
    if binding is None:
        return {}
    index = Index(binding)
    found: dict[str, str] = {}
    for reference in bound.entity.spec.references():
        if reference.kind == "Contract":
            for address in index.refer("Contract", reference.text, bound.spec):
                spec = binding.entities[address].spec
                assert isinstance(spec, Contract)
                found[str(address)] = " ".join(one.version for one in spec.versions)
    return found
