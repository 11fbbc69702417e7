"""Folders become texts within limits; files are written whole or not at all."""

import os
import pathlib

import pytest

from telford.backends import cache, files
from telford.basics.errors import PermanentError, UsageError


def write(path: pathlib.Path, text: str | bytes) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_yaml_files_are_read_in_a_stable_order_and_hidden_folders_are_not(tmp_path: pathlib.Path):
    for name in (
        "b.yaml",
        "a/z.yml",
        "a/b/c.yaml",
        ".git/x.yaml",
        "node_modules/y.yaml",
        "note.txt",
    ):
        write(tmp_path / name, name)
    found = files.read([tmp_path])
    names = [pathlib.PurePath(n).relative_to(tmp_path.as_posix()).as_posix() for n in found.texts]
    assert names == ["b.yaml", "a/z.yml", "a/b/c.yaml"]
    assert found.diagnostics == []


def test_a_file_named_itself_is_read_whatever_it_is_called(tmp_path: pathlib.Path):
    path = write(tmp_path / "estate.txt", "x")
    assert list(files.read([path, path]).texts.values()) == ["x"]


def test_a_path_that_is_not_there_is_a_usage_error(tmp_path: pathlib.Path):
    with pytest.raises(UsageError):
        files.read([tmp_path / "none"])


def test_bytes_that_are_not_utf_8_are_found_at_their_place(tmp_path: pathlib.Path):
    write(tmp_path / "bad.yaml", b"a: 1\nb: \xff\n")
    write(tmp_path / "good.yaml", "a: 1")
    found = files.read([tmp_path])
    assert len(found.texts) == 1
    diagnostic = found.diagnostics[0]
    assert diagnostic.code == "TEL105"
    assert diagnostic.position is not None
    assert (diagnostic.position.line, diagnostic.position.column) == (2, 4)


def test_byte_order_marks_are_understood(tmp_path: pathlib.Path):
    write(tmp_path / "a.yaml", b"\xef\xbb\xbfa: 1")
    write(tmp_path / "b.yaml", "a: é".encode("utf-16"))
    assert sorted(files.read([tmp_path]).texts.values()) == ["a: 1", "a: é"]


def test_a_link_out_of_the_folder_is_not_followed_and_one_inside_is_read_where_it_leads(
    tmp_path: pathlib.Path,
):
    outside = write(tmp_path / "outside" / "secret.yaml", "x")
    inside = write(tmp_path / "estate" / "a.yaml", "a")
    (tmp_path / "estate" / "out.yaml").symlink_to(outside)
    (tmp_path / "estate" / "folder").symlink_to(outside.parent)
    (tmp_path / "estate" / "again.yaml").symlink_to(inside)
    (tmp_path / "estate" / "loop").symlink_to(tmp_path / "estate")
    found = files.read([tmp_path / "estate"])
    assert list(found.texts.values()) == ["a"]
    assert [d.code for d in found.diagnostics] == ["TEL107", "TEL107"]


def test_a_file_beyond_the_limit_is_reported_not_read(tmp_path: pathlib.Path):
    path = tmp_path / "big.yaml"
    with path.open("wb") as stream:
        stream.truncate(files.MAX_FILE_BYTES + 1)
    assert [d.code for d in files.read([tmp_path]).diagnostics] == ["TEL103"]


def test_writing_replaces_whole_files_and_keeps_their_permissions(tmp_path: pathlib.Path):
    path = write(tmp_path / "f", "old")
    path.chmod(0o640)
    files.write_text(path, "new\n")
    assert path.read_text() == "new\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


def test_only_what_changed_is_written(tmp_path: pathlib.Path):
    assert files.write_all(tmp_path, {"a/b.yaml": "1", "c.yaml": "2"}) == ["a/b.yaml", "c.yaml"]
    assert files.write_all(tmp_path, {"a/b.yaml": "1", "c.yaml": "3"}) == ["c.yaml"]


def test_a_path_that_leaves_the_folder_is_a_bug(tmp_path: pathlib.Path):
    with pytest.raises(AssertionError):
        files.write_all(tmp_path, {"../x": ""})


def test_a_disk_that_says_no_is_a_sentence(tmp_path: pathlib.Path):
    write(tmp_path / "a", "a file where a folder is needed")
    with pytest.raises(PermanentError):
        files.write_all(tmp_path, {"a/b": ""})


def test_a_cache_gives_back_what_it_keeps_and_forgets_the_oldest(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cache, "MAX_ENTRIES", 4)
    monkeypatch.setattr(cache, "_KEPT", 2)
    store = cache.FileCache(tmp_path / "cache")
    assert store.get("0") is None
    for number in range(5):
        store.put(str(number), f"text {number}")
        os.utime(tmp_path / "cache" / f"{number}.json", (number, number))
    assert store.get("4") == "text 4"
    assert store.get("0") is None


def test_a_cache_that_cannot_be_written_is_empty(tmp_path: pathlib.Path):
    store = cache.FileCache(write(tmp_path / "file", ""))
    store.put("a", "b")
    assert store.get("a") is None


@pytest.mark.parametrize(
    ("setting", "home", "expected"),
    [("/x", "/h", "/x"), ("", "/h", "/h/telford")],
)
def test_caches_live_where_the_settings_say(setting: str, home: str, expected: str):
    assert cache.default_folder(setting, home) == pathlib.Path(expected)
