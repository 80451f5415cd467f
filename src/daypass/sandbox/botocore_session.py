"""A botocore session for clients of the sandbox, independent of this machine's AWS configuration."""

from typing import Any

from botocore.session import Session

_NO_FILE = (None, None, "/dev/null", None)


def isolated_session() -> Session:
    """Return a session that reads no profile and no file of the AWS CLI.

    Its clients still take proxies from the environment, unless their `Config` has `proxies={}`.
    """
    # botocore's order: the key in a configuration file, the environment variable, the default, a conversion.
    session_vars: dict[str, Any] = {
        "profile": (None, None, None, None),
        "config_file": _NO_FILE,
        "credentials_file": _NO_FILE,
    }
    return Session(session_vars=session_vars)
