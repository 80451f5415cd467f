"""Tests of the step between the password and the session, and of its forged answers."""

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from daypass.portal.errors import InvalidRequest, RequestExpired, SignInFailed, TooManyAttempts
from daypass.portal.identity.model import User
from daypass.portal.identity.passkeys.model import CHALLENGE_LIFETIME, Purpose, RelyingParty, base64url
from daypass.portal.identity.passkeys.second_factor import SecondFactors
from daypass.portal.identity.rate_limit import limits
from daypass.portal.identity.rate_limit.limits import PER_ACCOUNT
from daypass.portal.storage.schema.identity import guesses, users
from daypass.portal.storage.schema.sign_in import webauthn_challenges
from tests.fixtures.authenticator import PRESENT, Authenticator
from tests.portal.identity.passkeys.conftest import CONTEXT, ORIGIN, Desk
from tests.rows import disable_user


def test_a_password_is_enough_without_a_passkey_and_a_requirement(desk: Desk, dana: User) -> None:
    assert desk.second_factors.begin(desk.prove(dana), CONTEXT, "/sessions") is None


def test_a_user_with_a_passkey_signs_in_with_both(
    desk: Desk, dana: User, authenticator: Authenticator
) -> None:
    desk.register(dana, authenticator)
    handle = desk.begin(dana, "/sessions")
    pending = desk.second_factors.find(handle)

    proven, next_page = desk.second_factors.finish(handle, authenticator.show(pending.options), CONTEXT)
    made = desk.sessions.start(proven, CONTEXT)

    assert (pending.purpose, pending.username, next_page) == (
        Purpose.SECOND_FACTOR,
        dana.username,
        "/sessions",
    )
    assert made.token.authentication_methods == "pwd hwk"
    assert desk.sessions.find(made.cookie.reveal()) == (made.token, dana)
    [(_, outcome, asked)] = desk.events("sign_in.first_factor")
    assert (outcome, asked["asks_for"]) == ("done", "second_factor")
    assert desk.events("sign_in")[-1][2]["method"] == "pwd hwk"
    assert desk.passkeys.list_own(dana)[0].last_used_at == desk.clock()


def test_a_session_of_a_password_alone_says_so(desk: Desk, dana: User) -> None:
    assert desk.session(dana).token.authentication_methods == "pwd"


@pytest.mark.parametrize(
    ("changed", "value", "cause"),
    [
        ("flags", PRESENT, "assertion"),
        ("origin", "https://portal.example.com.evil.example", "assertion"),
        ("origin", "http://portal.example.com", "assertion"),
        ("rp_id", "example.com", "assertion"),
        ("key", Authenticator(ORIGIN).key, "assertion"),
        ("credential_id", b"another", "unknown_passkey"),
        ("user_handle", b"another", "user_handle"),
    ],
)
def test_a_forged_answer_signs_nobody_in(
    desk: Desk, dana: User, authenticator: Authenticator, changed: str, value: object, cause: str
) -> None:
    desk.register(dana, authenticator)
    handle = desk.begin(dana)
    options = desk.second_factors.find(handle).options
    setattr(authenticator, changed, value)

    with pytest.raises(SignInFailed, match="not accepted"):
        desk.second_factors.finish(handle, authenticator.show(options), CONTEXT)
    with pytest.raises(RequestExpired):
        desk.second_factors.find(handle)

    _, outcome, detail = desk.events("sign_in")[-1]
    assert (outcome, detail["cause"], detail["method"]) == ("failed", cause, "passkey")


@pytest.mark.parametrize("changed", [{}, {"userHandle": None}])
def test_the_passkey_of_another_user_signs_nobody_in(
    desk: Desk, dana: User, ada: User, authenticator: Authenticator, changed: dict[str, None]
) -> None:
    theirs = Authenticator(ORIGIN)
    desk.register(dana, authenticator)
    desk.register(ada, theirs)
    handle = desk.begin(dana)

    answer = theirs.show(desk.second_factors.find(handle).options, **changed)
    with pytest.raises(SignInFailed):
        desk.second_factors.finish(handle, answer, CONTEXT)


def test_the_key_of_one_passkey_does_not_sign_for_the_id_of_another(
    desk: Desk, dana: User, ada: User, authenticator: Authenticator
) -> None:
    theirs = Authenticator(ORIGIN)
    mine = desk.register(dana, authenticator)
    desk.register(ada, theirs)
    handle = desk.begin(dana)
    theirs.credential_id = mine.credential_id

    with pytest.raises(SignInFailed):
        desk.second_factors.finish(handle, theirs.show(desk.second_factors.find(handle).options), CONTEXT)


def test_an_answer_without_a_user_handle_is_enough(
    desk: Desk, dana: User, authenticator: Authenticator
) -> None:
    desk.register(dana, authenticator)
    handle = desk.begin(dana)
    answer = authenticator.show(desk.second_factors.find(handle).options, userHandle=None)

    assert desk.second_factors.finish(handle, answer, CONTEXT)[0].record.user == dana


@pytest.mark.parametrize(("stored", "presented"), [(9, 9), (9, 3), (9, 0)])
def test_a_counter_that_does_not_grow_is_refused_with_an_alert(
    desk: Desk, dana: User, authenticator: Authenticator, stored: int, presented: int
) -> None:
    authenticator.count = stored
    desk.register(dana, authenticator)
    handle = desk.begin(dana)
    authenticator.count = presented

    with pytest.raises(SignInFailed):
        desk.second_factors.finish(
            handle, authenticator.show(desk.second_factors.find(handle).options), CONTEXT
        )

    [(_, outcome, detail)] = desk.events("passkey.cloned")
    assert (outcome, detail["stored_count"], detail["presented_count"]) == ("alert", stored, presented)


def test_a_forged_counter_without_the_key_raises_no_alert(
    desk: Desk, dana: User, authenticator: Authenticator
) -> None:
    authenticator.count = 9
    desk.register(dana, authenticator)
    handle = desk.begin(dana)
    authenticator.key, authenticator.count = Authenticator(ORIGIN).key, 1

    with pytest.raises(SignInFailed):
        desk.second_factors.finish(
            handle, authenticator.show(desk.second_factors.find(handle).options), CONTEXT
        )

    assert desk.events("passkey.cloned") == []


def test_counters_of_zero_pass_and_growing_ones_are_stored(
    desk: Desk, dana: User, authenticator: Authenticator
) -> None:
    desk.register(dana, authenticator)
    for count in (0, 0, 4, 6):
        authenticator.count = count
        handle = desk.begin(dana)
        answer = authenticator.show(desk.second_factors.find(handle).options)
        desk.second_factors.finish(handle, answer, CONTEXT)

    assert desk.passkeys.list_own(dana)[0].sign_count == 6


def test_wrong_passkeys_are_limited_and_right_ones_are_not_counted(
    desk: Desk, dana: User, authenticator: Authenticator
) -> None:
    desk.register(dana, authenticator)
    for _ in range(3):
        handle = desk.begin(dana)
        answer = authenticator.show(desk.second_factors.find(handle).options)
        proven, _next = desk.second_factors.finish(handle, answer, CONTEXT)
        desk.sessions.start(proven, CONTEXT)
    for _ in range(PER_ACCOUNT):
        with pytest.raises(SignInFailed):
            desk.second_factors.finish(desk.begin(dana), "{}", CONTEXT)

    for _ in range(2):
        handle = desk.begin(dana)
        answer = authenticator.show(desk.second_factors.find(handle).options)
        with pytest.raises(TooManyAttempts):
            desk.second_factors.finish(handle, answer, CONTEXT)
    assert [event[1] for event in desk.events("sign_in")][-2:] == ["failed", "denied"]


def test_a_right_password_before_a_passkey_is_not_counted(
    desk: Desk, dana: User, authenticator: Authenticator
) -> None:
    desk.register(dana, authenticator)
    for _ in range(PER_ACCOUNT + 1):
        desk.begin(dana)

    with desk.database.reading() as connection:
        account = select(guesses.c.spent).where(guesses.c.subject == limits.account(dana.username).subject)
        assert connection.scalar(account) == 0


def test_a_pending_sign_in_lasts_five_minutes(desk: Desk, dana: User, authenticator: Authenticator) -> None:
    desk.register(dana, authenticator)
    handle = desk.begin(dana)
    answer = authenticator.show(desk.second_factors.find(handle).options)
    desk.clock.move(CHALLENGE_LIFETIME)

    with pytest.raises(RequestExpired):
        desk.second_factors.find(handle)
    with pytest.raises(RequestExpired):
        desk.second_factors.finish(handle, answer, CONTEXT)
    desk.begin(dana)
    with desk.database.reading() as connection:
        assert len(connection.execute(select(webauthn_challenges.c.digest)).all()) == 1


@pytest.mark.parametrize("what", ["password", "disabled"])
def test_a_change_of_the_account_ends_a_pending_sign_in(
    desk: Desk, dana: User, authenticator: Authenticator, what: str
) -> None:
    desk.register(dana, authenticator)
    handle = desk.begin(dana)
    answer = authenticator.show(desk.second_factors.find(handle).options)
    with desk.database.writing() as connection:
        if what == "disabled":
            disable_user(connection, dana.id, desk.clock())
        else:
            connection.execute(update(users).where(users.c.id == dana.id).values(password_hash="another"))

    with pytest.raises(SignInFailed, match="changed"):
        desk.second_factors.finish(handle, answer, CONTEXT)


def test_a_challenge_of_a_session_is_no_pending_sign_in(
    desk: Desk, dana: User, authenticator: Authenticator
) -> None:
    desk.register(dana, authenticator)
    begun = desk.passkeys.begin_reauthentication(desk.session(dana).token, dana, "r")
    answer, handle = authenticator.show(begun.options), begun.handle.reveal()

    with pytest.raises(RequestExpired):
        desk.second_factors.find(handle)
    with pytest.raises(RequestExpired):
        desk.second_factors.finish(handle, answer, CONTEXT)


@pytest.mark.parametrize(
    ("setting", "username", "is_asked"),
    [
        ("off", "ada@example.com", False),
        ("administrators", "ada@example.com", True),
        ("administrators", "dana@example.com", False),
        ("everyone", "dana@example.com", True),
    ],
)
@pytest.mark.usefixtures("ada", "dana")
def test_the_setting_says_who_registers_a_passkey_at_sign_in(
    desk: Desk, ada: User, dana: User, setting: str, username: str, *, is_asked: bool
) -> None:
    desk.require(setting)
    user = ada if username == ada.username else dana

    handle = desk.second_factors.begin(desk.prove(user), CONTEXT, "/profile")

    assert (handle is not None) is is_asked
    if handle is not None:
        assert desk.second_factors.find(handle.reveal()).purpose is Purpose.ENROL


def test_a_user_without_a_passkey_registers_one_and_is_signed_in(
    desk: Desk, dana: User, authenticator: Authenticator
) -> None:
    desk.require("everyone")
    handle = desk.begin(dana)
    answer = authenticator.register(desk.second_factors.find(handle).options)

    proven, _ = desk.second_factors.finish(handle, answer, CONTEXT, name="Laptop")

    assert desk.sessions.start(proven, CONTEXT).token.authentication_methods == "pwd hwk"
    [passkey] = desk.passkeys.list_own(dana)
    assert passkey.name == "Laptop"
    assert desk.events("passkey.add")[0][2]["purpose"] == "enrol"


def test_a_password_adds_no_passkey_beside_one(desk: Desk, dana: User, authenticator: Authenticator) -> None:
    desk.require("everyone")
    handle = desk.begin(dana)
    answer = Authenticator(ORIGIN).register(desk.second_factors.find(handle).options)
    desk.register(dana, authenticator)

    with pytest.raises(SignInFailed):
        desk.second_factors.finish(handle, answer, CONTEXT, name="Thief")

    assert [one.name for one in desk.passkeys.list_own(dana)] == ["Laptop"]


def test_where_passkeys_cannot_work_a_user_who_needs_one_learns_why(desk: Desk, dana: User) -> None:
    desk.require("everyone")
    challenges = replace(desk.second_factors.challenges, party=RelyingParty("https://192.0.2.1"))

    with pytest.raises(InvalidRequest, match=r"192\.0\.2\.1"):
        SecondFactors(challenges).begin(desk.prove(dana), CONTEXT, "/profile")


def test_a_handle_that_was_made_up_is_no_pending_sign_in(desk: Desk) -> None:
    for handle in ("", "daypass_wch_x", base64url(bytes(32))):
        with pytest.raises(RequestExpired):
            desk.second_factors.find(handle)
