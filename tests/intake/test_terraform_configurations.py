"""A tree of Terraform becomes an estate: what it means, what depends on what, where every leaf went."""

import infrastructure_cases as cases
import pytest
from import_cases import errors, loaded

from telford.intake.format import Needs, Sources
from telford.intake.imported import Imported, Options, Status
from telford.intake.terraform import reading
from telford.intake.terraform.reading import FORMAT


@pytest.fixture(scope="module")
def shop() -> Imported:
    """The configuration in `infrastructure/shop`: two modules of its own, called four times."""
    return cases.read(FORMAT, cases.texts("shop", FORMAT))


def test_every_leaf_has_one_fate(shop: Imported) -> None:
    cases.accounted(shop)
    assert cases.count(shop, Status.MAPPED) > 60


def test_the_estate_is_right(shop: Imported) -> None:
    assert errors(loaded(shop)) == []


def test_values_come_through_variables_locals_and_modules(shop: Imported) -> None:
    found = cases.documents(shop)
    orders = found["datastore/shop-prod-orders"]
    assert orders["engine"] == "postgres"
    assert orders["machine"] == "db.r6g.large"
    assert orders["zones"] == 2
    assert orders["backup"] == {"every": "1d", "keep": "14d", "pointInTime": True}
    placed = found["stream/shop-prod-order-placed"]
    assert placed["sqs"] == {"maxReceives": 5, "visibility": "1m"}
    assert placed["deadLetter"] == "shop-prod-order-placed-dead"
    checkout = found["service/checkout"]["run"]
    assert checkout["replicas"] == 3
    assert checkout["env"]["PORT"] == "8080"


def test_one_block_makes_as_many_things_as_its_for_each_says(shop: Imported) -> None:
    streams = {name for name in cases.documents(shop) if name.startswith("stream/shop-prod-mail")}
    assert streams == {
        "stream/shop-prod-mail-receipts",
        "stream/shop-prod-mail-receipts-dead",
        "stream/shop-prod-mail-reminders",
        "stream/shop-prod-mail-reminders-dead",
    }


def test_parts_belong_to_the_thing_that_they_refer_to(shop: Imported) -> None:
    invoices = cases.documents(shop)["datastore/shop-prod-invoices"]
    assert invoices["objectStore"] == {"encryption": "own-key", "versioning": True}


def test_dependencies_are_what_the_code_refers_to(shop: Imported) -> None:
    """Through environment variables, outputs of modules, an event source mapping, and a role with
    a policy that is a data source.
    """
    assert cases.edges(shop) == {
        ("checkout", "shop-prod-sessions"),
        ("checkout", "shop-prod-order-placed"),
        ("checkout", "shop-prod-carts"),
        ("shop-prod-invoicer", "shop-prod-orders"),
        ("shop-prod-invoicer", "shop-prod-invoices"),
        ("shop-prod-invoicer", "shop-prod-order-placed"),
    }
    uses = cases.documents(shop)["service/shop-prod-invoicer"]["uses"]
    assert {"stream": "shop-prod-order-placed", "role": "consume"}.items() <= uses[2].items()
    assert uses[2]["inferred"]["from"].endswith("shop/services.tf:15")


def test_actions_of_policies_say_what_a_dependency_is_for(shop: Imported) -> None:
    uses = cases.documents(shop)["service/checkout"]["uses"]
    carts = next(use for use in uses if use.get("datastore") == "shop-prod-carts")
    assert carts["access"] == "readwrite"


_PUBLISHER = """
resource "aws_sns_topic" "placed" {}
resource "aws_sqs_queue" "mail" {}
resource "aws_sns_topic_subscription" "mail" {
  topic_arn = aws_sns_topic.placed.arn
  protocol  = "sqs"
  endpoint  = aws_sqs_queue.mail.arn
}
resource "aws_iam_role" "till" {
  inline_policy {
    policy = jsonencode({ Statement = [
      { Action = "sns:Publish", Resource = aws_sns_topic.placed.arn },
      { Action = ACTIONS, Resource = aws_sqs_queue.own.arn },
    ] })
  }
}
resource "aws_sqs_queue" "own" {}
resource "aws_lambda_function" "till" { role = aws_iam_role.till.arn }
"""


@pytest.mark.parametrize(
    ("actions", "role"),
    [
        ('["sqs:SendMessage"]', "publish"),
        ('["sqs:ReceiveMessage", "sqs:DeleteMessage"]', "consume"),
        ('["sqs:SendMessage", "sqs:ReceiveMessage"]', None),
        ('"sqs:GetQueueUrl"', None),
    ],
)
def test_a_topic_is_seen_through_to_its_subscribers(actions: str, role: str | None) -> None:
    found = cases.read(FORMAT, {"x/main.tf": _PUBLISHER.replace("ACTIONS", actions)})
    uses = cases.documents(found)["service/till"]["uses"]
    assert {use["stream"]: use.get("role") for use in uses} == {"mail": "publish", "own": role}
    cases.accounted(found)


def test_no_secret_enters_anything(shop: Imported) -> None:
    assert cases.SECRET not in cases.written(shop)
    run = cases.documents(shop)["service/shop-prod-invoicer"]["run"]
    assert run["env"]["API_TOKEN"] == {"secret": "shop-prod-invoicer", "key": "API_TOKEN"}
    checkout = cases.documents(shop)["service/checkout"]["run"]
    assert checkout["env"]["PAYMENT_KEY"]["secret"] == "shop-payment-provider"
    assert {secret.name for secret in shop.report.secrets} == {
        "shop-payment-provider",
        "shop-prod-invoicer",
    }


def test_places_are_those_that_providers_name(shop: Imported) -> None:
    found = cases.documents(shop)
    assert found["account/aws-111122223333"]["id"] == "111122223333"
    assert found["region/eu-west-1"]["account"] == "aws-111122223333"
    assert "region/eu-west-3" in found
    assert found["cluster/shop-prod"]["region"] == "eu-west-1"


def test_what_no_field_says_is_kept_as_it_was_written(shop: Imported) -> None:
    rest = cases.documents(shop)["datastore/shop-prod-orders"]["x-terraform"]
    kept = rest["aws_db_instance/orders"]
    assert kept["password"] == "${random_password.orders.result}"
    assert kept["lifecycle"] == [{"prevent_destroy": True}]
    manifest = cases.documents(shop)["manifest/aws-lb-target-group-checkout"]
    assert manifest["format"] == "terraform"
    assert manifest["object"]["aws_lb_target_group/checkout"]["port"] == 8080


def test_owners_come_from_tags(shop: Imported) -> None:
    found = cases.documents(shop)
    assert found["datastore/shop-prod-orders"]["owner"] == "team/payments"
    assert found["team/payments"]["annotations"] == {"telford.dev/inferred-from": "tag Team"}


def test_what_is_left_out_says_why(shop: Imported) -> None:
    bastion = cases.fates(shop, "aws_instance/bastion")
    assert {item.reason for item in bastion.values()} == {"its count is 0: nothing is made of it"}
    staging = cases.fates(shop, "tfvars/shop/staging.tfvars")
    assert {item.status for item in staging.values()} == {Status.DROPPED}
    assert "TEL644" in cases.codes(shop.diagnostics)


def test_options_name_system_and_owner() -> None:
    options = Options(system="Till", owner="Cashiers")
    found = cases.read(FORMAT, {"x/main.tf": 'resource "aws_sqs_queue" "a" {}\n'}, options)
    stream = cases.documents(found)["stream/a"]
    assert (stream["system"], stream["owner"]) == ("till", "team/cashiers")


def test_a_folder_of_a_module_is_asked_for_once() -> None:
    text = 'module "a" {\n  source = "../shared/queue"\n  name   = "orders"\n}\n'
    sources = Sources({"live/main.tf": text})
    needs = FORMAT.read(sources, Options())
    assert isinstance(needs, Needs)
    assert [(wanted.path, wanted.folder) for wanted in needs.files] == [("shared/queue", True)]
    given = {
        **sources.texts,
        "shared/queue/main.tf": 'variable "name" {}\nresource "aws_sqs_queue" "q" {\n  name = var.name\n}\n',
    }
    answer = FORMAT.read(Sources(given, {"shared/queue": ""}), Options())
    assert isinstance(answer, Imported)
    assert "stream/orders" in cases.documents(answer)


def test_a_module_that_cannot_be_had_is_said() -> None:
    local = 'module "a" {\n  source = "../../elsewhere"\n}\n'
    remote = 'module "b" {\n  source = "git::https://git.example.com/m.git"\n}\n'
    found = cases.read(FORMAT, {"live/main.tf": local + remote})
    assert cases.codes(found.diagnostics) == ["TEL641", "TEL643"]
    assert str(found.diagnostics[0].position) == "live/main.tf:1:1"
    cases.accounted(found)


def test_modules_that_everybody_uses_mean_what_they_make() -> None:
    text = (
        'module "db" {\n  source = "terraform-aws-modules/rds/aws"\n  identifier = "orders"\n'
        '  engine = "postgres"\n  allocated_storage = 20\n}\n'
    )
    found = cases.documents(cases.read(FORMAT, {"live/main.tf": text}))
    assert found["datastore/orders"]["size"] == "20Gi"


def test_an_engine_that_only_a_plan_knows_is_carried() -> None:
    text = 'resource "aws_db_instance" "a" {\n  engine = data.x.y.engine\n}\n'
    found = cases.read(FORMAT, {"live/main.tf": text})
    assert cases.documents(found)["manifest/aws-db-instance-a"]["object"] == {
        "aws_db_instance/a": {"engine": "${data.x.y.engine}"}
    }


def test_a_value_that_a_kind_refuses_is_carried_and_said() -> None:
    text = 'resource "aws_elasticache_replication_group" "a" {\n  num_cache_clusters = 40\n}\n'
    found = cases.read(FORMAT, {"live/main.tf": text})
    assert cases.codes(found.diagnostics) == ["TEL645"]
    store = cases.documents(found)["datastore/a"]
    assert "replication" not in store
    assert store["x-terraform"]["aws_elasticache_replication_group/a"] == {"num_cache_clusters": 40}
    cases.accounted(found)


def test_two_roots_with_the_same_things_stay_apart() -> None:
    text = 'resource "aws_sqs_queue" "orders" {\n  name = "orders"\n}\n'
    found = cases.read(FORMAT, {"envs/staging/main.tf": text, "envs/prod/main.tf": text})
    streams = [name for name in cases.documents(found) if name.startswith("stream/")]
    assert sorted(streams) == ["stream/orders", "stream/orders-staging"]
    assert errors(loaded(found)) == []


def test_a_thing_is_called_the_same_in_all_environments() -> None:
    """Its own name, with the environment in it, is carried then."""
    text = 'resource "aws_s3_bucket" "a" {\n  bucket = "shop-ENV-invoices"\n}\n'
    for environment, word in (("prod", "prod"), ("live", "production"), ("staging", "stg")):
        given = {f"envs/{word}/main.tf": text.replace("ENV", word)}
        found = cases.read(FORMAT, given, Options(environment=environment))
        store = cases.documents(found)["datastore/shop-invoices"]
        assert store["x-terraform"] == {"aws_s3_bucket/a": {"bucket": f"shop-{word}-invoices"}}
        cases.accounted(found)


def test_a_block_that_is_there_twice_is_said() -> None:
    text = 'resource "aws_sqs_queue" "a" {}\n'
    found = cases.read(FORMAT, {"x/a.tf": text, "x/b.tf": text})
    assert cases.codes(found.diagnostics) == ["TEL640"]
    assert "x/a.tf:1:1" in found.diagnostics[0].summary


def test_modules_that_call_one_another_end() -> None:
    text = 'module "b" {\n  source = "../b"\n}\n'
    back = 'module "a" {\n  source = "../a"\n}\nresource "aws_sqs_queue" "q" {}\n'
    root = 'module "a" {\n  source = "./a"\n}\n'
    found = cases.read(FORMAT, {"main.tf": root, "a/main.tf": text, "b/main.tf": back})
    assert "TEL642" in cases.codes(found.diagnostics)
    cases.accounted(found)


def test_other_clouds_are_understood_too() -> None:
    text = """
resource "google_sql_database_instance" "ledger" {
  name             = "ledger"
  database_version = "POSTGRES_16"
  settings {
    tier      = "db-custom-2-7680"
    disk_size = 50
    backup_configuration { point_in_time_recovery_enabled = true }
  }
}
resource "google_container_cluster" "main" { name = "main" }
resource "azurerm_postgresql_flexible_server" "users" {
  name       = "users"
  version    = "16"
  storage_mb = 32768
}
resource "azurerm_kubernetes_cluster" "aks" {
  name               = "aks"
  kubernetes_version = "1.33"
}
resource "kafka_topic" "placed" {
  name               = "order.placed"
  partitions         = 12
  replication_factor = 3
  config             = { "retention.ms" = "604800000", "cleanup.policy" = "compact" }
}
resource "rabbitmq_queue" "mail" {
  name = "mail"
  settings {
    durable   = true
    arguments = { "x-queue-type" = "quorum" }
  }
}
"""
    answer = cases.read(FORMAT, {"all/main.tf": text})
    found = cases.documents(answer)
    ledger = found["datastore/ledger"]
    assert (ledger["engine"], ledger["version"], ledger["size"]) == ("postgres", "16", "50Gi")
    assert ledger["backup"]["pointInTime"] is True
    assert found["datastore/users"]["size"] == "32768Mi"
    assert (found["cluster/main"]["service"], found["cluster/aks"]["service"]) == ("gke", "aks")
    placed = found["stream/order-placed"]
    assert (placed["partitions"], placed["retention"]) == (12, "7d")
    assert placed["kafka"] == {"cleanup": "compact"}
    assert found["stream/mail"]["rabbitmq"] == {"type": "quorum"}
    assert errors(loaded(answer)) == []


def test_claims_take_configurations_plans_and_states_only() -> None:
    assert reading.claims("a/main.tf", "")
    assert reading.claims("a/prod.auto.tfvars", "")
    assert reading.claims("p.json", '{"format_version":"1.2","terraform_version":"1.11.4"}')
    assert not reading.claims("package.json", '{"name": "x"}')
    assert not reading.claims("values.yaml", "a: 1")
