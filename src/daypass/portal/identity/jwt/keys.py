"""The keys of an issuer (RFC 7517), and signatures made with them."""

from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from daypass.portal.identity.jwt.compact import CompactToken
from daypass.portal.identity.jwt.errors import InvalidToken
from daypass.portal.identity.jwt.strict_json import malformed, parse_object

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, OKPKey, RSAKey

# joserfc takes 150 ms to import, and a portal without identity providers never needs it.

_SHORTEST_RSA_KEY = 2048
# By key type and curve, the algorithms for which a key can be used (RFC 7518, RFC 8037, RFC 9864).
_ALGORITHMS: Mapping[tuple[str, str | None], frozenset[str]] = {
    ("RSA", None): frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    ("EC", "P-256"): frozenset({"ES256"}),
    ("EC", "P-384"): frozenset({"ES384"}),
    ("EC", "P-521"): frozenset({"ES512"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA", "Ed25519"}),
}
_KEY_MEMBERS = ("kty", "n", "e", "crv", "x", "y")
SUPPORTED_ALGORITHMS = frozenset().union(*_ALGORITHMS.values())
"""The signature algorithms that can be accepted; none of them uses a shared secret."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that verifies signatures of some algorithms."""

    key_id: str | None
    algorithms: frozenset[str]
    key: "RSAKey | ECKey | OKPKey"


@dataclass(frozen=True, slots=True)
class KeySet:
    """The usable keys of one issuer."""

    keys: Sequence[PublicKey]

    def find(self, key_id: str | None, algorithm: str) -> PublicKey | None:
        """Return the key of a token, or None if there is none.

        A token without a key id is accepted only if the issuer has a single key, because several could not be
        told apart (OpenID Connect Core, section 10.1). For the same reason, two keys with the same id and
        algorithm verify nothing.
        """
        if key_id is None:
            found = self.keys if len(self.keys) == 1 else ()
        else:
            found = [key for key in self.keys if key.key_id == key_id]
        fitting = [key for key in found if algorithm in key.algorithms]
        return fitting[0] if len(fitting) == 1 else None

    def has(self, key_id: str | None) -> bool:
        """Return whether the set has a key with that id."""
        return any(key.key_id == key_id for key in self.keys)


def parse_key_set(document: bytes) -> KeySet:
    """Return the usable keys of a JSON Web Key Set; raises `InvalidToken` if it is none.

    Other keys are left out: symmetric ones, of another use than signatures, weak RSA keys, keys that were
    published with their private half, and types that the portal does not know.
    """
    keys = parse_object(document).get("keys")
    if not isinstance(keys, list):
        raise malformed()
    parsed = (_parse_key(key) for key in keys if isinstance(key, dict))
    return KeySet([key for key in parsed if key is not None])


def verify_signature(token: CompactToken, algorithm: str, key: PublicKey) -> None:
    """Check the signature of *token*; raises `InvalidToken`."""
    from joserfc.errors import JoseError
    from joserfc.jws import JWSRegistry

    # Not by `get_alg`, which warns of EdDSA: RFC 9864 deprecates the name, and providers use it.
    model = JWSRegistry.algorithms[algorithm]
    try:
        model.check_key(key.key)
        is_valid = model.verify(token.signing_input, token.signature, key.key)
    except (JoseError, ValueError):
        is_valid = False
    if not is_valid:
        raise InvalidToken("signature", "The signature of the token is wrong.")


def _parse_key(jwk: dict[str, Any]) -> PublicKey | None:
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    algorithms = _usable_algorithms(jwk)
    # joserfc only warns of a weak key.
    if not algorithms or (jwk["kty"] == "RSA" and _bits(jwk.get("n")) < _SHORTEST_RSA_KEY):
        return None
    key_types: dict[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    try:
        # Other members, such as a certificate chain, must not decide about a key that is fine by itself.
        key = key_types[jwk["kty"]].import_key({name: jwk[name] for name in _KEY_MEMBERS if name in jwk})
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    key_id = jwk.get("kid")
    return PublicKey(key_id if isinstance(key_id, str) else None, algorithms, key)


def _usable_algorithms(jwk: dict[str, Any]) -> frozenset[str]:
    """Return the algorithms for which *jwk* may verify signatures, by its own statements."""
    kind, curve = jwk.get("kty"), jwk.get("crv")
    if kind == "RSA":
        curve = None
    if not isinstance(kind, str) or not isinstance(curve, str | None):
        return frozenset()
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return frozenset()
    # With a published private key, every reader of the set can sign as the issuer.
    if "d" in jwk:
        return frozenset()
    algorithms = _ALGORITHMS.get((kind, curve), frozenset())
    if "alg" not in jwk:
        return algorithms
    return algorithms & {jwk["alg"]} if isinstance(jwk["alg"], str) else frozenset()


def _bits(number: object) -> int:
    """Return the length of a number in base64url, or 0 if it is none."""
    try:
        return int.from_bytes(urlsafe_b64decode(f"{number}==")).bit_length()
    except ValueError:
        return 0
