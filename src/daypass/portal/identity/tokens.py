"""API tokens as they travel: a prefix for the kind, 190 random bits, a checksum.

The prefix lets scanners find a leaked token, and the checksum lets them, and us, tell a token from a typing
mistake without asking the database. The alphabet is `[A-Za-z0-9_]`: legacy clients mangle everything else.
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
}

_DEVICE = "daypass_dev_"
_CODE = "daypass_code_"


def mint(kind: TokenKind) -> Secret:
    """A new token of that kind."""
    return _mint(PREFIXES[kind])


def mint_device() -> Secret:
    """What a browser is known by at its next sign-in. It is no token, and opens nothing."""
    return _mint(_DEVICE)


def mint_code() -> Secret:
    """What an application gets its first tokens with, once, within a minute."""
    return _mint(_CODE)


def recognise(text: str) -> TokenKind | None:
    """The kind of token that *text* is; None where it is none of ours, or was mistyped."""
    for kind, prefix in PREFIXES.items():
        if text.startswith(prefix) and len(text) == len(prefix) + _RANDOM + _CHECKSUM:
            return kind if text.isascii() and _checksum(text[:-_CHECKSUM]) == text[-_CHECKSUM:] else None
    return None


def digest(text: str) -> bytes:
    """What is stored in place of a token; so many random bits need no key and no salt."""
    return hashlib.sha256(text.encode()).digest()


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
