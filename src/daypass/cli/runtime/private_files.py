"""Private files in the user's configuration folder."""

import os
from collections.abc import Mapping
from pathlib import Path

from daypass.cli.runtime.errors import Misconfigured
from daypass.cli.runtime.home import expanded


def folder(environment: Mapping[str, str]) -> Path:
    """Return the path of Daypass's configuration folder; raise `Misconfigured` without a home directory."""
    base = environment.get("XDG_CONFIG_HOME", "").rstrip("\r\n")
    # The XDG specification demands that relative paths are ignored.
    return Path(base if base.startswith("/") else expanded("~/.config", environment)) / "daypass"


def write(path: Path, content: str) -> None:
    """Write *content* to *path* atomically, readable by its owner only. Raises `Misconfigured` on failure."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A user who can list the folder learns the names, and one who can write to it can replace the files.
        path.parent.chmod(0o700)
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(content)
        new.rename(path)
    except OSError as error:
        raise Misconfigured(f"{path} cannot be written: {error.strerror}.") from error
