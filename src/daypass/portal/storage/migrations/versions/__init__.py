"""The migrations, one module each, in order of their numbers."""
