"""What Terraform and CloudFormation share: resources, tables that give them a meaning, documents."""
