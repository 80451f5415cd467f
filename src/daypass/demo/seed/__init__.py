"""The seed data of the demo: tenants and resources in AWS, users and history in the portal."""
