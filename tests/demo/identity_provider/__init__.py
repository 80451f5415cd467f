"""Tests of the demo's OpenID provider."""
