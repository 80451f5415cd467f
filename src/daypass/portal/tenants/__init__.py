"""Tenants, their names and their memberships."""
