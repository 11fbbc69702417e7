"""What Argo CD and Flux say: this source goes to that place. Called by
`telford.intake.gitops.reading`.

Both are read into `Delivery`: what is delivered (a path of a repository, or a chart), and where
(a cluster, a namespace). https://argo-cd.readthedocs.io/en/stable/operator-manual/application.yaml,
https://fluxcd.io/flux/components/ (2026-11).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from telford.basics import yamltext
from telford.basics.diagnostics import Position
from telford.intake.gitops import generators
from telford.intake.kubernetes import access
from telford.intake.kubernetes.objects import Object, Path

ARGO = "argoproj.io"
FLUX = ("kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io", "source.toolkit.fluxcd.io")
# The cluster that Argo CD itself runs on.
_OWN_SERVER = "https://kubernetes.default.svc"
# Settings of one release; more is data.
MAX_SETTINGS = 500


@dataclass(frozen=True, slots=True)
class Delivery:
    """One source that goes to one place.

    `path` is in the repository at `repository`, `chart` the name of a chart in a registry; one of
    them is "". `said` are the paths of the object that name the place.
    """

    item: Object
    name: str
    repository: str = ""
    revision: str = ""
    path: str = ""
    chart: str = ""
    cluster: str = ""
    server: str = ""
    namespace: str = ""
    values: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    said: tuple[Path, ...] = ()

    @property
    def position(self) -> Position:
        """Where it is said."""
        return self.item.position

    def words(self) -> Iterator[str]:
        """Texts that may name the stage: the most telling first."""
        yield self.cluster
        yield from reversed(self.path.split("/"))
        for file in self.values:
            yield from reversed(file.rpartition(".")[0].replace("/", "-").split("-"))
        yield self.namespace
        if self.item.kind != "ApplicationSet":
            yield from reversed(self.item.name.split("-"))
        yield from reversed(self.name.split("-"))
        yield from self.namespace.split("-")
        yield self.revision


@dataclass(slots=True)
class Read:
    """Every delivery, and the objects of which not everything could be said: why."""

    deliveries: list[Delivery] = field(default_factory=list)
    unsaid: list[tuple[Object, str]] = field(default_factory=list)


def read(objects: list[Object], folders: tuple[str, ...]) -> Read:
    """The deliveries of all objects. `folders` are those that directories of Git may mean."""
    found = Read()
    sources = {
        (item.kind, item.namespace, item.name): item
        for item in objects
        if item.group == "source.toolkit.fluxcd.io"
    }
    for item in objects:
        if item.group == ARGO and item.kind == "Application":
            spec = access.mapping(item.body, "spec")
            found.deliveries += _application(item, item.name, spec)
            found.unsaid += _unapplied(item, spec)
        elif item.group == ARGO and item.kind == "ApplicationSet":
            _set(item, folders, found)
        elif item.group == FLUX[0] and item.kind == "Kustomization":
            found.deliveries.append(_kustomization(item, sources))
            found.unsaid += [
                (item, f"its `{key}` is not applied")
                for key in _CHANGES
                if access.mapping(item.body, "spec").get(key)
            ]
        elif item.group == FLUX[1] and item.kind == "HelmRelease":
            found.deliveries.append(_release(item, sources, found))
    return found


def _set(item: Object, folders: tuple[str, ...], found: Read) -> None:
    """The applications of an ApplicationSet."""
    spec = access.mapping(item.body, "spec")
    made = generators.made(spec, folders)
    found.unsaid += _unapplied(item, access.mapping(spec, "template", "spec"))
    found.unsaid += [(item, reason) for reason in made.unsaid]
    for application in made.applications:
        name = access.text(access.mapping(application, "metadata").get("name")) or item.name
        inner = access.mapping(application, "spec")
        for one in _application(item, name, inner):
            found.deliveries.append(one)


# What Flux changes in what a kustomization gives.
_CHANGES = ("postBuild", "patches", "images", "components", "namePrefix", "nameSuffix")


def _unapplied(item: Object, spec: Mapping[str, Any]) -> Iterator[tuple[Object, str]]:
    """What Argo CD does to a source beyond rendering it."""
    for source in [*access.mappings(spec.get("sources")), access.mapping(spec, "source")]:
        for key in ("kustomize", "plugin", "directory"):
            if source.get(key):
                yield item, f"the settings under its `{key}` are not applied"


def _application(item: Object, name: str, spec: Mapping[str, Any]) -> Iterator[Delivery]:
    destination = access.mapping(spec, "destination")
    listed = access.mappings(spec.get("sources")) or [access.mapping(spec, "source")]
    # Another source that is only there to be named in value files.
    roots = {access.text(source.get("ref")): source for source in listed if source.get("ref")}
    direct = item.kind == "Application"
    said = tuple(
        ("spec", "destination", key)
        for key in ("server", "name", "namespace")
        if direct and destination.get(key)
    )
    for source in listed:
        if source.get("ref") and not source.get("path") and not source.get("chart"):
            continue
        helm = access.mapping(source, "helm")
        files = [text for text in access.items(helm.get("valueFiles")) if isinstance(text, str)]
        yield Delivery(
            item,
            access.text(helm.get("releaseName")) or name,
            repository=access.text(source.get("repoURL")),
            revision=access.text(source.get("targetRevision")),
            path=_path(source.get("path")),
            chart=access.text(source.get("chart")),
            cluster=access.text(destination.get("name")),
            server=_server(destination.get("server")),
            namespace=access.text(destination.get("namespace")),
            values=tuple(_from_root(text, roots) for text in files),
            # The later goes before the earlier, as Argo CD has it.
            settings=(
                *_flat(_parsed(helm.get("values"))),
                *_flat(helm.get("valuesObject")),
                *_parameters(helm),
            ),
            said=said,
        )


def _path(value: Any) -> str:
    text = access.text(value).removeprefix("./").strip("/")
    return "" if text == "." else text


def _server(value: Any) -> str:
    text = access.text(value)
    return "" if text.rstrip("/") == _OWN_SERVER else text


def _from_root(file: str, roots: Mapping[str, Any]) -> str:
    """A values file: ``$values/prod.yaml`` begins at the root of the repository of that name."""
    if file.startswith("$"):
        root, _, rest = file[1:].partition("/")
        if root in roots:
            return f"/{rest}"
    return file


def _parsed(value: Any) -> Any:
    """Values that are written as a text of YAML."""
    nodes, problems = yamltext.read(access.text(value), "")
    return yamltext.plain(nodes[0]) if nodes and not problems else {}


def _parameters(helm: Mapping[str, Any]) -> Iterator[str]:
    """What is set one by one, as ``name=JSON``."""
    for parameter in access.mappings(helm.get("parameters"))[:MAX_SETTINGS]:
        name, value = access.text(parameter.get("name")), access.text(parameter.get("value"))
        if name:
            typed = parameter.get("forceString") is not True and _plain(value)
            yield f"{name}={value if typed else json.dumps(value)}"


def _plain(value: str) -> bool:
    """Whether a text is a number, true, false or null, as ``--set`` understands it."""
    return value in ("true", "false", "null") or value.removeprefix("-").isdecimal()


def _flat(value: Any, prefix: str = "", depth: int = 0) -> Iterator[str]:
    """Values that are written in place, as ``a.b=JSON``."""
    if not isinstance(value, dict) or depth > 20:
        return
    for key, item in list(value.items())[:MAX_SETTINGS]:
        name = str(key).replace("\\", "\\\\").replace(".", "\\.").replace(",", "\\,")
        if isinstance(item, dict) and item:
            yield from _flat(item, f"{prefix}{name}.", depth + 1)
        else:
            yield f"{prefix}{name}={json.dumps(item)}"


_Sources = Mapping[tuple[str, str, str], Object]


def _source(item: Object, reference: Mapping[str, Any], sources: _Sources) -> dict[str, Any]:
    """The spec of the source that an object of Flux names; empty where it is not in the input."""
    kind, name = access.text(reference.get("kind")), access.text(reference.get("name"))
    namespace = access.text(reference.get("namespace")) or item.namespace
    found = sources.get((kind, namespace, name))
    return access.mapping(found.body, "spec") if found is not None else {}


def _kustomization(item: Object, sources: _Sources) -> Delivery:
    spec = access.mapping(item.body, "spec")
    source = _source(item, access.mapping(spec, "sourceRef"), sources)
    reference = access.mapping(source, "ref")
    named = ("branch", "tag", "semver", "commit", "digest")
    revision = next((access.text(reference[key]) for key in named if reference.get(key)), "")
    said: list[Path] = [("spec", "targetNamespace")] if spec.get("targetNamespace") else []
    return Delivery(
        item,
        item.name,
        repository=access.text(source.get("url")),
        revision=revision,
        path=_path(spec.get("path")) or ".",
        cluster=_kubeconfig(spec),
        namespace=access.text(spec.get("targetNamespace")),
        said=tuple(said),
    )


def _kubeconfig(spec: Mapping[str, Any]) -> str:
    """The cluster that a secret with its access is called after: ``prod-kubeconfig``."""
    name = access.text(access.mapping(spec, "kubeConfig", "secretRef").get("name"))
    return name.removesuffix("-kubeconfig")


def _release(item: Object, sources: _Sources, found: Read) -> Delivery:
    spec = access.mapping(item.body, "spec")
    chart = access.mapping(spec, "chart", "spec")
    reference = access.mapping(chart, "sourceRef") or access.mapping(spec, "chartRef")
    source = _source(item, reference, sources)
    local = access.text(reference.get("kind")) in ("GitRepository", "Bucket")
    name = access.text(chart.get("chart"))
    if spec.get("valuesFrom"):
        found.unsaid.append(
            (item, "it takes values from a ConfigMap or Secret, which are left out")
        )
    files = [text for text in access.items(chart.get("valuesFiles")) if isinstance(text, str)]
    said: list[Path] = [("spec", "targetNamespace")] if spec.get("targetNamespace") else []
    return Delivery(
        item,
        access.text(spec.get("releaseName")) or item.name,
        repository=access.text(source.get("url")),
        revision=access.text(chart.get("version")),
        path=_path(name) if local else "",
        chart="" if local else name or access.text(reference.get("name")),
        cluster=_kubeconfig(spec),
        namespace=access.text(spec.get("targetNamespace")) or item.namespace,
        values=tuple(f"/{_path(text)}" for text in files),
        settings=tuple(_flat(spec.get("values"))),
        said=tuple(said),
    )
