"""`telford drift` as people and programs run it: exit codes, views, what it refuses."""

import pathlib

import pytest
from cli_runs import run

import optional
from app.drift_clusters import PLACES, cluster, desired, folder, live
from backends.kubernetes.api_server import ApiServer

SHOP = ("drift", "--estate", str(folder("shop")), "--in", PLACES["shop"])


@pytest.fixture
def server(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch):
    with cluster(desired("shop")) as running:
        config = tmp_path / "kubeconfig"
        config.write_text(running.kubeconfig(namespace="shop"))
        monkeypatch.setenv("KUBECONFIG", str(config))
        yield running


def image_changed(server: ApiServer) -> None:
    item = live(server, "Deployment", "catalogue")
    item["spec"]["template"]["spec"]["containers"][0]["image"] = "other:1"
    server.update(item, "kubectl-set")


def test_no_drift_is_0_and_drift_is_1_with_who_and_where(server: ApiServer, capsys):
    ran = run(capsys, *SHOP, "--cluster")
    assert ran.code == 0, ran.out + ran.err
    assert "no drift in" in ran.out
    image_changed(server)
    ran = run(capsys, *SHOP, "--cluster")
    assert ran.code == 1
    assert "service/shop.catalogue (team/storefront)" in ran.out
    assert "storefront.yaml:" in ran.out
    assert "~ Deployment/shop/catalogue: different" in ran.out
    assert (
        "containers[main].image: other:1, wanted registry.example.com/shop/catalogue:1.0.0"
        in ran.out
    )
    assert "changed by kubectl-set at 2026-" in ran.out
    assert server.methods() == {"GET"}


def test_programs_get_the_same_as_json(server: ApiServer, capsys):
    image_changed(server)
    ran = run(capsys, *SHOP, "--cluster", "--json")
    assert ran.code == 1
    assert (ran.json["drift"], ran.json["whole"]) == (True, True)
    (item,) = ran.json["items"]
    assert (item["state"], item["address"], item["owner"]) == (
        "different", "service/shop.catalogue", "team/storefront",
    )  # fmt: skip
    assert item["fields"][0]["by"] == "kubectl-set"
    assert ran.json["counts"]["different"] == 1
    assert ran.json["left"]["default"] > 0


def test_what_may_not_be_seen_is_3_and_said_once(server: ApiServer, capsys):
    server.forbidden.append(("list", "networkpolicies", ""))
    ran = run(capsys, *SHOP, "--cluster")
    assert ran.code == 3
    assert ran.out.count("is forbidden") == 1
    assert "? NetworkPolicy/shop/catalogue: unknown" in ran.out


def test_a_target_may_be_named(server: ApiServer, capsys):
    assert run(capsys, *SHOP, "--cluster", "--target", "kubernetes").code == 0
    assert run(capsys, *SHOP, "--cluster", "--target", "nothing").code == 2


def test_a_cluster_that_cannot_be_reached_is_3(server: ApiServer, capsys):
    server.__exit__()
    ran = run(capsys, *SHOP, "--cluster")
    assert ran.code == 3
    assert "cannot be reached" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "what to compare with is not said"),
        (("--cluster", "--prometheus", "http://127.0.0.1:1"), "one at a time"),
        (("--cluster", "--context", "nowhere"), "has no context 'nowhere'"),
        (("--folder", "nowhere"), "there is no folder nowhere"),
        (("--prometheus", "nowhere"), "is no URL"),
    ],
)
def test_a_wrong_question_is_2(server: ApiServer, capsys, arguments: tuple[str, ...], said: str):
    ran = run(capsys, *SHOP, *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_several_places_are_a_wrong_question(server: ApiServer, capsys):
    ran = run(capsys, "drift", "--estate", str(folder("shop")), "--in", "prod", "--cluster")
    assert ran.code == 2
    assert "prod/eu-west-1, prod/eu-central-1" in ran.err


def test_a_program_for_credentials_is_run_only_where_that_is_allowed(
    server: ApiServer, capsys, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    server.token = "right"
    plugin = tmp_path / "plugin"
    answer = '{"kind": "ExecCredential", "status": {"token": "right"}}'
    plugin.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\necho '{answer}'\n")
    plugin.chmod(0o755)
    config = tmp_path / "with-plugin"
    text = server.kubeconfig(namespace="shop").replace(
        "token: right",
        f"exec: {{apiVersion: client.authentication.k8s.io/v1, command: {plugin}}}",
    )
    config.write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(config))
    ran = run(capsys, *SHOP, "--cluster")
    assert ran.code == 2
    assert "nothing is run unasked" in ran.err
    assert not (tmp_path / "ran").exists()
    assert run(capsys, *SHOP, "--cluster", "--exec-plugins").code == 0
    assert (tmp_path / "ran").exists()


def test_every_code_is_in_the_guide():
    guide = (optional.REPOSITORY / "docs" / "guides" / "drift.md").read_text(encoding="utf-8")
    sources = (optional.REPOSITORY / "src" / "telford" / "app").glob("drift*.py")
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    codes = {part[:6] for part in text.split('"') if part.startswith("TEL7")}
    assert codes >= {"TEL700", "TEL701", "TEL702", "TEL703", "TEL710", "TEL711"}
    assert [code for code in sorted(codes) if f"| {code} |" not in guide] == []
