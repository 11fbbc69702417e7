"""Files that hold documents of other systems: whose they are, and how they are made lazily. Called
by the targets of catalogues (`backstage`, `openslo`, `codeowners`, `mermaid`, `structurizr`).
"""

import copy
from collections.abc import Iterable
from functools import partial

from telford.render.artifacts import Object, Unit, key
from telford.render.scene import World
from telford.road import heading, yamlout


def owner(world: World) -> str:
    """Whose a file is that is about the whole estate: the architecture's address, where a document
    says it, else the first environment's, else the first of all; "" where the estate is empty.
    """
    if world.architecture.address:
        return world.architecture.address
    environments = world.estate.of_kind("Environment")
    every = (str(entity.address) for entity in environments)
    return next(every, next(iter(world.estate.entities), ""))


def documents(
    path: str, caused_by: str, target: str, place: str, objects: Iterable[Object]
) -> Unit:
    """A file of YAML documents below a line that says what it was made of; written when its text
    is wanted.
    """
    known = list(objects)
    text = partial(_text, caused_by, known)
    again = partial(copy.deepcopy, known)
    return Unit(path, caused_by, target, place, key(path, caused_by, repr(known)), text, again)


def _text(caused_by: str, known: list[Object]) -> str:
    return heading.comment(caused_by) + yamlout.documents(known)
