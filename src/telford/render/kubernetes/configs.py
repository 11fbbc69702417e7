"""ConfigMaps, and the digests by which a change of one restarts its readers. Called by `target`."""

import hashlib
import json
from typing import Any

from telford.estate.kinds import structure
from telford.estate.model import Binding
from telford.render.kubernetes import environment
from telford.road import conventions, reach
from telford.road.subject import Subject, annotations_of, labels_of, namespace_of


def config_map(binding: Binding, address: str, spec: structure.Config) -> dict[str, Any]:
    """The ConfigMap of a paved Config."""
    labels, foreign = labels_of(binding, spec)
    part = {conventions.LABEL_PART_OF: spec.system} if spec.system else {}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": spec.name,
            "namespace": namespace_of(binding, spec),
            "labels": {conventions.LABEL_NAME: spec.name, **part, **labels},
            "annotations": annotations_of(address, spec) | foreign,
        },
        "data": dict(spec.values),
        **({"immutable": spec.immutable} if spec.immutable is not None else {}),
    }


def digest_of(binding: Binding, names: reach.Names, subject: Subject) -> str:
    """A digest of every Config that the workload reads; "" where it reads none."""
    read = [
        _values(binding, names.find("config", reference, subject.spec.system))
        for reference in environment.configs(subject.run)
    ]
    if not read:
        return ""
    return hashlib.sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()[:16]


def _values(binding: Binding, address: str | None) -> dict[str, str] | None:
    spec = binding.entities[address].spec if address is not None else None
    return dict(spec.values) if isinstance(spec, structure.Config) else None
