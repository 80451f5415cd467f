"""Sandbox and portal together: seed them, prove the main job, serve."""
