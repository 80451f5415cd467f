"""Where each AWS partition keeps its endpoints, in one table."""

from dataclasses import dataclass

from daypass.common.console.partitions import CONSOLE_PARTITIONS


@dataclass(frozen=True, slots=True)
class Partition:
    """The hosts of one partition. A role, its endpoints and its console all lie in the same one."""

    name: str
    iam_host: str
    iam_region: str
    signin_host: str
    home_region: str | None
    """The region that `signin_host` itself serves, the others having hosts of their own below it.

    None if it serves all regions, "" if it serves none.
    """

    @property
    def dns_suffix(self) -> str:
        """The end of the names of the partition's endpoints."""
        return CONSOLE_PARTITIONS[self.name].dns_suffix

    @property
    def console_host(self) -> str:
        """The host of the console; each region's console is one label below it."""
        return CONSOLE_PARTITIONS[self.name].console_host

    def sts_url(self, region: str) -> str:
        """The regional STS: its tokens are valid in every region, the global one's are not."""
        return f"https://sts.{region}.{self.dns_suffix}"

    def tagging_url(self, region: str) -> str:
        """The search for resources by their tags, which each region has for itself."""
        return f"https://tagging.{region}.{self.dns_suffix}"

    @property
    def iam_url(self) -> str:
        """IAM, which has one endpoint for the whole partition."""
        return f"https://{self.iam_host}"

    def signin_url(self, region: str) -> str:
        """Where one signs in to the console of *region*, without a path."""
        if self.home_region in (None, region):
            return f"https://{self.signin_host}"
        return f"https://{region}.{self.signin_host}"

    def console_url(self, region: str) -> str:
        """The console of *region*, without a path."""
        return f"https://{region}.{self.console_host}"


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
