"""The managed policies of the fence that were found in the AWS accounts."""

from collections.abc import Mapping, Set
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select

from daypass.portal.accounts.model import Account
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.access import verified_policies

_c = verified_policies.c


class VerifiedPolicies:
    """Reads and writes the result of the last verification of each account."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(self, account_id: str, digests: Mapping[str, str], at: datetime) -> None:
        """Replace the result for an account: the policies found with this release's contents, by name."""
        self._connection.execute(delete(verified_policies).where(_c.account_id == account_id))
        rows = [
            {"account_id": account_id, "policy_name": name, "digest": digest, "verified_at": at}
            for name, digest in digests.items()
        ]
        # SQLAlchemy executes a statement with an empty list of rows once, without parameters.
        if rows:
            self._connection.execute(insert(verified_policies), rows)

    def names(self, account_id: str) -> Set[str]:
        """Return the names of the policies that the last verification of an account found."""
        return self.digests(account_id).keys()

    def digests(self, account_id: str) -> Mapping[str, str]:
        """Return the digests of these policies by name; other digests are those of an earlier release."""
        query = select(_c.policy_name, _c.digest).where(_c.account_id == account_id)
        return {row.policy_name: row.digest for row in self._connection.execute(query)}

    def verified_at(self, account_id: str) -> datetime | None:
        """Return the time of the last verification of an account; None if it found no complete policy."""
        query = select(func.max(_c.verified_at)).where(_c.account_id == account_id)
        found: datetime | None = self._connection.execute(query).scalar_one()
        return found


def find_verified(database: Database, account: Account) -> Set[str]:
    """Return the names of the policies that the last verification of *account* found in it."""
    with database.reading() as connection:
        return VerifiedPolicies(connection).names(account.id)
