"""JSON Web Tokens of other issuers: their keys, their signatures, and what every such token must hold.

The claims that only one kind of token has (audience, nonce, subject) are checked by its reader.
"""

from daypass.portal.identity.jwt.compact import unverified_claims
from daypass.portal.identity.jwt.errors import InvalidToken, IssuerUnavailable
from daypass.portal.identity.jwt.issuers import Issuers, SignedToken
from daypass.portal.identity.jwt.times import check_times

__all__ = [
    "InvalidToken",
    "IssuerUnavailable",
    "Issuers",
    "SignedToken",
    "check_times",
    "unverified_claims",
]
