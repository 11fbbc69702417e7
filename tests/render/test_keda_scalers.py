"""Target keda: what replicas follow, between which bounds."""

import custom_schemas
import mesh_objects
import pytest
import rendered

PLACED = """apiVersion: telford/v1
kind: Region
name: eu-west-1
provider: aws
---
"""


def _stream(fields: str) -> str:
    return rendered.service("events", fields, kind="Stream", image="")


def _worker(replicas: str = "{min: 0, max: 9}") -> str:
    return rendered.service(
        "worker",
        f"type: worker\nrun: {{image: x, replicas: {replicas}}}\n"
        "uses: [{stream: events, role: consume}]\n",
    )


BROKER = rendered.service("broker", "type: worker\nrun: {image: x, ports: [{port: 9092}]}\n")


def _spec(text: str) -> dict:
    made = mesh_objects.objects(text, "keda")
    assert [said for item in made.values() for said in custom_schemas.errors(item)] == []
    return made["ScaledObject/worker"]["spec"]


def test_a_worker_follows_what_waits_in_kafka():
    text = BROKER + _worker() + _stream("engine: kafka\nbroker: broker\ntopic: shop.events\n")
    spec = _spec(text)
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (0, 9)
    (trigger,) = spec["triggers"]
    assert trigger["type"] == "kafka"
    assert trigger["metadata"] == {
        "bootstrapServers": "broker.prod.svc.cluster.local:9092",
        "consumerGroup": "worker",
        "topic": "shop.events",
        "lagThreshold": "10",
    }


def test_a_worker_follows_what_waits_in_jetstream():
    (trigger,) = _spec(BROKER + _worker() + _stream("engine: nats\nbroker: broker\n"))["triggers"]
    assert trigger["type"] == "nats-jetstream"
    assert trigger["metadata"]["natsServerMonitoringEndpoint"].endswith(".cluster.local:8222")
    assert (trigger["metadata"]["stream"], trigger["metadata"]["consumer"]) == ("events", "worker")


def test_the_address_of_rabbitmq_is_named_and_never_written():
    auth = "annotations: {telford.dev/trigger-authentication: rabbit}\n"
    (trigger,) = _spec(_worker() + _stream("engine: rabbitmq\n" + auth))["triggers"]
    assert trigger["authenticationRef"] == {"name": "rabbit"}
    assert "host" not in trigger["metadata"]


def test_sqs_is_asked_by_a_role_and_no_key_is_kept():
    worker = _worker() + _stream("engine: sqs\nsqs: {fifo: true}\n")
    placed = rendered.PLACES.replace("order: 2\n", "order: 2\nregions: [eu-west-1]\n")
    estate = rendered.loading.load({"e.yaml": placed + PLACED + worker}).estate
    binding = rendered.overlays.bind(estate, rendered.places.parse("prod/eu-west-1"))
    (unit,) = rendered.in_place(binding, "keda").units
    identity, scaler = unit.objects()
    assert identity["spec"] == {"podIdentity": {"provider": "aws"}}
    (trigger,) = scaler["spec"]["triggers"]
    assert trigger["metadata"]["queueURL"] == "events.fifo"
    assert trigger["metadata"]["awsRegion"] == "eu-west-1"
    assert trigger["authenticationRef"] == {"name": identity["metadata"]["name"]}
    assert [said for item in unit.objects() for said in custom_schemas.errors(item)] == []


def test_what_is_written_goes_before_what_could_be_concluded():
    replicas = "{min: 1, max: 3, triggers: [{type: cron, metadata: {timezone: UTC, start: 0 6 * * *, end: 0 7 * * *, desiredReplicas: '3'}}]}"
    (trigger,) = _spec(_worker(replicas) + _stream("engine: kafka\n"))["triggers"]
    assert trigger["type"] == "cron"


def test_a_share_of_cpu_alone_never_ends_the_last_replica():
    text = rendered.service("worker", "run: {image: x, replicas: {min: 0, max: 4}}\n")
    spec = _spec(text)
    assert spec["minReplicaCount"] == 1
    (trigger,) = spec["triggers"]
    assert (trigger["type"], trigger["metricType"]) == ("cpu", "Utilization")
    assert trigger["metadata"] == {"value": "80"}


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ("engine: kafka\n", "broker"),
        ("engine: nats\n", "broker"),
        ("engine: rabbitmq\n", "TriggerAuthentication"),
        ("engine: sqs\n", "AWS region"),
    ],
)
def test_a_stream_of_which_too_little_is_said_is_reported(fields: str, missing: str):
    (said,) = rendered.rendering(_worker() + _stream(fields), "keda").diagnostics
    assert said.code == "TEL563"
    assert missing in said.summary


def test_a_consumer_with_a_fixed_number_of_replicas_is_left_alone_and_named():
    text = _worker("2") + _stream("engine: kafka\n")
    assert mesh_objects.objects(text, "keda") == {}
    assert rendered.codes(text, "keda") == ["TEL564"]


def test_a_metric_that_no_trigger_is_made_of_is_reported():
    replicas = "{max: 4, metrics: [{name: queue_length, average: '10'}]}"
    text = rendered.service("worker", f"run: {{image: x, replicas: {replicas}}}\n")
    assert rendered.codes(text, "keda") == ["TEL562"]


def test_kubernetes_leaves_the_scaler_to_keda_where_that_was_chosen():
    text = rendered.service("worker", "run: {image: x, replicas: {min: 1, max: 4}}\n")
    scene = rendered.registry.scene(rendered.bound(text), ["kubernetes", "keda"])
    units = rendered.registry.BY_NAME["kubernetes"].in_place(scene).units
    kinds = {item["kind"] for unit in units for item in unit.objects()}
    assert "Deployment" in kinds
    assert not kinds & {"HorizontalPodAutoscaler", "ScaledObject"}
