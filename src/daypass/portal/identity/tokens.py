"""The format of API tokens: a prefix for the kind, 190 random bits, a checksum.

The prefix lets secret scanners find a leaked token, and the checksum detects a typing mistake without a
database query. The alphabet is `[A-Za-z0-9_]`: legacy clients mangle every other character.
"""

import hashlib
import secrets
import string
import zlib

from daypass.portal.identity.model import TokenKind
from daypass.portal.secret import Secret

_ALPHABET = string.ascii_letters + string.digits
_RANDOM = 32
_CHECKSUM = 6

PREFIXES = {
    TokenKind.TEMPORARY: "daypass_tmp_",
    TokenKind.PERMANENT: "daypass_pat_",
    TokenKind.BROWSER: "daypass_web_",
    TokenKind.APPROVAL: "daypass_jit_",
    TokenKind.CLI: "daypass_cli_",
    TokenKind.REFRESH: "daypass_ref_",
    TokenKind.WORKLOAD: "daypass_wlt_",
}

_DEVICE = "daypass_dev_"
_CODE = "daypass_code_"
_CHALLENGE = "daypass_wch_"
_RECOVERY = "daypass_rec_"
_SCIM = "daypass_scim_"


def mint(kind: TokenKind) -> Secret:
    """Return a new token of that kind."""
    return _mint(PREFIXES[kind])


def mint_device() -> Secret:
    """Return a cookie by which a browser is recognised at its next sign-in; it gives no access."""
    return _mint(_DEVICE)


def mint_code() -> Secret:
    """Return an authorization code (RFC 6749, section 4.1.2)."""
    return _mint(_CODE)


def mint_challenge() -> Secret:
    """Return the handle of a WebAuthn challenge; it gives no access."""
    return _mint(_CHALLENGE)


def mint_recovery() -> Secret:
    """Return the secret of a recovery link, which counts only together with the user's password."""
    return _mint(_RECOVERY)


def mint_scim() -> Secret:
    """Return a token by which an identity provider provisions users and groups (RFC 7644)."""
    return _mint(_SCIM)


def is_scim(text: str) -> bool:
    """Return whether *text* has the form of a token for SCIM, with its checksum."""
    return _has_form(text, _SCIM)


def recognise(text: str) -> TokenKind | None:
    """Return the kind of token that *text* is, or None if its prefix or checksum does not match."""
    for kind, prefix in PREFIXES.items():
        if text.startswith(prefix):
            return kind if _has_form(text, prefix) else None
    return None


def digest(text: str) -> bytes:
    """Return the SHA-256 digest that is stored of a token; 190 random bits need no key and no salt."""
    return hashlib.sha256(text.encode()).digest()


def _has_form(text: str, prefix: str) -> bool:
    has_shape = text.startswith(prefix) and len(text) == len(prefix) + _RANDOM + _CHECKSUM
    return has_shape and text.isascii() and _checksum(text[:-_CHECKSUM]) == text[-_CHECKSUM:]


def _mint(prefix: str) -> Secret:
    head = prefix + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return Secret(head + _checksum(head))


def _checksum(head: str) -> str:
    number = zlib.crc32(head.encode())
    signs = []
    for _ in range(_CHECKSUM):
        number, sign = divmod(number, len(_ALPHABET))
        signs.append(_ALPHABET[sign])
    return "".join(signs)
