"""Gates of deliveries: people who can be found, hours that exist, patterns and URLs that work."""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from telford.analysis import people
from telford.analysis.people import Group
from telford.basics import units
from telford.basics.diagnostics import Severity
from telford.estate.codes import Code, document, documents
from telford.estate.kinds import gates as kinds
from telford.estate.kinds.change import Delivery
from telford.estate.kinds.contracts import Contract
from telford.estate.kinds.promises import Objective
from telford.rules.rule import Finding, Path, Rule, Subject

# What a URL or an argument of a hook may name, see `telford.flows.gating`.
PLACES = (
    "release", "service", "place", "from", "version", "step", "weight", "gate", "at", "who", "record",
)  # fmt: skip
# A call holds one of the few threads that also move traffic; a program may take a little longer.
LONGEST_CALL_SECONDS = 60
LONGEST_RUN_SECONDS = 300
SHORTEST_INTERVAL_SECONDS = 1
_PLACE = re.compile(r"\{([^{}]*)\}")
_LOCAL = frozenset({"localhost"})
_NEEDED = frozenset({"service", "datastore", "stream"})


def _gates(subject: Subject) -> Iterator[tuple[Path, kinds.Gate]]:
    spec = subject.spec
    assert isinstance(spec, Delivery)
    for index, gate in enumerate(spec.gates):
        if not subject.lost("gates", index):
            yield ("gates", index), gate


def _groups(subject: Subject) -> Iterator[tuple[Path, kinds.People, int]]:
    """Every group of people: where it stands, who, and how many of them are needed."""
    for path, gate in _gates(subject):
        if gate.approval is not None:
            yield (*path, "approval"), gate.approval, gate.approval.count
        if gate.override is not None:
            yield (*path, "override"), gate.override, 1


def _hooks(subject: Subject) -> Iterator[tuple[Path, kinds.Webhook]]:
    for path, gate in _gates(subject):
        if gate.webhook is not None:
            yield (*path, "webhook"), gate.webhook
        if gate.record is not None and gate.record.lookup is not None:
            yield (*path, "record", "lookup"), gate.record.lookup


def _possible(subject: Subject) -> Iterator[Finding]:
    """Enough people, one of whom may have started the release."""
    estate, world = subject.world.estate, subject.world
    hidden = any(address.kind in {*people.KINDS, ""} for address in world.broken)
    for path, group, count in _groups(subject):
        named = (*group.by, *group.forbid)
        if hidden or subject.lost(*path, "by") or any(not estate.find(one) for one in named):
            continue
        found = people.members(estate, Group(group.by, group.level or "", group.forbid))
        key = "count" if path[-1] == "approval" and count > 1 else "by"
        at = (*path, key) if getattr(group, key, None) else path
        if len(found) < count:
            yield Finding(
                at,
                f"{_so_many(len(found))} could do it, and {count} must",
                "name more people in `by`, or lower `level` or `count`",
            )
        elif len(found) == count and path[-1] == "approval":
            names = ", ".join(str(one.address) for one in found)
            yield Finding(
                at,
                f"when one of {names} starts a release, nobody is left to approve it",
                "name one person more: nobody approves what they started",
                lenient=True,
            )


def _so_many(count: int) -> str:
    return {0: "nobody", 1: "one person"}.get(count, f"{count} people")


def _people(subject: Subject) -> Iterator[Finding]:
    for path, group, _ in _groups(subject):
        for key, texts in (("by", group.by), ("forbid", group.forbid)):
            for index, text in enumerate(texts):
                if text.partition("/")[0] not in people.KINDS:
                    yield Finding(
                        (*path, key, index),
                        f"`{text}` is no team, person or rota",
                        "write team/NAME, person/NAME or rota/NAME",
                    )


def _overridden(subject: Subject) -> Iterator[Finding]:
    for path, gate in _gates(subject):
        if gate.approval is not None and gate.override is not None:
            yield Finding(
                (*path, "override"),
                "an approval that can be overridden is no approval",
                "take `override` away, and name in `by` who may approve",
                key=True,
            )


def _windows(subject: Subject) -> Iterator[Finding]:
    world = subject.world
    if any(address.kind in {"window", ""} for address in world.broken):
        return
    for path, gate in _gates(subject):
        empty = gate.window is not None and not gate.window.of
        if empty and next(world.estate.of_kind("Window"), None) is None:
            yield Finding(
                (*path, "window"),
                "the estate has no window, so this gate is always open",
                "describe a Window, or take the gate away",
                lenient=True,
            )


def _patterns(subject: Subject) -> Iterator[Finding]:
    for path, gate in _gates(subject):
        if gate.record is None:
            continue
        try:
            empty = re.compile(gate.record.pattern).search("") is not None
        except (re.error, RecursionError, OverflowError) as error:
            yield Finding(
                (*path, "record", "pattern"),
                f"`{gate.record.pattern}` is no regular expression: {error}",
                r"write one that finds an id, such as CHG-\d+",
            )
            continue
        if empty:
            yield Finding(
                (*path, "record", "pattern"),
                f"`{gate.record.pattern}` also fits an empty text, so no id is ever asked for",
                r"let it ask for at least one character, such as CHG-\d+",
            )


def _urls(subject: Subject) -> Iterator[Finding]:
    for path, hook in _hooks(subject):
        found = _url(hook.url)
        if found is not None:
            words, fix, lenient = found
            yield Finding((*path, "url"), words, fix, lenient=lenient)


def _url(text: str) -> tuple[str, str, bool] | None:
    """What is wrong with a URL, what to do, and whether it is only unwise."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return f"`{text}` is no URL", "write it whole, such as https://example.com/gate", False
    if parts.scheme not in {"http", "https"} or not host or any(one.isspace() for one in text):
        return f"`{text}` is no web address", "write https://, a host and a path", False
    if parts.username is not None or parts.password is not None:
        fix = "take it out, and name the variable that holds it: `token`"
        return "a secret stands in the URL", fix, False
    if parts.scheme == "http" and not _local(host):
        fix = "use https"
        return "the question and its answer can be read and changed on their way", fix, True
    return None


def _local(host: str) -> bool:
    """Whether a host is this machine, or a name that only a cluster knows."""
    if host in _LOCAL or "." not in host or host.endswith((".svc", ".cluster.local", ".internal")):
        return True
    try:
        return ip_address(host).is_private
    except ValueError:
        return False


def _dependencies(subject: Subject) -> Iterator[Finding]:
    for path, gate in _gates(subject):
        needed = gate.dependency
        if needed is None or subject.lost(*path, "dependency"):
            continue
        here: Path = (*path, "dependency")
        kind = needed.on.partition("/")[0]
        if kind not in _NEEDED:
            fix = "write service/NAME, datastore/NAME or stream/NAME"
            yield Finding((*here, "on"), f"`{needed.on}` is nothing that runs", fix)
            continue
        asks = (needed.objectives, needed.settled, needed.version, needed.offers)
        if not any(asks):
            fix = "ask for `objectives`, `settled`, `version` or `offers`"
            yield Finding(here, "nothing is asked of it, so this gate is always open", fix)
        if needed.objectives is not None and not _promises(subject, needed.on):
            fix = f"describe an Objective of {needed.on}, or do not ask for `objectives`"
            yield Finding((*here, "objectives"), f"{needed.on} has no objective", fix)
        yield from _offers(subject, here, needed)


def _promises(subject: Subject, address: str) -> bool:
    world = subject.world
    named = {str(one.address) for one in world.estate.find(address)}
    if not named or any(one.kind in {"objective", ""} for one in world.broken):
        return True
    for one in world.estate.of_kind("Objective"):
        spec = one.spec
        assert isinstance(spec, Objective)
        if not named.isdisjoint(world.index.refer("Service", spec.service, spec)):
            return True
    return False


def _offers(subject: Subject, here: Path, needed: kinds.DependencyGate) -> Iterator[Finding]:
    if needed.offers is None:
        return
    found = subject.world.index.refer("Contract", needed.offers.contract, subject.spec)
    if len(found) != 1:
        return
    contract = subject.world.estate.entities[found[0]].spec
    assert isinstance(contract, Contract)
    known = [one.version for one in contract.versions]
    if needed.offers.version not in known:
        yield Finding(
            (*here, "offers", "version"),
            f"{found[0]} has no version {needed.offers.version}",
            f"one of: {', '.join(known)}",
        )


def _asked(subject: Subject) -> Iterator[tuple[Path, kinds.Webhook | kinds.CommandGate, int]]:
    """Everything that is asked, and how long that may take at most, in seconds."""
    for path, gate in _gates(subject):
        if gate.command is not None:
            yield (*path, "command"), gate.command, LONGEST_RUN_SECONDS
    for path, hook in _hooks(subject):
        yield path, hook, LONGEST_CALL_SECONDS


def _limits(subject: Subject) -> Iterator[Finding]:
    for path, hook, longest in _asked(subject):
        if not 0 < units.seconds(hook.limit) <= longest:
            yield Finding(
                (*path, "limit"),
                f"a call may take more than nothing and at most {units.duration_text(longest)}",
                "let it say `not yet` at once: it is asked again and again",
            )
        if units.seconds(hook.interval) < SHORTEST_INTERVAL_SECONDS:
            yield Finding(
                (*path, "interval"),
                "it would be asked without a pause",
                "write 30s, or 1s at least",
            )


def _names(subject: Subject) -> Iterator[Finding]:
    seen: set[str] = set()
    for path, gate in _gates(subject):
        if gate.name in seen:
            yield Finding(
                (*path, "name"),
                f"there is another gate `{gate.name}`",
                "give each a name of its own: people name it when they approve",
            )
        seen.add(gate.name)


def _places(subject: Subject) -> Iterator[Finding]:
    texts: list[tuple[Path, str]] = [((*path, "url"), hook.url) for path, hook in _hooks(subject)]
    for path, gate in _gates(subject):
        for index, text in enumerate(gate.command.run if gate.command is not None else ()):
            texts.append(((*path, "command", "run", index), text))
    for path, text in texts:
        for name in _PLACE.findall(text):
            if name not in PLACES and (path[-1] == "url" or name.isalpha()):
                yield Finding(
                    path,
                    f"nothing is known by the name {{{name}}}, so it stays as it is",
                    f"one of: {', '.join(f'{{{one}}}' for one in PLACES)}",
                    lenient=True,
                )


_ADA = "apiVersion: telford/v1\nkind: Person\nname: ada\n"
_BOB = "apiVersion: telford/v1\nkind: Person\nname: bob\n"


def _delivery(gate: str, *others: str) -> str:
    fields = f"steps: [{{weight: 10%}}]\ngates:\n  - {gate}"
    return documents(*others, document("Delivery", "careful", fields))


RULES = (
    Rule(
        Code(
            "TEL730",
            "a gate that nobody could open",
            "A release would wait there for ever.",
            _delivery("{name: two, approval: {count: 2}}", _ADA),
            _delivery("{name: two, approval: {count: 1}}", _ADA, _BOB),
            "There are at least as many people as an approval or an override asks for. Where there are"
            " just as many it is a warning, for nobody approves what they started.",
        ),
        (Delivery,),
        _possible,
    ),
    Rule(
        Code(
            "TEL731",
            "people who are none",
            "Nobody belongs to a service.",
            _delivery(
                "{name: yes, approval: {by: [service/till, person/ada, person/bob]}}",
                _ADA,
                _BOB,
                document("Service", "till", ""),
            ),
            _delivery("{name: yes, approval: {by: [person/ada, person/bob]}}", _ADA, _BOB),
            "`by` and `forbid` name teams, people and rotas.",
        ),
        (Delivery,),
        _people,
    ),
    Rule(
        Code(
            "TEL732",
            "an approval that can be overridden",
            "Four eyes are asked for, and two would do.",
            _delivery("{name: yes, approval: {}, override: {by: [person/ada]}}", _ADA, _BOB),
            _delivery("{name: yes, approval: {}}", _ADA, _BOB),
            "An approval has no `override`.",
        ),
        (Delivery,),
        _overridden,
    ),
    Rule(
        Code(
            "TEL733",
            "a calendar without a window",
            "The gate looks like a protection, and is none.",
            _delivery("{name: hours, window: {}}"),
            _delivery(
                "{name: hours, window: {}}",
                document(
                    "Window", "nights", 'type: freeze\nweekly: [{from: "22:00", to: "06:00"}]'
                ),
            ),
            "A gate of windows finds at least one in the estate.",
        ),
        (Delivery,),
        _windows,
    ),
    Rule(
        Code(
            "TEL734",
            "a pattern that finds nothing, or anything",
            "No id fits it, or an empty reason does.",
            _delivery("{name: change, record: {pattern: 'CHG-['}}"),
            _delivery("{name: change, record: {pattern: 'CHG-[0-9]+'}}"),
            "The `pattern` of a change record is a regular expression that an empty text does not fit.",
        ),
        (Delivery,),
        _patterns,
    ),
    Rule(
        Code(
            "TEL735",
            "a URL that cannot be asked, or should not",
            "The gate would never open, or a secret would stand in the estate.",
            _delivery('{name: qa, webhook: {url: "ftp://example.com/gate"}}'),
            _delivery('{name: qa, webhook: {url: "https://example.com/gate"}}'),
            "Webhooks are `https`, or `http` on the own machine or network, without a user in the URL.",
        ),
        (Delivery,),
        _urls,
    ),
    Rule(
        Code(
            "TEL736",
            "a dependency that cannot be asked for",
            "The gate would always be closed, or always open.",
            _delivery(
                "{name: till, dependency: {on: service/till, objectives: ok}}",
                document("Service", "till", ""),
            ),
            _delivery(
                "{name: till, dependency: {on: service/till, objectives: ok}}",
                document("Service", "till", ""),
                document(
                    "Objective", "till", "service: till\ntarget: 99%\nsli: {availability: {}}"
                ),
            ),
            "What is asked of a dependency can be known: an objective that it has, a version that its"
            " contract names.",
        ),
        (Delivery,),
        _dependencies,
    ),
    Rule(
        Code(
            "TEL737",
            "a call that takes too long, or comes too often",
            "It would take from other releases what moves their traffic.",
            _delivery('{name: qa, webhook: {url: "https://example.com/gate", limit: 10m}}'),
            _delivery('{name: qa, webhook: {url: "https://example.com/gate", limit: 10s}}'),
            "A webhook takes at most 60 s, a command at most 5 min, and both have a pause of 1 s.",
        ),
        (Delivery,),
        _limits,
    ),
    Rule(
        Code(
            "TEL738",
            "two gates of one name",
            "Whoever approves names a gate, and an overlay merges gates by their names.",
            _delivery("{name: wait, soak: {time: 1h}}\n  - {name: wait, soak: {time: 2h}}"),
            _delivery("{name: wait, soak: {time: 1h}}\n  - {name: wait-more, soak: {time: 2h}}"),
            "Every gate of a delivery has a name of its own.",
        ),
        (Delivery,),
        _names,
    ),
    Rule(
        Code(
            "TEL739",
            "a place that nothing is put into",
            "The braces would be sent as they are.",
            _delivery('{name: qa, webhook: {url: "https://example.com/gate/{versoin}"}}'),
            _delivery('{name: qa, webhook: {url: "https://example.com/gate/{version}"}}'),
            "Webhooks and commands name what is known of a release.",
        ),
        (Delivery,),
        _places,
        severity=Severity.WARNING,
    ),
)
