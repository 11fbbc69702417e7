"""What a promotion writes, in every packaging; and what is beside a controller."""

import pathlib

import pytest

import git_estates
from git_model import Model
from git_stand_ins import ORIGIN, GiteaStandIn
from telford.app import beside, gitops
from telford.backends import files
from telford.backends.git_hosts import connecting
from telford.basics.errors import RefusedError, TelfordError, TemporaryError
from telford.deliver import gitchange
from telford.deliver.gitchange import Change, Kept, Rendered
from telford.estate.place import Place

OLD, NEW = (f"registry.example.com/orders:1.{n}.0@sha256:{d * 64}" for n, d in ((0, "a"), (1, "b")))
ESTATE = git_estates.shop(
    ("staging\ngit: {branch: staging}", "prod"),
    {"orders": f"run: {{image: '{OLD}'}}", "stock": "run: {image: 'registry.example.com/stock:1'}"},
    targets="kubernetes, kustomize, helm",
)
FOLDER = pathlib.Path("/somewhere/estate")
SERVICE = "service/shop.orders"


def _kept(text: str = ESTATE, place: str = "prod") -> gitops.Kept | None:
    found = files.Texts(texts={"/somewhere/estate/shop.yaml": text})
    return gitops.kept(FOLDER, found, Place(place))


def _site(text: str = ESTATE) -> gitops.Site:
    kept = _kept(text)
    assert kept is not None
    return next(one for one in kept.sites if one.service == SERVICE)


def _change(rendered: tuple[Rendered, ...] = (), generation: int = 2, **more: object) -> Change:
    fields = {"kept_out": (), "document": None, **more}
    return Change(
        id="g2-x",
        purpose="promote",
        place="prod",
        service=SERVICE,
        release="r",
        version="1.1.0",
        digest="d",
        generation=generation,
        image=NEW,
        images_out=(OLD,),
        record="deploy/telford/prod/releases.json",
        rendered=rendered,
        **fields,  # type: ignore[arg-type]
    )


def test_every_packaging_gets_the_new_digest_and_other_services_none() -> None:
    changed = {one.path: one.after for one in _site().render(NEW) if one.before != one.after}
    plain = {path for path in changed if "kustomize" not in path}
    assert plain == {
        "deploy/kubernetes/prod/shop/orders.yaml",
        "deploy/helm/prod/services/shop/orders.yaml",
    }
    assert all(NEW in changed[path] for path in plain)
    # What places share is laid out anew: prod gets the new image by base or by overlay, and no
    # other service is touched.
    shared = {path: text for path, text in changed.items() if "kustomize" in path}
    assert any(NEW in text for text in shared.values())
    assert not any("stock" in path for path in changed)


def test_a_file_that_nothing_makes_any_more_is_taken_away() -> None:
    run = f"run: {{image: '{OLD}'}}"
    text = ESTATE.replace(run, f"{run}\nin: {{prod: {{run: {{image: '{NEW}'}}}}}}")
    gone = {one.path: one for one in _site(text).render(OLD) if not one.after}
    [path] = [one for one in gone if "overlays/prod/patches" in one]
    change = _change((gone[path],))
    assert gitchange.texts(change, {path: gone[path].before})[path] is None


def test_branches_are_the_environments_own() -> None:
    staging, prod = _kept(place="staging"), _kept()
    assert staging is not None
    assert prod is not None
    assert (staging.manner.branch, prod.manner.branch) == ("staging", "main")


def test_nobody_in_charge_is_nothing_to_keep_and_no_repository_is_said() -> None:
    assert _kept(ESTATE.replace("choices: {delivery: flux}\n", "")) is None
    bare = ESTATE.replace(
        "repository: {url: /srv/git/shop.git, path: deploy, estate: estate}\n", ""
    )
    with pytest.raises(RefusedError, match="in which repository"):
        _kept(bare)


def test_an_older_generation_and_a_foreign_record_are_refused() -> None:
    newer = gitchange.texts(_change(generation=5), {})
    [record] = newer
    with pytest.raises(RefusedError, match="was overtaken"):
        gitchange.texts(_change(), newer)
    with pytest.raises(RefusedError, match="no record that this Telford reads"):
        gitchange.texts(_change(), {record: "not json"})


def test_a_file_that_names_neither_image_is_left_to_people() -> None:
    one = Rendered("a.yaml", f"image: {OLD}\n", f"image: {NEW}\n")
    theirs = {"a.yaml": "image: something/else:1\n"}
    with pytest.raises(RefusedError, match="names none of the images"):
        gitchange.texts(_change((one,)), theirs)


def test_naming_an_image_among_those_kept_out_does_not_bring_it_back() -> None:
    site = _site()
    change = _change(document=site.document, kept_out=(Kept(OLD, "worse", "r0"),))
    heads: dict[str, str | None] = {"estate/shop.yaml": ESTATE}
    after = gitchange.texts(change, heads)
    assert OLD in str(after["estate/shop.yaml"])
    assert gitchange.brings_back(change, after, {"q": OLD}) == ()
    assert gitchange.brings_back(change, heads, {"q": OLD}) == ("q",)


def test_a_change_and_its_json_are_equal() -> None:
    change = _change(_site().render(NEW), document=_site().document)
    assert Change.from_json(change.to_json()) == change


def test_a_token_is_never_in_what_is_kept(tmp_path: pathlib.Path) -> None:
    model = Model()
    model.begin({"a": "b"})
    remote = connecting.Remote("gitea", f"{ORIGIN}/{model.repository}", "env:TOKEN")
    host = connecting.connect(
        remote, tmp_path, {"TOKEN": model.token}, transport=GiteaStandIn(model).transport()
    )
    assert host.head("main")
    assert model.token not in f"{remote}{host!r}{vars(host)}"


def test_a_sentence_beside_the_controller_is_said_once() -> None:
    left = ["no repository"]
    assert (tuple(beside._told(left)), tuple(beside._told(left))) == (("no repository",), ())


def test_a_thread_beside_goes_on_after_trouble_and_ends_when_overtaken() -> None:
    said: list[str] = []
    answers: list[TelfordError] = [TemporaryError("away"), RefusedError("overtaken")]

    def step() -> tuple[str, ...]:
        raise answers.pop(0)

    keeping = gitops.keeping([step], said.append, step_seconds=0.0)
    keeping.thread.join(30)
    assert (said, answers) == (["away"], [])
    assert not keeping.thread.is_alive()
    keeping.stop()
