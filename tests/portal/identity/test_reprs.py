"""The texts of values in debuggers and tracebacks, which logs and error trackers may keep."""

from daypass.portal.identity.external.model import Attempt, ProviderSession, Purpose
from daypass.portal.identity.model import Role, User, UserId
from daypass.portal.identity.passkeys.model import Challenge
from daypass.portal.identity.passkeys.model import Purpose as PasskeyPurpose
from daypass.portal.identity.providers.base import ProvenIdentity
from daypass.portal.identity.store.users import SignInRecord
from daypass.portal.secret import Secret
from tests.fakes import NOON

DANA = User(UserId("1"), "dana@example.com", Role.USER)


def test_the_values_of_a_sign_in_do_not_show_what_proves_it() -> None:
    record = SignInRecord(DANA, "canary-hash", is_disabled=False)
    session = ProviderSession("https://okta.example.com", "00u", "sid", id_token="canary-id-token")
    values = [
        ProvenIdentity(record, "okta", "pwd", NOON, session=session),
        Attempt("okta", Purpose.SIGN_IN, "canary-nonce", Secret("canary-verifier"), "/", NOON),
        Challenge(
            DANA.id, PasskeyPurpose.SECOND_FACTOR, None, b"canary-challenge", NOON, "/", b"canary-digest"
        ),
    ]

    assert "canary" not in repr(values)
    assert "dana@example.com" in repr(values)
