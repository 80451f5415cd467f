"""The registry of AWS accounts, and a container for objects that exist once for each account."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from daypass.portal.accounts.model import Account, account_id_of
from daypass.portal.errors import AwsError

T_co = TypeVar("T_co", covariant=True)


class Accounts:
    """The AWS accounts of the portal: the default account, and others.

    The portal constructs the default account only; other accounts have no configuration yet.
    """

    def __init__(self, default: Account, *others: Account) -> None:
        self.default = default
        """The account of the admin scope, and of all data in which no account is named."""
        self._all = (default, *others)
        if len({account.name for account in self._all}) < len(self._all):
            raise ValueError("two AWS accounts have the same name")

    def __iter__(self) -> Iterator[Account]:
        """Iterate over all accounts, the default first."""
        return iter(self._all)

    def find(self, reference: str) -> Account | None:
        """Return the account with that name or id, or None; an id that AWS has not told yet matches none."""
        named = next((account for account in self._all if account.name == reference), None)
        return named or next((account for account in self._all if _known_id(account) == reference), None)

    def for_role(self, role_arn: str) -> Account:
        """Return the account through which the portal reaches a role.

        This is the account that has the role. If no account with a known id has it, the first account with an
        unknown id is returned, which may have the role; it raises its own `AwsError` when it is used. A role
        outside of all accounts is reached through the default account. That account can assume the role if
        the role's trust policy allows it, but cannot read the role's properties.
        """
        account_id = account_id_of(role_arn)
        unknown = None
        for account in self._all:
            known_id = _known_id(account)
            if known_id == account_id:
                return account
            if known_id is None and unknown is None:
                unknown = account
        return unknown or self.default


@dataclass(frozen=True, slots=True)
class PerAccount(Generic[T_co]):
    """One object for each account, for example its broker."""

    by_name: Mapping[str, T_co]

    def for_account(self, account: Account) -> T_co:
        """Return the object of *account*."""
        return self.by_name[account.name]


def _known_id(account: Account) -> str | None:
    try:
        return account.id
    except AwsError:
        return None
