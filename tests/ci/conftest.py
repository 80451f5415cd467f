"""Tests of the action and the GitLab component run against the session's demo."""

from tests.demo_fixture import demo

__all__ = ["demo"]
