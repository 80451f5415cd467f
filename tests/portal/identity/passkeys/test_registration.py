"""Tests of registering, renaming and removing passkeys."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from daypass.portal.errors import (
    InvalidRequest,
    ReauthenticationRequired,
    RequestExpired,
    SignInFailed,
)
from daypass.portal.identity.model import User
from daypass.portal.identity.passkeys.model import CHALLENGE_LIFETIME, MOST_PASSKEYS, RelyingParty
from daypass.portal.identity.reauthentication import RECENT
from tests.fixtures.authenticator import BACKED_UP, CAN_BACK_UP, PRESENT, VERIFIED, Authenticator, decode
from tests.portal.identity.conftest import SECOND
from tests.portal.identity.passkeys.conftest import CONTEXT, ORIGIN, Desk


def test_a_registered_passkey_is_listed_with_what_the_authenticator_said(
    desk: Desk, dana: User, authenticator: Authenticator
) -> None:
    authenticator.count = 7
    authenticator.flags |= CAN_BACK_UP | BACKED_UP

    desk.register(dana, authenticator, "Phone")

    [passkey] = desk.passkeys.list_own(dana)
    assert passkey.credential_id == authenticator.credential_id
    assert (passkey.name, passkey.sign_count, passkey.method) == ("Phone", 7, "swk")
    assert passkey.is_backed_up
    assert [event[:2] for event in desk.events("passkey.add")] == [("passkey.add", "done")]


def test_the_options_demand_a_verified_resident_key_without_attestation(
    desk: Desk, dana: User, authenticator: Authenticator
) -> None:
    desk.register(dana, authenticator)

    begun = desk.passkeys.begin_registration(desk.session(dana).token, dana, "r")
    options: Mapping[str, Any] = begun.options

    assert options["rp"] == {"id": "portal.example.com", "name": "Daypass"}
    assert options["attestation"] == "none"
    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    [excluded] = options["excludeCredentials"]
    assert decode(excluded["id"]) == authenticator.credential_id
    handle = options["user"]["id"]
    assert decode(handle) == authenticator.user_handle
    assert dana.id.encode() not in authenticator.user_handle


@pytest.mark.parametrize(
    ("changed", "value"),
    [
        ("flags", PRESENT),
        ("flags", VERIFIED),
        ("origin", "https://portal.example.com.evil.example"),
        ("origin", f"{ORIGIN}:8443"),
        ("origin", "http://portal.example.com"),
        ("rp_id", "example.com"),
        ("credential_id", b""),
        ("credential_id", bytes(1024)),
    ],
)
def test_a_forged_registration_adds_no_passkey(
    desk: Desk, dana: User, authenticator: Authenticator, changed: str, value: object
) -> None:
    setattr(authenticator, changed, value)

    with pytest.raises(SignInFailed):
        desk.register(dana, authenticator)

    assert desk.passkeys.list_own(dana) == []
    [(_, outcome, detail)] = desk.events("passkey.add")
    assert outcome == "failed"
    assert set(detail) == {"cause"}


@pytest.mark.parametrize("answer", ["", "[]", "{}", "[" * 10_000, '{"id": 1}', "x" * 20_000, '{"id": "é"}'])
def test_text_that_is_no_answer_is_refused(desk: Desk, dana: User, answer: str) -> None:
    token = desk.session(dana).token
    begun = desk.passkeys.begin_registration(token, dana, "r")

    with pytest.raises(SignInFailed):
        desk.passkeys.register(token, dana, begun.handle.reveal(), answer, "x", CONTEXT)


def test_a_challenge_counts_once_in_its_session_and_for_five_minutes(
    desk: Desk, dana: User, ada: User, authenticator: Authenticator
) -> None:
    token = desk.session(dana).token
    begun = desk.passkeys.begin_registration(token, dana, "r")
    answer, handle = authenticator.register(begun.options), begun.handle.reveal()
    other = desk.session(ada).token

    with pytest.raises(RequestExpired):
        desk.passkeys.register(other, ada, handle, answer, "x", CONTEXT)
    with pytest.raises(RequestExpired):
        # The wrong session has used it up.
        desk.passkeys.register(token, dana, handle, answer, "x", CONTEXT)

    late = desk.passkeys.begin_registration(token, dana, "r")
    desk.clock.move(CHALLENGE_LIFETIME)
    with pytest.raises(RequestExpired):
        desk.passkeys.register(
            token, dana, late.handle.reveal(), authenticator.register(late.options), "x", CONTEXT
        )


def test_adding_and_removing_need_a_recent_sign_in(
    desk: Desk, dana: User, authenticator: Authenticator
) -> None:
    passkey = desk.register(dana, authenticator)
    token = desk.session(dana).token
    desk.clock.move(RECENT + SECOND)

    with pytest.raises(ReauthenticationRequired):
        desk.passkeys.begin_registration(token, dana, "r")
    with pytest.raises(ReauthenticationRequired):
        desk.passkeys.remove(token, dana, passkey.id, "r")
    assert len(desk.passkeys.list_own(dana)) == 1


def test_a_session_of_a_provider_without_a_time_may_add_the_first_passkey_at_its_start(
    desk: Desk, dana: User, authenticator: Authenticator
) -> None:
    old = desk.clock() - timedelta(hours=8)
    session = desk.session(dana)
    desk.signed_in[dana.username] = replace(
        session, token=replace(session.token, provider="company", authenticated_at=old)
    )

    desk.register(dana, authenticator)

    with pytest.raises(ReauthenticationRequired):
        desk.register(dana, Authenticator(ORIGIN))


def test_a_user_has_a_limited_number_of_passkeys(desk: Desk, dana: User) -> None:
    for _ in range(MOST_PASSKEYS):
        desk.register(dana, Authenticator(ORIGIN))

    with pytest.raises(InvalidRequest, match="limit"):
        desk.register(dana, Authenticator(ORIGIN))


def test_a_passkey_of_another_user_cannot_be_registered_again(
    desk: Desk, dana: User, ada: User, authenticator: Authenticator
) -> None:
    desk.register(dana, authenticator)

    with pytest.raises(InvalidRequest, match="registered already"):
        desk.register(ada, authenticator)

    assert desk.passkeys.list_own(ada) == []


def test_only_the_owner_renames_and_removes_a_passkey(
    desk: Desk, dana: User, ada: User, authenticator: Authenticator
) -> None:
    passkey = desk.register(dana, authenticator)

    desk.passkeys.rename(ada, passkey.id, "Mine", "r")
    desk.passkeys.remove(desk.session(ada).token, ada, passkey.id, "r")
    assert [one.name for one in desk.passkeys.list_own(dana)] == ["Laptop"]

    desk.passkeys.rename(dana, passkey.id, "Key", "r")
    assert [one.name for one in desk.passkeys.list_own(dana)] == ["Key"]
    desk.passkeys.remove(desk.session(dana).token, dana, passkey.id, "r")
    assert desk.passkeys.list_own(dana) == []
    assert [event[0] for event in desk.events("passkey.rename", "passkey.remove")] == [
        "passkey.rename",
        "passkey.remove",
    ]


@pytest.mark.parametrize("name", ["", "x" * 101, "two\nlines"])
def test_a_name_is_checked_before_the_challenge_is_used_up(
    desk: Desk, dana: User, authenticator: Authenticator, name: str
) -> None:
    token = desk.session(dana).token
    begun = desk.passkeys.begin_registration(token, dana, "r")
    answer, handle = authenticator.register(begun.options), begun.handle.reveal()

    with pytest.raises(InvalidRequest):
        desk.passkeys.register(token, dana, handle, answer, name, CONTEXT)

    desk.passkeys.register(token, dana, handle, answer, "Laptop", CONTEXT)


def test_the_last_passkey_of_a_user_who_needs_one_stays(
    desk: Desk, ada: User, authenticator: Authenticator
) -> None:
    first = desk.register(ada, authenticator)
    second = desk.register(ada, Authenticator(ORIGIN))
    desk.require("administrators")
    token = desk.session(ada).token

    desk.passkeys.remove(token, ada, first.id, "r")
    with pytest.raises(InvalidRequest, match="only passkey"):
        desk.passkeys.remove(token, ada, second.id, "r")

    desk.require("off")
    desk.passkeys.remove(token, ada, second.id, "r")
    assert desk.passkeys.list_own(ada) == []


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ("https://portal.example.com", ""),
        ("http://localhost:8080", ""),
        ("https://localhost:8443", ""),
        ("https://192.0.2.1", "host name"),
        ("https://[2001:db8::1]:8443", "host name"),
        ("http://portal.example.com", "https"),
    ],
)
def test_passkeys_need_a_host_name_and_a_secure_context(origin: str, said: str) -> None:
    reason = RelyingParty(origin).unavailable_reason

    assert (said in reason) if said else reason == ""
