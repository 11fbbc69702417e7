"""What was found in a cluster is judged by what it is there."""

import pytest

from telford.app import loading
from telford.backends import files
from telford.estate import codes
from telford.estate.codes import service


def _codes(text: str) -> list[str]:
    texts = files.Texts(texts={"e.yaml": codes.PRELUDE + text})
    return [item.code for item in loading.of_texts(texts).diagnostics]


@pytest.mark.parametrize("workload", ["Rollout", "ReplicaSet", "Pod"])
def test_what_lasts_in_a_cluster_fits_a_service_that_lasts(workload: str):
    assert _codes(service(f"run: {{image: a:1, workload: {workload}}}")) == []
    assert _codes(service(f"type: job\nrun: {{image: a:1, workload: {workload}}}")) == ["TEL157"]


@pytest.mark.parametrize(
    "follows",
    ["targetMemory: 80%", "triggers: [{type: cron}]", "metrics: [{name: queue, value: '9'}]"],
)
def test_scaling_on_something_else_needs_no_cpu_request(follows: str):
    text = "run: {{image: a:1, replicas: {{min: 1, max: 3, {}}}}}"
    assert _codes(service(text.format(follows))) == []
    assert _codes(service(text.format(follows + ", targetCpu: 60%"))) == ["TEL151"]
