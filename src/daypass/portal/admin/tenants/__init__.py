"""Tenants, the rights of their IAM roles, and their metadata."""
