"""Rules about how things are built: an Architecture, Recipes and Pins mean what they say."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from telford.basics.diagnostics import Severity
from telford.basics.yamltext import Mapping as MappingNode
from telford.estate import overlays, pruning, suggestions
from telford.estate.codes import Code, document, documents, service
from telford.estate.kinds.governance import Waiver
from telford.estate.kinds.paving import Architecture, Pins, Recipe
from telford.estate.model import BASE, Bound, Entity, LaterBound
from telford.estate.place import Place
from telford.road import conformance, recipes, targets
from telford.rules.rule import EstateRule, Finding, Path, Rule, Subject, World, base

# Pairs of recipes are compared up to so many; an estate with more has other worries.
_MAX_RECIPES = 500


def _targets(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Architecture | Recipe)
    said: list[tuple[Path, str]] = []
    if isinstance(spec, Architecture):
        said = [(("targets", index), name) for index, name in enumerate(spec.targets)]
    patches = enumerate(spec.patches)
    said += [(("patches", index, "target"), one.target) for index, one in patches if one.target]
    for path, name in said:
        # Whether a third party's is installed here, only who builds can tell.
        if name not in targets.names() and not targets.third_party(name):
            fix = suggestions.for_value(name, targets.names())
            yield Finding(path, f"there is no target `{name}`", fix)


def _ways(subject: Subject) -> Iterator[Finding]:
    """Ways that need a target which the architecture does not build."""
    spec = subject.spec
    assert isinstance(spec, Architecture | Recipe)
    built = _built(subject)
    for aspect, way in spec.choices.model_dump(exclude_none=True).items():
        if built and way in targets.names() and way not in built:
            yield Finding(
                ("choices", aspect),
                f"the way of {aspect} is `{way}`, and that is none of the targets",
                f"add {way} to `targets` of the Architecture, or choose another way",
            )


def _built(subject: Subject) -> tuple[str, ...]:
    """The targets that the estate's architecture names; () where it leaves that open."""
    if isinstance(subject.spec, Architecture):
        return () if subject.shortened("targets") else subject.spec.targets
    first = next(subject.world.estate.of_kind("Architecture"), None)
    if first is None:
        return ()
    seen = base(first, subject.world)
    assert isinstance(seen.spec, Architecture)
    return () if seen.shortened("targets") else seen.spec.targets


def _several(world: World) -> Iterator[Finding]:
    found = list(world.estate.of_kind("Architecture"))
    for entity in found[1:]:
        yield Finding(
            ("name",),
            f"the estate has another Architecture, `{found[0].address.name}`",
            "make one of them, and say in Recipes what differs where",
            f"{found[0].address} holds; nothing of this one does.",
            subject=base(entity, world),
        )


def _layers(world: World) -> dict[str, recipes.Layer]:
    """Every recipe by address, as it is everywhere."""
    found = list(world.estate.of_kind("Recipe"))[:_MAX_RECIPES]
    return {
        str(one.address): recipes.layer(LaterBound(one, (), BASE))
        for one in found
        if not (world.partial and _halved(one))
    }


def _halved(entity: Entity) -> bool:
    """Whether a mistake took a part of what it matches."""
    match = entity.node.values.get("match")
    if match is None:
        return pruning.key_lost(entity.node, "match")
    return isinstance(match, MappingNode) and pruning.any_lost(match)


def _bound(world: World, entity: Entity, place: Place) -> Bound | None:
    """An entity in a place, its base where its overlays are not right."""
    if overlays.absent(world.estate, entity, place):
        return None
    known = overlays.known(world.estate, entity, place) if entity.reaches else None
    return known or LaterBound(entity, (), BASE)


def _things(world: World) -> Iterator[tuple[Place, Bound, recipes.Facts]]:
    """Everything in every place with its facts."""
    everything = world.estate.entities.values()
    for place in world.places:
        there = [one for entity in everything if (one := _bound(world, entity, place)) is not None]
        about = recipes.facts_of_place(place, there)
        for one in there:
            yield place, one, {**about, **recipes.facts_of(one)}


def _idle(world: World) -> Iterator[Finding]:
    """Recipes that match nothing."""
    layers = _layers(world)
    idle = dict(layers)
    for _, _, facts in _things(world) if layers else ():
        for address in [name for name, one in idle.items() if one.matches(facts)]:
            del idle[address]
        if not idle:
            return
    for one in idle.values() if world.places else ():
        yield Finding(
            ("match",),
            "the recipe matches nothing of this estate in any place",
            _nearest(one, world),
            key=True,
            subject=base(one.bound.entity, world),
        )


def _nearest(one: recipes.Layer, world: World) -> str:
    """The criterion without which it would match something, where there is one."""
    for name in one.criteria:
        rest = {key: said for key, said in one.criteria.items() if key != name}
        without = recipes.Layer(one.bound, rest, one.choices, one.entries)
        if any(without.matches(facts) for _, _, facts in _things(world)):
            return f"look at `{name.strip('_')}`: without it, something would match"
    return "take it away, or match something that there is"


def _disagreeing(world: World) -> Iterator[Finding]:
    """Two recipes of one rank that say different things of one thing."""
    pairs = list(_pairs(list(_layers(world).values())))
    said: set[tuple[str, str, str]] = set()
    for place, thing, facts in _things(world) if pairs else ():
        for one, other, names in pairs:
            if one.matches(facts) and other.matches(facts):
                for name in names:
                    known = (one.address, other.address, name)
                    if known not in said:
                        said.add(known)
                        where = f"{thing.entity.address} in {place}"
                        yield _differs(world, one, other, name, where)
                        yield _differs(world, other, one, name, where)


def _pairs(
    layers: Sequence[recipes.Layer],
) -> Iterator[tuple[recipes.Layer, recipes.Layer, list[str]]]:
    """Pairs that could match one thing, are equally special, and differ; with what they differ in."""
    for one, other in combinations(layers, 2):
        if one.rank != other.rank:
            continue
        if any(one.criteria[name].isdisjoint(other.criteria[name]) for name in one.criteria):
            continue
        here, there = dict(one.says()), dict(other.says())
        names = [name for name in here if name in there and here[name] != there[name]]
        if names:
            yield one, other, names


def _differs(
    world: World, one: recipes.Layer, other: recipes.Layer, name: str, where: str
) -> Finding:
    return Finding(
        tuple(name.split(".")),
        f"`{other.bound.entity.address.name}` is as special, and says another {name}",
        "give one of them a further criterion in `match`, or let both say the same",
        f"Both match {where}; the other one is at {other.position(name)}.",
        key=True,
        subject=base(one.bound.entity, world),
    )


def _forms(subject: Subject) -> Iterator[Finding]:
    """Digests that cannot be of what the name says."""
    spec = subject.spec
    assert isinstance(spec, Pins)
    for name, pin in spec.pins.items():
        _, at, reference = name.partition("@")
        commit = not pin.digest.startswith("sha256:")
        if at and reference and not commit:
            yield Finding(
                ("pins", name, "digest"),
                f"`{name}` is a version of a repository, and the digest is no commit",
                "write the 40 digits of the commit",
            )
        elif not at and commit:
            yield Finding(
                ("pins", name, "digest"),
                f"`{name}` is an image or a file, and the digest is a commit",
                "write sha256: and 64 digits, or name a repository as OWNER/NAME@VERSION",
            )


def _twice(world: World) -> Iterator[Finding]:
    known: dict[str, tuple[str, str]] = {}
    for entity in world.estate.of_kind("Pins"):
        spec = entity.spec
        assert isinstance(spec, Pins)
        for name, pin in spec.pins.items():
            address, digest = known.setdefault(name, (str(entity.address), pin.digest))
            if digest != pin.digest:
                yield Finding(
                    ("pins", name),
                    f"{address} pins `{name}` to something else",
                    "pin it once",
                    key=True,
                    subject=base(entity, world),
                )


def _parts(subject: Subject) -> Iterator[Finding]:
    """Parts of a waiver that the architecture does not demand."""
    spec = subject.spec
    assert isinstance(spec, Waiver)
    known = conformance.names()
    for index, part in enumerate(spec.parts):
        if not spec.rule.startswith("architecture/"):
            yield Finding(
                ("parts",), "only an architecture has parts", "take `parts` away", key=True
            )
            return
        if part not in known:
            fix = suggestions.for_value(part, known)
            yield Finding(("parts", index), f"nothing demands `{part}`", fix)


def _silent(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Recipe)
    one = recipes.layer(subject.bound)
    # What is written there may have been left out because it is wrong.
    lost = subject.world.partial and {"choices", "defaults", "patches"} & {
        *subject.node.values,
        *subject.node.lost,
    }
    if not (one.choices or one.entries or spec.patches or lost):
        yield Finding(
            ("name",),
            "the recipe says nothing of what it matches",
            "give it `choices`, `defaults` or `patches`",
        )


_PROD = "apiVersion: telford/v1\nkind: Environment\nname: prod\n"
_HTTP = "match: {{class: http}}\ndefaults: {{replicas: {{other: {}}}}}"
_TIER = "match: {{tier: {}}}\ndefaults: {{replicas: {{other: 2}}}}"
_COMMIT = "a" * 40


def _recipes(*fields: str) -> str:
    """An example: recipes with these fields, a place and a service of tier 2."""
    made = [document("Recipe", f"r{index}", text) for index, text in enumerate(fields)]
    return documents(_PROD, service(""), *made)


def _waiver(parts: str) -> str:
    """An example: a waiver of these parts of an architecture."""
    fields = 'rule: architecture/road\nof: [service/orders]\nreason: r\nexpires: "2030-01-01"\n'
    waiver = document("Waiver", "w", f"{fields}parts: {parts}")
    return documents(service(""), document("Architecture", "road", ""), waiver)


RULES = (
    Rule(
        Code(
            "TEL270",
            "a target that there is not",
            "Nothing would be built, and nobody would notice until it is missed.",
            document("Architecture", "road", "targets: [kubernets]"),
            document("Architecture", "road", "targets: [kubernetes]"),
            "`targets` of an Architecture, and `target` of a patch, are names of targets.",
        ),
        (Architecture, Recipe),
        _targets,
    ),
    Rule(
        Code(
            "TEL271",
            "a way that is not built",
            "The way is taken nowhere: what it replaces is left out, and what it needs is not made.",
            document(
                "Architecture", "road", "targets: [mermaid]\nchoices: {packaging: kubernetes}"
            ),
            document("Architecture", "road", "targets: [kubernetes]\nchoices: {delivery: push}"),
            "a warning: a way in `choices` that is the name of a target is one of `targets`.",
        ),
        (Architecture, Recipe),
        _ways,
        severity=Severity.WARNING,
    ),
    Rule(
        Code(
            "TEL275",
            "a digest of another kind of thing",
            "What is fetched by it is not there, and the pipeline stops.",
            document("Pins", "p", f'pins: {{"python:3.12": {{digest: {_COMMIT}}}}}'),
            document("Pins", "p", f"pins: {{actions/checkout@v4: {{digest: {_COMMIT}}}}}"),
            "What is written as NAME@VERSION is a repository, and pinned to a commit; anything else"
            " is an image or a file, and pinned to its sha256.",
        ),
        (Pins,),
        _forms,
    ),
    Rule(
        Code(
            "TEL278",
            "a waiver of what nobody demands",
            "What should be waived still counts as a difference.",
            _waiver("[replica]"),
            _waiver("[replicas]"),
            "`parts` of a Waiver are capabilities of the road (`replicas`) or fields on which there is a"
            " demand (`run.replicas`), and its `rule` is the Architecture.",
        ),
        (Waiver,),
        _parts,
    ),
    Rule(
        Code(
            "TEL277",
            "a recipe that says nothing",
            "It looks as if something were decided.",
            _recipes("match: {class: http}"),
            _recipes(_HTTP.format(2)),
            "a warning: a Recipe has `choices`, `defaults` or `patches`.",
        ),
        (Recipe,),
        _silent,
        severity=Severity.WARNING,
    ),
)
ESTATE_RULES = (
    EstateRule(
        Code(
            "TEL272",
            "two architectures",
            "Only one can hold, and which it is would be chance.",
            documents(
                document("Architecture", "new", "version: 2"),
                document("Architecture", "old", "version: 1"),
            ),
            document("Architecture", "new", "version: 2"),
            "An estate has one Architecture; the first by name holds.",
        ),
        _several,
    ),
    EstateRule(
        Code(
            "TEL273",
            "a recipe that matches nothing",
            "Whoever wrote it believes that it holds.",
            _recipes(_TIER.format(0)),
            _recipes(_TIER.format(2)),
            "a warning: some thing in some place fulfils all criteria of `match`.",
        ),
        _idle,
        severity=Severity.WARNING,
    ),
    EstateRule(
        Code(
            "TEL274",
            "two recipes that disagree",
            "Neither is more special than the other, so either could win.",
            _recipes(_HTTP.format(2), _HTTP.format(3)),
            _recipes(_HTTP.format(2), _HTTP.format(3).replace("http", "http, tier: 2")),
            "Of two recipes with the same criteria that match one thing, both say the same or are"
            " silent. The later by address holds as long as they disagree.",
        ),
        _disagreeing,
    ),
    EstateRule(
        Code(
            "TEL276",
            "a name that is pinned twice",
            "Which of the two is fetched would be chance.",
            documents(
                document("Pins", "one", f"pins: {{a/b@v1: {{digest: {_COMMIT}}}}}"),
                document("Pins", "two", f"pins: {{a/b@v1: {{digest: {'b' * 40}}}}}"),
            ),
            document("Pins", "one", f"pins: {{a/b@v1: {{digest: {_COMMIT}}}}}"),
            "A name is in one Pins document, or says the same in each.",
        ),
        _twice,
    ),
)
