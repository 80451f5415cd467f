"""Where each AWS partition keeps its endpoints, in one table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Partition:
    """The hosts of one partition. A role, its endpoints and its console all lie in the same one."""

    name: str
    dns_suffix: str
    iam_host: str
    iam_region: str
    signin_host: str
    home_region: str | None
    """The region that `signin_host` itself serves, the others having their own hosts; None: it serves all."""
    console_host: str

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
            dns_suffix="amazonaws.com",
            iam_host="iam.amazonaws.com",
            iam_region="us-east-1",
            signin_host="signin.aws.amazon.com",
            home_region="us-east-1",
            console_host="console.aws.amazon.com",
        ),
        Partition(
            name="aws-us-gov",
            dns_suffix="amazonaws.com",
            iam_host="iam.us-gov.amazonaws.com",
            iam_region="us-gov-west-1",
            signin_host="signin.amazonaws-us-gov.com",
            home_region=None,
            console_host="console.amazonaws-us-gov.com",
        ),
        Partition(
            name="aws-cn",
            dns_suffix="amazonaws.com.cn",
            iam_host="iam.cn-north-1.amazonaws.com.cn",
            iam_region="cn-north-1",
            signin_host="signin.amazonaws.cn",
            home_region=None,
            console_host="console.amazonaws.cn",
        ),
    )
}
