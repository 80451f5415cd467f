"""Sign-in at an identity provider in a browser, at a portal that serves."""

from pathlib import Path

from playwright.sync_api import expect

from tests.fixtures.browser import Chromium, chromium, new_context
from tests.identity_provider.run import IdentityProvider
from tests.portal.processes import Operator
from tests.tls import new_authority

__all__ = ["chromium"]


def test_a_user_signs_in_by_the_provider_s_button(
    operator: Operator, chromium: Chromium, identity_provider: IdentityProvider, tmp_path: Path
) -> None:
    new_authority(tmp_path)
    configured = {
        "DAYPASS_TLS_CERTIFICATE": str(tmp_path / "server.pem"),
        "DAYPASS_TLS_KEY": str(tmp_path / "server.pem"),
        "DAYPASS_PROVIDER_COMPANY_ISSUER": identity_provider.issuer,
        "DAYPASS_PROVIDER_COMPANY_CLIENT_ID": "daypass",
        "DAYPASS_PROVIDER_COMPANY_LABEL": "Example Corp",
        "DAYPASS_PROVIDER_COMPANY_CREATES_USERS": "true",
    }
    identity_provider.add_account("00u-erin", name="Erin", preferred_username="erin@example.com")
    operator.run_inside("migrate")
    # Without an Administrator the page explains how to make one.
    operator.run_inside("create-admin", "admin@example.com", "--random-password")
    with operator.serving_forked(**configured) as portal, new_context(chromium) as context:
        identity_provider.add_client("daypass", [f"{portal.url}/sign-in/oidc/company/callback"])
        page = context.new_page()
        page.goto(f"{portal.url}/profile?from=a%20link")
        page.get_by_role("link", name="Sign in with Example Corp").click()
        page.get_by_role("button", name="Erin").click()

        page.wait_for_url(f"{portal.url}/profile?from=a%20link")
        expect(page.get_by_role("heading", level=1)).to_have_text("Profile")
        expect(page.get_by_text("erin@example.com").first).to_be_visible()
