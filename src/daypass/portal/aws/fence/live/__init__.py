"""Checks that only a real AWS account can answer, with a tenant that is made and removed for them."""
