"""Tests of trust policies."""
