"""The one explicit list of kinds."""

from telford.estate.kinds import base, change, people, places, promises, structure

KINDS: tuple[type[base.Kind], ...] = (
    people.Team,
    people.Person,
    structure.System,
    structure.Service,
    structure.Datastore,
    structure.Stream,
    structure.Config,
    structure.Manifest,
    places.Environment,
    places.Region,
    promises.Objective,
    change.Delivery,
)

BY_NAME: dict[str, type[base.Kind]] = {kind.__name__: kind for kind in KINDS}
