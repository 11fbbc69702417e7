"""Score v1b1 (``score.dev/v1b1``) -> services with what they need.

https://docs.score.dev/docs/score-specification/score-spec-reference/. One workload gives one
Service: its main container is `run`, the others are sidecars; resources with an engine become data
stores and streams that it uses. Placeholders (``${resources.db.host}``) that are secrets become
references to a Secret of the resource's name; others are kept as they are written, for nothing in
Score says what they mean. Listed in `telford.intake.formats`; these documents may also live in an
estate as they are.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from telford.basics import units, yamltext
from telford.basics.diagnostics import Diagnostic, Severity
from telford.intake import descriptor as descriptors
from telford.intake import names, surroundings
from telford.intake.descriptor import Descriptor, Draft, Path
from telford.intake.format import Format, Needs, Sources
from telford.intake.imported import Document, Imported, Options, Report

_VERSION = re.compile(r"""^["']?apiVersion["']?[ \t]*:[ \t]*["']?score\.dev/""", re.MULTILINE)
_READ = "score.dev/v1b1"
_CARRY = "x-score"
_PLACEHOLDER = re.compile(r"\$\{resources\.(?P<resource>[^.}]+)\.(?P<output>[^}]+)\}")
_SECRET = re.compile(r"(pass|secret|token|credential|access_?key|private)", re.IGNORECASE)
# Well-known resource types: https://github.com/score-spec/community-provisioners, read 2026-11.
_STORES = {
    "postgres": "postgres", "postgres-instance": "postgres", "mysql": "mysql",
    "mongodb": "mongodb", "redis": "redis", "s3": "object-store", "dynamodb": "dynamodb",
    "elasticsearch": "opensearch", "opensearch": "opensearch", "cassandra": "cassandra",
}  # fmt: skip
_STREAMS = {"kafka-topic": "kafka", "amqp": "rabbitmq", "nats": "nats", "sqs": "sqs"}
_PROBES = {"livenessProbe": "live", "readinessProbe": "ready"}
_KEPT = "the placeholder is kept as it is written: Score does not say what it means"


@dataclass(slots=True)
class _Answer:
    """What came of the documents so far."""

    options: Options
    done: list[tuple[Descriptor, str]] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    shared: dict[str, Draft] = field(default_factory=dict)
    objects: dict[str, int] = field(default_factory=dict)


def claims(path: str, text: str) -> bool:
    """Whether a document says that it is Score's."""
    del path
    # The word first: it is found much faster than an expression, and most documents have none.
    return "score.dev/" in text and _VERSION.search(text) is not None


def read(sources: Sources, options: Options) -> Imported | Needs:
    """The workloads of all texts. Never raises for anything that a text can say."""
    answer = _Answer(options)
    problems: list[Diagnostic] = []
    for file in sorted(sources.texts):
        nodes, found = yamltext.read(sources.texts[file], file)
        problems += found
        for node in nodes:
            one = Descriptor(file, "", node)
            one.subject = f"Workload/{one.text('metadata', 'name') or '?'}"
            answer.objects["Workload"] = answer.objects.get("Workload", 0) + 1
            _workload(answer, one)
    around = surroundings.of(answer.documents, options)
    fates = tuple(fate for one, carrier in answer.done for fate in one.fates(carrier))
    problems += [item for one, _ in answer.done for item in one.diagnostics]
    report = Report(fates=fates, objects=answer.objects)
    return Imported((*around, *answer.documents), report, tuple(problems))


def _workload(answer: _Answer, one: Descriptor) -> None:
    name = one.text("metadata", "name")
    containers = one.keys("containers")
    if one.text("apiVersion") != _READ or not name or not containers:
        summary = "this is no Score v1b1 workload: it needs `metadata.name` and `containers`"
        one.problem("TEL697", summary, f"write `apiVersion: {_READ}` and the two")
        one.dropped[()] = "it is no workload of Score v1b1"
        answer.done.append((one, ""))
        return
    draft = Draft("Service", names.slug(name), one)
    draft.put(("system",), surroundings.system(answer.options))
    team = one.text("metadata", "labels", "team") or one.text("metadata", "annotations", "team")
    draft.put(("owner",), surroundings.owner(answer.options, team))
    one.took(draft.address, "metadata", "name")
    one.drop(descriptors.FORMAT, "apiVersion")
    draft.texts(("labels",), "metadata", "labels")
    draft.texts(("annotations",), "metadata", "annotations")
    secrets = _resources(answer, draft)
    _endpoints(draft)
    main = name if name in containers else "main" if "main" in containers else containers[0]
    draft.put(("run", "container"), names.slug(main), one.where("containers", main))
    _container(draft, ("run",), ("containers", main), secrets)
    others = [key for key in containers if key != main]
    for index, key in enumerate(others):
        _sidecar(draft, index, key, secrets)
    draft.put(("type",), "http" if one.keys("service", "ports") else "worker")
    answer.done.append((one, draft.address))
    file = f"{draft.value['system']}/{draft.name}.yaml"
    answer.documents.append(draft.document(file, _CARRY))


def _sidecar(draft: Draft, index: int, key: str, secrets: Mapping[str, str]) -> None:
    listed = draft.value["run"].setdefault("sidecars", [])
    inner = Draft("Service", draft.name, draft.origin, {"system": draft.value["system"]})
    inner.put(("name",), names.slug(key), draft.origin.where("containers", key))
    _container(inner, (), ("containers", key), secrets)
    inner.value.pop("system")
    listed.append(inner.value)
    for path, position in inner.marks.items():
        draft.marks["run", "sidecars", index, *path] = position


def _container(draft: Draft, to: Path, here: Path, secrets: Mapping[str, str]) -> None:
    one = draft.origin
    image = one.text(*here, "image")
    if image != ".":
        draft.say((*to, "image"), image, *here, "image")
    else:
        draft.say((*to, "build"), {"context": "."}, *here, "image")
    for word in ("command", "args"):
        found = one.plain(*here, word)
        if isinstance(found, list) and found:
            draft.say((*to, word), [str(item) for item in found], *here, word)
    for key in one.keys(*here, "variables"):
        text = one.text(*here, "variables", key)
        value = _variable(draft, text, secrets, (*here, "variables", key))
        draft.say((*to, "env", key), value, *here, "variables", key)
    for kind in ("requests", "limits"):
        for amount in ("cpu", "memory"):
            path = (*here, "resources", kind, amount)
            draft.say((*to, "resources", kind, amount), _quantity(one.text(*path)), *path)
    for word, ours in _PROBES.items():
        _probe(draft, (*to, "health", ours), (*here, word))


def _quantity(text: str) -> str:
    try:
        units.quantity(text)
    except units.UnitError:
        return ""
    return text


def _probe(draft: Draft, to: Path, here: Path) -> None:
    one = draft.origin
    get: Path = (*here, "httpGet")
    if one.text(*get, "path") and one.text(*get, "port").isdigit():
        draft.say((*to, "path"), one.text(*get, "path"), *get, "path")
        draft.say((*to, "port"), int(one.text(*get, "port")), *get, "port")
        if one.text(*get, "scheme") in ("HTTP", "HTTPS"):
            draft.say((*to, "scheme"), one.text(*get, "scheme"), *get, "scheme")
        _headers(draft, to, get)
    command = one.plain(*here, "exec", "command")
    if isinstance(command, list) and command and not one.text(*get, "path"):
        draft.say((*to, "command"), [str(item) for item in command], *here, "exec", "command")


def _headers(draft: Draft, to: Path, get: Path) -> None:
    one = draft.origin
    count = one.count(*get, "httpHeaders")
    headers = [
        {
            "name": one.text(*get, "httpHeaders", i, "name"),
            "value": one.text(*get, "httpHeaders", i, "value"),
        }
        for i in range(count)
    ]
    if headers and all(header["name"] for header in headers):
        draft.say((*to, "headers"), headers, *get, "httpHeaders")


def _variable(
    draft: Draft, text: str, secrets: Mapping[str, str], path: Path
) -> str | dict[str, str]:
    found = _PLACEHOLDER.fullmatch(text)
    if found is not None and _SECRET.search(found["output"]):
        secret = secrets.get(found["resource"], names.slug(f"{draft.name}-{found['resource']}"))
        return {"secret": secret, "key": found["output"]}
    if _PLACEHOLDER.search(text):
        draft.origin.problem(
            "TEL698",
            f"`{text}` has no value here",
            _KEPT,
            *path,
            severity=Severity.INFO,
        )
    return text


def _endpoints(draft: Draft) -> None:
    """The ports of the service, and what of the container they lead to."""
    one = draft.origin
    ports: list[dict[str, Any]] = []
    listening: dict[int, dict[str, Any]] = {}
    for key in one.keys("service", "ports"):
        here: Path = ("service", "ports", key)
        port, target = one.text(*here, "port"), one.text(*here, "targetPort")
        if not port.isdigit() or (target and not target.isdigit()):
            continue
        number = int(target or port)
        entry: dict[str, Any] = {"name": names.slug(key), "port": int(port), "target": number}
        protocol = one.text(*here, "protocol").upper()
        if protocol in ("TCP", "UDP", "SCTP"):
            entry["protocol"] = protocol
            one.took(draft.address, *here, "protocol")
        for word in ("port", "targetPort"):
            one.took(draft.address, *here, word)
        draft.marks["endpoints", 0, "ports", len(ports)] = one.where(*here)
        ports.append(entry)
        listening.setdefault(number, {"name": names.slug(key), "port": number})
    if ports:
        draft.put(("endpoints",), [{"name": draft.name, "ports": ports}], one.where("service"))
        draft.put(("run", "ports"), list(listening.values()), one.where("service"))


def _resources(answer: _Answer, draft: Draft) -> dict[str, str]:
    """Data stores and streams that the workload needs; resource -> the Secret that opens it."""
    one = draft.origin
    secrets: dict[str, str] = {}
    uses: list[dict[str, Any]] = []
    for key in one.keys("resources"):
        kind, shared = one.text("resources", key, "type"), one.text("resources", key, "id")
        name = names.slug(shared or f"{draft.name}-{key}")
        secrets[key] = name
        engine = _STORES.get(kind) or _STREAMS.get(kind)
        if kind == "service":
            target = one.text("resources", key, "params", "name") or shared or key
            uses.append({"service": names.slug(target)})
            one.took(draft.address, "resources", key)
        elif engine:
            word = "datastore" if kind in _STORES else "stream"
            uses.append({word: name})
            _store(answer, draft, key, name, engine)
            draft.marks["uses", len(uses) - 1] = one.where("resources", key)
    if uses:
        draft.put(("uses",), uses, one.where("resources"))
    return secrets


def _store(answer: _Answer, draft: Draft, key: str, name: str, engine: str) -> None:
    one = draft.origin
    kind = "Datastore" if engine in _STORES.values() else "Stream"
    store = answer.shared.get(f"{kind}/{name}")
    if store is None:
        store = Draft(kind, name, one)
        store.put(("system",), draft.value["system"], one.where("resources", key))
        store.put(("owner",), draft.value["owner"], one.where("resources", key))
        store.put(("engine",), engine, one.where("resources", key, "type"))
        answer.shared[f"{kind}/{name}"] = store
        answer.documents.append(store.document(f"{draft.value['system']}/{name}.yaml"))
    for word in ("type", "id"):
        one.took(store.address, "resources", key, word)


FORMAT = Format(
    name="score",
    title="Score workloads",
    suffixes=(".yaml", ".yml"),
    claims=claims,
    read=read,
    lives_in_estate=True,
)
