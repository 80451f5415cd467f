"""Secrets that pages show are in no text of their objects, which a traceback or a log line may have."""

import pytest

from daypass.portal.http.pages.admin.user_list import OneTimeSecret
from daypass.portal.http.pages.console_access import KeysPage, LinkPage
from tests.fakes import NOON

CANARY = "canary-of-a-secret"


@pytest.mark.parametrize(
    "page",
    [
        OneTimeSecret("Token created", "okta", "Copy it now.", CANARY),
        KeysPage("dev01", "ASIA", CANARY, CANARY, "eu-central-1", NOON, "", "", NOON),
        LinkPage("dev01", CANARY, NOON, "", NOON),
    ],
    ids=lambda page: type(page).__name__,
)
def test_a_secret_of_a_page_is_not_in_its_representation(page: object) -> None:
    assert CANARY not in repr(page)
