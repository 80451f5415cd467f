"""Queries and statements for tenants and their metadata."""
