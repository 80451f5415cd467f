"""The name of the page to which a sign-in or a confirmation leads."""

import pytest

from daypass.portal.http.layout.reauthentication import page_title
from daypass.portal.http.legacy.local_access import PAGE
from daypass.portal.http.oauth.endpoints import AUTHORIZE
from daypass.portal.http.pages.providers.methods import ADDRESS


@pytest.mark.parametrize(
    ("address", "title"),
    [
        ("/profile/passkeys", "Profile"),
        (f"{AUTHORIZE}?request_uri=urn%3Aexample", "Local Access Requested"),
        (f"{PAGE}?localAppName=duplo-jit", "Local Access Requested"),
        (ADDRESS, "Sign-in methods"),
        ("/elsewhere?a=b", "/elsewhere"),
    ],
)
def test_a_page_outside_the_navigation_is_named_too(address: str, title: str) -> None:
    assert page_title(address) == title
