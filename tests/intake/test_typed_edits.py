"""One typed edit of an imported document changes exactly the fields of the build that it means.

Two hundred of them, spread over the real estates. What must change is worked out from the objects
as they were found, never by asking what builds them: the container that the document runs is the
one of its name, a variable is the one of its name, and so on.
"""

import copy
import pathlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import import_cases as cases
import pytest

from telford.estate import overlays
from telford.estate.place import Place
from telford.intake import emission, yamlstream
from telford.intake.imported import Imported, Options
from telford.intake.kubernetes import objects, reading
from telford.render import registry
from telford.render.kubernetes import target
from telford.road import patch

Object = dict[str, Any]
# (label of the object, dotted path) -> the value that must be there; an edit never removes one.
Expected = dict[tuple[str, str], Any]
Found = dict[str, Object]

# Estate -> its folder or file, and how many edits of it.
ESTATES = {
    "online-boutique": ("online-boutique/release", 36),
    "bank-of-anthos": ("bank-of-anthos/kubernetes-manifests", 30),
    "sock-shop": ("sock-shop/deploy/kubernetes", 42),
    "govuk": ("govuk/production.yaml", 100),
}
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")
PROBES = {"ready": "readinessProbe", "live": "livenessProbe", "startup": "startupProbe"}


def _texts(path: pathlib.Path) -> dict[str, str]:
    return cases.texts(path) if path.is_dir() else {path.name: path.read_text("utf-8")}


def _build(documents: list[Object], imported: Imported) -> dict[str, Object]:
    """Label -> every object of the build, out of the texts that a build would write."""
    edited = [
        type(document)(document.file, value, document.origins)
        for document, value in zip(imported.documents, documents, strict=True)
    ]
    estate = cases.loading.load(emission.files(edited))
    assert cases.errors(estate) == []
    binding = overlays.bind(estate.estate, Place("prod"))
    return {
        cases.label(source.value): source.value
        for artifact in target.TARGET.in_place(registry.scene(binding, [target.NAME])).artifacts()
        for source in yamlstream.read(artifact.text, artifact.path)[0]
    }


def _leaves(built: dict[str, Object]) -> dict[tuple[str, str], Any]:
    return {
        (label, ".".join(map(str, path))): leaf
        for label, item in built.items()
        for path, leaf in patch.leaves(item)
    }


def _homes(imported: Imported, found: objects.Found) -> dict[str, Found]:
    """Address -> the objects that its document was made of."""
    by_label = {item.label: dict(item.original) for item in found.objects}
    homes: dict[str, Found] = {}
    for fate in imported.report.fates:
        if fate.to:
            homes.setdefault(fate.to, {})[fate.subject] = by_label[fate.subject]
    return homes


def _address(value: Object) -> str:
    return f"{value['kind'].lower()}/{value.get('system', '')}.{value['name']}"


def _workload(found: Found) -> tuple[str, Object]:
    """The one object that runs something."""
    ((label, item),) = (pair for pair in found.items() if pair[1]["kind"] in WORKLOADS)
    return label, item


def _container(value: Object, found: Found) -> tuple[str, str, Object]:
    """Label of the workload, path of the container that the document runs, and the container."""
    label, item = _workload(found)
    cron = item["kind"] == "CronJob"
    path = "spec.jobTemplate.spec.template.spec" if cron else "spec.template.spec"
    spec = item
    for step in path.split("."):
        spec = spec[step]
    name = value["run"].get("container", value["name"])
    names = [container["name"] for container in spec["containers"]]
    index = names.index(name)
    return label, f"{path}.containers.{index}", spec["containers"][index]


Edit = Callable[[Object, Found, random.Random], Expected | None]


def _replicas(value: Object, found: Found, pick: random.Random) -> Expected | None:
    label, item = _workload(found)
    if item["kind"] not in ("Deployment", "StatefulSet"):
        return None
    number = pick.randrange(20, 40)
    scalers = [name for name in found if name.startswith("HorizontalPodAutoscaler/")]
    if scalers:
        value["run"]["replicas"]["max"] = number
        return {(scalers[0], "spec.maxReplicas"): number}
    value["run"]["replicas"] = number
    return {(label, "spec.replicas"): number}


def _image(value: Object, found: Found, pick: random.Random) -> Expected | None:
    label, path, _ = _container(value, found)
    image = f"registry.example/edited:{pick.randrange(1000)}"
    value["run"]["image"] = image
    return {(label, f"{path}.image"): image}


def _port(value: Object, found: Found, pick: random.Random) -> Expected | None:
    ports = value["run"].get("ports")
    if not ports:
        return None
    label, path, container = _container(value, found)
    edited = pick.choice(ports)
    old, new = edited["port"], pick.randrange(20_000, 30_000)
    numbers = [port["containerPort"] for port in container["ports"]]
    if numbers.count(old) > 1:
        return None
    edited["port"] = new
    return {(label, f"{path}.ports.{numbers.index(old)}.containerPort"): new}


def _served(value: Object, found: Found, pick: random.Random) -> Expected | None:
    """The port of an endpoint; what it leads to stays."""
    endpoints = value.get("endpoints")
    if not endpoints:
        return None
    endpoint = pick.choice(endpoints)
    (label,) = (
        label
        for label, item in found.items()
        if item["kind"] == "Service" and item["metadata"]["name"] == endpoint["name"]
    )
    ports = found[label]["spec"]["ports"]
    edited = pick.choice(endpoint["ports"])
    numbers = [port["port"] for port in ports]
    if numbers.count(edited["port"]) > 1:
        return None
    index, new = numbers.index(edited["port"]), pick.randrange(20_000, 30_000)
    edited["port"] = new
    return {(label, f"spec.ports.{index}.port"): new}


def _variable(value: Object, found: Found, pick: random.Random) -> Expected | None:
    label, path, container = _container(value, found)
    given = container.get("env", [])
    names = [variable["name"] for variable in given]
    env = value["run"].setdefault("env", {})
    texts = [name for name in env if isinstance(env[name], str) and names.count(name) == 1]
    if texts and pick.random() < 0.6:
        name = pick.choice(texts)
        env[name] = "edited: yes"
        return {(label, f"{path}.env.{names.index(name)}.value"): "edited: yes"}
    env["EDITED"] = "0644"
    index = len(names)
    return {
        (label, f"{path}.env.{index}.name"): "EDITED",
        (label, f"{path}.env.{index}.value"): "0644",
    }


def _probe(value: Object, found: Found, pick: random.Random) -> Expected | None:
    health = value["run"].get("health")
    if not health:
        return None
    label, path, _ = _container(value, found)
    which = pick.choice(sorted(health))
    field, name, written, number = pick.choice(
        [
            ("every", "periodSeconds", "71s", 71),
            ("timeout", "timeoutSeconds", "2m", 120),
            ("failures", "failureThreshold", 17, 17),
            ("delay", "initialDelaySeconds", "1h", 3600),
        ]
    )
    health[which][field] = written
    return {(label, f"{path}.{PROBES[which]}.{name}"): number}


def _resources(value: Object, found: Found, pick: random.Random) -> Expected | None:
    label, path, _ = _container(value, found)
    group = pick.choice(["requests", "limits"])
    name, amount = pick.choice([("cpu", "1234m"), ("memory", "77Mi")])
    value["run"].setdefault("resources", {}).setdefault(group, {})[name] = amount
    return {(label, f"{path}.resources.{group}.{name}"): amount}


def _setting(value: Object, found: Found, pick: random.Random) -> Expected | None:
    (label,) = found
    key = pick.choice(sorted(value["values"]))
    value["values"][key] = "edited"
    return {(label, f"data.{key}"): "edited"}


# In turn, so that each kind of edit is made as often as it can be.
EDITS: tuple[Edit, ...] = (
    *(_replicas, _image, _port, _variable),
    *(_probe, _resources, _served),
)


def _edited(
    value: Object, found: Found, turn: int, pick: random.Random
) -> tuple[Expected, str] | None:
    """Make one edit of a document: the one whose turn it is, or the next that can be made."""
    if value["kind"] == "Config" and value.get("values"):
        expected = _setting(value, found, pick)
        assert expected is not None
        return expected, "setting"
    if value["kind"] not in ("Service", "Datastore") or "run" not in value:
        return None
    for step in range(len(EDITS)):
        edit = EDITS[(turn + step) % len(EDITS)]
        expected = edit(value, found, pick)
        if expected is not None:
            return expected, edit.__name__
    return None


def _rounds(imported: Imported, homes: dict[str, Found], count: int) -> Iterator[Any]:
    """Edited copies of all documents: one edit a document, as many rounds as it takes."""
    pick = random.Random(20_261_122)
    done = 0
    while done < count:
        values = [copy.deepcopy(dict(document.value)) for document in imported.documents]
        order = list(range(len(values)))
        pick.shuffle(order)
        expected: Expected = {}
        kinds: list[str] = []
        for index in order:
            # One setting for six workloads: those are what people edit.
            if done == count or (values[index]["kind"] == "Config" and done % 7):
                continue
            found = homes.get(_address(values[index]), {})
            made = _edited(values[index], found, done, pick)
            if made is not None:
                expected |= made[0]
                kinds.append(made[1])
                done += 1
        assert kinds, "there is something to edit"
        yield values, expected, kinds


def test_there_are_two_hundred_edits() -> None:
    assert sum(count for _, count in ESTATES.values()) >= 200


@pytest.mark.parametrize("name", sorted(ESTATES))
def test_an_edit_changes_what_it_means_and_nothing_else(estates: pathlib.Path, name: str) -> None:
    path, count = ESTATES[name]
    texts = _texts(estates / path)
    imported = reading.read(texts, Options(environment="prod", fallback=name))
    homes = _homes(imported, objects.read(texts))
    before = _leaves(_build([dict(item.value) for item in imported.documents], imported))
    made: list[str] = []
    for values, expected, kinds in _rounds(imported, homes, count):
        made += kinds
        after = _leaves(_build(values, imported))
        changed = {
            key: after.get(key)
            for key in before.keys() | after.keys()
            if key not in before or key not in after or not patch.same(before[key], after[key])
        }
        # An empty list or mapping that is filled is no leaf any more.
        filled = {key for key in changed if key not in after and before[key] in ([], {})}
        assert {key: changed[key] for key in changed.keys() - filled} == expected
    assert len(made) == count
    assert len(set(made)) >= 7
