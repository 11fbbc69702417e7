"""The view models: pure functions from estate and records to what the pages say."""

import itertools
import pathlib

import portal_scene
import pytest
from portal_scene import Scene, policy

from telford.app import (
    catalogue,
    connections,
    loading,
    map_page,
    objective_page,
    release_acts,
    release_page,
    release_series,
)
from telford.basics.errors import RefusedError
from telford.deliver.state import Entry, State
from telford.estate.loading import load as load_estate
from telford.estate.place import Place
from telford.portal import evidence, picture, texts
from telford.portal.wired import signature


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> loading.Loaded:
    """Forty systems of ten services, each using the next."""
    lines = []
    for system in range(40):
        lines.append(f"kind: System\nname: sys{system}\nowner: team/t{system % 3}\n")
        for number in range(10):
            after = f"{{service: s{number + 1}}}" if number < 9 else ""
            lines.append(
                f"kind: Service\nname: s{number}\nsystem: sys{system}\nowner: team/t{system % 3}\n"
                f"tier: {number % 3}\nuses: [{after}]\n"
            )
    text = "---\n".join(f"apiVersion: telford/v1\n{line}" for line in lines)
    folder = tmp_path_factory.mktemp("many")
    (folder / "all.yaml").write_text(text)
    return loading.load_folder(folder)


@pytest.fixture(scope="module")
def index(many: loading.Loaded) -> catalogue.Index:
    return catalogue.index(many.estate)


@pytest.fixture(scope="module")
def known(many: loading.Loaded) -> connections.Connections:
    return connections.connect(many.estate)


def test_a_map_too_large_to_read_folds_into_systems(
    index: catalogue.Index, known: connections.Connections
) -> None:
    whole = map_page.draw(index, known, map_page.Query())
    assert len(whole.folded) == len(whole.nodes) == 40
    assert {node.size for node in whole.nodes} == {10}
    assert whole.matching == 400
    inside = map_page.draw(index, known, map_page.Query(system="sys7"))
    assert inside.folded == inside.opened == ()
    assert len(inside.nodes) == 10
    assert len(inside.edges) == 9


def test_a_folded_system_opens_alone_or_with_all_others(
    index: catalogue.Index, known: connections.Connections
) -> None:
    one = map_page.draw(index, known, map_page.Query(opened=("sys7", "nowhere")))
    assert (len(one.folded), one.opened, len(one.nodes)) == (39, ("sys7",), 49)
    everything = map_page.draw(index, known, map_page.Query(opened=(map_page.ALL,)))
    assert (everything.folded, len(everything.nodes), len(everything.opened)) == ((), 400, 40)


def test_few_things_fold_into_systems_where_the_context_map_is_asked_for(
    index: catalogue.Index, known: connections.Connections
) -> None:
    few = map_page.Query(owner="team/t1", tier=0, opened=(map_page.NONE,))
    drawn = map_page.draw(index, known, few)
    assert (drawn.matching, len(drawn.folded), drawn.opened) == (52, 13, ())
    one = map_page.Query(owner="team/t1", tier=0, opened=(map_page.NONE, "sys1"))
    assert map_page.draw(index, known, one).opened == ("sys1",)


def test_what_does_not_fit_stays_folded(
    index: catalogue.Index, known: connections.Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(map_page, "MAX_NODES", 60)
    drawn = map_page.draw(index, known, map_page.Query(opened=(map_page.ALL,)))
    assert len(drawn.nodes) == 58  # forty systems, two of them as their ten things
    assert (len(drawn.folded), drawn.left_out) == (38, 0)
    monkeypatch.setattr(map_page, "MAX_NODES", 30)
    assert map_page.draw(index, known, map_page.Query()).left_out == 100
    monkeypatch.setattr(map_page, "MAX_NODES", 700)
    monkeypatch.setattr(map_page, "MAX_EDGES", 50)
    few = map_page.draw(index, known, map_page.Query(opened=(map_page.ALL,)))
    assert (len(few.edges), few.weaker) == (50, 310)


def test_a_focus_draws_what_is_near_whatever_its_size(
    index: catalogue.Index, known: connections.Connections
) -> None:
    query = map_page.Query(focus="service/sys3.s5", depth=1)
    drawn = map_page.draw(index, known, query)
    assert [node.label for node in drawn.nodes] == ["s4", "s5", "s6"]
    assert [node.focus for node in drawn.nodes] == [False, True, False]
    assert [node.column for node in drawn.nodes] == [-1, 0, 1]
    picture = map_page.picture(drawn)
    assert [rect.x for _, rect in picture.things] == sorted(rect.x for _, rect in picture.things)


def test_the_map_filters_by_team_tier_and_kind_and_keeps_the_focus(
    index: catalogue.Index, known: connections.Connections
) -> None:
    query = map_page.Query(focus="service/sys3.s5", depth=3, tier=1)
    labels = [node.label for node in map_page.draw(index, known, query).nodes]
    assert labels == ["s4", "s5", "s7"]
    assert map_page.draw(index, known, map_page.Query(kind="Datastore")).nodes == ()
    team = map_page.draw(index, known, map_page.Query(owner="team/t1"))
    assert team.matching == 130


def test_filters_and_words_must_all_match(index: catalogue.Index) -> None:
    found = catalogue.find(index, catalogue.Query(text="sys3. s1", kind="Service"))
    assert [row.address for row in found.rows] == ["service/sys3.s1"]
    both = catalogue.Query(owner="team/t1", tier=2, kind="Service")
    assert catalogue.find(index, both).total == 39


def test_a_page_beyond_the_end_is_the_last_row(index: catalogue.Index) -> None:
    found = catalogue.find(index, catalogue.Query(offset=10_000, limit=10_000))
    assert found.total == 440
    assert found.first == found.last == 440


def test_descending_is_ascending_turned_round(index: catalogue.Index) -> None:
    up = catalogue.find(index, catalogue.Query(sort="name", limit=500)).rows
    down = catalogue.find(index, catalogue.Query(sort="name", descending=True, limit=500)).rows
    assert down == up[::-1]


def test_the_best_match_is_what_a_person_means(index: catalogue.Index) -> None:
    assert catalogue.best(index, "sys12", 3)[0].address == "system/sys12"
    assert catalogue.best(index, "", 3) == ()


def test_the_blast_radius_goes_against_the_arrows(known: connections.Connections) -> None:
    assert known.blast("service/sys0.s2") == ("service/sys0.s1", "service/sys0.s0")


def test_a_picture_leaves_out_what_does_not_fit_and_counts_it(
    index: catalogue.Index, known: connections.Connections
) -> None:
    row = index.by_address["service/sys0.s1"]
    edges = known.uses[row.address] * (picture.MAX_SIDE + 3)
    drawing = picture.draw(row, edges, (), index)
    assert drawing is not None
    assert drawing.left_out == 3
    assert picture.draw(row, (), (), index) is None


def entries_of(scene: Scene, key: str) -> tuple[Entry, ...]:
    return tuple(Entry.from_json(one.entry) for one in scene.store.ledger.of(key))


def test_the_sentence_of_a_release_on_its_way(played: Scene) -> None:
    release = played.store.releases.get("storefront-3")
    assert release is not None
    view = release_page.page(release, entries_of(played, "storefront-3"), played.clock.now())
    assert view.sentence.startswith("storefront 1.3.0 is at 10% in dev; ")
    assert "needed to roll back" in view.sentence
    assert view.rps == pytest.approx(portal_scene.RPS, rel=0.1)


def test_the_sentence_of_each_end_says_how_and_how_many_were_harmed(played: Scene) -> None:
    for key, words in (("storefront-1", "serves all of dev"), ("storefront-2", "was rolled back")):
        release = played.store.releases.get(key)
        assert release is not None
        said = release_page.page(release, (), played.clock.now()).sentence
        assert words in said
        assert "harmed" in said


def test_a_plan_is_what_the_engine_itself_would_do(played: Scene) -> None:
    release = played.store.releases.get("storefront-3")
    assert release is not None
    state, now = State.from_json(release.state), played.clock.now()
    assert "from 10% to 0%" in release_acts.plan(state, "abort", now)[0]
    assert "from 10% to 100%" in release_acts.plan(state, "promote", now)[0]
    assert "stays at 10%" in release_acts.plan(state, "pause", now)[0]
    with pytest.raises(RefusedError):
        release_acts.plan(state, "resume", now)


def test_no_act_is_possible_on_what_has_ended(played: Scene) -> None:
    release = played.store.releases.get("storefront-1")
    assert release is not None
    acts = release_acts.acts(State.from_json(release.state), played.clock.now())
    assert [act.possible for act in acts] == [False] * len(release_acts.VERBS)
    assert {act.refusal for act in acts} == {"it is already promoted"}


def test_the_series_is_bounded_and_keeps_the_newest(played: Scene, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    entries = entries_of(played, "storefront-1")
    assert len(entries) > 20
    monkeypatch.setattr(release_series, "MAX_POINTS", 20)
    series = release_series.series(entries, policy(), "1.0.0", "1.1.0")
    assert len(series["at"]) == 20
    assert series["tick"][-1] == entries[-1].tick
    assert series["tick"][0] == entries[0].tick


def test_the_series_counts_what_the_evidence_counted(played: Scene) -> None:
    release = played.store.releases.get("storefront-1")
    assert release is not None
    series = release_series.series(entries_of(played, "storefront-1"), policy(), "1.0.0", "1.1.0")
    evidence_of = State.from_json(release.state).evidence[0]
    requests, bad = evidence_of.canary
    assert series["indicators"]["errors"]["canary"][-1] == pytest.approx(bad / requests)


def test_the_same_version_has_the_same_colour_and_two_never_share_one() -> None:
    versions = [f"1.{number}.0" for number in range(20)]
    first = release_page.colours(versions, "1.0.0", "1.1.0")
    second = release_page.colours(versions, "1.1.0", "1.2.0")
    assert first[1] == second[0]
    for before, after in itertools.pairwise(versions):
        stable, canary = release_page.colours(versions, before, after)
        assert stable != canary
    assert release_page.colours(versions, "1.0.0", "1.6.0")[0] != 1


def test_entries_are_read_once_and_forgotten_when_they_are_many(played: Scene, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    entries = evidence.Entries(played.store)
    assert entries.of("storefront-1") == entries_of(played, "storefront-1")
    assert entries.of("storefront-1")[0] is entries.of("storefront-1")[0]
    monkeypatch.setattr(evidence, "MAX_KEPT", 5)
    entries.of("storefront-2")
    assert list(entries._kept) == ["storefront-2"]


def test_the_tightest_objective_is_the_allowance_of_its_indicator(played: Scene) -> None:
    estate = played.watch.current().estate
    found = played.store.objectives.of("dev", "service/shop.storefront")
    allowances = objective_page.allowances(estate, found)
    assert allowances["errors"].left == pytest.approx(60)
    assert allowances["slowness"].left == pytest.approx(10)


def test_objectives_come_worst_first(played: Scene) -> None:
    estate = played.watch.current().estate
    pages = objective_page.pages(estate, Place("dev"), played.store.objectives.of("dev"))
    assert pages[0].state == "exhausted"
    assert pages[-1].state == "ok"


def test_an_objective_is_shown_as_the_place_has_it() -> None:
    head = "apiVersion: telford/v1\nkind: "
    text = f"{head}Environment\nname: dev\n---\n{head}Objective\nname: fast\nservice: shop\n"
    text += "target: 99%\nsli: {latency: {threshold: 300ms}}\n"
    text += "in: {dev: {target: 98%, sli: {latency: {threshold: 500ms}}}}\n"
    estate = load_estate({"e.yaml": text}).estate
    (at_base,) = objective_page.pages(estate, None, ())
    (in_dev,) = objective_page.pages(estate, Place("dev"), ())
    assert at_base.promise == "99% of requests within 300ms over 30d"
    assert in_dev.promise == "98% of requests within 500ms over 30d"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0%"),
        (1, "100%"),
        (0.995, "99.5%"),
        (0.99999, ">99.99%"),
        (0.5, "50%"),
        (0.0123, "1.2%"),
        (0.005, "0.50%"),
        (0.000002, "<0.001%"),
    ],
)
def test_a_rate_is_written_with_the_digits_it_needs(value: float, text: str) -> None:
    assert texts.rate(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "unknown"),
        (0, "0×"),
        (0.03, "<0.1×"),
        (14.4, "14.4×"),
        (6, "6×"),
        (250.4, "250×"),
        (float("inf"), "over 1,000×"),
    ],
)
def test_a_ratio_is_written_as_far_as_it_means_something(value: float | None, text: str) -> None:
    assert texts.times(value) == text


def test_nearly_all_is_never_all() -> None:
    assert texts.share(0.999) == ">99%"
    assert texts.share(0.001) == "<1%"
    assert texts.share(1.0) == "100%"


def test_a_sparkline_leaves_gaps_open() -> None:
    drawn = picture.spark([0.1, 0.2, None, 0.1], 0.5)
    assert drawn is not None
    assert drawn.line.count("M") == 2
    assert picture.spark([None, None], 0.5) is None


def test_the_signature_moves_with_every_change_and_not_without(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1")
    (tmp_path / ".hidden").mkdir()
    first = signature(tmp_path)
    (tmp_path / ".hidden" / "b.yaml").write_text("b: 1")
    (tmp_path / "notes.txt").write_text("nothing")
    assert signature(tmp_path) == first
    (tmp_path / "c.yaml").write_text("c: 1")
    assert signature(tmp_path) != first
