"""Queries for sign-in at identity providers."""
