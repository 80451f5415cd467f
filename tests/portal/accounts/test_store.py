"""Tests of the record of the policies that were verified in accounts."""

from datetime import UTC, datetime, timedelta

from daypass.portal.accounts.store import VerifiedPolicies
from daypass.portal.storage.engine import Database

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ACCOUNT, OTHER = "123456789012", "210987654321"


def test_a_verification_replaces_the_one_before_of_the_same_account(database: Database) -> None:
    with database.writing() as connection:
        verified = VerifiedPolicies(connection)
        verified.record(ACCOUNT, {"daypass-fence-data": "a", "daypass-boundary-2": "b"}, NOW)
        verified.record(OTHER, {"daypass-fence-data": "c"}, NOW)
        verified.record(ACCOUNT, {"daypass-fence-data": "d"}, NOW + timedelta(hours=1))

    with database.reading() as connection:
        verified = VerifiedPolicies(connection)
        assert verified.names(ACCOUNT) == {"daypass-fence-data"}
        assert verified.digests(ACCOUNT) == {"daypass-fence-data": "d"}
        assert verified.digests(OTHER) == {"daypass-fence-data": "c"}


def test_an_account_without_any_policy_has_none(database: Database) -> None:
    with database.writing() as connection:
        VerifiedPolicies(connection).record(ACCOUNT, {"daypass-fence-data": "a"}, NOW)
        VerifiedPolicies(connection).record(ACCOUNT, {}, NOW)

    with database.reading() as connection:
        assert VerifiedPolicies(connection).names(ACCOUNT) == set()
