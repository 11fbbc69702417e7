"""Structurizr's language: blocks of words and quoted texts. Called by the modules of this target.

https://docs.structurizr.com/dsl/language
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Words that begin a line of the language: no thing is called so.
RESERVED = frozenset(
    {"archetypes", "autolayout", "branding", "component", "configuration", "container", "custom",
     "deployment", "deploymentenvironment", "deploymentgroup", "deploymentnode", "description",
     "dynamic", "element", "elements", "enterprise", "exclude", "extends", "filtered", "group",
     "healthcheck", "image", "include", "infrastructurenode", "instanceof", "model", "name",
     "person", "perspectives", "properties", "relationship", "softwaresystem", "styles", "tags",
     "technology", "terminology", "theme", "themes", "this", "title", "url", "users", "views",
     "workspace"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Block:
    """One line, with lines inside of braces where there are some."""

    line: str
    inner: tuple["Block", ...] = ()


def block(line: str, inner: Iterable[Block] = ()) -> Block:
    """A block; `inner` in its order."""
    return Block(line, tuple(inner))


def lines(one: Block, indent: str = "") -> Iterator[str]:
    """The text of a block, line by line."""
    if not one.inner:
        yield f"{indent}{one.line}"
        return
    yield f"{indent}{one.line} {{"
    for each in one.inner:
        yield from lines(each, f"{indent}    ")
    yield f"{indent}}}"


def call(*words: str) -> str:
    """A keyword, then quoted texts; those at the end that are "" are left out."""
    keyword, *texts = words
    while texts and not texts[-1]:
        texts.pop()
    return " ".join([keyword, *map(quoted, texts)])


def quoted(text: str) -> str:
    """A text on one line, in quotes."""
    flat = " ".join(text.split()).replace("\\", "/").replace('"', '\\"')
    return f'"{flat}"'
