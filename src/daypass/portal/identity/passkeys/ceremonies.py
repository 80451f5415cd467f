"""The options that browsers get, and the verification of their answers (Web Authentication, section 7)."""

import json
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from daypass.portal.identity.model import User
from daypass.portal.identity.passkeys.model import (
    CHALLENGE_LIFETIME,
    Passkey,
    RelyingParty,
    base64url,
)

_TIMEOUT_MS = int(CHALLENGE_LIFETIME.total_seconds() * 1000)
_LONGEST_ANSWER = 16 * 1024
_LONGEST_ID = 1023
_ALGORITHMS = (-8, -7, -257)
"""EdDSA, ES256 and RS256 (COSE algorithm identifiers), in the order of preference."""


class InvalidAnswer(Exception):
    """The answer of a browser does not prove what was asked; `cause` is a code for the audit log."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"the answer was refused: {cause}")
        self.cause = cause


class CounterDidNotGrow(InvalidAnswer):
    """The signature counter is not above the stored one, so two copies of the passkey may exist."""

    def __init__(self, stored: int, presented: int) -> None:
        super().__init__(cause="counter")
        self.stored, self.presented = stored, presented


@dataclass(frozen=True, slots=True)
class NewCredential:
    """A credential that a browser has registered."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    device_type: str
    is_backed_up: bool
    aaguid: str


@dataclass(frozen=True, slots=True)
class Assertion:
    """An answer to a request for a passkey, of which nothing is verified yet."""

    credential_id: bytes
    user_handle: bytes | None
    text: str


def registration_options(
    party: RelyingParty, user: User, handle: bytes, challenge: bytes, registered: Sequence[Passkey]
) -> Mapping[str, object]:
    """Return the options with which a browser registers a passkey that is none of the *registered* ones."""
    return {
        "rp": {"id": party.id, "name": party.name},
        "user": {"id": base64url(handle), "name": user.username, "displayName": user.username},
        "challenge": base64url(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": algorithm} for algorithm in _ALGORITHMS],
        "timeout": _TIMEOUT_MS,
        "excludeCredentials": _descriptors(registered),
        "authenticatorSelection": {
            # `requireResidentKey` is for browsers of WebAuthn Level 1 (section 5.4.4).
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        # Attestation would tell the model of the device, of which the portal has no list to compare with.
        "attestation": "none",
    }


def request_options(
    party: RelyingParty, challenge: bytes, registered: Sequence[Passkey]
) -> Mapping[str, object]:
    """Return the options with which a browser shows one of the *registered* passkeys."""
    return {
        "challenge": base64url(challenge),
        "timeout": _TIMEOUT_MS,
        "rpId": party.id,
        "allowCredentials": _descriptors(registered),
        "userVerification": "required",
    }


def parse_assertion(text: str) -> Assertion:
    """Read the credential id and the user handle of an answer; raises `InvalidAnswer`."""
    answer = _parse(text)
    response = answer.get("response")
    handle = response.get("userHandle") if isinstance(response, dict) else None
    return Assertion(_decode(answer.get("id")), None if handle is None else _decode(handle), text)


def verify_registration(party: RelyingParty, challenge: bytes, text: str) -> NewCredential:
    """Return the credential that an answer registers; raises `InvalidAnswer`."""
    _parse(text)
    # Loading it takes a fifth of a second, which only the first user of a passkey waits for.
    from webauthn import verify_registration_response
    from webauthn.helpers.cose import COSEAlgorithmIdentifier

    try:
        verified = verify_registration_response(
            credential=text,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
            supported_pub_key_algs=[COSEAlgorithmIdentifier(algorithm) for algorithm in _ALGORITHMS],
        )
    # The library's parsers also raise errors of Python, base64 and CBOR for what they cannot read.
    except Exception as error:
        raise InvalidAnswer("registration") from error
    if not 0 < len(verified.credential_id) <= _LONGEST_ID:
        raise InvalidAnswer("credential_id")
    return NewCredential(
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        device_type=verified.credential_device_type.value,
        is_backed_up=verified.credential_backed_up,
        aaguid=verified.aaguid,
    )


def verify_assertion(
    party: RelyingParty, challenge: bytes, assertion: Assertion, passkey: Passkey, handle: bytes | None
) -> Passkey:
    """Return *passkey*, whose owner has this user *handle*, with its new signature counter.

    Raises `InvalidAnswer`, and `CounterDidNotGrow` for an answer that is right but for its counter.
    """
    # The library compares neither of these.
    if assertion.credential_id != passkey.credential_id:
        raise InvalidAnswer("credential_id")
    if assertion.user_handle is not None and assertion.user_handle != handle:
        raise InvalidAnswer("user_handle")
    from webauthn import verify_authentication_response

    try:
        verified = verify_authentication_response(
            credential=assertion.text,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=passkey.public_key,
            # The counter is compared below, after the signature: a forged answer must not raise an alert.
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception as error:
        raise InvalidAnswer("assertion") from error
    if verified.credential_id != passkey.credential_id:
        raise InvalidAnswer("credential_id")
    new, old = verified.new_sign_count, passkey.sign_count
    # Passkeys that are synchronised between devices have no counter and send 0 (section 6.1.1).
    if (new, old) != (0, 0) and new <= old:
        raise CounterDidNotGrow(old, new)
    return replace(passkey, sign_count=new, is_backed_up=verified.credential_backed_up)


def _descriptors(registered: Sequence[Passkey]) -> list[Mapping[str, str]]:
    return [{"type": "public-key", "id": passkey.id} for passkey in registered]


def _parse(text: str) -> Mapping[str, object]:
    if len(text) > _LONGEST_ANSWER:
        raise InvalidAnswer("too_long")
    try:
        answer = json.loads(text)
    # Nested brackets exhaust the parser's stack.
    except (ValueError, RecursionError) as error:
        raise InvalidAnswer("format") from error
    if not isinstance(answer, dict):
        raise InvalidAnswer("format")
    return answer


def _decode(value: object) -> bytes:
    if not isinstance(value, str) or len(value) > _LONGEST_ANSWER:
        raise InvalidAnswer("format")
    try:
        return urlsafe_b64decode(value.encode("ascii") + b"=" * (-len(value) % 4))
    except (Base64Error, ValueError) as error:
        raise InvalidAnswer("format") from error
