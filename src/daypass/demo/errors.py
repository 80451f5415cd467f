"""The demo's error."""


class DemoError(Exception):
    """An error that ends the demo; the message has the reason and the remedy."""
