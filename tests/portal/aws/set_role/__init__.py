"""Tests of the roles of permission sets."""
