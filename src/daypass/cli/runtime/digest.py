"""SHA-256 without the rest of hashlib: that would load OpenSSL before each cached answer."""

import sys

# The way of the standard library's own `random`; where Python was built otherwise, hashlib has it.
try:
    if sys.version_info >= (3, 12):
        from _sha2 import sha256
    else:
        from _sha256 import sha256  # type: ignore[import-not-found]  # in no stub
except ImportError:
    from hashlib import sha256


def fingerprint(content: bytes) -> str:
    """The SHA-256 of *content*, as hexadecimal digits."""
    return str(sha256(content).hexdigest())
