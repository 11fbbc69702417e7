"""What is wanted of one service in a cluster: an immutable value, kept in a ConfigMap of its own.

The record is written before anything is done, with the resourceVersion that it was read at, so it
is the first fence: of two controllers only one gets it written. It outlives the service's
Deployments, because the highest generation must. Pure; used by `place` and what it is made of.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from telford.backends.kubernetes import arms, names
from telford.backends.local import codec
from telford.basics.errors import PermanentError, RefusedError
from telford.estate.workload import Split, Workload
from telford.ports.objects import Object
from telford.road import conventions

FORMAT = 1
_KEY = "record.json"
# A ConfigMap holds 1 MiB; whoever brings back a version brings back one of the last.
RAN_KEPT = 20


@dataclass(frozen=True, slots=True)
class Arm:
    """Where one version runs: the name of its workload object.

    `home` is the object that the estate itself names; any other is a guest of the release's own.
    `leaving` says that it was removed and is about to be gone.
    """

    version: str
    name: str
    workload: Workload
    home: bool = False
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """An object that was made for a guest and goes with it."""

    api_version: str
    kind: str
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Ran:
    """A version that ran here, by its images: so that it is known when somebody brings it back."""

    version: str
    images: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Record:
    """See the module. `adopted` is the version of those pods at home that say none themselves;
    `ours` says that the home was made by us. `generation` is the highest one seen for workloads,
    `split_generation` that for splits; `split` is the last one asked for.
    """

    service: str
    generation: int = 0
    split_generation: int = 0
    kind: str = "Deployment"
    home: str = ""
    adopted: str = ""
    ours: bool = False
    arms: tuple[Arm, ...] = ()
    made: tuple[Made, ...] = ()
    # The newest first; RAN_KEPT of them.
    ran: tuple[Ran, ...] = ()
    split: Split | None = None
    # The weights one split earlier, where users stay with a version.
    before: Mapping[str, int] = field(default_factory=dict)
    # Of the ConfigMap, as it was read; "" where there is none yet.
    resource_version: str = field(default="", compare=False)

    def arm(self, version: str) -> Arm | None:
        """Where a version runs that is wanted; where it runs twice (it moves home), the newer."""
        found = [one for one in self.arms if one.version == version and not one.leaving]
        return found[0] if found else None

    @property
    def at_home(self) -> Arm | None:
        """Who is at home, leaving or not."""
        return next((one for one in self.arms if one.home), None)

    @property
    def guests(self) -> tuple[Arm, ...]:
        """The versions that run beside the home."""
        return tuple(one for one in self.arms if not one.home)

    @property
    def whole(self) -> str:
        """The version that all requests are to go to; "" where there are several or none."""
        weights = self.split.weights if self.split else {}
        having = [version for version, weight in weights.items() if weight]
        return having[0] if len(having) == 1 else ""

    def weight(self, version: str) -> int:
        """The basis points of a version."""
        return self.split.weights.get(version, 0) if self.split else 0

    def with_arm(self, arm: Arm) -> "Record":
        """The record with one more arm, or another one of the same name."""
        rest = tuple(one for one in self.arms if one.name != arm.name)
        return dataclasses.replace(self, arms=(*rest, arm))

    def remembering(self, arm: Arm) -> "Record":
        """The record with what a version that ends is known by."""
        ended = Ran(arm.version, arms.images_by_name(arms.pod(arm.workload)))
        rest = tuple(one for one in self.ran if one.version != arm.version)
        return dataclasses.replace(self, ran=(ended, *rest)[:RAN_KEPT])

    def without(self, name: str) -> "Record":
        """The record without the arm of that name."""
        ended = [one for one in self.arms if one.name == name]
        gone = {one.version for one in ended if not one.home}
        return dataclasses.replace(
            self.remembering(ended[0]) if ended else self,
            arms=tuple(one for one in self.arms if one.name != name),
            made=tuple(one for one in self.made if one.version not in gone),
        )

    def fenced(self, generation: int, highest: int, what: str) -> "Record":
        """The record once it has seen a workload's generation. Raises `RefusedError` for a stale
        one; `highest` is what the objects themselves have seen.
        """
        _refuse_stale(generation, max(self.generation, highest), what, self.service)
        return dataclasses.replace(self, generation=max(self.generation, generation))

    def split_fenced(self, generation: int, highest: int) -> "Record":
        """`fenced` for splits."""
        _refuse_stale(generation, max(self.split_generation, highest), "split", self.service)
        return dataclasses.replace(self, split_generation=max(self.split_generation, generation))


def _refuse_stale(generation: int, highest: int, what: str, service: str) -> None:
    if generation < highest:
        raise RefusedError(
            f"stale {what} of {service}: generation {generation}, already at {highest}",
            fix="another controller has moved on; read the state again",
        )


def item(record: Record, namespace: str) -> dict[str, Any]:
    """The ConfigMap of a record."""
    about: dict[str, Any] = {
        "name": names.record(record.service),
        "namespace": namespace,
        "labels": {
            conventions.LABEL_MANAGED_BY: conventions.MANAGER,
            conventions.LABEL_SERVICE: names.label(record.service),
        },
        "annotations": {
            conventions.ANNOTATION_GENERATION: str(max(record.generation, record.split_generation))
        },
    }
    if record.resource_version:
        about["resourceVersion"] = record.resource_version
    text = json.dumps(_plain(record), sort_keys=True)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": {_KEY: text}}


def read(config_map: Object) -> Record | None:
    """The record in a ConfigMap; None in any other one. Raises `PermanentError` for a broken one."""
    text = (config_map.get("data") or {}).get(_KEY)
    if text is None:
        return None
    about = config_map["metadata"]
    try:
        found = _record(json.loads(text))
    except (ValueError, KeyError, TypeError) as error:
        raise PermanentError(
            f"the record in ConfigMap {about['name']} cannot be read",
            fix="restore it from a backup, or delete it once no release is under way",
        ) from error
    return dataclasses.replace(found, resource_version=str(about["resourceVersion"]))


def _plain(record: Record) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "service": record.service,
        "generation": record.generation,
        "split_generation": record.split_generation,
        "kind": record.kind,
        "home": record.home,
        "adopted": record.adopted,
        "ours": record.ours,
        "arms": [_plain_arm(one) for one in record.arms],
        "made": [dataclasses.asdict(one) for one in record.made],
        "ran": [{"version": one.version, "images": dict(one.images)} for one in record.ran],
        "split": codec.plain(record.split) if record.split else None,
        "before": dict(record.before),
    }


def _plain_arm(arm: Arm) -> dict[str, Any]:
    return {
        "version": arm.version,
        "name": arm.name,
        "home": arm.home,
        "leaving": arm.leaving,
        "workload": codec.plain(arm.workload),
    }


def _record(plain: Mapping[str, Any]) -> Record:
    if plain["format"] != FORMAT:
        raise ValueError(plain["format"])
    fields = {name: value for name, value in plain.items() if name != "format"}
    fields["arms"] = tuple(
        Arm(**{**one, "workload": codec.workload(one["workload"])}) for one in plain["arms"]
    )
    fields["made"] = tuple(Made(**one) for one in plain["made"])
    fields["ran"] = tuple(Ran(**one) for one in plain.get("ran", ()))
    fields["split"] = codec.split(plain["split"]) if plain["split"] else None
    return Record(**fields)
