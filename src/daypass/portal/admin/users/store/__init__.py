"""Queries and statements for users, memberships and tokens."""
