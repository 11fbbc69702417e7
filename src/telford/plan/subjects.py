"""A generated text as the objects in it, each with what it is known by: kind, group, namespace and
name for Kubernetes, the shape of the document for files of other systems.

A text of many objects changes in few, so what is equal as text is never read. Called by
`telford.plan.fields`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import oryaml

from telford.basics import yamltext

# What is no Kubernetes object and has no name in its text: suffix of the path -> what it is.
_BY_PATH = {
    ".gitlab-ci.yml": "GitlabPipeline",
    "alertmanager.yml": "AlertmanagerConfig",
    "alertmanager.yaml": "AlertmanagerConfig",
    "values.yaml": "HelmValues",
    "Chart.yaml": "HelmChart",
}
# What is no Kubernetes object -> the keys that show it.
_BY_KEYS: tuple[tuple[str, frozenset[str]], ...] = (
    ("GithubWorkflow", frozenset({"jobs"})),
    ("HelmValues", frozenset({"services"})),
    ("PrometheusRules", frozenset({"groups"})),
    ("PrometheusTests", frozenset({"rule_files", "tests"})),
    ("PrometheusConfig", frozenset({"scrape_configs"})),
    ("AlertmanagerConfig", frozenset({"route", "receivers"})),
    ("OtelCollectorConfig", frozenset({"exporters", "service"})),
    ("EnvoyConfig", frozenset({"static_resources"})),
    ("GrafanaDashboard", frozenset({"panels", "schemaVersion"})),
)
_NO_GROUP = "core"
# Of a Helm chart, and of a kustomization.
_TEMPLATES, _PATCHES = "/templates/", "/patches/"


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """One object. `kind` is as `meaning.toml` writes it: ``Deployment.apps``, ``Service.core``, or
    the name of a kind of file; "" where nobody knows.
    """

    kind: str = ""
    namespace: str = ""
    name: str = ""
    # Tells apart what else would be one.
    number: int = 0

    @property
    def title(self) -> str:
        """For people: ``Deployment/orders``; "" of a file that is one thing."""
        if not self.name:
            return f"document {self.number + 1}" if self.number else ""
        return f"{self.kind.partition('.')[0]}/{self.name}"


class Document:
    """One object of a text, read when it is asked for."""

    def __init__(self, path: str, text: str, first_line: int) -> None:
        self.path = path
        self.text = text
        # The line of the file, from 1, on which it begins.
        self.first_line = first_line

    @cached_property
    def value(self) -> Any:
        """What it says as plain data; None where it cannot be read."""
        return _value(self.path, self.text)

    @cached_property
    def subject(self) -> Subject:
        """What it is."""
        return _subject(self.path, self.value)


def structured(path: str) -> bool:
    """Whether a file's text is data, and not words for people, another language or a template."""
    return path.endswith((".yaml", ".yml", ".json")) and _TEMPLATES not in path


def partial(path: str) -> bool:
    """Whether a file holds parts of objects, to be laid over others: it makes and unmakes none."""
    return _PATCHES in path


def documents(path: str, text: str) -> list[Document]:
    """The documents of a text, empty ones left out."""
    if path.endswith(".json"):
        return [Document(path, text, 1)] if text.strip() else []
    found = []
    line = 1
    for part in _parts(text):
        if part.strip():
            found.append(Document(path, part, line))
        line += part.count("\n") + 1
    return found


def _parts(text: str) -> list[str]:
    """The text between the lines ``---``. Inside a block of text such a line is indented."""
    return ("\n" + text).replace("\n---\n", "\n\0")[1:].split("\0")


def different(path: str, old: str, new: str) -> tuple[list[Document], list[Document]]:
    """The documents of each side that the other does not have word for word."""
    before, after = documents(path, old), documents(path, new)
    one, other = {d.text for d in before}, {d.text for d in after}
    return [d for d in before if d.text not in other], [d for d in after if d.text not in one]


def by_subject(found: list[Document]) -> Mapping[Subject, Document]:
    """The documents by what they are, in their order."""
    named: dict[Subject, Document] = {}
    for document in found:
        subject = document.subject
        while subject in named:
            subject = Subject(subject.kind, subject.namespace, subject.name, subject.number + 1)
        named[subject] = document
    return named


def _value(path: str, text: str) -> Any:
    try:
        return json.loads(text) if path.endswith(".json") else oryaml.loads(text)
    except ValueError:
        nodes, _ = yamltext.read(text, path)
        return yamltext.plain(nodes[0]) if nodes else None


def _subject(path: str, value: Any) -> Subject:
    if not isinstance(value, dict):
        return Subject()
    kind = value.get("kind")
    if isinstance(kind, str) and kind:
        metadata = value.get("metadata")
        head = metadata if isinstance(metadata, dict) else value
        group = str(value.get("apiVersion", "")).rpartition("/")[0] or _NO_GROUP
        name = str(head.get("name") or head.get("generateName") or "")
        return Subject(f"{kind}.{group}", str(head.get("namespace") or ""), name)
    return Subject(next(_file_kinds(path, value), ""))


def _file_kinds(path: str, value: Mapping[str, Any]) -> Iterator[str]:
    for end, kind in _BY_PATH.items():
        if path.endswith(end):
            yield kind
    for kind, keys in _BY_KEYS:
        if keys <= value.keys():
            yield kind
