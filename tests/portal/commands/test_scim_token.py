"""`daypass portal scim-token`."""

import pytest

from daypass.portal.audit.committer import Committer
from daypass.portal.clock import utc_now
from daypass.portal.errors import Unauthenticated
from daypass.portal.identity.provisioning.tokens import ScimTokens
from daypass.portal.storage.engine import Database
from tests.portal.processes import Operator

PROVIDERS = {
    "DAYPASS_PUBLIC_URL": "https://portal.example.com",
    "DAYPASS_PROVIDER_OKTA_ISSUER": "https://okta.example.com",
    "DAYPASS_PROVIDER_OKTA_CLIENT_ID": "daypass",
    "DAYPASS_PROVIDER_OKTA_GROUPS": "scim",
    "DAYPASS_PROVIDER_CLAIMS_ISSUER": "https://claims.example.com",
    "DAYPASS_PROVIDER_CLAIMS_CLIENT_ID": "daypass",
    "DAYPASS_PROVIDER_CLAIMS_GROUPS": "claim",
}


def test_a_token_is_printed_for_a_provider_that_provisions(operator: Operator, sqlite_url: str) -> None:
    first = operator.run_inside("scim-token", "okta", **PROVIDERS)
    second = operator.run_inside("scim-token", "okta", "--revoke-others", **PROVIDERS)
    refused = operator.run_inside("scim-token", "claims", **PROVIDERS)

    assert (first.returncode, second.returncode, first.stderr) == (0, 0, "")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "groups = “scim”" in refused.stderr
    database = Database(sqlite_url)
    committer = Committer(database, utc_now)
    tokens = ScimTokens(database, committer, utc_now)
    with pytest.raises(Unauthenticated):
        tokens.authenticate(first.stdout.strip())
    assert tokens.authenticate(second.stdout.strip()).provider == "okta"
    committer.close()
    database.close()
