"""The database's address and its driver's messages for the operator, without passwords."""

import os
from pathlib import Path
from urllib.parse import quote, quote_plus

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from daypass.common.lines import one_line

_SECRETS = ("password", "sslpassword")


class DatabaseUrl:
    """The address of one database, for error messages to the operator."""

    def __init__(self, url: URL) -> None:
        self._path = Path(url.database).absolute() if url.drivername == "sqlite" and url.database else None
        self._name = _server(url) if url.drivername != "sqlite" else f"SQLite at {self._path or 'memory'}"
        secrets = [url.password, *(url.query.get(name) for name in _SECRETS)]
        self._secrets = [
            spelling
            for secret in secrets
            if isinstance(secret, str) and secret
            # A driver may repeat the password as it was written in the URL.
            for spelling in (secret, quote(secret, safe=""), quote_plus(secret))
        ]

    def cause(self, error: DBAPIError) -> str:
        """Return the address and the driver's message in one line, with passwords masked."""
        # Messages of PostgreSQL have several lines, and a log has one for each event.
        message = one_line(str(error.orig))
        for secret in self._secrets:
            message = message.replace(secret, "***")
        hint = None if self._path is None else _hint(self._path)
        return f"{self._name}: {message}" + (f" ({hint})" if hint else "")


def _server(url: URL) -> str:
    host = url.host or url.query.get("host") or url.query.get("hostaddr") or "the default host"
    port = url.port or url.query.get("port") or ""
    names = [host] if isinstance(host, str) else list(host)
    parts = [f"PostgreSQL at {','.join(names)}" + (f":{port}" if port else "")]
    parts += [f"database {url.database}"] if url.database else []
    user = url.username or url.query.get("user")
    return ", ".join([*parts, f"user {user}"] if user else parts)


def _hint(path: Path) -> str | None:
    """Return why this process cannot write the file, or None if the file system shows no reason."""
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder {folder}"
    if path.is_dir():
        return "it is a folder"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"this user cannot write to the folder {folder}"
    if path.exists() and not os.access(path, os.W_OK):
        return "this user cannot write to the file"
    return None
