"""Tests of the action and the GitLab component run against the session's demo."""

from tests.fixtures.demo import demo

__all__ = ["demo"]
