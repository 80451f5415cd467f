"""Tenants and their metadata as rows."""
