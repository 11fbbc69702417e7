"""Target `flux`: for each place a source, a Kustomization a system in the order of who needs whom,
an account for each team, and notices to its chat.

`flux bootstrap git --path=FOLDER/flux/PLACE` makes a cluster deliver its place. Called by
`telford.render.registry`.

- TEL569 (info): what is delivered as the controller itself, since nobody's team is known.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from telford.basics import resources
from telford.basics.diagnostics import Diagnostic, Severity
from telford.estate.kinds import people
from telford.render import delivering, whole
from telford.render.artifacts import Object, Rendering, Unit, by_path, key, ready
from telford.render.delivering import Bundle
from telford.render.flux import grants, notices, releases
from telford.render.scene import Scene, World
from telford.render.target import Target
from telford.road import conventions, heading, order, yamlout

NAME = "flux"
Made = Callable[[], Iterable[Object]]
_KUSTOMIZE = "kustomize.toolkit.fluxcd.io/v1"
_KUSTOMIZATION = "kustomize.config.k8s.io/v1beta1"
_SOURCE = "source.toolkit.fluxcd.io/v1"
_GRANTS = "road-grants"
# An address that is opened by a key, and never without.
_BY_KEY = ("ssh://", "git@")


def _estate(world: World) -> Rendering:
    """Every place, or why there is nothing."""
    said = [*delivering.problems(world, NAME)]
    if world.architecture.repository is None:
        return Rendering((), tuple(said))
    policy = resources.toml(__package__, "policy.toml")
    units: list[Unit] = []
    for scene in world.scenes:
        held = delivering.bundles(scene, NAME)
        if held:
            units += _place(world, scene, held, policy)
            said += _unowned(world, held)
    return Rendering(by_path(units), tuple(dict.fromkeys(said)))


def _place(
    world: World, scene: Scene, held: tuple[Bundle, ...], policy: dict[str, Any]
) -> Iterator[Unit]:
    owner = _environment(world, scene)
    yield _unit(scene, "source", owner, partial(_source, world, owner, policy), "source")
    teams = _by_team(world, held)
    waits = _waits(scene, held, granted=bool(teams))
    for one in held:
        made = partial(_bundle, world, one, waits[one.group], policy)
        about = [one.name, one.folder, repr(waits[one.group]), _team(world, one)]
        about += map(str, (bool(one.values), bool(one.carried), one.production))
        yield _unit(scene, one.group, _owner(world, one), made, *about)
        if one.charted:
            yield from _charted(world, one, policy)
        elif _is_listed(one):
            yield _listed(_listed_in(one), one, [unit.path for unit in one.units], owner)
    if teams:
        made = partial(_granting, scene, waits[_GRANTS], policy)
        yield _unit(
            scene, _GRANTS, owner, made, repr(waits[_GRANTS]), str(scene.binding.production)
        )
        yield from _granted(world, held, policy)
    for team, owned in teams.items():
        spec = _spec(world, team)
        chat = spec.chat or "" if isinstance(spec, people.Team) else ""
        made = partial(_notices, team, chat, owned, policy)
        names = [one.name for one in owned]
        yield _unit(scene, f"team-{team}", f"team/{team}", made, chat, *names)


def _charted(world: World, one: Bundle, policy: dict[str, Any]) -> Iterator[Unit]:
    """A release of the chart, and the list of what no value says."""
    owner, team = _owner(world, one), _team(world, one)
    account = grants.account(team) if team else ""
    if one.values:
        made = partial(_release, one, account, policy)
        path = f"{_released_in(one)}/release.yaml"
        yield _unit(one.scene, one.name, owner, made, account, *one.values, path=path)
    if one.carried:
        yield _listed(_listed_in(one), one, list(one.carried), owner)


def _release(one: Bundle, account: str, policy: dict[str, Any]) -> Iterator[Object]:
    yield releases.release(one, account, policy)


def _listed(folder: str, one: Bundle, paths: list[str], owner: str) -> Unit:
    """Files by name: Flux takes a folder with all that is below it, and below some folders lie those
    of others.
    """
    up = "/".join([".."] * (folder.count("/") + 1))
    files = [f"{up}/{path}" for path in sorted(paths)]
    said = {"apiVersion": _KUSTOMIZATION, "kind": "Kustomization", "resources": files}
    text = heading.comment(owner) + yamlout.document(said)
    return ready(f"{folder}/kustomization.yaml", owner, NAME, one.scene.place, text)


def _is_listed(one: Bundle) -> bool:
    return one.group == delivering.OWN and not one.whole


def _listed_in(one: Bundle) -> str:
    if one.charted:
        return f"{NAME}/carried/{one.scene.place}/{one.group}"
    return f"{NAME}/places/{one.scene.place}"


def _released_in(one: Bundle) -> str:
    return f"{NAME}/releases/{one.scene.place}/{one.group}"


def _granted(world: World, held: Iterable[Bundle], policy: dict[str, Any]) -> Iterator[Unit]:
    """What each team's account may do: made when it is wanted, for it looks at every object."""
    for one in held:
        team = _team(world, one)
        if team:
            made = partial(grants.grants, one, team, policy)
            looked = [unit.key for unit in one.units]
            path = f"{NAME}/grants/{one.scene.place}/{one.group}.yaml"
            yield _unit(one.scene, one.group, _owner(world, one), made, team, *looked, path=path)


def _granting(scene: Scene, waits: tuple[str, ...], policy: dict[str, Any]) -> Iterator[Object]:
    """Delivers the roles, once their namespaces are there: Flux tries all of a folder before it
    applies any of it.
    """
    folder = f"{NAME}/grants/{scene.place}"
    one = Bundle(_GRANTS, "", scene, folder, True, "")
    yield _kustomization(one.name, folder, one, waits, "", policy)


def _unit(scene: Scene, name: str, owner: str, made: Made, *depends: str, path: str = "") -> Unit:
    """One file, made when it is wanted."""
    repository = repr(scene.architecture.repository)
    digest = key(scene.place, name, owner, repository, *depends)
    annotated = partial(_annotated, made, owner)
    path = path or f"{NAME}/{scene.place}/{name}.yaml"
    return Unit(path, owner, NAME, scene.place, digest, partial(_text, annotated), annotated)


def _text(made: Made) -> str:
    return yamlout.documents(made())


def _annotated(made: Made, owner: str) -> list[Object]:
    """The objects with what they are made of."""
    objects = list(made())
    for item in objects:
        item["metadata"]["labels"] = {conventions.LABEL_MANAGED_BY: conventions.MANAGER}
        item["metadata"]["annotations"] = {conventions.ANNOTATION_ADDRESS: owner}
    return objects


def _source(world: World, owner: str, policy: dict[str, Any]) -> Iterator[Object]:
    repository = world.architecture.repository
    assert repository is not None, "`problems` was asked first"
    known = policy["repository"]
    spec: dict[str, Any] = {
        "url": repository.url,
        "ref": {"branch": repository.branch},
        "interval": known["interval"],
        "timeout": known["timeout"],
    }
    if repository.url.startswith(_BY_KEY):
        spec["secretRef"] = {"name": known["secret"]}
    metadata = {"name": policy["source"], "namespace": policy["namespace"]}
    yield {"apiVersion": _SOURCE, "kind": "GitRepository", "metadata": metadata, "spec": spec}


def _bundle(
    world: World, one: Bundle, waits: tuple[str, ...], policy: dict[str, Any]
) -> Iterator[Object]:
    """What delivers a bundle: of the chart, its release as the controller, the rest as the team."""
    team = _team(world, one)
    if not one.charted:
        folder = _listed_in(one) if _is_listed(one) else one.folder
        yield _kustomization(one.name, folder, one, waits, team, policy)
        return
    if one.values:
        yield _kustomization(one.name, _released_in(one), one, waits, "", policy)
    if one.carried:
        name = f"{one.name}-carried" if one.values else one.name
        yield _kustomization(name, _listed_in(one), one, waits, team, policy)


def _kustomization(
    name: str,
    folder: str,
    one: Bundle,
    waits: tuple[str, ...],
    team: str,
    policy: dict[str, Any],
) -> Object:
    known = policy["kustomization"]
    spec: dict[str, Any] = {
        "interval": known["interval"],
        "retryInterval": known["retry"],
        "timeout": known["timeout"],
        "path": f"./{delivering.path(one.scene, folder)}",
        "prune": policy["production" if one.production else "other"]["prune"],
        # Ready when all that was applied is: what waits for it waits for that.
        "wait": True,
        "sourceRef": {"kind": "GitRepository", "name": policy["source"]},
    }
    if waits:
        spec["dependsOn"] = [{"name": name} for name in waits]
    if team:
        spec["serviceAccountName"] = grants.account(team)
    metadata = {"name": name, "namespace": policy["namespace"]}
    return {"apiVersion": _KUSTOMIZE, "kind": "Kustomization", "metadata": metadata, "spec": spec}


def _notices(team: str, chat: str, owned: list[Bundle], policy: dict[str, Any]) -> Iterator[Object]:
    """A team's account, and where it hears of what fails."""
    metadata = {"name": grants.account(team), "namespace": policy["namespace"]}
    yield {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata,
        "automountServiceAccountToken": False,
    }
    if chat:
        yield from notices.notices(team, chat, owned, policy)


def _waits(scene: Scene, held: Iterable[Bundle], *, granted: bool) -> dict[str, tuple[str, ...]]:
    """Group -> the names of the bundles it waits for: the place's own, the roles, what it needs."""
    names = {one.group: one.name for one in held}
    needs = delivering.needs_of_systems(scene)
    places = tuple(name for group, name in names.items() if group == delivering.OWN)
    roles = (f"{_GRANTS}-{delivering.slug(scene)}",) if granted else ()
    found = {_GRANTS: places, delivering.OWN: ()}
    for one in held:
        if one.system:
            needed = (names[other] for other in order.before(needs, one.system) if other in names)
            found[one.group] = (*places, *roles, *needed)
        elif one.group != delivering.OWN:
            found[one.group] = places
    return found


def _by_team(world: World, held: Iterable[Bundle]) -> dict[str, list[Bundle]]:
    found: dict[str, list[Bundle]] = {}
    for one in held:
        team = _team(world, one)
        if team:
            found.setdefault(team, []).append(one)
    return dict(sorted(found.items()))


def _team(world: World, one: Bundle) -> str:
    """The team that owns a bundle's system; "" for the road's, and where nobody does."""
    for entity in world.estate.refer("System", one.system, None) if one.system else ():
        kind, _, name = (entity.spec.owner or "").rpartition("/")
        if kind in ("", "team") and isinstance(_spec(world, name), people.Team):
            return name
    return ""


def _spec(world: World, team: str) -> object:
    found = world.estate.refer("Team", team, None) if team else ()
    return found[0].spec if found else None


def _owner(world: World, one: Bundle) -> str:
    found = world.estate.refer("System", one.system, None) if one.system else ()
    return str(found[0].address) if found else _environment(world, one.scene)


def _environment(world: World, scene: Scene) -> str:
    found = scene.find("environment", scene.binding.place.environment, None)
    return found or whole.owner(world)


def _unowned(world: World, held: Iterable[Bundle]) -> Iterator[Diagnostic]:
    for one in held:
        if one.system and not _team(world, one):
            yield Diagnostic(
                code="TEL569",
                severity=Severity.INFO,
                summary=f"no team owns system/{one.system}: Flux delivers it with its own rights",
                address=f"system/{one.system}",
                fix="say which team owns it: owner: team/NAME",
            )


TARGET = Target(
    NAME,
    "a source, Kustomizations in order, and notices for each place",
    estate=_estate,
    needs=delivering.needs(),
)
