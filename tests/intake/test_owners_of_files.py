"""CODEOWNERS: who owns which file, as the hosts that read such files decide it."""

import pytest

from telford.intake import codeowners
from telford.intake.format import Sources
from telford.intake.imported import Imported, Options, Status


def read(text: str, path: str = "CODEOWNERS") -> Imported:
    answer = codeowners.read(Sources({path: text}), Options())
    assert isinstance(answer, Imported)
    return answer


def owner(text: str, path: str, file: str = "CODEOWNERS") -> str:
    found = codeowners.owner_of(path, read(text, file).ownership)
    return found[0] if found is not None else ""


@pytest.mark.parametrize(
    ("pattern", "path", "owned"),
    [
        ("*", "a/b/c.yaml", True),
        ("*.js", "deep/down/x.js", True),
        ("*.js", "deep/down/x.json", False),
        ("/build/logs/", "build/logs/a.txt", True),
        ("/build/logs/", "x/build/logs/a.txt", False),
        ("docs/*", "docs/getting-started.md", True),
        ("docs/*", "docs/build-app/troubleshooting.md", False),
        ("apps/", "x/apps/y/z", True),
        ("apps/", "apps", False),
        ("/docs/", "docs/deep/er", True),
        ("/scripts", "scripts/run.sh", True),
        ("**/logs", "build/logs/x", True),
        ("**/logs", "logs/x", True),
        ("/apps/**/config.yaml", "apps/a/b/config.yaml", True),
        ("/apps/**/config.yaml", "apps/config.yaml", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("with\\ space", "with space", True),
    ],
)
def test_patterns_find_what_the_documentation_of_the_hosts_says(pattern, path, owned):
    assert owner(f"{pattern} @org/team", path) == ("team" if owned else "")


def test_the_last_line_that_matches_counts_and_a_bare_pattern_takes_ownership_away():
    text = "* @everyone\n/shop/ @org/shop\n/shop/legal/\n"
    assert owner(text, "x") == "everyone"
    assert owner(text, "shop/x") == "shop"
    assert owner(text, "shop/legal/x") == ""


def test_a_file_in_a_hidden_folder_speaks_of_the_repository_above_it():
    assert owner("/shop/ @org/shop", "repo/shop/x", "repo/.github/CODEOWNERS") == "shop"
    assert owner("/shop/ @org/shop", "shop/x", "repo/.github/CODEOWNERS") == ""


def test_a_section_gives_its_owners_to_lines_without_any():
    text = "[Data][2] @org/data\n/lake/\n/lake/raw/ @org/ingest\n^[Optional]\n/docs/\n"
    assert owner(text, "lake/x") == "data"
    assert owner(text, "lake/raw/x") == "ingest"
    assert owner(text, "docs/x") == ""


def test_every_line_that_is_no_comment_has_its_fate():
    text = "# people\n* @org/a b@example.com\n\n[Part]\n!x @org/b\nz @org/c # why\n"
    answer = read(text)
    assert [fate.status for fate in answer.report.fates] == [
        Status.MAPPED,
        Status.DROPPED,
        Status.DROPPED,
        Status.MAPPED,
    ]
    assert sorted(str(d.value["name"]) for d in answer.documents) == ["a", "b", "c"]
    assert [(d.code, d.position.line) for d in answer.diagnostics if d.position] == [("TEL690", 5)]


def test_what_is_no_owner_is_said():
    answer = read("x nobody\n")
    assert "`nobody` is no owner" in answer.diagnostics[0].summary


def test_a_pattern_of_many_stars_is_refused():
    assert read("**/" * 40 + "x @org/a").diagnostics[0].code == "TEL690"
