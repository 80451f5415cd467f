"""SHA-256 without the rest of hashlib: that would load OpenSSL before each cached answer."""

# The way of the standard library's own `random`.
try:
    from _sha2 import sha256  # type: ignore[import-not-found, unused-ignore]  # Python 3.12 and newer
except ImportError:
    try:
        from _sha256 import sha256  # type: ignore[import-not-found, unused-ignore]  # Python 3.11
    except ImportError:
        from hashlib import sha256


def fingerprint(content: bytes) -> str:
    """The SHA-256 of *content*, as hexadecimal digits."""
    return str(sha256(content).hexdigest())
