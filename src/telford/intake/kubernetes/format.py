"""Kubernetes YAML as a format: how its documents are told. Listed in `telford.intake.formats`."""

import re

from telford.intake.format import Format, Needs, Sources
from telford.intake.imported import Imported, Options
from telford.intake.kubernetes import reading

_HEAD = re.compile(r"""^["']?(?:apiVersion|kind)["']?[ \t]*:""", re.MULTILINE)
_JSON_HEAD = re.compile(r'"(?:apiVersion|kind)"\s*:')
# A document of our own, or one that lives in an estate as it is, is not an object.
_OURS = re.compile(r"""^["']?apiVersion["']?[ \t]*:[ \t]*["']?telford/""", re.MULTILINE)


def claims(path: str, text: str) -> bool:
    """Whether a document says a version or a kind, as objects do; where it says but one of them,
    the reader tells what is missing.
    """
    if path.endswith(".json"):
        return len(set(_JSON_HEAD.findall(text))) == 2
    # The word first: it is found much faster than an expression, and most documents have none.
    if "telford/" in text and _OURS.search(text):
        return False
    return _HEAD.search(text) is not None


def read(sources: Sources, options: Options) -> Imported | Needs:
    """See `telford.intake.kubernetes.reading.read`."""
    return reading.read(sources.texts, options)


FORMAT = Format(
    name="kubernetes",
    title="Kubernetes objects",
    suffixes=(".yaml", ".yml", ".json"),
    claims=claims,
    read=read,
    general=True,
)
