"""The doctors of all accounts behind the interface of one examiner."""

from collections.abc import Sequence
from dataclasses import dataclass

from daypass.portal.accounts.registry import Accounts, PerAccount
from daypass.portal.diagnostics.finding import Examiner, Finding
from daypass.portal.tenants.model import Tenant


@dataclass(frozen=True, slots=True)
class AccountExaminers:
    """An `Examiner` that checks a tenant's role in the account through which it is reached."""

    accounts: Accounts
    examiners: PerAccount[Examiner]

    def examine_tenant(self, tenant: Tenant) -> Sequence[Finding]:
        """Return the findings on one tenant's role; does not raise if AWS is unavailable."""
        account = self.accounts.for_role(tenant.target.role_arn)
        return self.examiners.for_account(account).examine_tenant(tenant)
