"""The list of pages that browser tests visit is complete and has no stale entries."""

from daypass.portal.http.core.authentication import Permission
from tests.page_addresses import NOT_VISITED, QUERIES, addresses, page_routes

ROLES = (Permission.PUBLIC, Permission.USER, Permission.ADMINISTRATOR)


def test_every_page_has_an_address_to_visit() -> None:
    visited = addresses(*ROLES)

    assert [address for address in visited if "{" in address] == []
    assert {"/sign-in", "/profile", "/administrator/tenants/dev01/aws"} <= set(visited)
    assert len(visited) == len(set(visited))
    assert {route.permission for route in page_routes()} == set(ROLES)


def test_every_exception_is_a_page() -> None:
    paths = {route.path for route in page_routes()}

    assert QUERIES.keys() | NOT_VISITED.keys() <= paths
