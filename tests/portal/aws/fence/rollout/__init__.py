"""Tests of the rollout of the fence."""
