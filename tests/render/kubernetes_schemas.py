"""Kubernetes' own schemas, of every supported version, strict: an unknown field is an error."""

import importlib.resources
import json
import pathlib
from functools import cache

import jsonschema_rs

from telford.road.defaults import defaults

FOLDER = pathlib.Path(
    str(importlib.resources.files("kubernetes_validate") / "kubernetes-json-schema")
)
# What the schemas of the package resolve `/api/_definitions.json` to.
DEFINITIONS = "https://kubernetes.io/api/_definitions.json"


def versions() -> list[str]:
    """Every minor version of the road's range."""
    road = defaults()
    first, last = (
        int(v.partition(".")[2]) for v in (road.oldest_kubernetes, road.newest_kubernetes)
    )
    return [f"1.{minor}" for minor in range(first, last + 1)]


@cache
def registry(version: str) -> jsonschema_rs.Registry:
    text = (FOLDER / f"v{version}.0-local-strict" / "_definitions.json").read_text()
    return jsonschema_rs.Registry([(DEFINITIONS, json.loads(text))])


@cache
def validator(version: str, kind: str, api_version: str) -> jsonschema_rs.Draft202012Validator:
    group, _, number = api_version.rpartition("/")
    name = (
        f"{kind.lower()}-{group.partition('.')[0]}-{number}"
        if group
        else f"{kind.lower()}-{number}"
    )
    text = (FOLDER / f"v{version}.0-local-strict" / f"{name}.json").read_text()
    return jsonschema_rs.Draft202012Validator(json.loads(text), registry=registry(version))


def errors(item: dict, version: str) -> list[str]:
    """What a version's schema has against an object."""
    found = validator(version, item["kind"], item["apiVersion"]).iter_errors(item)
    return [f"{'.'.join(map(str, e.instance_path))}: {e.message}" for e in found]
