"""The checks of the portal, its AWS account and its tenants, and their findings."""
