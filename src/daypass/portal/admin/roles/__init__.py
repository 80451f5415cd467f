"""IAM roles of tenants: created, repaired, and kept in line with the settings."""
