"""CloudFormation templates become an estate: functions are evaluated as far as no stack is needed.

The templates in `infrastructure/stacks` are valid by cfn-lint 1.51 (no error; one warning, about
the parameter for a password that they have on purpose).
"""

import json
from typing import Any

import infrastructure_cases as cases
import pytest
import yaml
from import_cases import errors, loaded

from telford.intake.cloudformation import reading
from telford.intake.cloudformation.reading import FORMAT
from telford.intake.imported import Imported, Status


@pytest.fixture(scope="module")
def stacks() -> Imported:
    """Two templates, YAML with SAM and JSON, of which one imports what the other exports."""
    return cases.read(FORMAT, cases.texts("stacks", FORMAT))


class _Loader(yaml.SafeLoader):
    """Any tagged value is one leaf."""


_Loader.add_multi_constructor("!", lambda loader, tag, node: f"{tag} {node.start_mark}")


def _counted(value: Any) -> int:
    """Leaves, a function in its long form being one of them."""
    if isinstance(value, dict) and len(value) == 1:
        (key,) = value
        if key in ("Ref", "Condition") or str(key).startswith("Fn::"):
            return 1
    if isinstance(value, dict) and value:
        return sum(map(_counted, value.values()))
    if isinstance(value, list) and value:
        return sum(map(_counted, value))
    return 1


def test_every_leaf_is_counted_as_another_parser_counts(stacks: Imported) -> None:
    texts = cases.texts("stacks", FORMAT)
    plain = [
        json.loads(text) if name.endswith(".json") else yaml.load(text, _Loader)
        for name, text in texts.items()
    ]
    assert len(stacks.report.fates) == sum(map(_counted, plain))
    cases.accounted(stacks)
    assert cases.count(stacks, Status.MAPPED) > 60


def test_the_estate_is_right(stacks: Imported) -> None:
    assert errors(loaded(stacks)) == []


def test_functions_give_values(stacks: Imported) -> None:
    """Ref, Sub, Join, FindInMap, If and conditions over parameters with defaults."""
    found = cases.documents(stacks)
    orders = found["datastore/orders-prod"]
    assert (orders["machine"], orders["size"], orders["zones"]) == ("db.r6g.large", "200Gi", 2)
    assert orders["onDelete"] == "snapshot"
    assert orders["labels"] == {"Stage": "prod", "Team": "payments"}
    assert orders["owner"] == "team/payments"
    placed = found["stream/order-placed-prod"]
    assert placed["deadLetter"] == "dead-orders-prod"
    assert placed["sqs"] == {"maxReceives": 5, "visibility": "2m"}
    function = found["service/invoicer-prod"]["function"]
    # The runtime is of the template's Globals.
    assert (function["runtime"], function["timeout"]) == ("python3.13", "20s")


def test_dependencies_go_through_functions_roles_and_exports(stacks: Imported) -> None:
    assert cases.edges(stacks) == {
        ("checkout", "sessions"),
        ("checkout", "order-placed-prod"),
        ("invoicer-prod", "orders-prod"),
        ("invoicer-prod", "invoices"),
        ("invoicer-prod", "carts-prod"),
        ("invoicer-prod", "order-placed-prod"),
    }


def test_no_secret_enters_anything(stacks: Imported) -> None:
    assert cases.SECRET not in cases.written(stacks)
    assert {secret.name for secret in stacks.report.secrets} == {"invoicer-prod", "shop-payment"}


def test_what_a_false_condition_hides_is_left_out(stacks: Imported) -> None:
    reasons = {item.reason for item in cases.fates(stacks, "AWS::S3::Bucket/Playground").values()}
    assert reasons == {"its condition is false: nothing is made of it"}


def test_what_no_field_says_is_kept_in_its_long_form(stacks: Imported) -> None:
    rest = cases.documents(stacks)["datastore/orders-prod"]["x-cloudformation"]
    kept = rest["AWS::RDS::DBInstance/OrdersDatabase"]["Properties"]
    assert kept["MasterUserPassword"] == {"Ref": "DatabasePassword"}
    role = cases.documents(stacks)["manifest/aws-iam-role-taskrole"]["object"]
    statement = role["AWS::IAM::Role/TaskRole"]["Properties"]["Policies"][0]["PolicyDocument"]
    assert statement["Statement"][0]["Resource"] == {"Fn::ImportValue": "order-queue"}


_QUEUE = "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n    Properties:\n      QueueName: "


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ('!Sub "a-${!b}-c"', "a-${!b}-c"),
        ("!Select [1, [x, y]]", "y"),
        ('!Select [0, !Split ["/", "p/q"]]', "p"),
        ('!Join ["", [a, !Join ["-", [b, c]]]]', "ab-c"),
        ('!Sub ["${X}-y", {X: z}]', "z-y"),
        ('{"Fn::Sub": "long"}', "long"),
    ],
)
def test_functions_nest(name: str, expected: str) -> None:
    found = cases.read(FORMAT, {"t.yaml": _QUEUE + name + "\n"})
    streams = [item.value for item in found.documents if item.value["kind"] == "Stream"]
    assert [stream["topic"] for stream in streams] == [expected.replace("${!b}", "${b}")]


@pytest.mark.parametrize(
    "name",
    [
        '!Sub "${AWS::StackName}-q"',
        "!Ref Absent",
        "!ImportValue absent",
        "!Select [7, [a]]",
        "!FindInMap [No, Such, Map]",
        "!If [Absent, a, b]",
        "!GetAtt [Queue]",
        "!Join [a]",
        "!Cidr [a, 1, 2]",
        "!Transform {Name: x}",
    ],
)
def test_what_only_a_stack_knows_is_carried(name: str) -> None:
    found = cases.read(FORMAT, {"t.yaml": _QUEUE + name + "\n"})
    assert cases.fates(found, "AWS::SQS::Queue/Queue")["Properties.QueueName"].status in (
        Status.CARRIED,
    )
    assert "stream/queue" in cases.documents(found)
    cases.accounted(found)


def test_a_template_may_have_as_many_functions_as_it_likes() -> None:
    queues = "".join(
        f"  Q{number}:\n    Type: AWS::SQS::Queue\n    Properties: {{QueueName: !Sub q{number}}}\n"
        for number in range(1_200)
    )
    found = cases.read(FORMAT, {"t.yaml": f"Resources:\n{queues}"})
    assert found.diagnostics == ()
    assert sum(item.value["kind"] == "Stream" for item in found.documents) == 1_200


def test_conditions_in_a_circle_are_unknown() -> None:
    text = (
        "Conditions:\n  A: !Not [!Condition B]\n  B: !Not [!Condition A]\n"
        "Resources:\n  Q: {Type: AWS::SQS::Queue, Condition: A}\n"
    )
    found = cases.read(FORMAT, {"t.yaml": text})
    assert "stream/q" in cases.documents(found)


def test_functions_nest_without_an_end_of_the_stack() -> None:
    deep = '{"Fn::Join": ["", [' * 45 + '"x"' + "]]}" * 45
    found = cases.read(
        FORMAT,
        {
            "t.json": '{"Resources": {"Q": {"Type": "AWS::SQS::Queue", '
            f'"Properties": {{"QueueName": {deep}}}}}}}}}'
        },
    )
    cases.accounted(found)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("AWSTemplateFormatVersion: '2010-09-09'\n", "TEL650"),
        ("AWSTemplateFormatVersion: x\nResources: [1]\n", "TEL650"),
        ("Resources:\n  A: 3\n", "TEL650"),
        ("Resources:\n  A: {Type: [x]}\n", "TEL650"),
        ("Resources: {A: {Type: AWS::SQS::Queue, Properties: 4}}\n", ""),
        ("Resources: {A: {Type: AWS::SQS::Queue}}\nMappings: 3\nConditions: 1\nOutputs: x\n", ""),
    ],
)
def test_what_is_no_template_is_told(text: str, code: str) -> None:
    found = cases.read(FORMAT, {"t.yaml": text})
    assert [item for item in cases.codes(found.diagnostics) if item == code] == [code] * bool(code)
    cases.accounted(found)


def test_claims_take_templates_only() -> None:
    assert reading.claims("a.yaml", "AWSTemplateFormatVersion: '2010-09-09'\n")
    assert reading.claims("a.json", '{"Resources": {"A": {"Type": "AWS::SQS::Queue"}}}')
    assert reading.claims("a.yaml", "Transform: AWS::Serverless-2016-10-31\nResources: {}\n")
    assert not reading.claims("a.yaml", "apiVersion: v1\nkind: ConfigMap\n")
    assert not reading.claims("a.yaml", "Resources:\n- a\n")
