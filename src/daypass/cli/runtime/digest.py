"""SHA-256 without hashlib, which would load OpenSSL before each cached answer."""

import sys

# The module `random` imports it in the same way. Builds of Python without these modules fall back to hashlib.
try:
    if sys.version_info >= (3, 12):
        from _sha2 import sha256
    else:
        from _sha256 import sha256  # type: ignore[import-not-found]  # in no stub
except ImportError:
    from hashlib import sha256


def fingerprint(content: bytes) -> str:
    """Return the SHA-256 of *content* in hexadecimal."""
    return str(sha256(content).hexdigest())
