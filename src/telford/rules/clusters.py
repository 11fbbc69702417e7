"""Clusters, accounts and hosts: places fit the provider, the region and the sort they are of."""

from collections.abc import Iterator

from telford.estate.codes import Code, documents
from telford.estate.kinds.places import Account, Cluster, Environment, Region
from telford.rules.rule import Finding, Rule, Subject

# Managed service -> whose it is. OpenShift and what one runs oneself may stand anywhere.
_SERVICES = {"eks": "aws", "aks": "azure", "gke": "gcp"}
_TYPES = {"ecs": "aws", "cloud-run": "gcp"}


def _place(kind: str, name: str, fields: str) -> str:
    return f"apiVersion: telford/v1\nkind: {kind}\nname: {name}\n{fields}\n".replace("\n\n", "\n")


def _unknown(subject: Subject) -> Iterator[Finding]:
    """Clusters that an environment names, where those of the region are described."""
    spec = subject.spec
    assert isinstance(spec, Environment)
    described: dict[str, set[str]] = {}
    for entity in subject.world.estate.of_kind("Cluster"):
        if isinstance(entity.spec, Cluster) and entity.spec.region is not None:
            described.setdefault(entity.spec.region, set()).add(entity.spec.name)
    for index, text in enumerate(spec.clusters):
        region, _, name = text.partition("/")
        known = described.get(region)
        if known is None or not name or name in known:
            continue
        if not subject.world.is_broken("Cluster", name):
            yield Finding(
                ("clusters", index),
                f"there is no cluster `{name}` in the region `{region}`",
                f"describe it, or write one of {', '.join(sorted(known))}",
            )


def _provider(subject: Subject, kind: str, text: str | None) -> str | None:
    """The provider of a region or account that is named; None where it is not known."""
    if text is None:
        return None
    found = subject.world.index.refer(kind, text, subject.spec)
    spec = subject.world.estate.entities[found[0]].spec if len(found) == 1 else None
    return spec.provider if isinstance(spec, Region | Account) else None


def _mixed(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Region | Cluster)
    if subject.lost("provider") or subject.lost("region"):
        return
    if isinstance(spec, Region):
        own: str | None = spec.provider
    else:
        own = _provider(subject, "Region", spec.region)
    paid = _provider(subject, "Account", spec.account)
    if own is not None and paid is not None and own != paid:
        yield Finding(
            ("account",),
            f"the account `{spec.account}` is of {paid}, and this is of {own}",
            f"name an account of {own}",
        )


def _closed(subject: Subject) -> Iterator[Finding]:
    """Regions that are used through an account that does not have them."""
    spec = subject.spec
    assert isinstance(spec, Region | Cluster)
    region = spec.name if isinstance(spec, Region) else spec.region
    if spec.account is None or region is None:
        return
    found = subject.world.index.refer("Account", spec.account, spec)
    account = subject.world.estate.entities[found[0]].spec if len(found) == 1 else None
    if isinstance(account, Account) and account.regions and region not in account.regions:
        yield Finding(
            ("account",),
            f"the account `{spec.account}` may not use the region `{region}`",
            f"add `{region}` to its `regions`, or name another account",
        )


def _accounts(subject: Subject) -> Iterator[Finding]:
    if isinstance(subject.spec, Environment):
        yield from _unpaid(subject)
    else:
        yield from _mixed(subject)
        yield from _closed(subject)


def _unpaid(subject: Subject) -> Iterator[Finding]:
    """Regions of an environment whose provider none of its accounts is of."""
    spec = subject.spec
    assert isinstance(spec, Environment)
    if not spec.accounts or subject.shortened("accounts"):
        return
    paid = {_provider(subject, "Account", account) for account in spec.accounts}
    if None in paid:
        return
    for index, region in enumerate(spec.regions):
        provider = _provider(subject, "Region", region)
        if provider not in {None, "local"} and provider not in paid:
            yield Finding(
                ("regions", index),
                f"the region `{region}` is of {provider}, and no account of `{spec.name}` is",
                f"add an account of {provider} to `accounts`",
                lenient=True,
            )


def _sort(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Cluster)
    if subject.lost("type"):
        return
    if spec.hosts and spec.type not in {"hosts", "kubernetes"}:
        yield Finding(
            ("hosts",), f"a cluster of type {spec.type} has no hosts", "remove them", key=True
        )
    if spec.pools and spec.type in {"hosts", "local", "cloud-run"}:
        yield Finding(
            ("pools",), f"a cluster of type {spec.type} has no pools", "remove them", key=True
        )
    if spec.service is not None and spec.type != "kubernetes":
        yield Finding(
            ("service",),
            f"`{spec.service}` is a Kubernetes service, and the cluster is of type {spec.type}",
            "write `type: kubernetes`, or remove it",
        )
    yield from _elsewhere(subject, spec)
    yield from _twins(spec)  # fmt: skip


def _elsewhere(subject: Subject, spec: Cluster) -> Iterator[Finding]:
    provider = _provider(subject, "Region", spec.region)
    for key, value, owners in (("service", spec.service, _SERVICES), ("type", spec.type, _TYPES)):
        owner = owners.get(value or "")
        if owner is not None and provider is not None and provider != owner:
            yield Finding(
                (key,),
                f"`{value}` is a service of {owner}, and the region `{spec.region}` is of {provider}",
                "name the region that it stands in",
            )


def _twins(spec: Cluster) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for index, host in enumerate(spec.hosts):
        if host.address is None:
            continue
        first = seen.setdefault(host.address, host.name)
        if first != host.name:
            yield Finding(
                ("hosts", index, "address"),
                f"`{first}` and `{host.name}` answer at the same address",
                "give each host its own",
            )


_EU = _place("Region", "eu", "provider: aws")

RULES = (
    Rule(
        Code(
            "TEL233",
            "an environment in a cluster that there is not",
            "It would exist there for overlays and nowhere else.",
            documents(
                _place("Environment", "prod", "regions: [eu]\nclusters: [eu/bleu]"),
                _EU,
                _place("Cluster", "blue", "region: eu"),
            ),
            documents(
                _place("Environment", "prod", "regions: [eu]\nclusters: [eu/blue]"),
                _EU,
                _place("Cluster", "blue", "region: eu"),
            ),
            "Where clusters of a region are described, an environment names only those.",
        ),
        (Environment,),
        _unknown,
    ),
    Rule(
        Code(
            "TEL234",
            "an account of another provider",
            "Nothing could be made there: the bill, the rights and the region are of different"
            " clouds.",
            documents(
                _place("Region", "eu", "provider: aws\naccount: live"),
                _place("Account", "live", "provider: gcp"),
            ),
            documents(
                _place("Region", "eu", "provider: aws\naccount: live"),
                _place("Account", "live", "provider: aws"),
            ),
            "Region, Account and Cluster are of the same provider; an account that lists `regions` is"
            " used in those; an environment that lists accounts has one for the provider of each of"
            " its regions (a warning).",
        ),
        (Region, Cluster, Environment),
        _accounts,
    ),
    Rule(
        Code(
            "TEL235",
            "a cluster that cannot be of its sort",
            "Machines of one's own, pools and managed services do not go together in every way.",
            _place("Cluster", "quay", "type: ecs\nhosts: [{name: a}]"),
            _place("Cluster", "quay", "type: hosts\nhosts: [{name: a}]"),
            "`hosts` and `pools` fit `type`, `service` is a Kubernetes service of the region's provider,"
            " and no two hosts answer at one address.",
        ),
        (Cluster,),
        _sort,
    ),
)
