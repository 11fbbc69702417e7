"""Which version an object or a pod runs, by its images. Pure; used by `place`, `applying`, `removing`.

The note that we write into a template (`telford.dev/version`) outlives whoever puts another image
into it: Argo CD and Flux leave annotations alone that they do not know. So the images say, and the
note decides only between versions that have the same ones.
"""

import json
from collections.abc import Iterator, Mapping

from telford.backends.kubernetes import arms, pods
from telford.backends.kubernetes.record import Record
from telford.ports.objects import Object
from telford.road import conventions, pipeline


def at_home(item: Object, kept: Record) -> str:
    """The version that the home's template says now, whoever wrote it. One that was never here is
    called by its image's tag.
    """
    template = item["spec"]["template"]
    live = arms.images_by_name(template["spec"])
    noted = pods.noted(template) or kept.adopted
    found = _known(live, noted, kept)
    if found or not _by_others(item):
        return found or noted
    home = kept.at_home
    ours = arms.images_by_name(arms.pod(home.workload)) if home else {}
    foreign = [image for name, image in live.items() if ours.get(name) != image]
    return pipeline.tag_of(foreign[0]) if foreign else noted


def by_pod(pod: Object, kept: Record, item: Object | None) -> str:
    """The version of one of the home's pods. Where its images are nobody's (something changed them
    on their way in), its note says.
    """
    live = arms.images_by_name(pod.get("spec") or {})
    noted = pods.noted(pod) or kept.adopted
    found = _known(live, noted, kept)
    if found or item is None:
        return found or noted
    said = arms.images_by_name(item["spec"]["template"]["spec"])
    return at_home(item, kept) if said.items() <= live.items() else noted


def foreign(item: Object, kept: Record) -> str:
    """The version that others put into the home and that is none of a release's; "" for none."""
    version = at_home(item, kept)
    return "" if version in {one.version for one in kept.arms} else version


def _known(live: Mapping[str, str], noted: str, kept: Record) -> str:
    """The version with just these images, the noted one before others; "" where there is none."""
    matching = [
        version for version, images in _versions(kept) if images and images.items() <= live.items()
    ]
    if noted in matching:
        return noted
    return matching[0] if matching else ""


def _versions(kept: Record) -> Iterator[tuple[str, Mapping[str, str]]]:
    for arm in kept.arms:
        yield arm.version, arms.images_by_name(arms.pod(arm.workload))
    for one in kept.ran:
        yield one.version, one.images


def _by_others(item: Object) -> bool:
    """Whether somebody else says an image of the template. What an admission changed on its way in
    counts as ours (https://kubernetes.io/docs/reference/using-api/server-side-apply/, managers).
    """
    for entry in item["metadata"].get("managedFields") or ():
        spec = (entry.get("fieldsV1") or {}).get("f:spec") or {}
        said = json.dumps(spec.get("f:template") or {})
        if entry.get("manager") != conventions.MANAGER and '"f:image"' in said:
            return True
    return False
