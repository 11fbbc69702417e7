"""Backstage descriptors (``catalog-info.yaml``) -> people, systems, services, contracts, data stores.

https://backstage.io/docs/features/software-catalog/descriptor-format. A component says who owns a
thing, where it belongs and what it uses; how it runs is said elsewhere, and
`telford.intake.joining` puts the two together. What an estate has no word for (a library, a
template of the scaffolder) is carried. Listed in `telford.intake.formats`; these documents may also
live in an estate as they are.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from telford.basics import yamltext
from telford.basics.diagnostics import Diagnostic, Severity
from telford.basics.yamltext import Mapping as MappingNode
from telford.estate.kinds import base
from telford.intake import descriptor as descriptors
from telford.intake import names, surroundings
from telford.intake.descriptor import Descriptor, Draft, Path
from telford.intake.format import Format, Needs, Sources, Wanted
from telford.intake.imported import Document, Imported, Options, Report

_VERSION = re.compile(
    r"""^["']?apiVersion["']?[ \t]*:[ \t]*["']?(?:backstage\.io|scaffolder\.backstage\.io)/""",
    re.MULTILINE,
)
_FILE = "people.yaml"
_CARRY = "x-backstage"
# Types of components that run; the type of the service that they are.
_RUNNING = {"service": "http", "website": "http", "grpc": "grpc", "worker": "worker",
            "job": "job", "cron": "cron", "function": "function", "lambda": "function"}  # fmt: skip
_URL = re.compile(base.URL_PATTERN)
# Namespaces that every name is in unless it says otherwise.
_DEFAULT = ("", "default")
_LIFECYCLES = ("experimental", "production", "deprecated")
_CONTRACTS = {"openapi": "openapi", "asyncapi": "asyncapi", "grpc": "protobuf"}
# Words in the type, tags or name of a resource that tell its engine.
_STORES = {
    "postgres": "postgres", "postgresql": "postgres", "aurora-postgresql": "postgres",
    "mysql": "mysql", "mariadb": "mysql", "redis": "redis", "valkey": "redis",
    "elasticache": "redis", "dynamodb": "dynamodb", "cassandra": "cassandra",
    "opensearch": "opensearch", "elasticsearch": "opensearch", "mongodb": "mongodb",
    "mongo": "mongodb", "s3": "object-store", "s3-bucket": "object-store",
    "bucket": "object-store", "gcs": "object-store", "blob": "object-store", "sqlite": "sqlite",
}  # fmt: skip
_STREAMS = {
    "kafka": "kafka", "kafka-topic": "kafka", "rabbitmq": "rabbitmq", "amqp": "rabbitmq",
    "nats": "nats", "sqs": "sqs", "sqs-queue": "sqs",
}  # fmt: skip
_RELATION = re.compile(r"(?:(?P<kind>[A-Za-z]+):)?(?:(?P<space>[^/]+)/)?(?P<name>[^/]+)")
_NO_WORD = "an estate has no word for it"
_NO_TYPE = "nothing tells its engine"
_NO_DEFINITION = "its definition is not there"
# Includes of includes are rarely three deep.
MAX_TARGETS = 2_000


@dataclass(slots=True)
class _Scene:
    """All descriptors of one reading, by kind and name, and what came of them."""

    options: Options
    found: dict[tuple[str, str], Descriptor] = field(default_factory=dict)
    done: list[tuple[Descriptor, str]] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    objects: dict[str, int] = field(default_factory=dict)
    # API name -> the components that provide it.
    providers: dict[str, list[Descriptor]] = field(default_factory=dict)


def claims(path: str, text: str) -> bool:
    """Whether a document says that it is Backstage's."""
    del path
    # The word first: it is found much faster than an expression, and most documents have none.
    return "backstage.io/" in text and _VERSION.search(text) is not None


def read(sources: Sources, options: Options) -> Imported | Needs:
    """What all descriptors say. Never raises for anything that a text can say."""
    problems: list[Diagnostic] = []
    scene = _Scene(options)
    listed: list[Descriptor] = []
    # What was fetched as a definition is no descriptor.
    for file in sorted(path for path, text in sources.texts.items() if claims(path, text)):
        nodes, found = yamltext.read(sources.texts[file], file)
        problems += found
        listed += [_descriptor(file, node) for node in nodes]
    wanted = [item for one in listed for item in _wanted(one) if sources.lacks(item.path)]
    if wanted:
        return Needs(tuple(wanted[:MAX_TARGETS]))
    for one in listed:
        kind = one.text("kind")
        scene.objects[kind] = scene.objects.get(kind, 0) + 1
        scene.found.setdefault((kind.lower(), names.slug(one.text("metadata", "name"))), one)
    for api, one in _provided(scene):
        scene.providers.setdefault(api, []).append(one)
    for one in listed:
        _document(scene, one, sources)
    around = surroundings.of(scene.documents, options)
    fates = tuple(fate for one, carrier in scene.done for fate in one.fates(carrier))
    problems += [item for one, _ in scene.done for item in one.diagnostics]
    report = Report(fates=fates, objects=scene.objects)
    return Imported((*around, *scene.documents), report, tuple(problems))


def _provided(scene: _Scene) -> Iterator[tuple[str, Descriptor]]:
    """API name -> a component that provides it."""
    for (kind, _), one in scene.found.items():
        if kind == "component":
            for index in range(one.count("spec", "providesApis")):
                yield _reference(one.text("spec", "providesApis", index), "api")[1], one


def _descriptor(file: str, node: yamltext.Node) -> Descriptor:
    one = Descriptor(file, "", node)
    space = one.text("metadata", "namespace")
    parts = [one.text("kind") or "document", *([space] if space not in _DEFAULT else [])]
    one.subject = "/".join([*parts, one.text("metadata", "name") or "?"])
    one.drop(descriptors.FORMAT, "apiVersion")
    one.drop(descriptors.FORMAT, "kind")
    return one


def _wanted(one: Descriptor) -> Iterator[Wanted]:
    """Files that a location or an API's definition names."""
    folder = posixpath.dirname(one.file)
    if one.text("kind") == "Location":
        paths: list[Path] = [("spec", "target")]
        paths += [("spec", "targets", index) for index in range(one.count("spec", "targets"))]
    else:
        paths = [("spec", "definition", key) for key in ("$text", "$json", "$yaml", "$openapi")]
    for path in paths:
        target = one.text(*path)
        if target:
            yield Wanted(_joined(folder, target), one.where(*path))


def _joined(folder: str, target: str) -> str:
    return target if "://" in target else posixpath.normpath(posixpath.join(folder, target))


def _document(scene: _Scene, one: Descriptor, sources: Sources) -> None:
    kind, name = one.text("kind"), one.text("metadata", "name")
    if not name or not isinstance(one.node, MappingNode):
        one.problem("TEL694", "a descriptor has no `metadata.name`", "give it a name")
        one.dropped[()] = "it has no name"
        scene.done.append((one, ""))
        return
    handlers = {"Component": _component, "API": _api, "Resource": _resource, "System": _system,
                "Group": _group, "User": _user, "Location": _location}  # fmt: skip
    handler = handlers.get(kind)
    if handler is None:
        _carried(scene, one, _NO_WORD)
    else:
        handler(scene, one, sources)


def _keep(scene: _Scene, draft: Draft, file: str) -> None:
    scene.done.append((draft.origin, draft.address))
    scene.documents.append(draft.document(file, _CARRY))


def _begun(scene: _Scene, kind: str, one: Descriptor, *, owned: bool = True) -> Draft:
    """A document with its head, labels and owner."""
    draft = Draft(kind, names.slug(one.text("metadata", "name")), one)
    if owned:
        found = one.text("spec", "system")
        reference = _reference(found, "system")[1]
        draft.put(("system",), surroundings.system(scene.options, reference if found else ""))
        one.took(draft.address, "spec", "system")
        draft.put(("owner",), _owner(scene, one))
        one.took(draft.address, "spec", "owner")
    one.took(draft.address, "metadata", "name")
    one.took(draft.address, "metadata", "namespace")
    title = one.text("metadata", "title")
    draft.copy(("description",), "metadata", "description")
    if "description" not in draft.value:
        draft.say(("description",), title, "metadata", "title")
    draft.texts(("labels",), "metadata", "labels")
    draft.texts(("annotations",), "metadata", "annotations")
    _links(draft)
    return draft


def _links(draft: Draft) -> None:
    """Links with an address; their icons and types are left."""
    one = draft.origin
    found = []
    for index in range(one.count("metadata", "links")):
        here: Path = ("metadata", "links", index)
        url, title = one.text(*here, "url"), one.text(*here, "title")
        if _URL.fullmatch(url):
            found.append({"url": url} | ({"title": title} if title else {}))
            one.took(draft.address, *here, "url")
            one.took(draft.address, *here, "title")
    if found:
        draft.put(("links",), found, one.where("metadata", "links"))


def _owner(scene: _Scene, one: Descriptor) -> str:
    text = one.text("spec", "owner")
    if not text:
        return surroundings.owner(scene.options)
    kind, name = _reference(text, "group")
    person = kind == "user" or (
        ("user", name) in scene.found and ("group", name) not in scene.found
    )
    return f"person/{name}" if person else f"team/{name}"


def _reference(text: str, default: str) -> tuple[str, str]:
    """Kind and name of a reference: ``[kind:][namespace/]name``."""
    found = _RELATION.fullmatch(text)
    if found is None:
        return default, names.slug(text)
    return (found["kind"] or default).lower(), names.slug(found["name"])


def _component(scene: _Scene, one: Descriptor, sources: Sources) -> None:
    del sources
    kind = one.text("spec", "type").lower()
    if kind not in _RUNNING:
        _carried(scene, one, f"a component of type {kind or '(none)'} is nothing that runs")
        return
    draft = _begun(scene, "Service", one)
    draft.say(("type",), _RUNNING[kind], "spec", "type")
    if one.text("spec", "lifecycle") in _LIFECYCLES:
        draft.copy(("lifecycle",), "spec", "lifecycle")
    draft.put(("road",), "as-found")
    uses = dict(_uses(scene, one, draft))
    if uses:
        draft.put(("uses",), list(uses.values()))
        for index, (path, _) in enumerate(uses.items()):
            draft.marks["uses", index] = one.where(*path)
            one.took(draft.address, *path)
    for index in range(one.count("spec", "providesApis")):
        if ("api", _reference(one.text("spec", "providesApis", index), "api")[1]) in scene.found:
            one.took(draft.address, "spec", "providesApis", index)
    _keep(scene, draft, f"{draft.value['system']}/{draft.name}.yaml")


def _uses(scene: _Scene, one: Descriptor, draft: Draft) -> Iterator[tuple[Path, dict[str, Any]]]:
    """What a component depends on, as far as it is described: by path."""
    said: set[tuple[str, str]] = set()
    for word, default in (("dependsOn", "component"), ("consumesApis", "api")):
        for index in range(one.count("spec", word)):
            path: Path = ("spec", word, index)
            kind, name = _reference(one.text(*path), default)
            target = _provider(scene, name, one) if kind == "api" else scene.found.get((kind, name))
            use = _use(scene, target)
            if use is None:
                one.problem(
                    "TEL695",
                    f"`{one.text(*path)}` is nothing that the descriptors describe as running",
                    "describe it, or declare the dependency in the estate",
                    *path,
                    severity=Severity.INFO,
                )
            elif (key := next(iter(use.items()))) not in said and use.get("service") != draft.name:
                said.add(key)
                yield path, use


def _provider(scene: _Scene, api: str, but: Descriptor | None = None) -> Descriptor | None:
    """The last component that provides an API, other than one that consumes it."""
    return next((one for one in reversed(scene.providers.get(api, [])) if one is not but), None)


def _use(scene: _Scene, target: Descriptor | None) -> dict[str, Any] | None:
    if target is None:
        return None
    name = names.slug(target.text("metadata", "name"))
    system = target.text("spec", "system")
    if system or scene.options.system:
        found = surroundings.system(scene.options, _reference(system, "system")[1])
        name = f"{found}.{name}"
    if target.text("kind") == "Component":
        return {"service": name} if target.text("spec", "type").lower() in _RUNNING else None
    engine, _ = _engine(target)
    if engine in _STORES.values():
        return {"datastore": name}
    return {"stream": name} if engine in _STREAMS.values() else None


def _resource(scene: _Scene, one: Descriptor, sources: Sources) -> None:
    del sources
    engine, path = _engine(one)
    if not engine:
        _carried(scene, one, _NO_TYPE)
        return
    store = engine in _STORES.values()
    draft = _begun(scene, "Datastore" if store else "Stream", one)
    draft.put(("engine",), engine, one.where(*path))
    draft.put(("road",), "as-found")
    one.took(draft.address, "spec", "type")
    _keep(scene, draft, f"{draft.value['system']}/{draft.name}.yaml")


def _engine(one: Descriptor) -> tuple[str, Path]:
    """The engine of a resource, and the text that tells it."""
    paths: list[Path] = [("spec", "type")]
    paths += [("metadata", "tags", index) for index in range(one.count("metadata", "tags"))]
    for path in paths:
        word = one.text(*path).lower()
        found = _STORES.get(word) or _STREAMS.get(word)
        if found:
            return found, path
    words = one.text("metadata", "name").lower().split("-")
    found = next((e for word in words if (e := _STORES.get(word) or _STREAMS.get(word))), "")
    return found, ("metadata", "name")


def _api(scene: _Scene, one: Descriptor, sources: Sources) -> None:
    kind = _CONTRACTS.get(one.text("spec", "type").lower(), "")
    text, path = _definition(one, sources)
    if not kind or not text:
        _carried(scene, one, _NO_DEFINITION if kind else f"`{one.text('spec', 'type')}` is no"
                 " contract that Telford compares")  # fmt: skip
        return
    draft = _begun(scene, "Contract", one)
    draft.say(("type",), kind, "spec", "type")
    document: Any = text
    if kind != "protobuf":
        nodes, problems = yamltext.read(text, one.file)
        document = yamltext.plain(nodes[0]) if len(nodes) == 1 else None
        if not isinstance(document, dict) or any(p.severity is Severity.ERROR for p in problems):
            _carried(scene, one, "its definition is no document that can be read")
            return
    info = document.get("info") if isinstance(document, dict) else None
    version = str(info.get("version", "0")) if isinstance(info, dict) else "0"
    draft.put(("versions",), [{"version": version, "document": document}], one.where(*path))
    one.took(draft.address, *path)
    provider = _provider(scene, draft.name)
    if provider is not None and provider.text("spec", "type").lower() in _RUNNING:
        use = _use(scene, provider)
        assert use is not None
        draft.put(("service",), use["service"], provider.where("spec", "providesApis"))
    _keep(scene, draft, f"{draft.value['system']}/contracts.yaml")


def _definition(one: Descriptor, sources: Sources) -> tuple[str, Path]:
    for key in ("$text", "$json", "$yaml", "$openapi"):
        path: Path = ("spec", "definition", key)
        target = _joined(posixpath.dirname(one.file), one.text(*path))
        if one.text(*path) and target in sources.texts:
            return sources.texts[target], path
        if one.text(*path):
            reason = sources.unreadable.get(target, "it was not asked for")
            summary = f"the definition `{one.text(*path)}` is not read: {reason}"
            one.problem("TEL696", summary, "put the file beside the descriptor", *path)
    return one.text("spec", "definition"), ("spec", "definition")


def _system(scene: _Scene, one: Descriptor, sources: Sources) -> None:
    del sources
    draft = _begun(scene, "System", one, owned=False)
    draft.put(("owner",), _owner(scene, one))
    one.took(draft.address, "spec", "owner")
    if one.text("spec", "domain"):
        name = _reference(one.text("spec", "domain"), "domain")[1]
        draft.say(("domain",), name, "spec", "domain")
    _keep(scene, draft, "systems.yaml")


def _group(scene: _Scene, one: Descriptor, sources: Sources) -> None:
    del sources
    draft = _begun(scene, "Team", one, owned=False)
    draft.copy(("email",), "spec", "profile", "email")
    if one.text("spec", "profile", "displayName") and "description" not in draft.value:
        draft.copy(("description",), "spec", "profile", "displayName")
    parent = one.text("spec", "parent")
    if parent:
        draft.say(("parent",), _reference(parent, "group")[1], "spec", "parent")
        if ("group", _reference(parent, "group")[1]) not in scene.found:
            del draft.value["parent"]
            one.taken.pop(("spec", "parent"))
    # Children and members say again what parents and users say of themselves.
    for word in ("children", "members"):
        for index in range(one.count("spec", word)):
            kind = "group" if word == "children" else "user"
            known = (kind, _reference(one.text("spec", word, index), kind)[1]) in scene.found
            if known:
                one.took(draft.address, "spec", word, index)
        if one.at("spec", word) is not None and not one.count("spec", word):
            one.drop("an empty list says nothing", "spec", word)
    _keep(scene, draft, _FILE)


def _user(scene: _Scene, one: Descriptor, sources: Sources) -> None:
    del sources
    draft = _begun(scene, "Person", one, owned=False)
    draft.copy(("email",), "spec", "profile", "email")
    if one.text("spec", "profile", "displayName") and "description" not in draft.value:
        draft.copy(("description",), "spec", "profile", "displayName")
    first = one.text("spec", "memberOf", 0)
    if first and ("group", _reference(first, "group")[1]) in scene.found:
        draft.say(("team",), _reference(first, "group")[1], "spec", "memberOf", 0)
    _keep(scene, draft, _FILE)


def _location(scene: _Scene, one: Descriptor, sources: Sources) -> None:
    """A location is followed; what it leads to speaks for itself."""
    for wanted in _wanted(one):
        reason = sources.unreadable.get(wanted.path)
        if reason:
            one.diagnostics.append(
                Diagnostic(
                    "TEL696",
                    Severity.WARNING,
                    f"the location {wanted.path} is not read: {reason}",
                    position=wanted.position,
                    fix="import the folder that holds it",
                )
            )
    one.dropped[()] = "what it leads to was read"
    scene.done.append((one, ""))


def _carried(scene: _Scene, one: Descriptor, reason: str) -> None:
    one.taken.clear()
    one.dropped.clear()
    name = names.slug(f"{one.text('kind') or 'descriptor'}-{one.text('metadata', 'name')}")
    draft = Draft("Manifest", name, one)
    system = one.text("spec", "system")
    found = _reference(system, "system")[1] if system else ""
    draft.put(("system",), surroundings.system(scene.options, found))
    draft.put(("owner",), _owner(scene, one))
    draft.put(("format",), "backstage")
    draft.put(("object",), one.plain())
    draft.put(("reason",), reason)
    scene.done.append((one, draft.address))
    scene.documents.append(replace(draft.document("carried.yaml"), marks=draft.marks))


FORMAT = Format(
    name="backstage",
    title="Backstage descriptors",
    suffixes=(".yaml", ".yml"),
    claims=claims,
    read=read,
    lives_in_estate=True,
)
