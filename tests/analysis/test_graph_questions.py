"""Every question asked of the graph, against the slowest and plainest answer on small estates."""

import itertools

from hypothesis import given, settings

import graph_estates as ge
from graph_estates import Drawn, address, drawn
from telford.analysis import chains, contexts, cycles, orphans, paths, shared
from telford.estate.graph import Graph

few = settings(max_examples=120, deadline=None)


def reached(one: Drawn, start: int, critical: bool = False) -> dict[int, int]:
    """Steps to each, by trying again and again."""
    steps = {start: 0}
    for depth in range(one.size):
        for node in [n for n, d in steps.items() if d == depth]:
            for other in one.neighbours(node, critical):
                steps.setdefault(other, depth + 1)
    return steps


def simple(one: Drawn, start: int, end: int) -> list[tuple[int, ...]]:
    """Every order of every choice of things between the two that is a way."""
    between = [n for n in range(one.size) if n not in (start, end)]
    ways = []
    for count in range(len(between) + 1):
        for middle in itertools.permutations(between, count):
            way = (start, *middle, end)
            if all(pair in one.uses for pair in itertools.pairwise(way)):
                ways.append(way)
    return ways


@few
@given(drawn())
def test_reach_counts_steps_and_knows_whether_a_failure_is_passed_on(one: Drawn):
    graph = one.graph
    hard = {n for n in reached(one, 0, critical=True) if n}
    for depth in (None, 0, 1, 2):
        expected = sorted(
            (steps, address(n), n in hard)
            for n, steps in reached(one, 0).items()
            if n and (depth is None or steps <= depth)
        )
        found = graph.dependencies(address(0), depth)
        assert [(r.depth, r.address, r.critical) for r in found] == expected


@few
@given(drawn())
def test_dependents_are_dependencies_turned_round(one: Drawn):
    turned = Drawn(one.size, {(b, a): hard for (a, b), hard in one.uses.items()})
    assert one.graph.dependents(address(0)) == turned.graph.dependencies(address(0))


@few
@given(drawn(most=6))
def test_paths_are_all_simple_paths_shortest_first(one: Drawn):
    found = paths.paths(one.graph, address(0), address(one.size - 1), 10_000, 10_000)
    ways = sorted(simple(one, 0, one.size - 1), key=lambda w: (len(w), w)) if one.size > 1 else []
    assert [p.addresses for p in found.paths] == [tuple(address(n) for n in w) for w in ways]
    assert found.cut == ""
    between = [set(w[1:-1]) for w in ways]
    assert set(found.through) == {address(n) for n in set.intersection(*between or [set()])}
    for path, way in zip(found.paths, ways, strict=True):
        assert path.critical == all(one.uses[pair] for pair in itertools.pairwise(way))


@few
@given(drawn(most=6))
def test_paths_that_are_cut_are_the_first_of_all_and_say_so(one: Drawn):
    ends = address(0), address(one.size - 1)
    whole = paths.paths(one.graph, *ends, 10_000, 10_000)
    cut = paths.paths(one.graph, *ends, 2)
    assert cut.paths == whole.paths[:2]
    assert (cut.cut != "") == (len(whole.paths) > 2)
    assert cut.through == whole.through
    short = paths.paths(one.graph, *ends, 10_000, 1)
    least = len(whole.paths[0].edges) if whole.paths else 0
    assert short.paths == tuple(p for p in whole.paths if len(p.edges) <= max(1, least))


@few
@given(drawn())
def test_cycles_are_the_groups_that_reach_themselves_each_with_its_shortest(one: Drawn):
    far = [reached(one, n) for n in range(one.size)]
    groups = {
        frozenset(m for m in range(one.size) if m in far[n] and n in far[m])
        for n in range(one.size)
    }
    expected = {tuple(address(n) for n in sorted(g)) for g in groups if len(g) > 1}
    found = cycles.cycles(one.graph)
    assert {c.members for c in found} == expected
    for cycle in found:
        numbers = [int(a[-3:]) for a in cycle.shortest]
        closed = [*numbers, numbers[0]]
        assert all(pair in one.uses for pair in itertools.pairwise(closed))
        assert cycle.sure
        assert len(numbers) == min(
            1 + reached(one, b)[a]
            for a, b in one.uses
            if {address(a), address(b)} <= set(cycle.members)
        )
        hard = [int(a[-3:]) for a in cycle.critical]
        assert all(one.uses[pair] for pair in itertools.pairwise([*hard, *hard[:1]]))
        assert bool(hard) == any(
            m in reached(one, n, True) and n in reached(one, m, True)
            for n, m in itertools.permutations([int(a[-3:]) for a in cycle.members], 2)
        )


@few
@given(drawn())
def test_common_counts_who_needs_what_as_asking_each_in_turn_would(one: Drawn):
    graph = one.graph
    askers = [address(n) for n in range(0, one.size, 2)]
    needed = {a: {r.address: r.critical for r in graph.dependencies(a)} for a in askers}
    found = {s.address: s for s in shared.common(graph, askers).things}
    for number in range(one.size):
        wanting = [a for a in askers if address(number) in needed[a]]
        one_found = found.get(address(number))
        assert (one_found is not None) == (len(wanting) > 1)
        if one_found is not None:
            assert one_found.askers == len(wanting)
            assert one_found.critical == sum(needed[a][address(number)] for a in wanting)
            assert one_found.direct == sum((int(a[-3:]), number) in one.uses for a in wanting)


@few
@given(drawn(most=6))
def test_the_longest_chain_is_the_longest_way_over_groups(one: Drawn):
    hard = Drawn(one.size, {p: True for p, critical in one.uses.items() if critical})
    group = {n: min(m for m in reached(hard, n) if n in reached(hard, m)) for n in range(one.size)}
    between = Drawn(
        one.size, {(group[a], group[b]): True for a, b in hard.uses if group[a] != group[b]}
    )
    ways = [w for a, b in itertools.permutations(range(one.size), 2) for w in simple(between, a, b)]
    longest = chains.critical_path(one.graph).longest
    assert longest.steps == max((len(w) - 1 for w in ways), default=0)
    for edge, (before, after) in zip(
        longest.edges, itertools.pairwise(longest.groups), strict=True
    ):
        assert edge.critical
        assert edge.source in before
        assert edge.target in after


@few
@given(drawn())
def test_orphans_are_what_their_definitions_say(one: Drawn):
    found = orphans.orphans(one.graph)
    users = {b for _, b in one.uses}
    givers = {a for a, _ in one.uses}
    alone = {address(n) for n in range(one.size) if n not in users | givers}
    assert set(found.isolated) == alone
    assert set(found.unused) == {address(n) for n in givers - users}
    assert found.unreachable == ()  # no service here has a route


def chained(*uses: str) -> Graph:
    """a -> b -> c -> ... with what each says of the next."""
    names = "abcdefgh"[: len(uses) + 1]
    texts = [
        f"apiVersion: telford/v1\nkind: Service\nname: {names[n]}\nuses: [{{service: {names[n + 1]}, {use}}}]\n"
        for n, use in enumerate(uses)
    ]
    texts.append(f"apiVersion: telford/v1\nkind: Service\nname: {names[-1]}\n")
    return Graph(ge.estate("---\n".join(texts)))


def test_waiting_is_the_timeout_as_often_as_it_is_tried():
    (edge,) = chained("timeout: 1500ms, retries: 2").outgoing("service/a")
    assert float(chains.waiting(edge)) == 4.5
    (edge,) = chained("retries: 2").outgoing("service/a")
    assert float(chains.waiting(edge)) == 0


def test_the_slowest_chain_says_what_its_first_allows_and_what_may_be_waited_below():
    graph = chained("timeout: 2s", "timeout: 1s, retries: 1", "timeout: 500ms")
    found = chains.critical_path(graph)
    assert found.slowest is not None
    assert found.slowest.addresses == ("service/a", "service/b", "service/c", "service/d")
    assert found.slowest.wait_seconds == 4.5
    assert found.slowest.allowed_seconds == 2.0
    assert found.slowest.below_seconds == 2.5


def test_a_caller_that_gives_up_before_what_it_calls_is_named_the_worst_first():
    graph = chained("timeout: 1s", "timeout: 1s, retries: 3", "timeout: 900ms", "timeout: 950ms")
    found = chains.critical_path(graph)
    assert [(i.call.source, i.needed_seconds) for i in found.impatient] == [
        ("service/a", 4.0), ("service/c", 0.95),
    ]  # fmt: skip
    assert found.early == 2
    assert chains.critical_path(graph, ["service/b"]).early == 1


def test_without_a_timeout_there_is_no_slowest_chain():
    found = chains.critical_path(chained("critical: true", "critical: false"))
    assert found.slowest is None
    assert found.longest.addresses == ("service/a", "service/b")


STREAMS = """
{apiVersion: telford/v1, kind: Service, name: shop, routes: [{host: shop.example}], uses: [{service: api}]}
---
{apiVersion: telford/v1, kind: Service, name: api, uses: [{stream: placed, role: publish}]}
---
{apiVersion: telford/v1, kind: Service, name: lost, uses: [{service: found}]}
---
{apiVersion: telford/v1, kind: Service, name: found}
---
{apiVersion: telford/v1, kind: Service, name: alone}
---
{apiVersion: telford/v1, kind: Service, name: nightly, type: cron}
---
{apiVersion: telford/v1, kind: Service, name: taker, type: worker, uses: [{stream: silent, role: consume}]}
---
{apiVersion: telford/v1, kind: Stream, name: placed, engine: kafka, deadLetter: dead}
---
{apiVersion: telford/v1, kind: Stream, name: dead, engine: kafka}
---
{apiVersion: telford/v1, kind: Stream, name: silent, engine: kafka}
---
{apiVersion: telford/v1, kind: Service, name: mender, type: worker, uses: [{stream: dead, role: consume}]}
"""


def test_orphans_know_entries_islands_and_streams_with_one_end():
    found = orphans.orphans(Graph(ge.estate(STREAMS)))
    assert found.entries == 4
    assert found.isolated == ("service/alone",)
    assert found.unused == ("service/lost",)
    assert found.unreachable == ("service/found",)
    assert found.unread == ("stream/placed",)
    assert found.unfed == ("stream/silent",)


SYSTEMS = """
{apiVersion: telford/v1, kind: Team, name: b}
---
{apiVersion: telford/v1, kind: System, name: shop}
---
{apiVersion: telford/v1, kind: System, name: pay}
---
{apiVersion: telford/v1, kind: Service, name: web, system: shop, owner: team/a, uses: [{service: pay.card, critical: false}, {datastore: pay.book, access: read, inferred: {from: URL}}, {service: cart}]}
---
{apiVersion: telford/v1, kind: Service, name: cart, system: shop, uses: [{stream: pay.paid, role: consume}]}
---
{apiVersion: telford/v1, kind: Service, name: card, system: pay, owner: team/b, uses: [{stream: paid, role: publish}, {service: alone}]}
---
{apiVersion: telford/v1, kind: Service, name: alone}
---
{apiVersion: telford/v1, kind: Datastore, name: book, system: pay, engine: postgres}
---
{apiVersion: telford/v1, kind: Stream, name: paid, system: pay, engine: kafka}
"""


def test_the_context_map_counts_what_ties_systems_together():
    found = contexts.contexts(Graph(ge.estate(SYSTEMS)))
    assert [(c.name, c.things, c.teams) for c in found.contexts] == [
        ("", 1, ()), ("pay", 3, ("team/b",)), ("shop", 2, ("team/a",)),
    ]  # fmt: skip
    (home, shop) = found.relations
    assert (home.source, home.target, home.words) == ("pay", "", "1 call")
    assert (shop.source, shop.target) == ("shop", "pay")
    assert (shop.calls, shop.data, shop.streams) == (1, 1, 1)
    assert (shop.critical, shop.inferred, shop.mutual) == (2, 1, False)


def test_a_system_and_a_team_stand_for_their_things():
    graph = Graph(ge.estate(SYSTEMS))
    assert graph.members("system/shop") == ("service/shop.cart", "service/shop.web")
    assert graph.members("team/b") == ("service/pay.card",)
    assert {r.address for r in graph.dependencies("system/shop", 1)} == {
        "service/pay.card", "datastore/pay.book", "stream/pay.paid",
    }  # fmt: skip
    assert "service/shop.web" in {r.address for r in graph.blast_radius("system/pay").entities}


def test_a_group_too_large_to_search_still_has_a_cycle_and_does_not_claim_the_shortest(monkeypatch):  # type: ignore[no-untyped-def]
    monkeypatch.setattr(cycles, "MAX_LOOKS", 1)
    ring = {(n, (n + 1) % 9): True for n in range(9)} | {(5, 3): True}
    (found,) = cycles.cycles(Graph(ge.estate_of(9, ring)))
    assert (len(found.shortest), found.sure) == (9, False)
