"""The inventory of the AWS resources of tenants."""
