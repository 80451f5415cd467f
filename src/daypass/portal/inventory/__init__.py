"""What a tenant owns in AWS, and whose a resource is."""
