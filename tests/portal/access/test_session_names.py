"""Role session names are always legal and unique."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from daypass.portal.access.model import IssuanceId
from daypass.portal.access.session_names import printable, session_name, session_tags
from daypass.portal.tenants.model import Tenant, TenantId

LEGAL = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
SHORTENED = session_name("a" * 65)

usernames = st.text() | st.from_regex(r"[a-z]{0,3}(a{60,70})?[a-z@.+=]{0,20}(=[0-9a-f]{16})?", fullmatch=True)


@pytest.mark.parametrize("username", ["dana@example.com", "ci", "a" * 64, "first.last+aws@example.com"])
def test_a_legal_username_is_the_session_name(username: str) -> None:
    assert session_name(username) == username


def test_a_long_username_is_shortened_and_stays_readable() -> None:
    username = f"{'very-long-name' * 4}@subsidiary.example.com"

    name = session_name(username)

    assert name.startswith("very-long-namevery-long-name")
    assert re.search(r"=[0-9a-f]{16}$", name)
    assert len(name) == 64


@given(usernames)
@example("")
@example("a")
@example("\ud800")
@example("aws:dana")
@example("dana\n")
@example("\uff44ana")
def test_a_session_name_is_always_legal(username: str) -> None:
    assert LEGAL.fullmatch(session_name(username))


@given(usernames, usernames)
@example("a" * 64 + "b", "a" * 64 + "c")
@example("a" * 65, SHORTENED)
@example("dana ", "dana-")
def test_two_users_never_share_a_session_name(first: str, second: str) -> None:
    assert (session_name(first) == session_name(second)) == (first == second)


def test_a_session_is_tagged_with_its_issuance_and_tenant() -> None:
    tenant = Tenant.with_role(
        TenantId("t1"), "dev01", "us-west-2", "arn:aws:iam::1:role/duploservices-dev01", None
    )

    assert session_tags(IssuanceId("feed"), tenant) == {"daypass:issuance": "feed", "daypass:tenant": "dev01"}
    assert session_tags(IssuanceId("feed"), None) == {"daypass:issuance": "feed"}


@given(st.text(), st.integers(0, 100))
def test_shown_text_is_one_short_printable_line(typed: str, length: int) -> None:
    text = printable(typed, length)

    assert len(text) <= length
    assert text.isprintable()
    assert text.encode().decode() == text
