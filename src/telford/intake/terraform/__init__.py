"""Reads Terraform: `.tf` and `.tf.json` trees, and `terraform show -json` of plans and states."""
