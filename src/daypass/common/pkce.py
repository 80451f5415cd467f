"""Proof Key for Code Exchange (PKCE, RFC 7636), which the CLI requests and the portal verifies."""


def s256_challenge(verifier: str) -> str:
    """Return the S256 code challenge of *verifier* (RFC 7636, section 4.2), whose form is not checked."""
    # Imported here because of the CLI: it needs them only for a sign-in, and hashlib loads OpenSSL.
    from base64 import urlsafe_b64encode
    from hashlib import sha256

    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
