"""Target `structurizr`: a workspace with a C4 model of the estate, and the views of it.

Called by `telford.render.registry`.
"""

from collections.abc import Iterator

from telford.basics import resources
from telford.render import whole
from telford.render.artifacts import NOTHING, Rendering, ready
from telford.render.scene import World
from telford.render.structurizr.language import Block, block, call, lines
from telford.render.structurizr.model import Model
from telford.render.target import Target
from telford.road import heading

NAME = "structurizr"
_ABOUT = "Everything that the estate describes."
_WHOLE = (block("include *"), block("autoLayout lr"))


def _estate(world: World) -> Rendering:
    """The workspace; none where there is nothing to draw."""
    model = Model(world)
    if not model.names:
        return NOTHING
    owner = whole.owner(world)
    head = call("workspace", world.architecture.name, _ABOUT)
    workspace = block(head, [model.block(), block("views", [*_views(model), _styles()])])
    text = heading.comment(owner, "//") + "\n".join(lines(workspace)) + "\n"
    return Rendering((ready(f"{NAME}/workspace.dsl", owner, NAME, "", text),))


def _views(model: Model) -> Iterator[Block]:
    """The landscape; each system in its surroundings, from inside, and where it runs."""
    yield block(call("systemLandscape", "landscape"), _WHOLE)
    for address in model.systems:
        name, word = model.names[address], address.partition("/")[2]
        yield block(call(f"systemContext {name}", f"{word}-context"), _WHOLE)
        members = model.members.get(word, ())
        if members:
            yield block(call(f"container {name}", f"{word}-containers"), _WHOLE)
        for environment, scenes in model.environments.items():
            if any(model.runs(scene, one) for scene in scenes for one in members):
                key = f"{word}-in-{environment}"
                yield block(call(f"deployment {name}", environment, key), _WHOLE)


def _styles() -> Block:
    """Shapes by kind, colours of what is less than needed."""
    table = resources.toml("telford.render.structurizr", "styles.toml")
    elements = [
        block(call("element", tag), [block(f"{key} {said}") for key, said in style.items()])
        for tag, style in table["elements"].items()
    ]
    relations = [
        block(f"relationship {tag}", [block(f"{key} {said}") for key, said in style.items()])
        for tag, style in table["relations"].items()
    ]
    return block("styles", [*elements, *relations])


TARGET = Target(NAME, "a C4 model with its views, in Structurizr's language", estate=_estate)
