"""The plan on a page and as JSON: its states, its causes, and that nobody waits for it."""

import dataclasses
import json
import pathlib
import re
import sys
import threading
from collections.abc import Callable
from typing import Any

import plan_scene
import portal_scene
import pytest
from portal_client import Client

from telford.app import building, plan_page, planning, serving, workloads
from telford.app.building import Proposal
from telford.backends import output, process
from telford.basics.errors import PermanentError
from telford.cli import main
from telford.plan import table
from telford.portal import plans, topics, wired
from telford.portal.pages import plan as plan_view
from telford.store.store import Store

MANY = 60
ROAD = ("road.yaml", "  estate: estate\n", "  estate: estate\ndefaults:\n  rollout: {%s}\n")
SURGE = "maxUnavailable: 0, maxSurge: 50%"


@pytest.fixture
def scene(tmp_path: pathlib.Path) -> plan_scene.Planning:
    return plan_scene.Planning(tmp_path)


def change_the_road(scene: plan_scene.Planning, said: str = SURGE) -> None:
    name, old, new = ROAD
    scene.edit(name, old, new % said)


def words(text: str) -> str:
    """The text of a page without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


class Waiting:
    """A spawn that does the work when it is told to, as a thread that is slow does."""

    def __init__(self) -> None:
        self.work: list[Callable[[], None]] = []

    def __call__(self, work: Callable[[], None]) -> None:
        self.work.append(work)

    def finish(self) -> None:
        while self.work:
            self.work.pop(0)()


class Failing:
    """A planner that cannot."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def plan(self) -> Proposal:
        raise self.error


def test_without_a_folder_the_page_says_how_to_give_one(reader: Client) -> None:
    text = reader.get("/plan").text
    assert "telford up --out DIR" in text
    assert "telford plan --out DIR" in text
    answer = reader.get("/api/plan")
    assert answer.status_code == 409
    assert "--out DIR" in answer.json()["fix"]
    assert reader.get("/plan/lines?file=x").status_code == 404


def test_a_folder_that_is_as_the_estate_says_has_nothing_to_change(
    scene: plan_scene.Planning,
) -> None:
    text = words(scene.client().get("/plan").text)
    assert "Nothing would change" in text
    assert "files stay as they are" in text


def test_an_edit_is_shown_with_its_line_its_thing_its_meaning_and_both_values(
    scene: plan_scene.Planning,
) -> None:
    scene.edit("orders.yaml", "shop/orders:1.0.0", "shop/orders:1.1.0")
    text = scene.client().get("/plan").text
    said = words(text)
    assert "of 1 service change" in said or "of 2 things change" in said
    assert 'href="/catalogue/service/shop.orders"' in text
    assert "run.image" in said
    assert "orders.yaml:16" in said
    assert "shop/orders:1.0.0 registry.example.com/shop/orders:1.1.0" in said
    assert table.names()["releases"] in said
    assert f"telford build --out {scene.out}" in said


def test_the_gravest_stands_first(scene: plan_scene.Planning) -> None:
    change_the_road(scene)
    scene.edit("orders.yaml", "shop/orders:1.0.0", "shop/orders:1.1.0")
    told = scene.plans.current().told
    assert told is not None
    ranks = [list(table.names()).index(group.meanings[0].name) for group in told.groups]
    assert ranks == sorted(ranks)
    assert len(ranks) > 1
    first = min(told.report.summary, key=list(table.names()).index)
    assert told.sentence.index(table.names()[first]) < 60


def test_many_things_by_one_cause_are_one_line_with_a_list_page_by_page(
    scene: plan_scene.Planning,
) -> None:
    for number in range(MANY):
        scene.add(f"more-{number:02}.yaml", service(number))
    scene.build()
    change_the_road(scene)
    client = scene.client()
    text = client.get("/plan").text
    told = scene.plans.current().told
    assert told is not None
    (group,) = [one for one in told.groups if len(one.things) > MANY]
    assert text.count(f'id="cause-{group.key}"') == 1
    assert f"{group.count}, one by one" in text
    shown = re.findall(f'id="thing-{group.key}-', text)
    assert len(shown) == plan_view.NAMED
    pages = [client.get(f"/plan/cause/{group.key}?offset={offset}").text for offset in (0, 50)]
    listed = [len(re.findall(f'id="thing-{group.key}-', text)) for text in pages]
    assert listed == [50, len(group.things) - 50]
    assert 'rel="next"' in pages[0]
    assert 'rel="prev"' in pages[1]
    one = group.things[0].address
    alone = client.get(f"/plan/cause/{group.key}?thing={one}").text
    assert group.things[0].details[0].action.path in alone


def service(number: int) -> str:
    return (
        "apiVersion: telford/v1\nkind: Service\n"
        f"name: more-{number:02}\nsystem: shop\nowner: team/orders\ntype: http\ntier: 2\n"
        "description: One of many.\n"
        "run:\n  image: registry.example.com/shop/more:1.0.0\n  replicas: 1\n"
        "  ports: [{name: http, port: 8080}]\n"
        "  health: {ready: {path: /healthz, port: http}, live: {path: /healthz, port: http}}\n"
        "  resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {memory: 32Mi}}\n"
    )


def test_the_lines_of_a_file_come_when_they_are_asked_for(scene: plan_scene.Planning) -> None:
    scene.edit("orders.yaml", "shop/orders:1.0.0", "shop/orders:1.1.0")
    client = scene.client()
    (link, *_) = re.findall(r'hx-get="(/plan/lines[^"]+)"', client.get("/plan").text)
    text = client.get(link).text
    assert "<del>-        image: registry.example.com/shop/orders:1.0.0</del>" in text
    assert "<ins>+        image: registry.example.com/shop/orders:1.1.0</ins>" in text
    for other in ("nothing.yaml", "../../etc/passwd", str(scene.estate / "orders.yaml"), ""):
        text = client.get("/plan/lines", params={"file": other}).text
        assert words(text).strip() == "The plan does not change this file."


def test_lines_are_asked_for_again_while_a_plan_is_made(
    scene: plan_scene.Planning, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "LINES_SECONDS", 0.0)
    scene.plans.current()
    with scene.plans._planning:
        text = scene.client().get("/plan/lines?file=x").text
    assert "Ask again" in text


def test_the_json_is_that_of_the_command(
    scene: plan_scene.Planning, capsys: pytest.CaptureFixture[str]
) -> None:
    """Word for word, the digest of the plan and the name of the estate included."""
    change_the_road(scene)
    scene.edit("orders.yaml", "shop/orders:1.0.0", "shop/orders:1.1.0")
    answer = scene.client().get("/api/plan")
    assert answer.status_code == 200
    where = ["--estate", str(scene.estate), "--out", str(scene.out)]
    assert main.run(["plan", *where, "--json"]) == 0
    assert answer.json() == json.loads(capsys.readouterr().out)


def test_openapi_has_the_plan(reader: Client) -> None:
    described = reader.get("/api/openapi.json").json()
    operation = described["paths"]["/api/plan"]["get"]
    assert operation["tags"] == ["plan"]
    assert "telford plan --json" in operation["description"]


def test_nobody_waits_for_the_first_plan(tmp_path: pathlib.Path) -> None:
    """The page says that it is being made, the others answer, and then it is there."""
    later = Waiting()
    scene = plan_scene.Planning(tmp_path, spawn=later)
    client = scene.client()
    assert scene.planners == 0, "made when somebody asks"
    assert "The first plan is being made" in client.get("/plan").text
    answer = client.get("/api/plan")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert client.get("/catalogue").status_code == 200
    assert len(later.work) == 1, "one is enough"
    look = topics.looks(scene.context(frozenset()))["plan"]
    before = look("")
    later.finish()
    assert look("") != before
    assert "Nothing would change" in client.get("/plan").text
    assert scene.planners == 1


def test_causes_that_take_long_come_after_the_plan(
    scene: plan_scene.Planning, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What changes is there at once, JSON waits for all of it, and then the causes are there."""
    shown, go_on = threading.Event(), threading.Event()
    report, hold = planning.report, scene.plans._hold

    def slow(*arguments: Any, **more: Any) -> planning.Report:
        assert go_on.wait(60)
        return report(*arguments, **more)

    def held(mark: str, told: plan_page.Told) -> None:
        hold(mark, told)
        shown.set()

    monkeypatch.setattr(plans, "SOON_SECONDS", 0.0)
    monkeypatch.setattr(planning, "report", slow)
    monkeypatch.setattr(scene.plans, "_hold", held)
    scene.plans._spawn = lambda work: threading.Thread(target=work).start()
    scene.edit("orders.yaml", "shop/orders:1.0.0", "shop/orders:1.1.0")
    client = scene.client()
    client.get("/plan")
    assert shown.wait(60)
    text = client.get("/plan").text
    assert "being looked for" in text
    assert "shop/orders:1.1.0" in text
    assert client.get("/api/plan").status_code == 503
    go_on.set()
    with scene.plans._working:
        pass
    text = client.get("/plan").text
    assert "being looked for" not in text
    assert "orders.yaml:16" in text


def test_an_old_plan_is_shown_and_said_to_be_old(tmp_path: pathlib.Path) -> None:
    later = Waiting()
    scene = plan_scene.Planning(tmp_path, spawn=later)
    client = scene.client()
    client.get("/plan")
    later.finish()
    scene.edit("orders.yaml", "shop/orders:1.0.0", "shop/orders:1.1.0")
    text = client.get("/plan").text
    assert "Nothing would change" in text
    assert "being made anew" in text
    assert client.get("/api/plan").status_code == 503, "JSON is never old"
    later.finish()
    text = client.get("/plan").text
    assert "being made anew" not in text
    assert "shop/orders:1.1.0" in text


def test_a_build_empties_the_plan(scene: plan_scene.Planning) -> None:
    scene.edit("orders.yaml", "shop/orders:1.0.0", "shop/orders:1.1.0")
    client = scene.client()
    text = client.get("/plan").text
    (key,) = set(re.findall(r'id="cause-([0-9a-f-]+)"', text))
    scene.build()
    assert "Nothing would change" in client.get("/plan").text
    assert "Nothing changes by this cause any more" in client.get(f"/plan/cause/{key}").text


def test_a_first_build_is_a_plan_as_well(tmp_path: pathlib.Path) -> None:
    scene = plan_scene.Planning(tmp_path, built=False)
    text = words(scene.client().get("/plan").text)
    assert "files of" in text
    assert "things are created" in text
    assert not scene.out.exists(), "the portal writes nothing"


def test_an_estate_with_errors_has_no_plan_and_leads_to_its_problems(
    scene: plan_scene.Planning,
) -> None:
    scene.edit(
        "orders.yaml", "owner: team/orders\ndescription: Keeps", "owner: team/none\nx: Keeps"
    )
    client = scene.client()
    text = client.get("/plan").text
    assert "No plan: the estate has" in text
    assert 'href="/problems"' in text
    assert "orders.yaml:" in text
    answer = client.get("/api/plan")
    assert answer.status_code == 200
    assert answer.json()["ok"] is False
    assert answer.json()["diagnostics"]


def test_what_a_person_edited_is_named_and_left(scene: plan_scene.Planning) -> None:
    path = "kubernetes/dev/shop/orders.yaml"
    (scene.out / path).write_text("# mine\n")
    scene.edit("orders.yaml", "shop/orders:1.0.0", "shop/orders:1.1.0")
    text = scene.client().get("/plan").text
    assert "Edited by hand" in text
    assert text.count(path) == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermanentError("the disk is away", fix="mount it"), "the disk is away. mount it"),
        (KeyError("a bug"), "a mistake of Telford's own"),
    ],
)
def test_a_plan_that_fails_says_so_and_is_tried_again(
    tmp_path: pathlib.Path, error: Exception, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    scene = plan_scene.Planning(tmp_path)
    good = scene.plans._make
    scene.plans._make = lambda: Failing(error)
    client = scene.client()
    assert said in client.get("/plan").text.replace("&#39;", "'")
    assert client.get("/api/plan").status_code == 503
    assert bool(caplog.records) == isinstance(error, KeyError)
    scene.plans._make, scene.plans._planner = good, None
    assert "No plan can be made" in client.get("/plan").text, "not with every request"
    scene.clock.at += plans.RETRY_SECONDS
    client.get("/plan")
    assert "Nothing would change" in client.get("/plan").text


def test_one_plan_is_made_at_a_time(tmp_path: pathlib.Path) -> None:
    """Requests in many threads: the planner is asked in one of them."""
    scene = plan_scene.Planning(tmp_path, spawn=lambda work: threading.Thread(target=work).start())
    planner = scene._planner()
    busy, most, calls = [0], [0], [0]

    class Counting:
        def plan(self) -> Proposal:
            busy[0] += 1
            calls[0] += 1
            most[0] = max(most[0], busy[0])
            try:
                return planner.plan()
            finally:
                busy[0] -= 1

    scene.plans._make = Counting
    threads = [threading.Thread(target=scene.plans.current) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with scene.plans._working:
        pass
    assert most == [1]
    assert scene.plans.current().told is not None


def test_hostile_names_stay_text(scene: plan_scene.Planning) -> None:
    scene.edit("orders.yaml", 'PORT: "8080"', 'PORT: "<script>alert(1)</script>"')
    text = scene.client().get("/plan").text
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text


def test_every_meaning_has_a_mark_of_its_own() -> None:
    assert plan_view.MARKS.keys() == table.names().keys()


def test_things_are_counted_in_english() -> None:
    assert plan_page.counted(["service/a", "service/a"]) == "1 service"
    assert plan_page.counted(["service/a", "service/b"]) == "2 services"
    assert plan_page.counted(["service/a", "team/b"]) == "2 things"
    assert plan_page.counted(["policy/a", "policy/b"]) == "2 policies"


def test_a_group_keeps_its_key_when_lines_move(scene: plan_scene.Planning) -> None:
    """So what a person has opened stays open."""
    scene.edit("orders.yaml", "shop/orders:1.0.0", "shop/orders:1.1.0")
    before = scene.plans.current().told
    scene.edit("orders.yaml", "apiVersion: telford/v1", "# a line more\napiVersion: telford/v1")
    after = scene.plans.current().told
    assert before is not None
    assert after is not None
    assert [group.key for group in before.groups] == [group.key for group in after.groups]
    assert before.groups[0].cause != after.groups[0].cause


def test_the_whole_plan_is_the_planners_with_what_stays(scene: plan_scene.Planning) -> None:
    scene.edit("orders.yaml", "shop/orders:1.0.0", "shop/orders:1.1.0")
    told = scene.plans.current().told
    assert told is not None
    counts = told.proposal.plan.counts()
    assert counts["unchanged"] + counts["change"] == len(output.inventory(scene.out).entries)
    building.carry_out(told.proposal)
    assert portal_scene.SHOP.is_dir()


def test_up_hands_the_folder_in_and_plans_nothing_before_somebody_asks(
    tmp_path: pathlib.Path,
) -> None:
    clock = portal_scene.Clock(1_790_000_000.0)
    store = Store(f"sqlite:///{tmp_path}/wired.db", clock)
    local = workloads.Local(str(portal_scene.SHOP.resolve()), sys.executable)
    held = wired.Held(portal_scene.SHOP, local, store, clock, portal_scene.PLACE, "ann")
    asked = {"hosts": frozenset({"127.0.0.1:1"}), "token": portal_scene.TOKEN, "version": "0"}
    assert wired.context(held, **asked).plans is None
    context = wired.context(dataclasses.replace(held, out=tmp_path / "build"), **asked)
    assert isinstance(context.plans, plans.PlanWatch)
    assert context.plans._planner is None
    first = context.plans.current()
    assert first.told is None
    with context.plans._working:
        pass
    told = context.plans.current().told
    assert told is not None
    assert told.proposal.out == tmp_path / "build"
    store.close()


def test_up_in_the_background_is_told_the_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[list[str]] = []
    monkeypatch.setenv("TELFORD_STATE", str(tmp_path))
    monkeypatch.setattr(process, "leave_behind", lambda words, _: started.append(words) or 1)
    found = serving.Serving("1", "dev", "http://127.0.0.1:1", "http://127.0.0.1:2")
    monkeypatch.setattr(serving, "wait", lambda *_: found)
    where = ["--estate", str(portal_scene.SHOP), "--out", str(tmp_path / "build")]
    assert main.run(["up", "--detach", *where]) == 0
    ((*_, option, folder),) = started
    assert (option, folder) == ("--out", str(tmp_path / "build"))
    assert "dev is up" in capsys.readouterr().out
