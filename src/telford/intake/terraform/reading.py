"""Terraform as a format: `.tf` trees, and `terraform show -json` of plans and states. Listed in
`telford.intake.formats`.

Nothing is run and nothing is fetched: a value that only a plan knows stays the expression that it
is written as. A plan or a state knows them all; import one for the whole truth.
"""

import re
from collections.abc import Mapping

from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.intake.cloud import reading, tables
from telford.intake.cloud.resources import Found
from telford.intake.format import Format, Needs, Sources
from telford.intake.imported import Imported, Options
from telford.intake.terraform import configuration, shown
from telford.intake.terraform.configuration import Configuration

TABLES = ("aws.toml", "google.toml", "azure.toml", "others.toml")
_HCL = (".tf", ".tf.json", ".tfvars", ".tfvars.json")
# What `terraform show -json` begins with, and a state file as terraform keeps it.
_SHOWN = re.compile(r'"format_version"\s*:')
_TOOL = re.compile(r'"terraform_version"\s*:')
_STATE = re.compile(r'"(lineage|serial)"\s*:')
# How much of a file is looked at to tell what it is; both keys stand at its beginning.
_HEAD = 4_096


def claims(path: str, text: str) -> bool:
    """Whether a file is a configuration, or what terraform says of one."""
    if path.endswith(_HCL):
        return True
    if path.endswith(".tfstate"):
        return True
    head = text[:_HEAD]
    return path.endswith(".json") and (
        _TOOL.search(head) is not None
        and (_SHOWN.search(head) is not None or _STATE.search(head) is not None)
    )


def read(sources: Sources, options: Options) -> Imported | Needs:
    """The estate that configurations, plans and states describe."""
    found = Found("terraform", comments=_comments(sources.texts))
    written = {path: text for path, text in sources.texts.items() if path.endswith(_HCL)}
    read_in = Configuration(configuration.folders(written, found), found, sources.unreadable)
    read_in.read()
    if read_in.wanted:
        return Needs(files=tuple(read_in.wanted))
    for path in sorted(sources.texts.keys() - written.keys()):
        shown.read(path, sources.texts[path], found)
    if not found.pieces and not found.diagnostics:
        found.diagnostics.append(_empty(sources))
    table = tables.load("telford.intake.terraform", *TABLES)
    return reading.imported(found, table, options)


def _comments(texts: Mapping[str, str]) -> dict[str, int]:
    """Lines that hold nothing but a comment, by file."""
    counted = {
        path: sum(line.lstrip().startswith(("#", "//")) for line in text.splitlines())
        for path, text in texts.items()
        if path.endswith((".tf", ".tfvars"))
    }
    return {path: count for path, count in counted.items() if count}


def _empty(sources: Sources) -> Diagnostic:
    return Diagnostic(
        "TEL640",
        Severity.INFO,
        "there is no block in it",
        position=Position(min(sources.texts, default="")),
    )


FORMAT = Format(
    name="terraform",
    title="Terraform",
    suffixes=(".tf", ".tfvars", ".tfstate", ".json"),
    claims=claims,
    read=read,
)
