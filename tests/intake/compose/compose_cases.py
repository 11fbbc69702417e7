"""What the tests of compose files share: a driver that fetches as the application does, and the
leaves of files as a parser that is not ours reads them.
"""

import pathlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from telford.estate import loading
from telford.intake import emission
from telford.intake.compose import reading
from telford.intake.format import Format, Needs, Sources
from telford.intake.imported import Imported, Options, Status
from telford.rules import registry

# A reader that asks again and again for what it was given would never end.
ROUNDS = 60


def fetch_all(format_: Format, texts: Mapping[str, str], options: Options) -> Imported:
    """Read, give what is wanted and there, refuse what is not, and read again."""
    given = {path: text for path, text in texts.items() if format_.claims(path, text)}
    if options.named:
        given = {path: texts[path] for path in options.named}
    refused: dict[str, str] = {}
    for _ in range(ROUNDS):
        answer = format_.read(Sources(given, refused), options)
        if not isinstance(answer, Needs):
            return answer
        assert answer.files
        for wanted in answer.files:
            assert wanted.path not in given
            assert wanted.path not in refused
            if wanted.path.startswith(("../", "/")):
                refused[wanted.path] = "it leaves the folder"
            elif wanted.path in texts:
                given[wanted.path] = texts[wanted.path]
            else:
                refused[wanted.path] = "it is not there"
    raise AssertionError("the reader never has enough")


def imported(texts: Mapping[str, str] | str, **options: Any) -> Imported:
    """The import of texts by path, or of one ``compose.yaml``."""
    given = {"compose.yaml": texts} if isinstance(texts, str) else texts
    return fetch_all(reading.FORMAT, given, Options(**options))


def folder(path: pathlib.Path) -> dict[str, str]:
    """Every text under a folder by its path from there."""
    return {
        file.relative_to(path).as_posix(): file.read_text("utf-8")
        for file in sorted(path.rglob("*"))
        if file.is_file() and file.suffix in (".yml", ".yaml", ".env", ".conf", "")
    }


def documents(found: Imported, kind: str) -> dict[str, Mapping[str, Any]]:
    """The documents of a kind by name."""
    values = [document.value for document in found.documents]
    return {value["name"]: value for value in values if value["kind"] == kind}


def service(texts: Mapping[str, str] | str, name: str = "web", **options: Any) -> dict[str, Any]:
    """The document of one Service or Datastore."""
    found = imported(texts, **options)
    return dict({**documents(found, "Service"), **documents(found, "Datastore")}[name])


def run_of(text: str, name: str = "web") -> dict[str, Any]:
    """`run` of a service of one file."""
    return dict(service(text, name)["run"])


def run(text: str) -> dict[str, Any]:
    """`run` of the service ``web`` whose keys are given."""
    indented = "".join(f"    {line}\n" for line in text.strip("\n").splitlines())
    return dict(service(f"services:\n  web:\n{indented}").get("run", {}))


def edges(found: Imported) -> dict[tuple[str, str], str]:
    """(from, to) by their bare names -> the text that says so; "" for one that is declared."""
    return {
        (value["name"], str(use.get("service") or use.get("datastore")).rpartition(".")[2]): str(
            use.get("inferred", {}).get("from", "")
        )
        for value in (document.value for document in found.documents)
        for use in value.get("uses", ())
    }


def codes(found: Imported) -> Counter[str]:
    """How often each diagnostic is there."""
    return Counter(item.code for item in found.diagnostics)


def fates(found: Imported) -> dict[str, tuple[str, str]]:
    """Full path of a leaf -> status and reason, for imports of one file."""
    return {_path(fate): (fate.status.value, fate.reason) for fate in found.report.fates}


def _path(fate: Any) -> str:
    head = "" if fate.subject == "project" else fate.subject.partition("#")[0].replace("/", ".", 1)
    return _joined(f"{head}.{fate.path}".split("."))


def _joined(path: Iterable[str]) -> str:
    """A dotted path; keys that are empty texts leave no dots behind."""
    return ".".join(part for step in path for part in step.split(".") if part)


def problems(found: Imported) -> list[str]:
    """Everything that loading and the rules say against the estate that an import writes."""
    loaded = loading.load(emission.files(found.documents))
    listed = [*loaded.diagnostics, *registry.check(loaded)]
    return [f"{d.code} {d.summary} {d.position}" for d in listed]


def written(texts: Mapping[str, str]) -> Counter[tuple[str, str]]:
    """Every leaf of compose files as PyYAML reads them: (file, dotted path)."""
    return Counter(
        (file, _joined(path))
        for file, text in texts.items()
        for document in yaml.load_all(text, _Loader)
        for path in _leaves(document)
    )


def accounted(found: Imported) -> Counter[tuple[str, str]]:
    """Every leaf that the report speaks of, files of variables left out."""
    return Counter(
        (fate.file, _path(fate)) for fate in found.report.fates if fate.subject != "variables"
    )


def count(found: Imported, status: Status, part: str = "services") -> int:
    """How many leaves of a part of the files have a fate."""
    return found.report.totals().get(part, Counter())[status]


def dumped(value: Any) -> str:
    """YAML of a value."""
    return str(yaml.dump(value, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False))


def parsed(text: str) -> Any:
    """One document as PyYAML reads it."""
    return yaml.load(text, _Loader)


class _Loader(yaml.CSafeLoader):
    """Takes the tags of compose for what they stand at, and every key for a text."""


def _tagged(loader: _Loader, node: Any) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return node.value


for tag in ("!reset", "!override"):
    _Loader.add_constructor(tag, _tagged)


def _leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if isinstance(value, dict) and value:
        return [leaf for key, item in value.items() for leaf in _leaves(item, (*path, str(key)))]
    if isinstance(value, list) and value:
        return [
            leaf for index, item in enumerate(value) for leaf in _leaves(item, (*path, str(index)))
        ]
    return [path]
