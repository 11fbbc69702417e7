"""A folder at a revision: read from Git's objects, within limits, running nothing of the caller's."""

import os
import pathlib
import subprocess

import pytest

from optional import require_tool
from telford.backends import files, git
from telford.basics.errors import PermanentError, UsageError


def run(folder: pathlib.Path, *arguments: str) -> str:
    """Git as a developer runs it, with an identity and no settings of this machine."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    who = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for role in ("AUTHOR", "COMMITTER"):
        who |= {f"GIT_{role}_NAME": "ann", f"GIT_{role}_EMAIL": "ann@example.com"}
    command = [require_tool("git"), "-C", str(folder), *arguments]
    return subprocess.run(
        command, env=kept | who, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def repository(tmp_path: pathlib.Path) -> pathlib.Path:
    """A repository whose estate lies in a folder with a name that Git would quote."""
    root = tmp_path / "repository"
    estate = root / "été estate"
    estate.mkdir(parents=True)
    run(root, "init", "-q", "-b", "main")
    (estate / "a.yaml").write_text("a: 1\n")
    (estate / "no-text.txt").write_text("x")
    (estate / ".hidden").mkdir()
    (estate / ".hidden" / "b.yaml").write_text("b: 1\n")
    (estate / "node_modules").mkdir()
    (estate / "node_modules" / "c.yaml").write_text("c: 1\n")
    (root / "outside.yaml").write_text("outside: 1\n")
    run(root, "add", "-A")
    run(root, "commit", "-qm", "one")
    (estate / "a.yaml").write_text("a: 2\n")
    (estate / "deep").mkdir()
    (estate / "deep" / "d.yml").write_text("d: 1\n")
    run(root, "add", "-A")
    run(root, "commit", "-qm", "two")
    return root


def test_a_contract_that_lies_among_the_documents_is_none_of_them(tmp_path: pathlib.Path) -> None:
    """In a revision as on the disk: a file that a Contract names is attached."""
    run(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "api.yaml").write_text("openapi: 3.0.0\n")
    (tmp_path / "c.yaml").write_text("kind: Contract\nversions: [{version: 1, file: api.yaml}]\n")
    run(tmp_path, "add", "-A")
    run(tmp_path, "commit", "-qm", "one")
    found = git.snapshot(tmp_path, "HEAD").found
    assert found.attached == files.read([tmp_path]).attached
    assert list(found.texts) == [(tmp_path / "c.yaml").as_posix()]


def test_a_revision_is_read_under_the_names_of_today(repository: pathlib.Path) -> None:
    """Only the folder asked for, only texts of an estate, and the same names as reading it now."""
    folder = repository / "été estate"
    head = git.snapshot(folder, "HEAD")
    assert head.found.texts == files.read([folder]).texts
    assert not head.found.diagnostics
    before = git.snapshot(folder, "main~1")
    assert before.found.texts == {(folder / "a.yaml").as_posix(): "a: 1\n"}
    assert before.commit != head.commit


def test_folders_that_are_gone_or_whole_repositories_are_read(repository: pathlib.Path) -> None:
    gone = repository / "été estate" / "deep"
    (gone / "d.yml").unlink()
    gone.rmdir()
    assert list(git.snapshot(gone, "HEAD").found.texts.values()) == ["d: 1\n"]
    assert len(git.snapshot(repository, "HEAD").found.texts) == 3
    assert git.snapshot(repository / "not yet", "HEAD").found.texts == {}


def test_bare_repositories_and_other_work_trees_are_read(repository: pathlib.Path) -> None:
    bare = repository.parent / "bare.git"
    run(repository, "clone", "-q", "--bare", str(repository), str(bare))
    assert (bare / "outside.yaml").as_posix() in git.snapshot(bare, "HEAD").found.texts
    with pytest.raises(UsageError, match="has no work tree"):
        git.require_work_tree(bare)
    git.require_work_tree(repository)
    other = repository.parent / "other"
    run(repository, "worktree", "add", "-q", str(other), "main~1")
    texts = git.snapshot(other / "été estate", "HEAD").found.texts
    assert list(texts.values()) == ["a: 1\n"]


def test_links_submodules_and_large_files_are_not_followed(repository: pathlib.Path) -> None:
    folder = repository / "été estate"
    (folder / "link.yaml").symlink_to("/etc/hostname")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"
    (folder / "large.yaml").write_text(pointer)
    run(repository, "clone", "-q", str(repository), str(folder / "module.yaml"))
    run(repository, "-c", "advice.addEmbeddedRepo=false", "add", "-A")
    run(repository, "commit", "-qm", "odd")
    found = git.snapshot(folder, "HEAD").found
    names = {pathlib.PurePath(name).name for name in found.texts}
    assert names == {"a.yaml", "d.yml"}
    said = {d.position.file.rpartition("/")[2]: d.summary for d in found.diagnostics if d.position}
    assert said == {
        "link.yaml": "a link is not followed in a revision",
        "large.yaml": "the file is in Git LFS: only a pointer is here",
    }
    assert (folder / "link.yaml").as_posix() not in git.without_links(files.read([folder])).texts


@pytest.mark.parametrize(
    "revision",
    ["", " ", "-x", "--output=/tmp/x", "nope", "HEAD:outside.yaml", "a\nb", "a\0b", "x" * 600],
)
def test_what_is_no_revision_is_refused_with_advice(
    repository: pathlib.Path, revision: str
) -> None:
    with pytest.raises(UsageError) as caught:
        git.snapshot(repository, revision)
    assert caught.value.fix


def test_a_folder_outside_of_git_is_said_to_be(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="not in a Git repository"):
        git.snapshot(tmp_path, "HEAD")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PermanentError, match="not installed"):
        git.snapshot(tmp_path, "HEAD")


def test_nothing_of_the_callers_git_setup_runs(
    repository: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables, filters, text converters, pagers, hooks and a file monitor: none is asked."""
    trap = repository.parent / "trap"
    ran = repository.parent / "ran"
    trap.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n")
    trap.chmod(0o755)
    for name in ("core.fsmonitor", "core.pager", "filter.x.smudge", "diff.x.textconv"):
        run(repository, "config", name, str(trap))
    for hook in ("post-checkout", "post-index-change", "reference-transaction"):
        (repository / ".git" / "hooks" / hook).write_text(trap.read_text())
        (repository / ".git" / "hooks" / hook).chmod(0o755)
    (repository / ".gitattributes").write_text("*.yaml filter=x diff=x\n")
    ran.unlink(missing_ok=True)
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(trap))
    monkeypatch.setenv("GIT_PAGER", str(trap))
    texts = git.snapshot(repository / "été estate", "HEAD").found.texts
    assert sorted(texts.values()) == ["a: 2\n", "d: 1\n"]
    assert not ran.exists()


def test_limits_hold_for_revisions_too(
    repository: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 4)
    found = git.snapshot(repository, "HEAD").found
    assert not found.texts
    assert {d.code for d in found.diagnostics} == {"TEL103"}
    monkeypatch.undo()
    monkeypatch.setattr(files, "MAX_FILES", 1)
    with pytest.raises(UsageError, match="more than 1 files"):
        git.snapshot(repository, "HEAD")
