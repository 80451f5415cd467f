"""Forms of secret values that may be shown."""

import re

_MASK = "***"
# Only a URL of this form is shown: in any other, the place of the password is uncertain.
_URL = re.compile(
    r"(?P<start>[a-z0-9+]+://[\w.%~-]*)"
    r"(?P<password>:[^@/?#\s]*)?"
    r"(?P<host>@[\w.,:%\[\]-]*|)"
    r"(?P<path>/[^?#@\s]*)?"
    r"(\?(?P<query>[^@#\s]*))?"
)
# Parameters of libpq that are no secrets.
_SHOWN = frozenset(
    {"sslmode", "host", "port", "user", "dbname", "application_name", "connect_timeout", "sslrootcert"}
)


def hide(_text: str) -> str:
    """Return the form of a secret of which nothing is shown."""
    return "set"


def mask_password(url: str) -> str:
    """Return a database URL with its password masked; of a malformed one, only the scheme is left."""
    if url.startswith("sqlite:///") and "?" not in url:
        return url
    parts = _URL.fullmatch(url)
    # Without an @, a colon precedes a port, and the expression takes the port for a password.
    if parts is None or (parts["password"] and not parts["host"] and not parts["password"][1:].isdecimal()):
        scheme, separator, _ = url.partition("://")
        return f"{scheme}://{_MASK}" if separator and scheme.isalnum() else "set"
    password = parts["password"] or ""
    if password and parts["host"]:
        password = f":{_MASK}"
    query = "" if parts["query"] is None else f"?{_mask_parameters(parts['query'])}"
    return f"{parts['start']}{password}{parts['host']}{parts['path'] or ''}{query}"


def _mask_parameters(query: str) -> str:
    pairs = (parameter.partition("=") for parameter in query.split("&"))
    return "&".join(
        f"{name}={value if name in _SHOWN else _MASK}" if separator else _MASK
        for name, separator, value in pairs
    )
