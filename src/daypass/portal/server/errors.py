"""The error of a server that cannot start or continue."""


class ServeError(Exception):
    """The server cannot start, or stopped by itself; the message says what to change."""
