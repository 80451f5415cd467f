"""The settings, their bounds and their stored values."""
