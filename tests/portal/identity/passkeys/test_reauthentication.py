"""Tests of reauthentication with a passkey."""

from dataclasses import replace
from datetime import timedelta

import pytest

from daypass.portal.errors import RequestExpired, SignInFailed
from daypass.portal.identity.model import User
from daypass.portal.identity.reauthentication import require_recent_authentication
from tests.fixtures.authenticator import PRESENT, Authenticator
from tests.portal.identity.passkeys.conftest import CONTEXT, ORIGIN, Desk


@pytest.mark.parametrize("provider", [None, "company"])
def test_a_passkey_makes_a_session_recent_and_keeps_its_provider(
    desk: Desk, dana: User, authenticator: Authenticator, provider: str | None
) -> None:
    desk.register(dana, authenticator)
    old = replace(desk.session(dana).token, provider=provider, authentication_methods="pwd otp")
    desk.clock.move(timedelta(minutes=30))
    begun = desk.passkeys.begin_reauthentication(old, dana, "r")

    answer = authenticator.show(begun.options)
    proven = desk.passkeys.prove_again(old, dana, begun.handle.reveal(), answer, CONTEXT)
    made = desk.sessions.reauthenticate(old, proven, CONTEXT)

    require_recent_authentication(made.token, desk.clock())
    assert made.token.provider == provider
    assert made.token.authentication_methods == "pwd otp hwk"
    assert desk.events("sign_in.confirm")[-1][1] == "done"


@pytest.mark.parametrize("provider", [None, "company"])
def test_a_passkey_does_not_prolong_a_session(
    desk: Desk, dana: User, authenticator: Authenticator, provider: str | None
) -> None:
    desk.register(dana, authenticator)
    old = replace(desk.session(dana).token, provider=provider)
    desk.clock.move(timedelta(minutes=30))
    begun = desk.passkeys.begin_reauthentication(old, dana, "r")

    answer = authenticator.show(begun.options)
    proven = desk.passkeys.prove_again(old, dana, begun.handle.reveal(), answer, CONTEXT)
    made = desk.sessions.reauthenticate(old, proven, CONTEXT)

    assert (made.token.expires_at, made.token.grant_ends_at) == (old.expires_at, old.grant_ends_at)


def test_a_forged_answer_confirms_nothing(desk: Desk, dana: User, authenticator: Authenticator) -> None:
    desk.register(dana, authenticator)
    token = desk.session(dana).token
    begun = desk.passkeys.begin_reauthentication(token, dana, "r")
    authenticator.flags = PRESENT

    with pytest.raises(SignInFailed):
        answer = authenticator.show(begun.options)
        desk.passkeys.prove_again(token, dana, begun.handle.reveal(), answer, CONTEXT)

    assert desk.events("sign_in.confirm")[-1][2]["cause"] == "assertion"


def test_an_answer_counts_in_the_session_that_asked(
    desk: Desk, dana: User, ada: User, authenticator: Authenticator
) -> None:
    theirs = Authenticator(ORIGIN)
    desk.register(dana, authenticator)
    desk.register(ada, theirs)
    begun = desk.passkeys.begin_reauthentication(desk.session(dana).token, dana, "r")
    handle = begun.handle.reveal()

    with pytest.raises(RequestExpired):
        desk.passkeys.prove_again(desk.session(ada).token, ada, handle, theirs.show(begun.options), CONTEXT)
    with pytest.raises(RequestExpired):
        # A challenge that was refused once is gone.
        desk.passkeys.prove_again(
            desk.session(dana).token, dana, handle, authenticator.show(begun.options), CONTEXT
        )


def test_a_registration_is_no_confirmation(desk: Desk, dana: User, authenticator: Authenticator) -> None:
    desk.register(dana, authenticator)
    token = desk.session(dana).token
    begun = desk.passkeys.begin_registration(token, dana, "r")
    options = {"rpId": "portal.example.com", "challenge": begun.options["challenge"]}

    with pytest.raises(RequestExpired):
        desk.passkeys.prove_again(token, dana, begun.handle.reveal(), authenticator.show(options), CONTEXT)
