"""The example organisation is sound and says everything that can be said."""

import pathlib
from collections import Counter
from typing import Any

from pydantic import BaseModel

from telford.app import loading
from telford.estate import schema
from telford.estate.kinds import registry

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "examples" / "organisation" / "estate"
LOADED = loading.load_folder(FOLDER)
SPECS = [entity.spec for entity in LOADED.estate.entities.values()]


def test_nothing_is_wrong_with_it():
    assert [f"{d.code} {d.summary}" for d in LOADED.diagnostics] == []


def test_it_has_every_kind():
    assert {spec.kind for spec in SPECS} == set(registry.BY_NAME)


def test_it_has_every_type_engine_and_provider():
    def said(kind: str, field: str) -> set[str]:
        return {getattr(spec, field) for spec in SPECS if spec.kind == kind}

    assert said("Service", "type") == {"http", "grpc", "worker", "job", "cron", "function"}
    assert said("Datastore", "engine") == set(
        schema.choices(registry.BY_NAME["Datastore"], "engine")
    )
    assert said("Stream", "engine") >= {"kafka", "rabbitmq", "nats", "sqs"}
    assert said("Account", "provider") == {"aws", "azure", "gcp", "on-premises"}
    assert said("Contract", "type") == {"openapi", "asyncapi", "protobuf"}
    hosts = [host for spec in SPECS if spec.kind == "Cluster" for host in spec.hosts]
    assert {host.os for host in hosts} == {"rhel"}


def used(model: BaseModel, found: Counter[tuple[str, str]]) -> None:
    for name in model.model_fields_set:
        owner = next(
            c for c in reversed(type(model).__mro__) if name in getattr(c, "model_fields", {})
        )
        found[owner.__name__, name] += 1
        walk(getattr(model, name), found)


def walk(value: Any, found: Counter[tuple[str, str]]) -> None:
    if isinstance(value, BaseModel):
        used(value, found)
    elif isinstance(value, tuple | list):
        for item in value:
            walk(item, found)
    elif isinstance(value, dict):
        for item in value.values():
            walk(item, found)


# Fields that may be new and not yet in the example: of about 900.
FEW = 10


def test_it_uses_nearly_every_field():
    found: Counter[tuple[str, str]] = Counter()
    for entity in LOADED.estate.entities.values():
        used(entity.spec, found)
    for bound in LOADED.estate.resolved.values():
        used(bound.spec, found)
    unused: dict[str, list[str]] = {}
    for model in schema.models(registry.KINDS):
        for name in model.model_fields:
            owner = next(
                c for c in reversed(model.__mro__) if name in getattr(c, "model_fields", {})
            )
            if (owner.__name__, name) not in found:
                unused.setdefault(
                    f"{owner.__module__.rpartition('.')[2]}.{owner.__name__}", []
                ).append(name)
    assert sum(map(len, unused.values())) <= FEW, unused
