"""The one value of a scope, its wire form, and the forms that are derived from it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.identity.scopes import (
    ADMIN_SCOPE,
    TENANTS_AND_ADMIN,
    TENANTS_ONLY,
    TENANTS_SCOPE,
    Scope,
    ScopeKind,
    consented_scopes,
    covers,
    format_scope,
    format_scopes,
    parse_scope,
    parse_scopes,
    recorded_scope,
    requested_scope,
    stored_scopes,
)

DEV = Scope.of_tenant("dev01")

scopes = st.sampled_from([ADMIN_SCOPE, TENANTS_SCOPE]) | st.builds(
    Scope.of_tenant, st.text(st.characters(), max_size=70)
)


@given(scope=scopes)
def test_a_scope_is_read_back_from_its_wire_form(scope: Scope) -> None:
    text = format_scope(scope)

    assert parse_scope(text) == scope
    # RFC 6749, section 3.3.
    assert re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]+", text)


@given(several=st.frozensets(scopes, max_size=5))
def test_a_set_of_scopes_has_one_wire_form(several: frozenset[Scope]) -> None:
    text = format_scopes(several)

    assert parse_scopes(text) == several
    assert format_scopes(parse_scopes(" ".join(reversed(text.split())))) == text


@given(text=st.text(max_size=30))
def test_any_text_is_a_scope_or_refused(text: str) -> None:
    try:
        scope = parse_scope(text)
    except ValueError:
        return
    assert parse_scope(format_scope(scope)) == scope


@pytest.mark.parametrize("text", ["", "Admin", "tenant", "tenant:a b", "tenant:ü", "tenant:%ff", "admin:2"])
def test_other_texts_are_no_scopes(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a scope|can't decode"):
        parse_scope(text)


@pytest.mark.parametrize(
    ("scope", "other", "is_covered"),
    [
        (ADMIN_SCOPE, ADMIN_SCOPE, True),
        (ADMIN_SCOPE, DEV, False),
        (ADMIN_SCOPE, TENANTS_SCOPE, False),
        (TENANTS_SCOPE, DEV, True),
        (TENANTS_SCOPE, TENANTS_SCOPE, True),
        (TENANTS_SCOPE, ADMIN_SCOPE, False),
        (DEV, DEV, True),
        (DEV, Scope.of_tenant("dev02"), False),
        (DEV, TENANTS_SCOPE, False),
        (DEV, ADMIN_SCOPE, False),
    ],
)
def test_a_scope_covers_what_is_within_it(scope: Scope, other: Scope, is_covered: bool) -> None:
    assert scope.covers(other) is is_covered
    assert covers(frozenset({scope}), other) is is_covered
    assert not covers(frozenset(), other)


def test_the_forms_on_the_wire_stay_what_they_were() -> None:
    assert format_scopes(TENANTS_ONLY) == "tenants"
    assert format_scopes(TENANTS_AND_ADMIN) == "tenants admin"
    assert format_scope(DEV) == "tenant:dev01"
    assert [ADMIN_SCOPE.kind.value, DEV.kind.value] == ["admin", "tenant"]
    assert recorded_scope(ScopeKind.ADMIN, None) == "admin"
    assert recorded_scope(ScopeKind.TENANT, "dev01") == "dev01"
    assert [requested_scope(None), requested_scope("dev01")] == [ADMIN_SCOPE, DEV]
    assert [consented_scopes(with_admin=flag) for flag in (False, True)] == [TENANTS_ONLY, TENANTS_AND_ADMIN]


@pytest.mark.parametrize(
    ("text", "allows_admin", "expected"),
    [
        # The release before this one writes only the flag.
        (None, False, TENANTS_ONLY),
        (None, True, TENANTS_AND_ADMIN),
        ("tenants", False, TENANTS_ONLY),
        ("tenants admin", True, TENANTS_AND_ADMIN),
        # It takes administration away by clearing the flag.
        ("tenants admin", False, TENANTS_ONLY),
        ("admin", False, frozenset()),
        # The flag alone does not widen a list.
        ("tenants", True, TENANTS_ONLY),
        ("", True, frozenset()),
        # A later release may know more scopes.
        ("tenants tenant:dev01:read-only billing", True, TENANTS_ONLY),
        ("tenant:dev01 admin", True, frozenset({DEV, ADMIN_SCOPE})),
    ],
)
def test_a_stored_list_of_scopes_never_gives_more_than_the_flag(
    text: str | None, allows_admin: bool, expected: frozenset[Scope]
) -> None:
    assert stored_scopes(text, allows_admin=allows_admin) == expected
