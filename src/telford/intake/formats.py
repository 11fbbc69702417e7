"""The one explicit list of foreign formats. Called by `telford.app.importing`."""

from telford.intake import backstage, codeowners, interfaces, score
from telford.intake.cloudformation import reading as cloudformation
from telford.intake.compose import reading as compose
from telford.intake.format import Format
from telford.intake.gitops import reading as gitops
from telford.intake.kubernetes import format as kubernetes
from telford.intake.objectives import openslo, pyrra, sloth
from telford.intake.terraform import reading as terraform

# In the order in which they are joined: what runs, before what is only described.
FORMATS: tuple[Format, ...] = (
    compose.FORMAT,
    terraform.FORMAT,
    cloudformation.FORMAT,
    gitops.FORMAT,
    kubernetes.FORMAT,
    score.FORMAT,
    backstage.FORMAT,
    openslo.FORMAT,
    sloth.FORMAT,
    pyrra.FORMAT,
    interfaces.OPENAPI,
    interfaces.ASYNCAPI,
    codeowners.FORMAT,
)


def suffixes() -> tuple[str, ...]:
    """The endings of all files that a format may know, whole names included."""
    found = {ending for one in FORMATS for ending in (*one.suffixes, *one.names)}
    return tuple(sorted(found))
