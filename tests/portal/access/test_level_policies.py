"""The level policies of accounts: the read-only level, and sets whose policies an account lacks."""

import pytest

from daypass.portal.access.level_policies import READ_ONLY_LEVEL
from daypass.portal.access.model import SessionRequest
from daypass.portal.accounts.store import VerifiedPolicies
from daypass.portal.accounts.verified import VerifiedPolicyCache
from daypass.portal.errors import AwsPolicyRefused
from daypass.portal.identity.scopes import ADMIN_SCOPE, Scope
from daypass.portal.permission_sets.model import FULL, READ_ONLY
from daypass.portal.permission_sets.store import add_permission_set
from tests.fakes import NOON
from tests.portal.access.conftest import ADMIN, DANA, PROD, Rig
from tests.portal.permission_sets.examples import custom, deny

ACCOUNT = PROD.target.account_id
OPERATOR = custom("operator", 500, deny("iam:*"), policies=("daypass-level-operator", "aws:ReadOnlyAccess"))


class Verification:
    """The verified policies of a rig's database, read through a cache whose clock is `now`."""

    def __init__(self, rig: Rig) -> None:
        self.now = 0.0
        self._database = rig.database
        cache = VerifiedPolicyCache(rig.database, lambda: self.now)
        rig.issuer = rig.issuer_with(rig.committer, find_verified=cache.names)

    def record(self, *names: str, account_id: str = ACCOUNT) -> None:
        with self._database.writing() as connection:
            VerifiedPolicies(connection).record(account_id, dict.fromkeys(names, "digest"), NOON)


@pytest.fixture
def verification(rig: Rig) -> Verification:
    """A verification without a result so far, in a portal with the set `operator`."""
    with rig.database.writing() as connection:
        add_permission_set(OPERATOR, at=NOON).apply(connection)
    return Verification(rig)


def ask(permission_set: str) -> SessionRequest:
    return SessionRequest(Scope.of_tenant("prod01"), permission_set=permission_set)


def test_a_read_only_session_has_the_level_s_policy_only_in_accounts_that_have_it(
    rig: Rig, verification: Verification
) -> None:
    verification.record("daypass-level-read-only", account_id="999999999999")
    assert rig.issue(DANA, "prod01").permission_set is READ_ONLY
    assert rig.broker.assumed[-1][0].permission_set is READ_ONLY

    verification.record("daypass-level-read-only")
    verification.now = 60.0
    issued = rig.issue(DANA, "prod01")

    assert rig.broker.assumed[-1][0].permission_set == READ_ONLY_LEVEL
    assert [policy.text for policy in READ_ONLY_LEVEL.policies] == ["daypass-level-read-only"]
    # The entitlement and everything recorded still name the built-in set.
    assert issued.permission_set is READ_ONLY
    assert [row["permission_set"] for row in rig.rows()] == ["read-only", "read-only"]


def test_a_read_only_session_of_the_master_role_keeps_the_policy_of_aws(
    rig: Rig, verification: Verification
) -> None:
    verification.record("daypass-level-read-only")

    rig.issue(ADMIN, SessionRequest(ADMIN_SCOPE, permission_set="read-only"))

    assert rig.broker.assumed[-1][0].permission_set is READ_ONLY


def test_a_set_whose_level_policy_the_account_lacks_is_refused_with_the_remedy(
    rig: Rig, verification: Verification
) -> None:
    verification.record("daypass-level-read-only")

    with pytest.raises(AwsPolicyRefused, match=f"daypass-level-operator in account {ACCOUNT}") as refused:
        rig.issue(ADMIN, ask("operator"))

    assert "`daypass portal fence apply`, then `daypass portal fence verify`" in refused.value.reason
    assert rig.broker.assumed == []
    assert [(row["state"], row["failure"]) for row in rig.rows()] == [("denied", "aws_policy")]

    verification.record("daypass-level-operator")
    verification.now = 60.0
    assert rig.issue(ADMIN, ask("operator")).permission_set == OPERATOR
    assert rig.broker.assumed[-1][0].permission_set == OPERATOR


def test_the_policies_of_an_account_are_read_once_a_minute(rig: Rig, verification: Verification) -> None:
    assert _has_level(rig) is False
    verification.record("daypass-level-read-only")

    verification.now = 59.9
    assert _has_level(rig) is False
    verification.now = 60.0
    assert _has_level(rig) is True


def test_full_access_reads_no_policies(rig: Rig) -> None:
    def fail(_account_id: str) -> set[str]:
        raise AssertionError

    rig.issuer = rig.issuer_with(rig.committer, find_verified=fail)

    assert rig.issue(ADMIN, "prod01").permission_set is FULL


def _has_level(rig: Rig) -> bool:
    """Issue a read-only session, and return whether it has the level's own policy."""
    rig.issue(DANA, "prod01")
    return rig.broker.assumed[-1][0].permission_set == READ_ONLY_LEVEL
