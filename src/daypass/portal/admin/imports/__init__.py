"""Imports of users from tables."""
