"""The doors: who is calling, and what they are told."""
