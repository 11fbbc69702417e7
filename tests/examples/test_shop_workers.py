"""The estate of a worker: nothing is wrong with it, and it is released by its own counts."""

from shop_processes import SHOP

from telford.app import check, controlling, objectives, release_policy, workloads
from telford.app.release import indicators
from telford.deliver.policy import problems
from telford.deliver.strategies import stages
from telford.estate import loading, overlays, place

FOLDER = SHOP / "workers"


def binding():
    texts = {file.name: file.read_text() for file in sorted(FOLDER.glob("*.yaml"))}
    return overlays.bind(loading.load(texts).estate, place.parse("dev"))


def test_telford_check_finds_nothing_in_the_estate_of_the_worker():
    assert check.check([FOLDER]).diagnostics == ()


def test_the_worker_is_measured_and_has_a_port_for_its_page_alone():
    found = workloads.one(binding(), "labels")
    watch = controlling.watch([found], ())
    assert [one.name for one in watch.services] == ["labels"]
    workload = workloads.workload(found, "1.1.0", 3, workloads.Local(str(FOLDER), "python3"))
    assert (workload.listens, workload.replicas, workload.cwd) == (False, 4, str(SHOP))
    assert workload.env["METRICS_PORT"] == "{metrics_port}"
    assert workload.env["SHOP_VERSION"] == "1.1.0"


def test_its_deliveries_go_one_by_one_or_by_partition():
    bound = workloads.one(binding(), "labels")
    address = str(bound.entity.address)
    mine = [one for one in objectives.promises(binding()) if one.service == address]
    counted = indicators(address, mine)
    names = {}
    for delivery in binding().of_kind("Delivery"):
        policy = release_policy.policy(delivery.spec, counted, 4, works=True, skip_analysis=False)
        assert problems(policy) == ()
        names[delivery.spec.name] = [
            (stage.shape.canary, stage.shape.partitions) for stage in stages(policy)
        ]
    assert names == {"one-by-one": [(1, 0), (2, 0), (3, 0)], "by-partition": [(1, 2)]}
