"""The dialects in which organisations name their environments: recognised, and asked for."""

import pytest

from telford.intake.environments import stages


def _named(*paths: str) -> list[tuple[str, str]]:
    found = stages.recognise(paths)
    return [(item.environment, item.stage) for item in found.proposals]


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("prod", "production"),
        ("PRODUCTION", "production"),
        ("live", "production"),
        ("prd", "production"),
        ("stg", "staging"),
        ("preprod", "acceptance"),
        ("uat", "acceptance"),
        ("qa", "test"),
        ("int", "integration"),
        ("dev", "development"),
    ],
)
def test_usual_names_mean_a_stage(name: str, stage: str) -> None:
    found = stages.stage_of(name)
    assert found is not None
    assert found.name == stage
    assert found.production is (stage == "production")


def test_an_unusual_name_means_none() -> None:
    assert stages.stage_of("blue") is None


def test_environments_come_in_the_order_in_which_a_change_travels() -> None:
    assert _named("production.yaml", "integration.yaml", "staging.yaml") == [
        ("integration", "integration"),
        ("staging", "staging"),
        ("production", "production"),
    ]


def test_names_stay_as_they_are_written() -> None:
    """`live` is proposed as an environment called live, which means production."""
    assert _named("overlays/live/kustomization.yaml", "overlays/dev/kustomization.yaml") == [
        ("dev", "development"),
        ("live", "production"),
    ]


def test_a_word_inside_of_a_name_counts() -> None:
    assert _named("chart/values-prod.yaml", "chart/values-pre-prod.yaml") == [
        ("pre-prod", "acceptance"),
        ("prod", "production"),
    ]


def test_a_word_that_means_much_else_counts_only_as_a_whole_name() -> None:
    found = stages.recognise(["apps/model-server.yaml", "apps/live-chat.yaml"])
    assert found.proposals == ()
    assert found.shared == ("apps/live-chat.yaml", "apps/model-server.yaml")


def test_a_folder_counts_before_a_word_in_a_file() -> None:
    assert _named("staging/prod-db.yaml") == [("staging", "staging")]


def test_files_without_a_name_belong_to_all() -> None:
    found = stages.recognise(["base/web.yaml", "prod/web.yaml"])
    assert found.shared == ("base/web.yaml",)
    assert not found.several


def test_a_path_that_names_two_stages_is_unclear() -> None:
    found = stages.recognise(["staging/production/web.yaml"])
    assert found.proposals == ()
    assert found.unclear[0].environments == ("staging", "production")


def test_two_names_of_one_stage_are_not_certain() -> None:
    found = stages.recognise(["prod/a.yaml", "live/a.yaml", "dev/a.yaml"])
    certain = {item.environment: item.certain for item in found.proposals}
    assert certain == {"dev": True, "prod": False, "live": False}
    assert "prod may be the same environment" in found.proposals[1].reason


def test_one_environment_is_not_several() -> None:
    assert not stages.recognise(["prod/a.yaml", "b.yaml"]).several


def test_a_path_of_two_environments_is_reported() -> None:
    found = stages.recognise(["a/prod/x", "a/qa/x", "qa/prod/y"])
    assert found.several
    (problem,) = stages.doubts(found)
    assert (problem.code, str(problem.position)) == ("TEL613", "qa/prod/y")
    assert "qa, prod" in problem.summary


def test_what_is_recognised_has_a_json_view() -> None:
    view = stages.recognise(["prod.yaml", "x.yaml", "qa/prod.yaml"]).as_json()
    assert view["shared"] == ["x.yaml"]
    assert view["unclear"] == [{"path": "qa/prod.yaml", "environments": ["qa", "prod"]}]
