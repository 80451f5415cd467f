"""The rules for the IAM roles of tenants: their names, account, partition and region."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from daypass.common.console.partitions import partition_of
from daypass.common.console.regions import region_error
from daypass.portal.accounts.model import SET_ROLE_PREFIX, Account, iam_role_arn
from daypass.portal.errors import AwsError, InvalidRequest

# IAM accepts any printable ASCII in a path. Characters that a name cannot have are refused, because an ARN
# is also written into shell commands.
_ROLE = re.compile(r"arn:([a-z-]+):iam::([0-9]{12}):role/([\w+=,.@/-]{1,510}/)?[\w+=,.@-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class RoleNaming:
    """The rules for the IAM roles of tenants in one account."""

    account: Account
    extra_regions: Collection[str] = ()
    """Regions that are accepted although their names do not follow the known pattern."""

    def own(self, name: str) -> str:
        """Return the ARN of a tenant's default role; raises an `AwsError` while the account is unknown."""
        return self.account.role_arn(f"{self.account.role_prefix}{name}")

    @property
    def example(self) -> str:
        """The form of a default role's ARN, for help texts; with ACCOUNT while the account is unknown."""
        try:
            return self.own("NAME")
        except AwsError:
            return iam_role_arn(self.account.partition, "ACCOUNT", f"{self.account.role_prefix}NAME")

    def check_region(self, region: str) -> None:
        """Return if *region* is possible and in the account's partition; raise `InvalidRequest` otherwise."""
        if error := region_error(region, self.extra_regions):
            raise InvalidRequest(error)
        partition, own = partition_of(region), self.account.partition
        if partition != own:
            raise InvalidRequest(
                f"{region} is in the AWS partition {partition}, and this portal is in the partition "
                f"{own}. Choose a region of {own}."
            )

    def check(self, role_arn: str) -> None:
        """Return if *role_arn* may be a tenant's role; raise `InvalidRequest` otherwise."""
        match = _ROLE.fullmatch(role_arn)
        if match is None or match.group(1, 2) != (self.account.partition, self.account.id):
            example = self.account.role_arn("NAME")
            raise InvalidRequest(
                f"A tenant's role must be in the portal's account, such as {example}. Its path and name have "
                "letters, digits and any of _+=,.@- only."
            )
        if role_arn.lower() == self.account.master_role_arn.lower():
            raise InvalidRequest("The master role is reserved for Administrators. Choose another role.")
        if role_arn.lower().rpartition("/")[2].startswith(SET_ROLE_PREFIX):
            raise InvalidRequest(
                f"Role names with {SET_ROLE_PREFIX} in front are for permission sets. Choose another role."
            )
