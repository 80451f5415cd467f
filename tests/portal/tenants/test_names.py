import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.errors import InvalidRequest
from daypass.portal.tenants.names import LONGEST, check_name

names = st.from_regex(r"[a-z][a-z0-9]{0,3}(-[a-z0-9]{1,3}){0,2}", fullmatch=True)


def accepts(name: str, taken: list[str]) -> bool:
    try:
        check_name(name, taken)
    except InvalidRequest:
        return False
    return True


@pytest.mark.parametrize("name", ["dev01", "a1", "team-a-dev", "x" * LONGEST])
def test_a_valid_name_is_accepted(name: str) -> None:
    assert accepts(name, [])


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a",
        "Dev01",
        "1dev",
        "-dev",
        "dev-",
        "de--v",
        "dev_01",
        "dev 01",
        "dév",
        "dev\n",
        "*",
        "x" * (LONGEST + 1),
    ],
)
def test_a_malformed_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match="lower-case letters"):
        check_name(name, [])


@pytest.mark.parametrize("name", ["admin", "default"])
def test_a_reserved_profile_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match="reserved"):
        check_name(name, [])
    assert accepts(f"{name}-01", [])


@pytest.mark.parametrize(("name", "taken"), [("acme", "acme-dev"), ("acme-dev", "acme"), ("acme", "acme")])
def test_a_name_that_overlaps_with_another_tenant_is_refused(name: str, taken: str) -> None:
    assert not accepts(name, [taken])


@given(st.lists(names, max_size=12))
def test_policies_of_accepted_tenants_never_match_each_other(candidates: list[str]) -> None:
    taken: list[str] = []
    for name in candidates:
        if accepts(name, taken):
            taken.append(name)

    prefixes = [f"duploservices-{name}-" for name in taken]
    assert not any(
        prefix.startswith(other) for prefix in prefixes for other in prefixes if prefix is not other
    )
