"""The endpoints of each AWS partition."""

from dataclasses import dataclass

from daypass.common.console.partitions import CONSOLE_PARTITIONS


@dataclass(frozen=True, slots=True)
class Partition:
    """The hosts of one partition. A role, its endpoints and its console are always in the same one."""

    name: str
    iam_host: str
    iam_region: str
    signin_host: str
    home_region: str | None
    """The region that `signin_host` itself serves; the others have subdomains of it.

    None if it serves all regions, "" if it serves none.
    """

    @property
    def dns_suffix(self) -> str:
        """The domain of the partition's endpoints."""
        return CONSOLE_PARTITIONS[self.name].dns_suffix

    @property
    def console_host(self) -> str:
        """The domain of the console; each region has a subdomain."""
        return CONSOLE_PARTITIONS[self.name].console_host

    def sts_url(self, region: str) -> str:
        """Return the regional STS endpoint; unlike the global one's, its tokens are valid in all regions."""
        return f"https://sts.{region}.{self.dns_suffix}"

    def tagging_url(self, region: str) -> str:
        """Return the regional endpoint of the Resource Groups Tagging API."""
        return f"https://tagging.{region}.{self.dns_suffix}"

    @property
    def iam_url(self) -> str:
        """The IAM endpoint of the whole partition."""
        return f"https://{self.iam_host}"

    def signin_url(self, region: str) -> str:
        """Return the sign-in URL of the console in *region*, without a path."""
        if self.home_region in (None, region):
            return f"https://{self.signin_host}"
        return f"https://{region}.{self.signin_host}"

    def console_url(self, region: str) -> str:
        """Return the console's URL in *region*, without a path."""
        return f"https://{region}.{self.console_host}"


# IAM is one service for a whole partition, but its requests are signed for the region that AWS's table of
# endpoints gives (`iam_region`), whichever region the portal is set to.
PARTITIONS = {
    partition.name: partition
    for partition in (
        Partition(
            name="aws",
            iam_host="iam.amazonaws.com",
            iam_region="us-east-1",
            signin_host="signin.aws.amazon.com",
            home_region="us-east-1",
        ),
        Partition(
            name="aws-us-gov",
            iam_host="iam.us-gov.amazonaws.com",
            iam_region="us-gov-west-1",
            signin_host="signin.amazonaws-us-gov.com",
            home_region=None,
        ),
        Partition(
            name="aws-cn",
            iam_host="iam.cn-north-1.amazonaws.com.cn",
            iam_region="cn-north-1",
            signin_host="signin.amazonaws.cn",
            home_region=None,
        ),
        Partition(
            name="aws-eusc",
            iam_host="iam.eusc-de-east-1.amazonaws.eu",
            iam_region="eusc-de-east-1",
            signin_host="signin.amazonaws-eusc.eu",
            home_region="",
        ),
    )
}
