"""The user's home directory, without the fallbacks of `os.path.expanduser` that lead elsewhere.

Without HOME and a passwd entry, `expanduser` returns the path unchanged, and `~/.cache` becomes a folder
named `~` in the working directory.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def home_directory(environment: "Mapping[str, str]") -> str | None:
    """Return the absolute path in HOME, else that of the passwd entry; None if there is neither."""
    home = environment.get("HOME", "")
    if not home.startswith("/"):
        # Imported only here: HOME is set almost everywhere.
        import pwd

        try:
            home = pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:
            return None
    return home if home.startswith("/") else None


def expand_user(path: str, environment: "Mapping[str, str]") -> str | None:
    """Return *path* with `~` or `~user` expanded, or None if that user has no home directory."""
    if path == "~" or path.startswith("~/"):
        home = home_directory(environment)
        return None if home is None else home.rstrip("/") + path[1:] or "/"
    if path.startswith("~"):
        path = os.path.expanduser(path)  # noqa: PTH111  imported by the CLI's fast path
        return None if path.startswith("~") else path
    return path
