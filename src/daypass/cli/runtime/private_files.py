"""Files that only their owner may read, for what a person keeps and the cache does not."""

import os
from collections.abc import Mapping
from pathlib import Path

from daypass.cli.runtime.errors import Misconfigured
from daypass.cli.runtime.home import expanded


def folder(environment: Mapping[str, str]) -> Path:
    """Return our own folder in the user's configuration folder; raises `Misconfigured` without a home."""
    base = environment.get("XDG_CONFIG_HOME", "").rstrip("\r\n")
    # The XDG specification: a relative path there does not count.
    return Path(base if base.startswith("/") else expanded("~/.config", environment)) / "daypass"


def write(path: Path, content: str) -> None:
    """Have *content* at *path*: all of it or nothing, and never readable by others."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Whoever can list the folder learns the names, and whoever can write there can swap the files.
        path.parent.chmod(0o700)
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(content)
        new.rename(path)
    except OSError as error:
        raise Misconfigured(f"{path} cannot be written: {error.strerror}.") from error
