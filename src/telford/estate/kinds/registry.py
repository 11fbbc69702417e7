"""The one explicit list of kinds, by family."""

from telford.estate.kinds import (
    base,
    change,
    contracts,
    direction,
    governance,
    network,
    paving,
    people,
    pipelines,
    places,
    promises,
    response,
    secret,
    structure,
    telling,
)

# Family -> its kinds, both in the order in which a newcomer meets them.
FAMILIES: dict[str, tuple[type[base.Kind], ...]] = {
    "people": (people.Team, people.Person, people.Rota),
    "structure": (
        structure.System,
        structure.Service,
        structure.Datastore,
        structure.Stream,
        pipelines.Pipeline,
        contracts.Contract,
        network.Route,
        secret.Secret,
        structure.Config,
        structure.Manifest,
    ),
    "places": (places.Environment, places.Region, places.Cluster, places.Account),
    "promises": (promises.Objective, promises.Recovery, promises.Budget),
    "change": (change.Delivery, change.Window, telling.Subscription),
    "rules": (
        governance.Policy,
        governance.Control,
        governance.Waiver,
        governance.Decision,
        governance.Proposal,
        paving.Architecture,
        paving.Recipe,
        paving.Pins,
    ),
    "response": (response.Runbook, response.Experiment, response.Drill),
    "direction": (direction.Technology, direction.Initiative, direction.Template),
}
KINDS: tuple[type[base.Kind], ...] = tuple(kind for family in FAMILIES.values() for kind in family)

BY_NAME: dict[str, type[base.Kind]] = {kind.__name__: kind for kind in KINDS}
