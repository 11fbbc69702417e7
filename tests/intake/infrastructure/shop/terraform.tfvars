environment       = "prod"
database_class    = "db.r6g.large"
provider_password = "other-not-in-any-estate"
