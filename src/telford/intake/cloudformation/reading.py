"""CloudFormation as a format: templates in YAML and JSON, SAM included. Listed in
`telford.intake.formats`.

Nothing is fetched: a nested stack's template is imported where it lies in the input, and a macro is
kept as it is written.
"""

import re

from telford.intake.cloud import reading, tables
from telford.intake.cloud.resources import Found
from telford.intake.cloudformation import templates
from telford.intake.format import Format, Needs, Sources
from telford.intake.imported import Imported, Options, count_comments

_VERSION = re.compile(r"""^[ \t{]*["']?AWSTemplateFormatVersion["']?\s*:""", re.MULTILINE)
_RESOURCES = re.compile(r"""^[ \t{]*["']?Resources["']?\s*:""", re.MULTILINE)
_TYPE = re.compile(r"""["']?Type["']?\s*:\s*["']?(AWS|Custom|Alexa)::""")
_SAM = re.compile(r"""["']?Transform["']?\s*:\s*["']?AWS::""")


def claims(path: str, text: str) -> bool:
    """Whether a document is a template: it says so, or it has resources of AWS."""
    del path
    # The words first: they are found much faster than expressions, and most documents have none.
    if "AWSTemplateFormatVersion" in text and _VERSION.search(text):
        return True
    if "Resources" not in text or _RESOURCES.search(text) is None:
        return False
    return _TYPE.search(text) is not None or _SAM.search(text) is not None


def read(sources: Sources, options: Options) -> Imported | Needs:
    """The estate that templates describe."""
    found = Found("cloudformation", comments=count_comments(sources.texts))
    templates.read(sources.texts, found)
    table = tables.load(
        "telford.intake.cloudformation",
        "resources.toml",
        under="Properties",
        beside=("Type", "DeletionPolicy"),
    )
    return reading.imported(found, table, options)


FORMAT = Format(
    name="cloudformation",
    title="CloudFormation",
    suffixes=(".yaml", ".yml", ".json", ".template"),
    claims=claims,
    read=read,
)
