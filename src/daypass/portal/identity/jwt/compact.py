"""The compact serialization of signed tokens (RFC 7515, section 7.1), before any check of the signature."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from daypass.portal.identity.jwt.errors import InvalidToken
from daypass.portal.identity.jwt.strict_json import malformed, parse_object

LONGEST_TOKEN = 128 * 1024
"""The limit on the length of a token in bytes; an ID token with 500 groups has some 50 KiB."""

_LONGEST_HEADER = 8 * 1024
_SEGMENT = re.compile("[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class CompactToken:
    """The parts of a token; nothing in it is to be believed before the signature is verified."""

    header: Mapping[str, object]
    claims: Mapping[str, object]
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @property
    def key_id(self) -> str | None:
        """The `kid` of the header, or None if it has none."""
        key_id = self.header.get("kid")
        return key_id if isinstance(key_id, str) else None

    def algorithm(self, accepted: Collection[str]) -> str:
        """Return the algorithm of the header; raises `InvalidToken` unless *accepted* has it."""
        algorithm = self.header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in accepted:
            raise InvalidToken("algorithm", "The token is not signed with an accepted algorithm.")
        return algorithm


def parse(token: str) -> CompactToken:
    """Split and decode *token*; raises `InvalidToken`.

    An encrypted token (five parts) is malformed here.
    """
    if len(token) > LONGEST_TOKEN:
        raise InvalidToken("too_long", f"The token is longer than {LONGEST_TOKEN // 1024} KiB.")
    segments = token.split(".")
    if len(segments) != 3:
        raise malformed()
    if len(segments[0]) > _LONGEST_HEADER:
        raise InvalidToken("too_long", f"The token's header is longer than {_LONGEST_HEADER // 1024} KiB.")
    header, payload, signature = map(_decode, segments)
    parsed = CompactToken(
        parse_object(header), parse_object(payload), token.rpartition(".")[0].encode(), signature
    )
    _check_header(parsed.header)
    return parsed


def unverified_claims(token: str) -> Mapping[str, object]:
    """Return the claims of a token before its signature is checked, to choose the issuer that must verify it.

    Raises `InvalidToken`.
    """
    return parse(token).claims


def _check_header(header: Mapping[str, object]) -> None:
    # `crit` lists extensions that a reader must understand (RFC 7515, section 4.1.11), and this one has none.
    # `b64` (RFC 7797) changes what is signed.
    if "crit" in header or "b64" in header:
        raise InvalidToken("header", "The token's header demands an extension that the portal does not have.")
    if not isinstance(header.get("kid", ""), str) or not isinstance(header.get("typ", ""), str):
        raise malformed()


def _decode(segment: str) -> bytes:
    if not _SEGMENT.fullmatch(segment):
        raise malformed()
    try:
        decoded = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        raise malformed() from None
    # The last character can hold bits that decoding drops. Two spellings of a token would be two tokens for
    # a reader that accepts each token once.
    if urlsafe_b64encode(decoded).rstrip(b"=") != segment.encode():
        raise malformed()
    return decoded
