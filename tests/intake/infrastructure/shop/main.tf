terraform {
  required_version = ">= 1.6"
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 6.0" }
  }
  backend "s3" {
    bucket = "harbour-terraform"
    key    = "shop/prod.tfstate"
    region = "eu-west-1"
  }
}

provider "aws" {
  region              = var.region
  allowed_account_ids = ["111122223333"]
  default_tags { tags = { Terraform = "true" } }
}

# A second region for copies.
provider "aws" {
  alias  = "paris"
  region = "eu-west-3"
}

locals {
  name = "shop-${var.environment}"
  tags = merge(var.extra_tags, { Team = "payments", Environment = var.environment })
}

resource "random_password" "orders" {
  length  = 24
  special = false
}

resource "aws_db_instance" "orders" {
  identifier                = "${local.name}-orders"
  engine                    = "postgres"
  engine_version            = "16.4"
  instance_class            = var.database_class
  allocated_storage         = 100
  multi_az                  = var.environment == "prod" ? true : false
  storage_encrypted         = true
  backup_retention_period   = 14
  username                  = "orders"
  password                  = random_password.orders.result
  skip_final_snapshot       = false
  final_snapshot_identifier = "${local.name}-orders-final"
  tags                      = local.tags

  lifecycle { prevent_destroy = true }
  timeouts { create = "60m" }
}

resource "aws_elasticache_replication_group" "sessions" {
  replication_group_id       = "${local.name}-sessions"
  description                = "Sessions of the shop"
  engine                     = "valkey"
  engine_version             = "8.0"
  node_type                  = "cache.t4g.small"
  num_cache_clusters         = 2
  automatic_failover_enabled = true
  at_rest_encryption_enabled = true
}

resource "aws_dynamodb_table" "carts" {
  name         = "${local.name}-carts"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "customer"
  attribute {
    name = "customer"
    type = "S"
  }
  ttl {
    attribute_name = "expires"
    enabled        = true
  }
  point_in_time_recovery { enabled = true }
  tags = local.tags
}

resource "aws_s3_bucket" "invoices" {
  bucket = "${local.name}-invoices"
  tags   = local.tags
}

resource "aws_s3_bucket_versioning" "invoices" {
  bucket = aws_s3_bucket.invoices.id
  versioning_configuration { status = "Enabled" }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "invoices" {
  bucket = aws_s3_bucket.invoices.id
  rule {
    apply_server_side_encryption_by_default { sse_algorithm = "aws:kms" }
  }
}

module "order_placed" {
  source       = "./modules/queue"
  name         = "${local.name}-order-placed"
  max_receives = 5
}

module "mail" {
  source   = "./modules/queue"
  for_each = toset(["receipts", "reminders"])
  name     = "${local.name}-mail-${each.key}"
}

resource "aws_secretsmanager_secret" "payment_key" {
  name = "shop/payment-provider"
}

resource "aws_secretsmanager_secret_version" "payment_key" {
  secret_id     = aws_secretsmanager_secret.payment_key.id
  secret_string = "sk_live_not_in_any_estate"
}
