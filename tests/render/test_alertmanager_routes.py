"""Who is told of which alert: asked of amtool, and worked out from the estate's own documents."""

import pathlib
import subprocess
from typing import Any

import pytest
import rendered
import watched_places

import optional
import quick_yaml as yaml
from telford.estate import loading as texts
from telford.estate import overlays
from telford.estate.place import Place

# What the table of levels says, said here once more: who is woken for what.
LOUD_TIERS = (0, 1, 2)


def _amtool(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [optional.require_tool("amtool"), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.proves(
    "alertmanager",
    tool="amtool check-config",
    shows="the configuration and templates of every place of three estates are accepted",
)
@pytest.mark.parametrize("mail", [True, False], ids=["mail", "no mail"])
@pytest.mark.parametrize("name", watched_places.NAMES)
def test_every_configuration_is_accepted(name: str, mail: bool, tmp_path: pathlib.Path):
    folder = watched_places.write("alertmanager", name, tmp_path, mail=mail)
    found = sorted(folder.rglob("alertmanager.yaml"))
    assert len(found) == len(watched_places.places(name))
    done = _amtool("check-config", *found)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("SUCCESS") == 2 * len(found)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("receiver: 'team/orders: page", "receiver: 'team/nobody: page"),
        ("group_wait: 30s", "group_wait: soon"),
        ("inhibit_rules:", "inhibitions:"),
    ],
)
def test_a_broken_configuration_is_refused(old: str, new: str, tmp_path: pathlib.Path):
    """Or the test above would prove nothing."""
    folder = watched_places.write("alertmanager", "shop", tmp_path)
    file = folder / "prod/eu-west-1/alertmanager.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    done = _amtool("check-config", file)
    assert done.returncode != 0, done.stdout


def test_a_broken_template_is_refused(tmp_path: pathlib.Path):
    folder = watched_places.write("alertmanager", "shop", tmp_path)
    template = folder / "prod/eu-west-1/telford.tmpl"
    template.write_text(template.read_text().replace("{{ end }}", "{{ edn }}", 1))
    assert _amtool("check-config", folder / "prod/eu-west-1/alertmanager.yaml").returncode != 0


class People:
    """Who is reached how, from the documents of an estate and nothing else."""

    def __init__(self, name: str) -> None:
        self.known = {(d["kind"], d["name"]): d for d in watched_places.documents(name)}

    def _team(self, name: str) -> dict[str, Any]:
        return self.known["Team", name]

    def _rota(self, name: str) -> set[str]:
        return {self.known["Person", m]["email"] for m in self.known["Rota", name]["members"]}

    def ticket(self, team: str) -> set[str]:
        """The channel, else the mail, else what the team above has."""
        told = self._team(team)
        if told.get("chat") or told.get("email"):
            return {told.get("chat") or told["email"]}
        return self.ticket(told["parent"])

    def page(self, team: str) -> set[str]:
        told = self._team(team)
        own = {told[key] for key in ("chat", "email") if key in told}
        if "rota" in told:
            return self._rota(told["rota"]) | {told["chat"]}
        return own

    def later(self, team: str) -> dict[str, set[str]]:
        """How long nobody answered -> who is called then."""
        rota = self._team(team).get("rota")
        steps = self.known["Rota", rota].get("escalation", []) if rota else []
        return {step["after"]: self._called(*step["to"].split("/")) for step in steps}

    def _called(self, kind: str, name: str) -> set[str]:
        if kind == "rota":
            return self._rota(name)
        told = self.known[kind.capitalize(), name]
        return {told[key] for key in ("chat", "email") if key in told}

    def services(self) -> list[dict[str, Any]]:
        return [document for (kind, _), document in self.known.items() if kind == "Service"]


def _reached(configuration: dict[str, Any], receiver: str) -> set[str]:
    (found,) = [one for one in configuration["receivers"] if one["name"] == receiver]
    mails = {a for one in found.get("email_configs", []) for a in one["to"].split(", ")}
    return mails | {one["channel"] for one in found.get("slack_configs", [])}


def _routed(file: pathlib.Path, labels: dict[str, str]) -> list[str]:
    told = [f"{key}={value}" for key, value in labels.items() if value]
    done = _amtool("config", "routes", "test", f"--config.file={file}", *told)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().split(",")


def _place(name: str) -> tuple[str, str]:
    """A place in production and one that is not."""
    kinds = watched_places.documents(name)
    production = {d["name"] for d in kinds if d["kind"] == "Environment" and d.get("production")}
    every = watched_places.places(name)
    live = next(place for place in every if place.split("/")[0] in production)
    return live, next(place for place in every if place.split("/")[0] not in production)


@pytest.mark.proves(
    "alertmanager",
    tool="amtool config routes test",
    shows="each service's pages and tickets reach whom the estate's documents name",
)
@pytest.mark.parametrize("name", watched_places.NAMES)
def test_pages_and_tickets_reach_whom_the_documents_name(name: str, tmp_path: pathlib.Path):
    folder = watched_places.write("alertmanager", name, tmp_path)
    people = People(name)
    live, trial = _place(name)
    ways = {(d["owner"], d.get("tier", 2)) for d in people.services()}
    assert len(ways) >= 3
    for owner, tier in sorted(ways):
        team = owner.removeprefix("team/")
        for place in (live, trial):
            file = folder / place / "alertmanager.yaml"
            configuration = yaml.safe_load(file.read_text())
            for severity in ("page", "ticket"):
                labels = {"owner": owner, "tier": str(tier), "severity": severity}
                found = _routed(file, labels)
                loud = severity == "page" and tier in LOUD_TIERS and place == live
                expected = people.page(team) if loud else people.ticket(team)
                assert _reached(configuration, found[0]) == expected, labels
                later = people.later(team) if loud else {}
                assert [_reached(configuration, one) for one in found[1:]] == list(later.values())
                assert [one.split()[3] for one in found[1:]] == list(later)


@pytest.mark.parametrize("mail", [True, False], ids=["mail", "no mail"])
@pytest.mark.parametrize("name", watched_places.NAMES)
def test_what_belongs_to_nobody_reaches_somebody(name: str, mail: bool, tmp_path: pathlib.Path):
    folder = watched_places.write("alertmanager", name, tmp_path, mail=mail)
    live, _ = _place(name)
    file = folder / live / "alertmanager.yaml"
    configuration = yaml.safe_load(file.read_text())
    for labels in ({"alertname": "Watchdog"}, {"owner": "team/gone", "severity": "page"}):
        (found,) = _routed(file, labels)
        assert _reached(configuration, found)


@pytest.mark.parametrize("name", watched_places.NAMES)
def test_no_receiver_is_empty_and_no_secret_is_written_down(name: str):
    for path, text in watched_places.files("alertmanager", name).items():
        if not path.endswith("alertmanager.yaml"):
            continue
        told = yaml.safe_load(text)
        for receiver in told["receivers"]:
            assert _reached(told, receiver["name"]), receiver
        assert "api_url:" not in text
        assert "password:" not in text


def test_without_a_mail_server_the_place_says_so_and_mails_nobody():
    rendered = watched_places.made("alertmanager", "shop", mail=False)
    said = [d for d in rendered.diagnostics if d.code == "TEL590"]
    assert {d.address for d in said} == {
        "environment/dev",
        "environment/staging",
        "environment/prod",
    }
    assert "email_configs" not in "".join(unit.make() for unit in rendered.units)


OWNERS = """\
apiVersion: telford/v1
kind: Environment
name: live
production: true
annotations: {telford.dev/mail-server: "mail.example.com:587", telford.dev/mail-from: a@example.com}
---
apiVersion: telford/v1
kind: Team
name: above
email: above@example.com
---
apiVersion: telford/v1
kind: Team
name: below
parent: above
---
apiVersion: telford/v1
kind: Person
name: ada
email: ada@example.com
team: below
---
apiVersion: telford/v1
kind: System
name: shop
owner: person/ada
---
"""


def test_a_person_may_own_and_a_team_without_contact_has_that_of_the_team_above():
    """A team is written with or without its kind, and both lead to the same route."""
    text = OWNERS + "".join(
        f"apiVersion: telford/v1\nkind: Service\nname: {name}\nsystem: shop\nowner: {owner}\n"
        "run: {image: x}\n---\n"
        for name, owner in (("a", "below"), ("b", "team/below"), ("c", "person/ada"))
    )
    loaded = texts.load({"estate.yaml": text})
    assert loaded.diagnostics == ()
    made = rendered.in_place(overlays.bind(loaded.estate, Place("live")), "alertmanager")
    told = yaml.safe_load(next(u.make() for u in made.units if u.path.endswith(".yaml")))
    found = {
        route["matchers"][0]: _reached(told, route["routes"][0]["receiver"])
        for route in told["route"]["routes"]
    }
    assert found == {
        'owner="person/ada"': {"ada@example.com"},
        'owner=~"(team/)?below"': {"above@example.com"},
    }
    assert _reached(told, told["route"]["receiver"]) == {"above@example.com"}


def test_a_circle_of_teams_ends_and_is_told():
    text = OWNERS.replace("email: above@example.com", "parent: below").replace(
        "owner: person/ada", "owner: team/above"
    )
    loaded = texts.load({"estate.yaml": text})
    made = rendered.in_place(overlays.bind(loaded.estate, Place("live")), "alertmanager")
    assert [d.code for d in made.diagnostics] == ["TEL591"]
