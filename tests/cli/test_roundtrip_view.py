"""The round trip as people see it."""

import pytest

from telford.app.roundtrip import Verified
from telford.cli import roundtrip
from telford.road import sameness


def _service(**spec: object) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}


def test_each_rule_is_said_with_its_count_and_an_example(
    capsys: pytest.CaptureFixture[str],
) -> None:
    compared = sameness.compare([_service(type="ClusterIP")], [_service()])
    roundtrip.show(Verified({"prod": compared}))
    shown = capsys.readouterr().out
    assert "explained 1 by default" in shown
    assert "as in Service/web spec.type: ClusterIP -> (not there)" in shown
    assert shown.endswith("the round trip is exact or explained\n")


def test_what_no_rule_explains_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    lost = _service() | {"metadata": {"name": "lost"}}
    new = _service() | {"metadata": {"name": "new"}}
    compared = sameness.compare([_service(type="NodePort"), lost], [_service(), new])
    roundtrip.show(Verified({"prod": compared}))
    shown = capsys.readouterr().out
    assert "unexplained in prod: Service/web spec.type: NodePort -> (not there)" in shown
    assert "not built in prod: Service/lost" in shown
    assert "built in prod and not found: Service/new" in shown
    assert shown.endswith("the round trip is not exact\n")


def test_a_long_list_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    found = [_service() | {"metadata": {"name": f"s{number}"}} for number in range(30)]
    roundtrip.show(Verified({"prod": sameness.compare(found, [])}))
    assert "... and 10 more: --json has all of them" in capsys.readouterr().out
