"""What the demo creates: tenants and resources in AWS, people and history in the portal."""
