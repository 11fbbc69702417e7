"""What a language's reader found -> estate documents, with the fate of every leaf. Called by the
readers of `telford.intake.terraform` and `telford.intake.cloudformation`.

    resources -> meaning -> addresses -> dependencies -> documents -> carried -> report
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from telford.basics.diagnostics import Diagnostic, Severity, ordered
from telford.estate.address import Address
from telford.estate.kinds.base import API_VERSION
from telford.intake import names as texts
from telford.intake import surroundings
from telford.intake.cloud import accounting, dependencies, meaning, naming, secrets, writing
from telford.intake.cloud.accounting import Account, Homes
from telford.intake.cloud.dependencies import Dependencies
from telford.intake.cloud.meaning import Meaning, Thing
from telford.intake.cloud.naming import Names
from telford.intake.cloud.resources import Found, Piece, Place, Resource
from telford.intake.cloud.tables import Entry
from telford.intake.imported import Document, Edge, Imported, Options, Report, SecretName

NO_MEANING = "no kind of the estate says it"


@dataclass(slots=True)
class _Scene:
    """Everything that one import knows, stage by stage."""

    found: Found
    means: Meaning
    names: Names
    options: Options
    homes: Homes = field(default_factory=Homes)
    # Thing (its identity) -> its address.
    addresses: dict[int, Address] = field(default_factory=dict)
    # Key of a place -> the Region's and the Account's name.
    regions: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    documents: list[Document] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    owners: dict[str, str] = field(default_factory=dict)
    # Thing -> its document, to be completed by what of its pieces is carried.
    written: list[tuple[Thing, dict[str, Any]]] = field(default_factory=list)
    secrets: list[SecretName] = field(default_factory=list)


def imported(found: Found, table: Mapping[str, Entry], options: Options) -> Imported:
    """The documents of everything that was found. Never raises for what an input says."""
    scene = _Scene(found, meaning.of(found.resources, table), Names(options), options)
    # 1. Where things are.
    _places(scene)
    # 2. An address for everything that means something.
    for thing in scene.means.things:
        scene.addresses[id(thing)] = _address(scene, thing)
    # 3. What refers to what, by address.
    _resolve(scene)
    _fit(scene)
    inferred = dependencies.infer(scene.means)
    # 4. Documents; what a kind refuses is carried.
    for thing in scene.means.things:
        _write(scene, thing, inferred)
    # 5. What every leaf became, and what is carried of it.
    fates, documents = _settle(scene, inferred)
    report = Report(
        fates=fates,
        edges=_edges(scene, inferred),
        secrets=(*found.secrets, *scene.secrets),
        objects=Counter(piece.kind for piece in found.pieces),
        comments=found.comments,
    )
    everything = (*_surroundings(scene), *documents)
    return Imported(everything, report, ordered([*found.diagnostics, *scene.diagnostics]))


def _address(scene: _Scene, thing: Thing) -> Address:
    system = "" if thing.kind in writing.PLACES else naming.system_of(thing, scene.names)
    resource = thing.resource
    key = f"{resource.folder} {resource.piece.file} {resource.label}"
    wish = naming.without_stage(thing.wish, scene.options.environment)
    if texts.slug(wish) != texts.slug(thing.wish):
        # The document is called otherwise, so its name does not say the attribute.
        thing.said_by.pop("name", None)
    return scene.names.give(thing.kind, system, wish, resource.folder, key)


def _places(scene: _Scene) -> None:
    """Accounts and regions, each once."""
    for place in scene.found.places:
        if place.account:
            name = texts.slug(f"{place.provider}-{place.account}")
            scene.accounts[place.key] = name
            value = {"provider": place.provider, "id": place.account}
            _place(scene, place, "Account", name, value)
        if place.location:
            name = texts.slug(place.location)
            scene.regions[place.key] = name
            value = {"provider": place.provider}
            value |= {"location": place.location} if name != place.location else {}
            account = scene.accounts.get(place.key)
            value |= {"account": account} if account else {}
            _place(scene, place, "Region", name, value)


def _place(scene: _Scene, place: Place, kind: str, name: str, value: dict[str, Any]) -> None:
    if place.piece is not None:
        scene.homes.settle(place.piece, f"{kind.lower()}/{name}")
        said = scene.homes.mapped.setdefault(id(place.piece), set())
        said.update(place.paths)
    head = {"apiVersion": API_VERSION, "kind": kind, "name": name}
    known = {(item.value["kind"], item.value["name"]) for item in scene.documents}
    if (kind, name) not in known:
        scene.documents.append(Document("places.yaml", head | value, (place.position,)))


def _resolve(scene: _Scene) -> None:
    """Fields that name other things, settings that are secrets, and places of clusters."""
    for thing in scene.means.things:
        _refer(scene, thing)
        _secret_settings(scene, thing)
        place = thing.resource.place
        if thing.kind == "Cluster":
            for dotted, names in (("region", scene.regions), ("account", scene.accounts)):
                if place in names:
                    thing.fields.setdefault(dotted, names[place])


def _refer(scene: _Scene, thing: Thing) -> None:
    """Fields that name another thing; what refers to none that fits says nothing."""
    system = scene.addresses[id(thing)].system
    for dotted, key in thing.references.items():
        target = scene.means.home.get(key)
        if target is not None and target.kind == _WANTED.get(dotted, target.kind):
            address = scene.addresses[id(target)]
            thing.fields[dotted] = writing.reference(address, system)
        else:
            thing.said_by.pop(dotted, None)


def _secret_settings(scene: _Scene, thing: Thing) -> None:
    """Settings that a secret holds: the one that the code names, else one of the thing's name."""
    own = scene.addresses[id(thing)].name
    made: dict[str, Any] = {name: {"secret": own, "key": name} for name in thing.hidden}
    for name, key in thing.secrets.items():
        secret = _secret_name(scene, key)
        if secret:
            made.setdefault(name, {"secret": secret, "key": name})
        else:
            for said in ("name", "valueFrom", "Name", "ValueFrom"):
                thing.said_by.pop(f"secret.{name}.{said}", None)
    for name, key in thing.withheld.items():
        made.setdefault(name, {"secret": _secret_name(scene, key) or own, "key": name})
    if made:
        thing.fields["run.env"] = {**thing.fields.get("run.env", {}), **made}


def _secret_name(scene: _Scene, key: str) -> str:
    """The name of the Secret that a key means, or ""."""
    target = scene.means.home.get(key)
    return scene.addresses[id(target)].name if target and target.kind == "Secret" else ""


_WANTED = {"deadLetter": "Stream"}


def _team(scene: _Scene, thing: Thing) -> str:
    """Who owns a thing: as its tags say, else by default."""
    owner = naming.owner([thing.labels])
    if owner.text:
        scene.owners.setdefault(owner.text, owner.name)
    return owner.text or texts.slug(scene.options.owner or surroundings.UNASSIGNED)


def _fit(scene: _Scene) -> None:
    """Take out what the kinds refuse; a thing of which too little remains means nothing."""
    fitting = []
    for thing in scene.means.things:
        address, refused = scene.addresses[id(thing)], list[str]()
        value = writing.document(thing, address, _team(scene, thing), {}, [], refused)
        scene.diagnostics += [_refused(thing, address, problem) for problem in refused]
        if value is not None:
            fitting.append(thing)
            continue
        scene.means.opaque += [resource for resource, _ in thing.members]
        for key in [key for key, home in scene.means.home.items() if home is thing]:
            del scene.means.home[key]
    scene.means.things = fitting


def _refused(thing: Thing, address: Address, problem: str) -> Diagnostic:
    dotted, _, why = problem.partition(": ")
    return Diagnostic(
        "TEL645",
        Severity.WARNING,
        f"`{dotted}` of {thing.resource.label} cannot be a field: {why}",
        address=str(address),
        position=thing.resource.position,
        detail="It is carried along as it was found.",
        fix="correct it, or set the field in the estate",
    )


def _write(scene: _Scene, thing: Thing, inferred: Dependencies) -> None:
    address = scene.addresses[id(thing)]
    uses = inferred.of[id(thing)] if thing.kind == "Service" else []
    team = _team(scene, thing)
    value = writing.document(thing, address, team, scene.addresses, uses, [])
    if value is None:
        raise AssertionError(f"{address} was valid without what it uses")
    for resource, path in thing.said_by.values():
        scene.homes.say(resource, path)
    for resource, _ in thing.members:
        scene.homes.settle(resource.piece, str(address))
    scene.written.append((thing, value))
    position = thing.resource.position
    if thing.kind == "Secret":
        scene.secrets.append(SecretName(address.name, (), position))
    own = {
        name: item["key"]
        for name, item in thing.fields.get("run.env", {}).items()
        if isinstance(item, dict) and item["secret"] == address.name
    }
    if own:
        scene.secrets.append(SecretName(address.name, tuple(own.values()), position))
    if thing.hidden:
        scene.diagnostics.append(_hidden(thing, address))


def _hidden(thing: Thing, address: Address) -> Diagnostic:
    keys = ", ".join(thing.hidden)
    return Diagnostic(
        "TEL647",
        Severity.INFO,
        f"{thing.resource.label} has secrets written out: {keys}; their values are left out",
        address=str(address),
        position=thing.resource.position,
        detail=f"The service reads them from a secret called {address.name}.",
        fix="see that the place has it before a build is applied, and take them out of the code",
    )


def _settle(scene: _Scene, inferred: Dependencies) -> tuple[tuple[Any, ...], tuple[Document, ...]]:
    """The fate of every leaf, and all documents with what they carry."""
    for resource, path, thing in inferred.said:
        scene.homes.say(resource, path)
        scene.homes.settle(resource.piece, str(scene.addresses[id(thing)]))
    _repeats(scene)
    groups = _carriers(scene)
    accounts: dict[int, Account] = {}
    for piece in scene.found.pieces:
        for path in secrets.in_pairs(piece.node):
            scene.found.dropped.setdefault(id(piece), {}).setdefault(path, accounting.HIDDEN)
        accounts[id(piece)] = accounting.account(scene.found, scene.homes, piece)
    documents = [*scene.documents]
    for thing, value in scene.written:
        documents.append(_document(scene, thing, value, accounts))
    for address, (pieces, reason) in groups.items():
        found = [(piece, accounts[id(piece)]) for piece in pieces]
        kept = [(piece, one.rest) for piece, one in found if one.kept]
        if kept:
            documents.append(_manifest(scene, address, kept, reason))
    fates = (fate for piece in scene.found.pieces for fate in accounts[id(piece)].fates)
    return tuple(fates), tuple(documents)


def _repeats(scene: _Scene) -> None:
    """A block that makes several things is said by all of them: its counting is mapped too."""
    for piece in scene.found.pieces:
        used = scene.found.used.get(id(piece), set())
        if id(piece) in scene.homes.address:
            scene.homes.mapped.setdefault(id(piece), set()).update(used)


def _document(
    scene: _Scene, thing: Thing, value: dict[str, Any], accounts: Mapping[int, Account]
) -> Document:
    """The document of a thing, with what of its resources no field says."""
    address = scene.addresses[id(thing)]
    rest: dict[str, Any] = {}
    origins = []
    for resource, _ in thing.members:
        left = accounts[id(resource.piece)]
        rest.setdefault(resource.piece.subject, left.rest if left.kept else {})
        origins.append(resource.position)
    value[f"x-{scene.found.language}"] = rest
    file = (
        "places.yaml" if thing.kind in writing.PLACES else f"{address.system}/{address.name}.yaml"
    )
    return Document(file, value, tuple(sorted(set(origins))))


_Groups = dict[Address, tuple[list[Piece], str]]


def _carriers(scene: _Scene) -> _Groups:
    """The manifests that carry what no thing is made of: one for each resource, and one for the
    settings of each folder.
    """
    groups: _Groups = {}
    made_by = {id(item.piece): item for item in scene.found.resources}
    opaque = {id(item.piece): item for item in scene.means.opaque}
    # A module's own settings belong to the configuration that calls it.
    roots = {item.piece.file.rpartition("/")[0]: item.folder for item in scene.found.resources}
    said = {id(item.piece) for thing, _ in scene.written for item, _ in thing.members}
    for piece in scene.found.pieces:
        if id(piece) in said:
            continue
        resource = opaque.get(id(piece)) or made_by.get(id(piece))
        reason = scene.found.carried.get(id(piece), NO_MEANING)
        if resource is not None and piece.kind not in ("data", "module"):
            address = _resource_manifest(scene, resource)
        else:
            folder = piece.file.rpartition("/")[0]
            system = scene.names.system(roots.get(folder, folder))
            # A template stands alone; the files of a folder are one configuration.
            unit = folder if scene.found.language == "terraform" else piece.file
            last = unit.rpartition("/")[2].partition(".")[0] or "root"
            wish = f"{scene.found.language}-{last}"
            wish = naming.without_stage(wish, scene.options.environment)
            address = scene.names.give("Manifest", system, wish, folder, f"settings {unit}")
            reason = "settings of a configuration: no field of the model says them"
        groups.setdefault(address, ([], reason))[0].append(piece)
        scene.homes.settle(piece, str(address))
        scene.homes.reason.setdefault(id(piece), reason)
    return groups


def _resource_manifest(scene: _Scene, resource: Resource) -> Address:
    piece = resource.piece
    # An address of Terraform has the type in it; a name of CloudFormation has not.
    wish = resource.label if scene.found.language == "terraform" else piece.subject
    wish = naming.without_stage(wish, scene.options.environment)
    system = scene.names.system(resource.folder)
    key = f"{resource.folder} {piece.file} {piece.subject}"
    return scene.names.give("Manifest", system, wish, resource.folder, key)


def _manifest(
    scene: _Scene, address: Address, kept: list[tuple[Piece, object]], reason: str
) -> Document:
    owner = texts.slug(scene.options.owner or surroundings.UNASSIGNED)
    value = writing.head("Manifest", address, owner)
    times = Counter(piece.subject for piece, _ in kept)
    carried = {
        piece.subject if times[piece.subject] == 1 else f"{piece.subject} {piece.position}": item
        for piece, item in kept
    }
    value |= {"format": scene.found.language, "object": carried, "reason": reason}
    origins = tuple(piece.position for piece, _ in kept)
    return Document(f"{address.system}/carried.yaml", value, origins)


def _edges(scene: _Scene, inferred: Dependencies) -> tuple[Edge, ...]:
    return tuple(
        Edge(str(scene.addresses[id(thing)]), str(scene.addresses[id(one.target)]), one.origin)
        for thing in scene.means.things
        for one in inferred.of[id(thing)]
    )


def _surroundings(scene: _Scene) -> Iterator[Document]:
    """Teams, systems and the environment: what the documents refer to."""
    owned = [value for _, value in scene.written if "owner" in value]
    owners = {str(value["owner"]).removeprefix("team/") for value in owned}
    default = texts.slug(scene.options.owner or surroundings.UNASSIGNED)
    for name in sorted(owners | {default}):
        yield surroundings.team(name, scene.owners.get(name, ""))
    systems = {address.system for address in scene.addresses.values()} | {
        system for _, system, _ in scene.names.taken
    }
    for name in sorted(systems - {""}):
        head = {"apiVersion": API_VERSION, "kind": "System", "name": name}
        yield Document("systems.yaml", head | {"owner": f"team/{default}"})
    environment: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": "Environment",
        "name": texts.slug(scene.options.environment),
    }
    environment |= _listed("regions", scene.regions) | _listed("accounts", scene.accounts)
    yield Document("environments.yaml", environment)


def _listed(key: str, known: Mapping[str, str]) -> dict[str, list[str]]:
    found = sorted(set(known.values()))
    return {key: found} if found else {}
