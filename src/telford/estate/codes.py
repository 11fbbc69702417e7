"""Codes: the stable names of everything that can be wrong, each with what, why, bad and good.

Those that reading and loading give are listed here; those of rules sit beside the rule. The
reference page is made from them, and a test runs every example. An example is a small estate of
its own; `PRELUDE` stands before each.
"""

from dataclasses import dataclass

PRELUDE = "apiVersion: telford/v1\nkind: Team\nname: shop\n---\n"


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of mistake. `bad` gives exactly this code, `good` gives nothing.

    The examples are YAML texts; empty ones mean that no text shows it (an unreadable folder).
    """

    code: str
    title: str
    why: str
    bad: str
    good: str
    what: str = ""


def service(fields: str) -> str:
    """An example: the Service `orders` with these fields."""
    return document("Service", "orders", fields)


def document(kind: str, name: str, fields: str) -> str:
    """An example document of the team `shop` with these fields."""
    head = f"apiVersion: telford/v1\nkind: {kind}\nname: {name}\nowner: team/shop\n"
    return head + fields.strip("\n") + ("\n" if fields else "")


def documents(*texts: str) -> str:
    """Several example documents in one text."""
    return "---\n".join(texts)


_PROD = "apiVersion: telford/v1\nkind: Environment\nname: prod\n"
_EU_REGION = "apiVersion: telford/v1\nkind: Region\nname: eu\n"
_PLAIN = service("")

CODES: tuple[Code, ...] = (
    Code(
        "TEL100",
        "not YAML",
        "The rest of the document cannot be understood. Other documents and files still are.",
        service("description: a: b"),
        service('description: "a: b"'),
    ),
    Code(
        "TEL101",
        "a key is there twice",
        "Only one of the two can count, and readers differ about which.",
        service("tier: 1\ntier: 2"),
        service("tier: 1"),
    ),
    Code(
        "TEL102",
        "a YAML tag that means nothing here",
        "Tags are never executed; the value is read as if the tag were not there.",
        service("description: !env HOME"),
        service("description: HOME"),
    ),
    Code(
        "TEL103",
        "too large",
        "A file beyond the limits on size, depth or repeated aliases is a mistake or an attack.",
        service("x-deep: " + "[" * 101 + "]" * 101),
        service("x-deep: [[]]"),
    ),
    Code(
        "TEL104",
        "a key, alias or tag that cannot be used",
        "A key must be text, an alias needs an anchor before it, `<<` takes mappings.",
        service("labels: *common"),
        service("x-common: &common {a: b}\nlabels: *common"),
    ),
    Code(
        "TEL105",
        "unreadable characters",
        "YAML is UTF-8 without control characters; anything else means different things to readers.",
        service('description: "\x07"'),
        service('description: "\\a"'),
    ),
    Code(
        "TEL106",
        "a file or folder cannot be read",
        "What is in it is missing from the estate.",
        "",
        "",
    ),
    Code(
        "TEL107",
        "a link out of the estate",
        "An estate is the files of its own folder; what a link brings in nobody reviewed.",
        "",
        "",
    ),
    Code(
        "TEL110",
        "not a document",
        "A document is a mapping that begins with `apiVersion` and `kind`.",
        "- orders\n",
        _PLAIN,
    ),
    Code(
        "TEL111",
        "unknown apiVersion",
        "The version says how to read the rest. Documents of other formats are left alone, with a"
        " warning; `telford import` takes Kubernetes manifests.",
        "apiVersion: telford/v9\nkind: Team\nname: other\n",
        "apiVersion: telford/v1\nkind: Team\nname: other\n",
    ),
    Code(
        "TEL112",
        "missing or unknown kind",
        "The kind says which fields there are.",
        "apiVersion: telford/v1\nkind: Servise\nname: orders\n",
        _PLAIN,
    ),
    Code(
        "TEL113",
        "unknown key",
        "A misspelt key would otherwise be ignored, and the default would rule unseen. Keys of your"
        " own begin with `x-`.",
        service("teir: 1"),
        service("tier: 1\nx-cost-centre: 4711"),
    ),
    Code(
        "TEL114",
        "missing field",
        "There is no sensible default for it.",
        document("Stream", "placed", ""),
        document("Stream", "placed", "engine: kafka"),
    ),
    Code(
        "TEL115",
        "wrong type",
        "A list, a mapping, text and a number are different things; nothing is converted silently.",
        service("run: {command: serve}"),
        service("run: {command: [serve]}"),
    ),
    Code(
        "TEL116",
        "wrong unit",
        "30 may be seconds or minutes; a quantity says which.",
        service("run: {stop: 30}"),
        service("run: {stop: 30s}"),
    ),
    Code(
        "TEL117",
        "not one of the choices",
        "The field takes one of a few words.",
        service("type: htpp"),
        service("type: http"),
    ),
    Code(
        "TEL118",
        "not a name",
        "Names become DNS labels, file names and label values in the places where things run.",
        "apiVersion: telford/v1\nkind: Team\nname: Front_End\n",
        "apiVersion: telford/v1\nkind: Team\nname: front-end\n",
    ),
    Code(
        "TEL119",
        "a value that is not allowed",
        "It is of the right type, but outside its range or in conflict with its neighbours.",
        service("run: {ports: [{port: 99999}]}"),
        service("run: {ports: [{port: 8080}]}"),
    ),
    Code(
        "TEL120",
        "two things with one address",
        "Every reference to it would be a guess.",
        documents(_PLAIN, _PLAIN),
        _PLAIN,
    ),
    Code(
        "TEL121",
        "an overlay that names no place",
        "It would never apply.",
        documents(_PROD, service("in: {prd: {tier: 1}}")),
        documents(_PROD, service("in: {prod: {tier: 1}}")),
    ),
    Code(
        "TEL122",
        "an overlay key that names two kinds of place",
        "An environment and a region of one name: which of the two is meant decides the order.",
        documents(
            _PROD + "regions: [prod]\n",
            "apiVersion: telford/v1\nkind: Region\nname: prod\n",
            service("in: {prod: {tier: 1}}"),
        ),
        documents(_PROD + "regions: [eu]\n", _EU_REGION, service("in: {prod: {tier: 1}}")),
    ),
    Code(
        "TEL123",
        "an overlay that changes what a thing is",
        "Kind, name, system, owner and engine are the same in every place; records refer to them.",
        documents(_PROD, service("in: {prod: {owner: team/other}}")),
        documents(_PROD, service("in: {prod: {description: In production.}}")),
    ),
    Code(
        "TEL124",
        "two overlays of equal rank that differ",
        "Neither is more special than the other, so either could win.",
        documents(_PROD, service('in: {prod: {tier: 1}, "prod,": {tier: 2}}')).replace(
            '"prod,"', '"prod, prod"'
        ),
        documents(_PROD, service("in: {prod: {tier: 1}}")),
    ),
    Code(
        "TEL125",
        "something absent that is there everywhere",
        "Places, systems and owners are what other things stand in; without them those mean nothing.",
        documents(_PROD, "apiVersion: telford/v1\nkind: Person\nname: ann\nin: {prod: null}\n"),
        documents(_PROD, "apiVersion: telford/v1\nkind: Person\nname: ann\n"),
        "`in: {PLACE: null}` says that a thing does not exist there. It cannot be said of a Team,"
        " Person, System, Environment, Region or Account.",
    ),
    Code(
        "TEL126",
        "an empty overlay",
        "It could mean that the thing is not there, or that somebody has not written it yet.",
        documents(_PROD, service("in:\n  prod:\n")),
        documents(_PROD, service("in:\n  prod: null\n")),
        "`null` says that the thing does not exist in the place, `{}` that nothing differs.",
    ),
    Code(
        "TEL127",
        "described twice, by the estate and in another format",
        "The estate's own word counts; what a descriptor beside it says of the same is left alone.",
        "",
        "",
    ),
)
