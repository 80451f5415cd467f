"""Tenants and their metadata, as Administrators change them."""
