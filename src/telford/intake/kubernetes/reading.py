"""Kubernetes YAML -> estate documents: the whole way, stage by stage.

    texts -> objects -> groups -> addresses -> documents -> dependencies -> fitted -> report

Pure: texts in, `Imported` out. Whatever is imported is ``road: as-found``: nothing is added to it
on build, and no policy comes from an inferred dependency. Called by `telford.app.importing`.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from telford.basics.diagnostics import ordered
from telford.estate.address import Address
from telford.intake import imported
from telford.intake.imported import Edge, Imported, Options, Report
from telford.intake.kubernetes import (
    accounting,
    claiming,
    documents,
    naming,
    notices,
    objects,
    problems,
)
from telford.intake.kubernetes.dependencies import Inference
from telford.intake.kubernetes.grouping import Scene


def read(texts: Mapping[str, str], options: Options | None = None) -> Imported:
    """Everything that the texts (file name -> text) describe, as estate documents.

    Never raises for anything that a text can say.
    """
    chosen = options or Options()
    # 1. Objects, each of them once, without what the cluster made.
    found = objects.read(texts)
    # 2. What belongs together.
    scene = claiming.group(found.objects)
    # 3. What is a data store, and an address for everything.
    stores = documents.stores(scene)
    named = naming.addresses(documents.things(scene, stores), chosen)
    # 4. Documents of what runs and of settings, and whole manifests of the rest.
    writer = documents.Writer(scene, stores, named, chosen)
    # 5. What depends on what.
    inference = Inference(scene, named)
    inferred = {group.workload.key: inference.of(group) for group in scene.groups}
    # 6. Fitted to the kinds; the difference to what was found is carried.
    written = writer.write(inferred)
    # 7. The fate of every leaf, and everything that somebody should look at.
    report = Report(
        fates=accounting.fates(found, written),
        edges=_edges(scene, inferred, named),
        unresolved=tuple(item for one in inferred.values() for item in one.unresolved),
        secrets=accounting.secrets(scene),
        objects=Counter(item.kind for item in found.objects),
        comments=imported.count_comments(texts),
        whole=notices.whole(scene),
    )
    diagnostics = [*found.diagnostics, *problems.of(scene, written, report, named, inferred)]
    everything = (*writer.surroundings(written), *written.documents)
    return Imported(everything, report, ordered(diagnostics))


def _edges(
    scene: Scene, inferred: Mapping[objects.Key, Any], named: Mapping[objects.Key, Address]
) -> tuple[Edge, ...]:
    return tuple(
        Edge(str(named[group.workload.key]), str(named[target]), text.origin)
        for group in scene.groups
        for target, text in inferred[group.workload.key].targets.items()
    )
