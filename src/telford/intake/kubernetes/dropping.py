"""What never enters an estate, and why: what the cluster itself made, what means nothing, and
every value of a Secret. Called by `telford.intake.kubernetes.objects`.
"""

from collections.abc import Mapping
from typing import Any

from telford.road import sameness
from telford.road.patch import Path

STATUS = "status: the cluster made it"
CLUSTER = "the cluster made it"
LAST_APPLIED = "a copy of the whole object that kubectl keeps"
UNSET = "null: the same as not written"
SECRET = "a Secret's value never enters an estate"  # noqa: S105 - a reason, not a password
SECRET_HEAD = "a Secret is only referred to by name; it is not built"  # noqa: S105 - a reason
LIST = "it only wraps a list of objects"
REPLACED = "a later object of the same name counts"

_SECRET_FIELDS = ("data", "stringData")


def clean(
    value: Mapping[str, Any], *, nulls: bool = True, secrets: bool = True
) -> tuple[dict[str, Any], dict[Path, str]]:
    """What remains of an object, and the paths that were dropped with their reasons.

    `nulls` says whether to drop keys that are null, `secrets` whether Secrets may be inside.
    """
    dropped: dict[Path, str] = {}
    if value.get("kind") == "Secret":
        head = [key for key in value if key not in _SECRET_FIELDS]
        dropped.update({(key,): SECRET_HEAD for key in head})
        dropped.update({(key,): SECRET for key in value if key not in head})
        return {}, dropped
    body = {key: item for key, item in value.items() if key != "status"}
    if "status" in value:
        dropped["status",] = STATUS
    if isinstance(body.get("metadata"), dict):
        body["metadata"] = _metadata(body["metadata"], dropped)
    if nulls or secrets:
        body = _sifted(body, (), dropped, nulls)
    return body, dropped


def _metadata(metadata: dict[str, Any], dropped: dict[Path, str]) -> dict[str, Any]:
    made = [key for key in metadata if key in sameness.cluster_metadata()]
    dropped.update({("metadata", key): CLUSTER for key in made})
    kept = {key: item for key, item in metadata.items() if key not in made}
    annotations = kept.get("annotations")
    if not isinstance(annotations, dict):
        return kept
    gone = [key for key in annotations if key in sameness.cluster_annotations()]
    if gone:
        dropped.update(
            {
                ("metadata", "annotations", key): LAST_APPLIED if "last" in key else CLUSTER
                for key in gone
            }
        )
        kept["annotations"] = {key: item for key, item in annotations.items() if key not in gone}
        if not kept["annotations"]:
            del kept["annotations"]
    return kept


def _sifted(value: Any, path: Path, dropped: dict[Path, str], nulls: bool) -> Any:
    """The tree without the values of Secrets inside of it and, where `nulls`, without keys that
    are null.
    """
    if isinstance(value, list):
        return [_sifted(item, (*path, index), dropped, nulls) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    kept: dict[str, Any] = {}
    for key, item in value.items():
        if key in _SECRET_FIELDS and value.get("kind") == "Secret":
            dropped[*path, key] = SECRET
        elif item is None and nulls:
            dropped[*path, key] = UNSET
        else:
            kept[key] = _sifted(item, (*path, key), dropped, nulls)
    return kept
