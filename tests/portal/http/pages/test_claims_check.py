"""`daypass portal doctor --claims`: the pages, with a provider that this project did not write."""

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from queue import Queue

import pytest
from sqlalchemy import select

from daypass.portal.commands.doctor_claims import claims_findings
from daypass.portal.config.providers import GroupSource, ProviderConfig
from daypass.portal.diagnostics.finding import Finding, Level
from daypass.portal.errors import InvalidRequest
from daypass.portal.http.layout.cookies import SESSION
from daypass.portal.identity.external.claims_checks import LIFETIME, ClaimsChecks
from daypass.portal.storage.schema.identity import users
from daypass.portal.storage.schema.sign_in import claims_checks
from tests.identity_provider.run import IdentityProvider
from tests.portal.http.pages.test_administrator import text
from tests.portal.http.pages.test_oidc_sign_in import CALLBACK, Visitor, config, portal_of
from tests.portal.http.world import PUBLIC_URL, World, portal_config

CHECK = "/sign-in/oidc/company/check"


@pytest.fixture
def company(identity_provider: IdentityProvider) -> ProviderConfig:
    groups = {"groups": GroupSource.CLAIM, "scopes": ("openid", "profile", "groups")}
    return replace(config(identity_provider.issuer), **groups)  # type: ignore[arg-type]  # by name


@pytest.fixture
def portal(sqlite_url: str, identity_provider: IdentityProvider, company: ProviderConfig) -> Iterator[World]:
    identity_provider.add_client("daypass", [CALLBACK], client_secret="a-secret-of-a-client")
    identity_provider.add_account("00u-erin", preferred_username="erin@example.com", groups=["sales"])
    with portal_of(sqlite_url, company) as made:
        yield made


@pytest.fixture
def checks(portal: World) -> ClaimsChecks:
    return ClaimsChecks(portal.database, portal.clock)


def test_the_findings_are_shown_and_kept_for_the_command_and_nobody_is_signed_in(
    portal: World, checks: ClaimsChecks
) -> None:
    visitor, check_id = Visitor(portal.client()), checks.begin("company")

    page = visitor.authenticate(f"{CHECK}?id={check_id}", "00u-erin")

    assert page.status == 200
    assert "A sign-in creates the user “erin@example.com”" in text(page)
    assert page.header("cache-control") == "no-store"
    findings = [Finding(**each) for each in json.loads(checks.findings(check_id) or "")]
    assert "creates the user “erin@example.com”" in str(findings)
    assert "“sales”" in str(findings)
    assert visitor.cookies.get(SESSION, "") == ""
    assert visitor.sees() == 303
    with portal.database.reading() as connection:
        assert "erin@example.com" not in connection.execute(select(users.c.username)).scalars().all()


def test_a_check_counts_once(portal: World, checks: ClaimsChecks) -> None:
    check_id = checks.begin("company")
    first, second = Visitor(portal.client()), Visitor(portal.client())
    begun = second.get(f"{CHECK}?id={check_id}")
    first.authenticate(f"{CHECK}?id={check_id}", "00u-erin")
    before = checks.findings(check_id)

    answer = second.at_provider.sign_in(begun.header("location") or "", "", CALLBACK)
    late = second.get(f"{CALLBACK}?state={answer['state']}&error=access_denied")

    assert late.status >= 400
    assert "No command waits" in text(late)
    assert second.get(f"{CHECK}?id={check_id}").status >= 400
    assert checks.findings(check_id) == before


def test_a_refusal_of_the_provider_is_a_finding_with_its_cause_for_the_operator_only(
    portal: World, checks: ClaimsChecks
) -> None:
    visitor, check_id = Visitor(portal.client()), checks.begin("company")

    page = visitor.authenticate(f"{CHECK}?id={check_id}", "")

    assert "Refused" in text(page)
    assert "error code access_denied" in text(page)
    assert "company: the sign-in page answered" not in text(page)
    assert "company: the sign-in page answered" in (checks.findings(check_id) or "")


@pytest.mark.parametrize("check_id", ["", "x", "0" * 32, "%00", "é" * 32])
def test_without_a_waiting_command_nothing_begins(portal: World, check_id: str) -> None:
    assert Visitor(portal.client()).get(f"{CHECK}?id={check_id}").status == 410


def test_a_check_is_for_its_provider_and_ends(portal: World, checks: ClaimsChecks) -> None:
    visitor = Visitor(portal.client())
    other, late, ended = (checks.begin(name) for name in ("other", "company", "company"))
    checks.end(ended)

    for check_id in (other, ended):
        assert visitor.get(f"{CHECK}?id={check_id}").status == 410
    assert visitor.get(f"{CHECK}?id={late}").status == 303
    portal.clock.move(LIFETIME)
    assert visitor.get(f"{CHECK}?id={late}").status == 410
    checks.end(ended)
    with portal.database.reading() as connection:
        assert connection.execute(select(claims_checks)).all() == []


def test_the_command_shows_the_address_and_waits_for_the_findings(
    portal: World, company: ProviderConfig
) -> None:
    settings = replace(portal_config("sqlite:///x"), providers=(company,), stated_public_url=PUBLIC_URL)
    shown: Queue[str] = Queue()
    found: list[Finding] = []

    def run() -> None:
        found.extend(claims_findings("company", settings, portal.database, shown.put))

    command = threading.Thread(target=run)
    command.start()
    address = re.search(rf"{re.escape(PUBLIC_URL)}(\S+)", shown.get(timeout=30))
    assert address is not None
    Visitor(portal.client()).authenticate(address[1], "00u-erin")
    command.join(30)

    assert "creates the user “erin@example.com”" in str(found)
    assert {finding.level for finding in found} <= set(Level)
    with portal.database.reading() as connection:
        assert connection.execute(select(claims_checks)).all() == []


def test_a_provider_that_is_not_configured_is_refused(portal: World, company: ProviderConfig) -> None:
    settings = replace(portal_config("sqlite:///x"), providers=(company,))

    with pytest.raises(InvalidRequest, match=r"“other” is configured\. Configured: company"):
        claims_findings("other", settings, portal.database, print)
