"""Just-in-time AWS access: a portal, a command-line client, and an AWS that fits on a laptop."""

__version__ = "0.2.0"
