"""Secrets that code writes out are told from references to secrets."""

import infrastructure_cases as cases
import pytest

from telford.intake.cloud import secrets
from telford.intake.cloudformation.reading import FORMAT as CLOUDFORMATION
from telford.intake.terraform.reading import FORMAT as TERRAFORM

_RESOURCE = 'resource "aws_thing" "a" {{\n  {line}\n}}\n'


@pytest.mark.parametrize(
    "line",
    [
        'master_password = "hunter2"',
        'auth_token = format("%s", "hunter2")',
        'password = "x-hunter2-${var.x}"',
        'user_data = "export DB_PASSWORD=hunter2 && run"',
        'policy = jsonencode({ password = "hunter2" })',
        'settings = merge(var.x, { "API_KEY" = "hunter2" })',
        'url = "postgres://till:hunter2@db.example.com/orders"',
        "script = <<EOT\ntoken: 'hunter2'\nEOT",
        'environment { variables = { STRIPE_SECRET = "hunter2" } }',
        'secret_string = jsonencode({ user = "hunter2" })',
        'setting {\n name = "db.password"\n value = "hunter2"\n }',
        'private_key = "hunter2 -----BEGIN PRIVATE KEY-----"',
        'container_definitions = jsonencode([{ environment = [{ name = "TOKEN", value = "hunter2" }] }])',
    ],
)
def test_a_secret_of_terraform_enters_nothing(line: str) -> None:
    answer = cases.read(TERRAFORM, {"x/main.tf": _RESOURCE.format(line=line)})
    assert "hunter2" not in cases.written(answer)
    cases.accounted(answer)


@pytest.mark.parametrize(
    "line",
    [
        "password = random_password.a.result",
        'secret_arn = "arn:aws:secretsmanager:eu-west-1:1:secret:a"',
        'token_ttl = "5m"',
        'key = "orders"',
        "password = var.password",
        'topic = "secret-garden"',
    ],
)
def test_a_reference_of_terraform_is_kept(line: str) -> None:
    answer = cases.read(TERRAFORM, {"x/main.tf": _RESOURCE.format(line=line)})
    assert not answer.report.reasons()


def test_a_secret_setting_refers_to_where_its_value_is_kept() -> None:
    """To the secret that the code names, else to one of the service's own name."""
    text = """
variable "key" {
  default   = "hunter2"
  sensitive = true
}
resource "random_password" "db" {}
resource "aws_secretsmanager_secret" "stripe" { name = "stripe" }
resource "aws_secretsmanager_secret_version" "stripe" {
  secret_id = aws_secretsmanager_secret.stripe.id
}
resource "aws_lambda_function" "till" {
  environment {
    variables = {
      DB_PASSWORD = random_password.db.result
      STRIPE_KEY  = var.key
      API_TOKEN   = aws_secretsmanager_secret_version.stripe.secret_string
      MODE        = "live"
    }
  }
}
"""
    answer = cases.read(TERRAFORM, {"x/main.tf": text})
    assert cases.documents(answer)["service/till"]["run"]["env"] == {
        "MODE": "live",
        "DB_PASSWORD": {"secret": "till", "key": "DB_PASSWORD"},
        "STRIPE_KEY": {"secret": "till", "key": "STRIPE_KEY"},
        "API_TOKEN": {"secret": "stripe", "key": "API_TOKEN"},
    }
    named = {secret.name: secret.keys for secret in answer.report.secrets}
    assert named == {"stripe": (), "till": ("DB_PASSWORD", "STRIPE_KEY")}
    cases.accounted(answer)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("hunter2", False),
        ("!Sub 'hunter2-${AWS::Region}'", False),
        ("!Join ['', [hun, ter2]]", False),
        ("!Ref Secret", True),
        ("'{{resolve:secretsmanager:orders:SecretString:password}}'", True),
        ("!Sub '{{resolve:secretsmanager:${Secret}:SecretString:password}}'", True),
    ],
)
def test_a_password_of_a_template_is_kept_where_it_is_a_reference(value: str, kept: bool) -> None:
    text = (
        f"Resources:\n  A:\n    Type: AWS::X::Y\n    Properties: {{MasterUserPassword: {value}}}\n"
    )
    answer = cases.read(CLOUDFORMATION, {"t.yaml": text})
    assert (not answer.report.reasons()) is kept


@pytest.mark.parametrize("text", ["a" * 60_000, "://" * 20_000, "password" * 8_000, "x:" * 30_000])
def test_long_texts_are_looked_through_all_the_same(text: str) -> None:
    assert not secrets.setting("name", text)
