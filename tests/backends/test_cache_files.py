"""The cache on disk is believed only where it can be, and its failure is never anybody's."""

import errno
import multiprocessing
import os
import pathlib
import stat

import pytest

from telford.app import loading
from telford.backends import cache, files

ESTATE = """\
apiVersion: telford/v1
kind: Team
name: shop
---
apiVersion: telford/v1
kind: Service
name: orders
owner: team/shop
"""


@pytest.fixture
def store(tmp_path: pathlib.Path) -> cache.FileCache:
    return cache.FileCache(tmp_path / "cache")


def entry(store: cache.FileCache, tmp_path: pathlib.Path) -> pathlib.Path:
    """The file of the key "a", which says "text"."""
    store.put("a", "text")
    assert store.get("a") == "text"
    return tmp_path / "cache" / "a.json"


def test_what_was_kept_comes_back_whatever_it_says(store: cache.FileCache):
    for number, text in enumerate(("", "\n", "a\r\nb\n", "é😀\0", "x" * 100_000)):
        store.put(str(number), text)
        assert store.get(str(number)) == text


def test_any_damage_makes_an_entry_as_good_as_not_there(
    store: cache.FileCache, tmp_path: pathlib.Path
):
    path = entry(store, tmp_path)
    good = path.read_bytes()
    for at in range(len(good)):
        for bad in (good[:at], good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]):
            path.write_bytes(bad)
            assert store.get("a") is None
    for bad in (b"", b"\n", b"text", b"\xff\xfe\n", good + b"more", os.urandom(1000)):
        path.write_bytes(bad)
        assert store.get("a") is None
    path.write_bytes(good)
    assert store.get("a") == "text"


def test_what_others_may_have_written_is_not_believed(
    store: cache.FileCache, tmp_path: pathlib.Path
):
    path = entry(store, tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    for mode in (0o620, 0o602, 0o666):
        path.chmod(mode)
        assert store.get("a") is None
    path.chmod(0o600)
    assert store.get("a") == "text"
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)
        assert store.get("a") is None


def test_only_a_regular_file_is_an_entry(store: cache.FileCache, tmp_path: pathlib.Path):
    path = entry(store, tmp_path)
    elsewhere = path.rename(tmp_path / "elsewhere")
    path.symlink_to(elsewhere)
    assert store.get("a") is None
    path.unlink()
    os.mkfifo(path)
    assert store.get("a") is None
    path.unlink()
    path.mkdir()
    assert store.get("a") is None
    store.put("a", "new")
    assert store.get("a") is None


def test_an_entry_beyond_the_bound_is_neither_written_nor_read(
    store: cache.FileCache, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    path = entry(store, tmp_path)
    monkeypatch.setattr(cache, "MAX_ENTRY_BYTES", 100)
    store.put("b", "x" * 101)
    assert store.get("b") is None
    with path.open("ab") as stream:
        stream.truncate(10**10)
    assert store.get("a") is None


def test_the_oldest_go_when_there_are_too_many_bytes(
    store: cache.FileCache, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cache, "MAX_TOTAL_BYTES", 5000)
    monkeypatch.setattr(cache, "_KEPT_BYTES", 2500)
    for number in range(6):
        store.put(str(number), "x" * 1000)
        path = tmp_path / "cache" / f"{number}.json"
        if path.exists():
            os.utime(path, (number, number))
    left = [number for number in range(6) if store.get(str(number)) is not None]
    assert left[-1] == 5
    assert 1 <= len(left) <= 4


def test_what_killed_writers_left_is_removed(store: cache.FileCache, tmp_path: pathlib.Path):
    path = entry(store, tmp_path)
    old, fresh = path.parent / ".a.json.old", path.parent / ".a.json.fresh"
    old.write_text("half")
    os.utime(old, (1, 1))
    fresh.write_text("being written")
    store.put("b", "text")
    assert not old.exists()
    assert fresh.exists()


@pytest.mark.parametrize("failure", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_a_full_disk_leaves_what_was_there(
    store: cache.FileCache, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, failure: int
):
    path = entry(store, tmp_path)
    real = os.fdopen

    def full(handle: int, mode: str = "r", **more: str) -> object:
        if "w" in mode:
            os.close(handle)
            raise OSError(failure, os.strerror(failure))
        return real(handle, mode, **more)

    monkeypatch.setattr(os, "fdopen", full)
    store.put("a", "other")
    assert store.get("a") == "text"
    assert [one.name for one in path.parent.iterdir()] == ["a.json"]


def test_text_that_is_no_unicode_is_not_kept(store: cache.FileCache):
    store.put("a", "\ud800")
    assert store.get("a") is None


def _write(folder: str, number: int) -> None:
    store = cache.FileCache(pathlib.Path(folder))
    for turn in range(50):
        store.put("a", f"{number} {turn} " * 2000)
        text = store.get("a")
        assert text is None or len(set(zip(*[iter(text.split())] * 2, strict=True))) == 1


def test_many_writers_and_readers_see_whole_texts_only(tmp_path: pathlib.Path):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(str(tmp_path), number)) for number in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    text = cache.FileCache(tmp_path).get("a")
    assert text is not None
    assert len(set(text.split()[::2])) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_an_estate_is_the_same_with_a_cache_that_is_broken_in_any_way(tmp_path: pathlib.Path):
    folder = tmp_path / "estate"
    folder.mkdir()
    (folder / "e.yaml").write_text(ESTATE)
    store = cache.FileCache(tmp_path / "cache")
    expected = loading.load_folder(folder)
    for _ in range(2):
        assert loading.load_folder(folder, store) == expected
    entries = sorted((tmp_path / "cache").iterdir())
    assert len(entries) == 2
    for path in entries:
        good = path.read_bytes()
        for bad in (b"", good[:-1], good.replace(b"orders", b"others"), b"\0" * len(good)):
            path.write_bytes(bad)
            assert loading.load_folder(folder, store) == expected
        path.unlink()
        path.mkdir()
        assert loading.load_folder(folder, store) == expected


def test_a_server_reads_what_changed_and_keeps_every_other_entity(tmp_path: pathlib.Path):
    (tmp_path / "a.yaml").write_text(ESTATE)
    (tmp_path / "b.yaml").write_text("apiVersion: telford/v1\nkind: Team\nname: other\n")
    server = loading.Reloader([tmp_path])
    first = server.load()
    assert first == loading.load_folder(tmp_path)
    (tmp_path / "b.yaml").write_text("apiVersion: telford/v1\nkind: Team\nname: another\n")
    second = server.load()
    assert second == loading.load_folder(tmp_path)
    assert second.estate.entities["service/orders"] is first.estate.entities["service/orders"]
    (tmp_path / "a.yaml").unlink()
    assert server.estate().estate.entities.keys() == {"team/another"}
    (tmp_path / "b.yaml").write_text("kind: [")
    assert [d.code for d in server.load().diagnostics] == ["TEL100"]


def test_a_server_begins_with_what_a_cache_keeps(tmp_path: pathlib.Path):
    folder = tmp_path / "estate"
    folder.mkdir()
    (folder / "e.yaml").write_text(ESTATE)
    store = cache.FileCache(tmp_path / "cache")
    loading.load_folder(folder, store)
    server = loading.Reloader([folder], store)
    assert server.load() == loading.load_folder(folder)
    assert server.load() == loading.load_folder(folder)


def test_what_is_kept_is_written_again_only_once_enough_is_new(tmp_path: pathlib.Path):
    folder = tmp_path / "estate"
    folder.mkdir()
    for number in range(300):
        (folder / f"t{number}.yaml").write_text(
            f"apiVersion: telford/v1\nkind: Team\nname: t{number}\n"
        )
    store = cache.FileCache(tmp_path / "cache")
    loading.estate_of([folder], store)
    (kept,) = (tmp_path / "cache").iterdir()
    before = kept.read_bytes()
    (folder / "t1.yaml").write_text("apiVersion: telford/v1\nkind: Team\nname: new\n")
    assert "team/new" in loading.estate_of([folder], store).estate.entities
    assert kept.read_bytes() == before
    for number in range(5):
        (folder / f"t{number}.yaml").write_text(
            f"apiVersion: telford/v1\nkind: Team\nname: new{number}\n"
        )
    assert "team/new4" in loading.estate_of([folder], store).estate.entities
    assert kept.read_bytes() != before


def test_texts_have_a_hash_each_from_files_and_from_memory(tmp_path: pathlib.Path):
    (tmp_path / "e.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    found = files.read([tmp_path])
    (name,) = found.texts
    assert found.hashes()[name] != files.Texts({name: found.texts[name]}).hashes()[name]
    assert files.Texts({"x": "\ud800"}).hashes()["x"]
