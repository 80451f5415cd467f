"""Imports of users and memberships from tables."""
