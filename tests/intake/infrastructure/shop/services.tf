module "invoicer" {
  source  = "./modules/function"
  name    = "${local.name}-invoicer"
  handler = "invoicer.handle"
  environment = {
    ORDERS_HOST    = aws_db_instance.orders.address
    INVOICE_BUCKET = aws_s3_bucket.invoices.bucket
    LOG_LEVEL      = "info"
    API_TOKEN      = "t0ken-not-in-any-estate"
  }
}

resource "aws_lambda_event_source_mapping" "invoicer" {
  function_name    = module.invoicer.arn
  event_source_arn = module.order_placed.arn
  batch_size       = 10
}

resource "aws_ecs_cluster" "main" {
  name = local.name
}

resource "aws_ecs_task_definition" "checkout" {
  family                   = "${local.name}-checkout"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 512
  memory                   = 1024
  task_role_arn            = aws_iam_role.checkout.arn
  container_definitions = jsonencode([{
    name         = "checkout"
    image        = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/checkout:1.42.0"
    essential    = true
    portMappings = [{ containerPort = 8080, protocol = "tcp" }]
    environment = [
      { name = "REDIS_HOST", value = aws_elasticache_replication_group.sessions.primary_endpoint_address },
      { name = "ORDER_QUEUE", value = module.order_placed.url },
      { name = "PORT", value = "8080" },
    ]
    secrets = [{ name = "PAYMENT_KEY", valueFrom = aws_secretsmanager_secret.payment_key.arn }]
  }])
}

resource "aws_ecs_service" "checkout" {
  name            = "checkout"
  cluster         = aws_ecs_cluster.main.id
  task_definition = aws_ecs_task_definition.checkout.arn
  desired_count   = var.environment == "prod" ? 3 : 1
  launch_type     = "FARGATE"
  load_balancer {
    target_group_arn = aws_lb_target_group.checkout.arn
    container_name   = "checkout"
    container_port   = 8080
  }
  tags = local.tags
}

resource "aws_lb_target_group" "checkout" {
  name     = "${local.name}-checkout"
  port     = 8080
  protocol = "HTTP"
  vpc_id   = data.aws_vpc.main.id
}

data "aws_vpc" "main" {
  tags = { Name = local.name }
}

resource "aws_iam_role" "checkout" {
  name               = "${local.name}-checkout"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}

data "aws_iam_policy_document" "checkout" {
  statement {
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem"]
    resources = [aws_dynamodb_table.carts.arn]
  }
}

resource "aws_iam_role_policy" "checkout" {
  role   = aws_iam_role.checkout.name
  policy = data.aws_iam_policy_document.checkout.json
}

resource "aws_instance" "bastion" {
  count         = var.bastion ? 1 : 0
  ami           = "ami-0abcdef1234567890"
  instance_type = "t4g.nano"
}

resource "aws_sqs_queue" "elsewhere" {
  provider = aws.paris
  name     = "copies"
}
