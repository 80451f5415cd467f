"""The navigation on the left."""

from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.layout.navigation import ENTRIES
from tests.page_addresses import page_routes


def test_every_page_for_administrators_belongs_to_one_entry() -> None:
    paths = [route.path for route in page_routes() if route.permission is Permission.ADMINISTRATOR]

    current = {path: [entry.label for entry in ENTRIES if entry.is_current(path)] for path in paths}

    assert {path: labels for path, labels in current.items() if len(labels) != 1} == {}
    assert current["/administrator/add-permission-set"] == ["Permission Sets"]


def test_the_services_of_a_tenant_belong_to_its_resources() -> None:
    assert [entry.label for entry in ENTRIES if entry.is_current("/services")] == ["AWS Resources"]
