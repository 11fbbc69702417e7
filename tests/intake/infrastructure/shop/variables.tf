variable "region" {
  type    = string
  default = "eu-west-1"
}

variable "environment" {
  description = "Which stage this is."
  type        = string
}

variable "database_class" {
  type = string
}

variable "bastion" {
  type    = bool
  default = false
}

variable "extra_tags" {
  type    = map(string)
  default = {}
}

variable "provider_password" {
  type      = string
  sensitive = true
  default   = "hunter2-not-in-any-estate"
}

output "orders_endpoint" {
  value = aws_db_instance.orders.endpoint
}
