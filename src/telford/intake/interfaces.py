"""OpenAPI 3.x and AsyncAPI 2.x and 3.x documents -> Contracts, and the streams of a channel.

https://spec.openapis.org/oas/latest.html and https://www.asyncapi.com/docs/reference. The whole
document is the contract's; nothing of it is interpreted here but its name, its version and the
channels of a broker that it names. `telford.analysis.contracts` compares versions. Listed in
`telford.intake.formats`.
"""

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from telford.basics import yamltext
from telford.basics.diagnostics import Diagnostic
from telford.basics.yamltext import Mapping as MappingNode
from telford.estate.kinds.base import API_VERSION
from telford.intake import names, surroundings
from telford.intake.descriptor import Descriptor, Draft
from telford.intake.format import Format, Needs, Sources
from telford.intake.imported import Document, Imported, Options, Report

# At the top of a document: in YAML at the beginning of a line, in JSON wherever it stands.
_HEAD = {
    "openapi": re.compile(r"""^["']?openapi["']?[ \t]*:[ \t]*["']?3\.""", re.MULTILINE),
    "asyncapi": re.compile(r"""^["']?asyncapi["']?[ \t]*:[ \t]*["']?[23]\.""", re.MULTILINE),
}
_JSON = {
    "openapi": re.compile(r"""^\s*\{?\s*"openapi"\s*:\s*"3\.""", re.MULTILINE),
    "asyncapi": re.compile(r"""^\s*\{?\s*"asyncapi"\s*:\s*"[23]\.""", re.MULTILINE),
}
# Protocols of servers, and the engine that speaks them.
_ENGINES = {
    "kafka": "kafka", "kafka-secure": "kafka", "amqp": "rabbitmq", "amqps": "rabbitmq",
    "nats": "nats", "sqs": "sqs", "sns": "sqs",
}  # fmt: skip
# Names of files that say what they are and not whose.
_GENERIC = ("openapi", "asyncapi", "swagger", "api", "spec", "schema", "index", "contract")


def openapi(path: str, text: str) -> bool:
    """Whether a document is OpenAPI 3."""
    return _says("openapi", path, text)


def asyncapi(path: str, text: str) -> bool:
    """Whether a document is AsyncAPI 2 or 3."""
    return _says("asyncapi", path, text)


def _says(kind: str, path: str, text: str) -> bool:
    heads = _JSON if path.endswith(".json") else _HEAD
    # The word first: it is found much faster than an expression, and most documents have none.
    return kind in text and heads[kind].search(text) is not None


def read_openapi(sources: Sources, options: Options) -> Imported | Needs:
    """A Contract for each document, versions of the same name in one."""
    return _read("openapi", sources, options)


def read_asyncapi(sources: Sources, options: Options) -> Imported | Needs:
    """A Contract for each document, and a Stream for each channel of a broker that is known."""
    return _read("asyncapi", sources, options)


def _read(kind: str, sources: Sources, options: Options) -> Imported:
    problems: list[Diagnostic] = []
    contracts: dict[str, list[Descriptor]] = defaultdict(list)
    count = 0
    for file in sorted(sources.texts):
        nodes, found = yamltext.read(sources.texts[file], file)
        problems += found
        for node in nodes:
            one = Descriptor(file, f"{kind}/{file}", node)
            count += 1
            if isinstance(node, MappingNode) and one.text(kind):
                contracts[_name(one)].append(one)
            else:
                one.problem("TEL699", f"this is no {kind} document", f"begin it with `{kind}:`")
                problems += one.diagnostics
    documents = [_contract(kind, name, listed, options) for name, listed in contracts.items()]
    if kind == "asyncapi":
        for name, listed in contracts.items():
            documents += _streams(name, listed[-1], options)
    around = surroundings.of(documents, options)
    fates = tuple(
        fate
        for name, listed in contracts.items()
        for one in listed
        for fate in one.fates(f"contract/{surroundings.system(options)}.{name}")
    )
    report = Report(fates=fates, objects={kind: count})
    return Imported((*around, *documents), report, tuple(problems))


def _name(one: Descriptor) -> str:
    """What the contract is called: by its file where that tells, else by its title."""
    stem = posixpath.basename(one.file).split(".")[0].lower()
    words = re.sub(r"[-_]?v\d+$", "", stem)
    if words not in _GENERIC:
        return names.slug(words)
    return names.slug(one.text("info", "title") or posixpath.basename(posixpath.dirname(one.file)))


def _contract(kind: str, name: str, listed: list[Descriptor], options: Options) -> Document:
    one = listed[-1]
    draft = Draft("Contract", name, one)
    draft.put(("system",), surroundings.system(options))
    draft.put(("owner",), surroundings.owner(options, one.text("info", "x-owner")))
    draft.put(("type",), kind, one.where(kind))
    versions = {}
    for item in sorted(listed, key=lambda d: _order(d.text("info", "version"))):
        version = item.text("info", "version") or "0"
        versions[version] = {"version": version, "document": item.plain()}
        item.took(draft.address)
    draft.put(("versions",), list(versions.values()))
    title = one.text("info", "title")
    if title and names.slug(title) != name:
        draft.put(("description",), title, one.where("info", "title"))
    document = draft.document(f"{draft.value['system']}/contracts.yaml")
    return Document(document.file, document.value, tuple(item.position for item in listed))


def _order(version: str) -> tuple[tuple[int, int, str], ...]:
    """Versions in their order: numbers as numbers, words before none."""
    return tuple(
        (1, int(part), "") if part.isdigit() and len(part) < 19 else (0, 0, part)
        for part in re.split(r"[.+-]", version)
    )


def _streams(name: str, one: Descriptor, options: Options) -> Iterator[Document]:
    """The channels of a document whose servers all speak to one broker."""
    protocols = {one.text("servers", key, "protocol").lower() for key in one.keys("servers")}
    engines = {_ENGINES.get(protocol, "") for protocol in protocols}
    if len(engines) != 1 or "" in engines:
        return
    for channel in one.keys("channels"):
        topic = one.text("channels", channel, "address") or channel
        position = one.where("channels", channel)
        system = surroundings.system(options)
        value: dict[str, Any] = {
            "apiVersion": API_VERSION,
            "kind": "Stream",
            "name": names.slug(topic),
            "system": system,
            "owner": surroundings.owner(options, one.text("info", "x-owner")),
            "engine": next(iter(engines)),
            "contract": name,
            "road": "as-found",
        }
        if names.slug(topic) != topic:
            value["topic"] = topic
        yield Document(f"{system}/streams.yaml", value, (position,))


OPENAPI = Format(
    name="openapi",
    title="OpenAPI",
    suffixes=(".yaml", ".yml", ".json"),
    claims=openapi,
    read=read_openapi,
)
ASYNCAPI = Format(
    name="asyncapi",
    title="AsyncAPI",
    suffixes=(".yaml", ".yml", ".json"),
    claims=asyncapi,
    read=read_asyncapi,
)
