"""One contract for bare Git, GitHub, GitLab and Gitea."""

import pathlib

import httpx
import pytest
from git_worlds import FILES, HOSTS, GitWorld, world_of

from git_stand_ins import STAND_INS, StandIn, busy
from telford.backends.git_hosts import connecting, tokens
from telford.basics.errors import PermanentError, TemporaryError, UsageError
from telford.ports.git import MERGED, OPEN, MovedError, Submission

LINE = "Telford-Change: g-1"
PATH = "deploy/prod/orders.yaml"


@pytest.fixture(params=HOSTS)
def world(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> GitWorld:
    return world_of(request.param, tmp_path)


@pytest.fixture(params=sorted(STAND_INS))
def hosted(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> GitWorld:
    return world_of(request.param, tmp_path)


def submission(world: GitWorld, text: str = "image: two\n", **more: object) -> Submission:
    expected = world.host.head("main")
    fields = {"branch": "main", "expected": expected, "files": {PATH: text}, "at": 1_700_000_000.0}
    return Submission(message=f"Promote orders\n\n{LINE}", **{**fields, **more})  # type: ignore[arg-type]


def behind(world: GitWorld) -> StandIn:
    assert world.behind is not None
    return world.behind


def test_a_commit_changes_its_files_and_nothing_else(world: GitWorld) -> None:
    added = {PATH: "image: two\n", "deploy/new/a.json": "{}\n", "deploy/prod/gone.yaml": None}
    commit = world.host.commit(submission(world, files=added))
    assert world.host.head("main") == commit
    assert world.files() == {**FILES, PATH: "image: two\n", "deploy/new/a.json": "{}\n"}
    assert world.host.read(PATH, commit) == "image: two\n"
    assert world.host.read("deploy/none.yaml", commit) is None


def test_a_file_can_be_taken_away(world: GitWorld) -> None:
    world.host.commit(submission(world, files={PATH: None}))
    assert PATH not in world.files()


def test_a_commit_that_stands_on_an_older_head_is_refused(world: GitWorld) -> None:
    stale = submission(world)
    theirs = world.push({PATH: "image: theirs\n"})
    with pytest.raises(MovedError):
        world.host.commit(stale)
    assert world.host.head("main") == theirs


def test_a_branch_that_moves_while_the_commit_is_made_is_not_overwritten(
    hosted: GitWorld,
) -> None:
    def meddle(request: httpx.Request) -> None:
        if request.method == "POST" and not meddled:
            meddled.append(hosted.push({PATH: "image: theirs\n"}))

    meddled: list[str] = []
    behind(hosted).before = meddle
    with pytest.raises(MovedError):
        hosted.host.commit(submission(hosted))
    assert hosted.files()[PATH] == "image: theirs\n"


def test_a_branch_that_is_not_there_has_no_head(world: GitWorld) -> None:
    assert world.host.head("none") == ""
    assert world.host.find("none", LINE) == ""
    assert world.host.request("none", "main") is None


def test_a_commit_is_found_again_by_its_line_behind_others(world: GitWorld) -> None:
    commit = world.host.commit(submission(world))
    for number in range(7):
        world.push({"other.txt": str(number)}, f"theirs {number}")
    assert world.host.find("main", LINE) == commit
    assert world.host.find("main", "Telford-Change: g-2") == ""


def test_a_change_request_is_opened_once_and_merged(world: GitWorld) -> None:
    asked = submission(world, branch="telford/g-1", create=True)
    commit = world.host.commit(asked)
    first = world.host.open_request("telford/g-1", "main", "Promote orders", "why")
    again = world.host.open_request("telford/g-1", "main", "Promote orders", "why")
    assert (first.state, first.head, first) == (OPEN, commit, again)
    assert world.files()[PATH] == "image: one\n"
    merged = world.host.merge(first)
    assert merged.state == MERGED
    assert world.files()[PATH] == "image: two\n"
    assert world.host.merge(first).state == MERGED
    found = world.host.request("telford/g-1", "main")
    assert found is not None
    assert found.state == MERGED


def test_a_change_request_whose_branch_moved_is_not_merged(world: GitWorld) -> None:
    world.host.commit(submission(world, branch="telford/g-1", create=True))
    asked = world.host.open_request("telford/g-1", "main", "Promote orders", "why")
    world.push({PATH: "image: theirs\n"}, branch="telford/g-1")
    with pytest.raises(MovedError):
        world.host.merge(asked)
    assert world.files()[PATH] == "image: one\n"


def test_a_branch_that_was_begun_before_a_kill_is_gone_on_with(world: GitWorld) -> None:
    asked = submission(world, branch="telford/g-1", create=True)
    if isinstance(world.behind, STAND_INS["gitea"]):  # the one that takes two steps
        world.behind.model.branches["telford/g-1"] = asked.expected
    assert world.host.head("telford/g-1") in ("", asked.expected)
    commit = world.host.commit(asked)
    assert world.host.head("telford/g-1") == commit
    with pytest.raises(MovedError):  # a second run finds it by its line instead
        world.host.commit(asked)
    assert world.host.find("telford/g-1", LINE) == commit


def test_the_same_bare_commit_made_twice_is_the_same(tmp_path: pathlib.Path) -> None:
    world = world_of("git", tmp_path)
    asked = submission(world, branch="a", create=True)
    first = world.host.commit(asked)
    second = world.host.commit(submission(world, branch="b", create=True))
    assert first == second


def test_a_token_that_is_not_known_is_said_with_what_to_do_and_never_shown(
    hosted: GitWorld,
) -> None:
    behind(hosted).model.token = "another"
    with pytest.raises(PermanentError, match="does not let us in") as caught:
        hosted.host.head("main")
    assert "s3cr3t" not in f"{caught.value}{caught.value.fix}{hosted.host!r}{hosted.host.name}"


def test_a_repository_that_is_not_there_is_no_branch_that_is_not_there(hosted: GitWorld) -> None:
    behind(hosted).model.repository = "shop/elsewhere"
    with pytest.raises(PermanentError, match="not there"):
        hosted.host.head("main")


def test_a_busy_host_is_asked_again_for_what_only_reads(hosted: GitWorld) -> None:
    behind(hosted).trouble = [*busy(2), httpx.ReadTimeout("slow")]
    assert hosted.host.head("main")
    assert len(hosted.slept) == 3


def test_a_host_that_stays_busy_or_silent_is_a_temporary_error(hosted: GitWorld) -> None:
    behind(hosted).trouble = list(busy(9, 500))
    with pytest.raises(TemporaryError):
        hosted.host.head("main")
    behind(hosted).trouble = [httpx.ConnectError("no route") for _ in range(9)]
    with pytest.raises(TemporaryError, match="cannot be reached"):
        hosted.host.head("main")


def test_a_rate_limit_is_kept_and_a_long_one_ends_the_call(hosted: GitWorld) -> None:
    behind(hosted).trouble = [httpx.Response(429, headers={"retry-after": "7"}, json={})]
    assert hosted.host.head("main")
    assert hosted.slept == [7.0]
    behind(hosted).trouble = [httpx.Response(429, headers={"retry-after": "3600"}, json={})]
    with pytest.raises(TemporaryError) as caught:
        hosted.host.head("main")
    assert caught.value.retry_after_seconds == 3600


def test_githubs_rate_limit_by_403_is_no_refusal(tmp_path: pathlib.Path) -> None:
    world = world_of("github", tmp_path)
    headers = {"x-ratelimit-remaining": "0", "retry-after": "5"}
    behind(world).trouble = [httpx.Response(403, headers=headers, json={})]
    assert world.host.head("main")
    assert world.slept == [5.0]


def test_a_lost_answer_to_a_commit_is_not_sent_twice_but_found(hosted: GitWorld) -> None:
    def lose(request: httpx.Request) -> None:
        changed = behind(hosted).model.branches["main"] != asked.expected
        if request.method in ("POST", "PATCH") and changed:
            raise httpx.ReadTimeout("lost")

    asked = submission(hosted)
    behind(hosted).after = lose
    with pytest.raises(TemporaryError):
        hosted.host.commit(asked)
    behind(hosted).after = None
    assert hosted.host.find("main", LINE) == hosted.host.head("main")
    assert hosted.files()[PATH] == "image: two\n"


def test_a_next_page_on_another_host_is_not_followed(tmp_path: pathlib.Path) -> None:
    world = world_of("github", tmp_path)
    world.host.head("main")
    headers = {"link": '<https://evil.example/next>; rel="next"'}
    stand_in = behind(world)

    def before(request: httpx.Request) -> None:
        if request.url.path.endswith("/commits"):
            stand_in.trouble.append(httpx.Response(200, json=[], headers=headers))

    stand_in.after = None
    stand_in.before = before
    real = stand_in.answer
    stand_in.answer = lambda m, p, r: (  # type: ignore[method-assign]
        stand_in.trouble.pop(0) if stand_in.trouble else real(m, p, r)
    )
    with pytest.raises(PermanentError, match="another host"):
        world.host.find("main", LINE)


def test_a_bare_repository_that_is_away_is_a_temporary_error(tmp_path: pathlib.Path) -> None:
    world = world_of("git", tmp_path)
    asked = submission(world)
    (tmp_path / "origin.git").rename(tmp_path / "away.git")
    with pytest.raises(TemporaryError, match="cannot be reached"):
        world.host.commit(asked)
    (tmp_path / "away.git").rename(tmp_path / "origin.git")
    assert world.host.commit(asked) == world.host.head("main")


@pytest.mark.parametrize("url", ["https://x/y", "--upload-pack=touch /tmp/x", "ext::sh -c true"])
def test_bare_git_reaches_no_other_kind_of_url(url: str, tmp_path: pathlib.Path) -> None:
    with pytest.raises((UsageError, TemporaryError)):
        connecting.connect(connecting.Remote("git", url), tmp_path, {}).head("main")


def test_tokens_are_read_by_reference_alone(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "token"
    file.write_text("abc\n")
    assert tokens.reader(f"file:{file}", {})() == "abc"
    assert tokens.reader("env:T", {"T": "def"})() == "def"
    with pytest.raises(UsageError):
        tokens.reader("ghp_itself", {})
    for bad in (tokens.reader("env:T", {}), tokens.reader(f"file:{tmp_path}/none", {})):
        with pytest.raises(PermanentError):
            bad()


@pytest.mark.parametrize(
    ("url", "api"),
    [
        ("https://github.com/a/b.git", "https://api.github.com/repos/a/b"),
        ("git@github.com:a/b.git", "https://api.github.com/repos/a/b"),
        ("https://git.corp:8443/a/b", "https://git.corp:8443/api/v3/repos/a/b"),
    ],
)
def test_where_the_api_is(url: str, api: str, tmp_path: pathlib.Path) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"object": {"sha": "1"}})

    connecting.connect(
        connecting.Remote("github", url, "env:T"),
        tmp_path,
        {"T": "t"},
        transport=httpx.MockTransport(answer),
    ).head("main")
    assert asked == [f"{api}/git/ref/heads/main"]
