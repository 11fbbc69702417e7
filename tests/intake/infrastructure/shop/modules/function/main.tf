variable "name" { type = string }
variable "handler" { type = string }
variable "environment" {
  type    = map(string)
  default = {}
}

resource "aws_lambda_function" "this" {
  function_name = var.name
  handler       = var.handler
  runtime       = "python3.13"
  memory_size   = 512
  timeout       = 30
  role          = aws_iam_role.this.arn
  filename      = "${path.module}/${var.name}.zip"

  dynamic "environment" {
    for_each = length(var.environment) > 0 ? [1] : []
    content { variables = var.environment }
  }
}

resource "aws_iam_role" "this" {
  name               = "${var.name}-role"
  assume_role_policy = "{}"
}

output "arn" { value = aws_lambda_function.this.arn }
