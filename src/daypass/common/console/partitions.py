"""AWS partitions: their regions, the DNS suffix of their endpoints and the host of their console."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConsolePartition:
    """A partition's names in links to its console."""

    name: str
    dns_suffix: str
    console_host: str
    """The host name without the region, which is the label before it."""


CONSOLE_PARTITIONS = {
    partition.name: partition
    for partition in (
        ConsolePartition("aws", "amazonaws.com", "console.aws.amazon.com"),
        ConsolePartition("aws-cn", "amazonaws.com.cn", "console.amazonaws.cn"),
        ConsolePartition("aws-us-gov", "amazonaws.com", "console.amazonaws-us-gov.com"),
        ConsolePartition("aws-eusc", "amazonaws.eu", "console.amazonaws-eusc.eu"),
    )
}
"""The partitions whose console can be reached from the internet."""

ISOLATED = ("aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f")
"""Partitions on networks of their own: their console cannot be reached from the internet."""

# The forms of botocore's endpoint data. Every other region is in the partition aws.
_REGIONS = {
    "aws-cn": "cn-",
    "aws-us-gov": "us-gov-",
    "aws-eusc": "eusc-",
    "aws-iso": "us-iso-",
    "aws-iso-b": "us-isob-",
    "aws-iso-e": "eu-isoe-",
    "aws-iso-f": "us-isof-",
}


def partition_of(region: str) -> str:
    """Return the name of the partition that *region* is in."""
    return next((name for name, prefix in _REGIONS.items() if region.startswith(prefix)), "aws")
