"""Whose a file is that is about the whole estate. Called by the targets of the estate."""

from telford.render.scene import World


def owner(world: World) -> str:
    """The address that causes it: the architecture's, where a document says it, else the first
    environment's, else the first of all; "" where the estate is empty.
    """
    if world.architecture.address:
        return world.architecture.address
    environments = world.estate.of_kind("Environment")
    every = (str(entity.address) for entity in environments)
    return next(every, next(iter(world.estate.entities), ""))
