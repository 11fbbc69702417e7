"""Services of a place as workloads of this machine: what `telford up` and `telford release` run.

A service takes part where it has `run.local`. Its version is the tag of its image, unless a
release has made another one the stable one. Pure; the folder is only a prefix here.
"""

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from telford.basics import units
from telford.basics.errors import RefusedError, UsageError
from telford.estate import workload as workloads
from telford.estate.graph import Graph
from telford.estate.kinds.structure import Service
from telford.estate.model import Binding, Bound
from telford.road import pipeline

_UPSTREAM = re.compile(r"\{upstream:([^}]+)\}")
_SILENT = frozenset({"worker", "job", "cron"})
UNTAGGED = "latest"
_RUNS = ("Deployment", "StatefulSet")
_SCALER = "HorizontalPodAutoscaler"


# The Kubernetes objects of a service at a version, with the image that was named ("" for the one
# that the estate says, under the version's tag).
Objects = Callable[[Bound, str, str], tuple[Mapping[str, Any], ...]]


@dataclass(frozen=True, slots=True)
class Local:
    """Where and with what processes of this machine are run: the estate's folder (absolute) and
    the interpreter that stands for a command's first word ``python``. Where `objects` is given
    (`telford.app.cluster_place`), a cluster runs them, and versions are made of its objects.
    """

    folder: str
    python: str
    objects: Objects | None = None


def runnable(binding: Binding) -> tuple[Bound, ...]:
    """The services with `run.local`, those that are needed before those that need them.

    Raises `RefusedError` where two of them share the name that the data plane would know them by.
    """
    found = {str(bound.entity.address): bound for bound in _with_local(binding)}
    names: dict[str, str] = {}
    for address, bound in found.items():
        other = names.setdefault(bound.spec.name, address)
        if other != address:
            raise RefusedError(
                f"{address} and {other} have the same name, and one machine can run only one",
                fix="give one of them another name, or take `run.local` out of it in this place",
            )
    graph = Graph(binding)
    needs = {
        address: [one.address for one in graph.dependencies(address) if one.address in found]
        for address in found
    }
    # Whoever needs more of the others comes later; a cycle is broken by the name.
    return tuple(found[address] for address in sorted(found, key=lambda a: (len(needs[a]), a)))


def one(binding: Binding, text: str, *, on_cluster: bool = False) -> Bound:
    """The service that a person named, one that this machine (or the cluster) can run.

    Raises as `named` does, and `RefusedError` where it has no `run.local`.
    """
    found = named(binding, text)
    if _service(found).run.local is None and not on_cluster:
        raise RefusedError(
            f"{found.entity.address} has no `run.local`, so this machine cannot run it",
            fix="say how it runs as a process: run.local.command",
        )
    return found


def named(binding: Binding, text: str) -> Bound:
    """The service that a person named: ``orders``, ``shop.orders`` or ``service/orders``.

    Raises `UsageError` where it names none or several.
    """
    wanted = text.removeprefix("service/")
    found = [
        bound
        for address, bound in binding.entities.items()
        if bound.spec.kind == "Service"
        and wanted in {bound.spec.name, address.removeprefix("service/")}
    ]
    if len(found) != 1:
        known = ", ".join(sorted(bound.spec.name for bound in binding.of_kind("Service")))
        problem = "several services are" if found else "there is no service"
        raise UsageError(f"{problem} called {text!r} in {binding.place}", fix=f"one of: {known}")
    return found[0]


def version_of(bound: Bound) -> str:
    """The tag of its image; "latest" where there is none."""
    return tag(_service(bound).run.image or "")


def tag(image: str) -> str:
    """The tag of an image reference; of a digest its first twelve digits."""
    return pipeline.tag_of(image, UNTAGGED)


def listens(bound: Bound) -> bool:
    """Whether requests reach it at all."""
    return _service(bound).type not in _SILENT


def counts(bound: Bound) -> bool:
    """Whether what it does is counted: requests by the data plane, a worker's jobs by the worker,
    on the port that the place gives it for that (``{metrics_port}``).
    """
    run = _service(bound).run.local
    texts = (*run.command, *run.env.values()) if run else ()
    return listens(bound) or any("{metrics_port}" in text for text in texts)


def workload(
    bound: Bound, version: str, generation: int, local: Local, image: str = ""
) -> workloads.Workload:
    """The service at a version. ``{version}`` is put in; other placeholders are the place's. `image`
    is what a cluster runs, where it was named (a digest stays one); processes have none.
    """
    service = _service(bound)
    if local.objects is not None:
        return _of_objects(bound, version, generation, local.objects(bound, version, image))
    run = service.run.local
    assert run is not None, f"{bound.entity.address} has no run.local"
    command = tuple(word.replace("{version}", version) for word in run.command)
    if command[:1] == ("python",):
        command = (local.python, *command[1:])
    env = {name: value.replace("{version}", version) for name, value in run.env.items()}
    texts = " ".join((*command, *env.values()))
    return workloads.Workload(
        service=service.name,
        version=version,
        generation=generation,
        command=command,
        env=env,
        cwd=posixpath.normpath(posixpath.join(local.folder, run.directory)),
        replicas=run.replicas,
        listens=listens(bound),
        probe=_probe(service),
        upstreams=tuple(sorted(set(_UPSTREAM.findall(texts)))),
        stop_seconds=float(units.seconds(service.run.stop)) if service.run.stop else 5.0,
    )


def _of_objects(
    bound: Bound, version: str, generation: int, objects: tuple[Mapping[str, Any], ...]
) -> workloads.Workload:
    """As many replicas as the objects say; where a scaler says how many, its fewest."""
    running = [one["spec"].get("replicas") for one in objects if one["kind"] in _RUNS]
    fewest = [one["spec"]["minReplicas"] for one in objects if one["kind"] == _SCALER]
    known = [number for number in (*fewest, *running) if number is not None]
    return workloads.Workload(
        service=_service(bound).name,
        version=version,
        generation=generation,
        command=(),
        replicas=known[0] if known else 1,
        listens=listens(bound),
        objects=objects,
    )


def ingress(services: tuple[Bound, ...]) -> tuple[workloads.Ingress, ...]:
    """The routes from outside: every path that a listening service declares, once."""
    found: dict[str, str] = {}
    for bound in services:
        for rule in _service(bound).routes:
            if listens(bound):
                found.setdefault(rule.path, bound.spec.name)
    return tuple(workloads.Ingress(path, service) for path, service in sorted(found.items()))


def _with_local(binding: Binding) -> Iterator[Bound]:
    for bound in binding.of_kind("Service"):
        if _service(bound).run.local is not None:
            yield bound


def _service(bound: Bound) -> Service:
    assert isinstance(bound.spec, Service)
    return bound.spec


def _probe(service: Service) -> workloads.Probe:
    ready = service.run.health.ready
    default = workloads.Probe()
    return workloads.Probe(path=ready.path) if ready and ready.path else default
