"""Validation of AWS region names, and suggestions for misspelled ones."""

from typing import Any

import pytest
from botocore.session import Session

from daypass.common.console.regions import KNOWN_REGIONS, extra_regions, region_error

_LOADED: Any = Session().get_data("partitions")
AWS_REGIONS = sorted(
    region
    for partition in _LOADED["partitions"]
    for region in partition["regions"]
    if not region.endswith("-global")
)

MISSPELLED = [
    ("us-est-1", "us-east-1 or us-west-1"),
    ("eu-centrl-1", "eu-central-1"),
    ("ap-souteast-2", "ap-southeast-2"),
    ("us-gov-wst-1", "us-gov-west-1"),
    ("eusc-de-est-1", "eusc-de-east-1"),
    ("es-east-1", "us-east-1 or sa-east-1"),
    ("eu-west-11", "eu-west-1"),
    ("us-west-0", "us-west-1 or us-west-2"),
    ("us-east-1a", "us-east-1"),
    ("us-east1", "us-east-1"),
    ("us_east_1", "us-east-1"),
    ("US-EAST-1", "us-east-1"),
    ("eu-central", "eu-central-1 or eu-central-2"),
]


@pytest.mark.parametrize("region", AWS_REGIONS)
def test_each_region_of_aws_is_accepted(region: str) -> None:
    assert region_error(region) == ""


def test_only_regions_of_aws_are_suggested() -> None:
    assert set(KNOWN_REGIONS) <= set(AWS_REGIONS)


@pytest.mark.parametrize(("region", "nearest"), MISSPELLED)
def test_a_misspelled_region_is_refused_with_the_nearest_names(region: str, nearest: str) -> None:
    assert f"Did you mean {nearest}?" in region_error(region)


@pytest.mark.parametrize("region", ["us-north-1", "sa-west-1", "eusc-fr-west-1", "ap-southeast-9"])
def test_a_region_that_aws_may_add_is_accepted_without_a_release(region: str) -> None:
    assert region_error(region) == ""


def test_an_extra_region_beyond_the_pattern_is_accepted() -> None:
    extra = extra_regions({"DAYPASS_EXTRA_REGIONS": "nz-south-1, ap-southeast-10,"})

    assert [region_error("nz-south-1", extra), region_error("ap-southeast-10", extra)] == ["", ""]
    assert "add it to DAYPASS_EXTRA_REGIONS" in region_error("nz-south-2", extra)
    assert extra_regions({}) == set()
    assert region_error("", extra)


def test_an_extra_region_cannot_be_another_host_name() -> None:
    assert region_error("evil.example", extra_regions({"DAYPASS_EXTRA_REGIONS": "evil.example"}))


def test_text_that_may_be_a_secret_is_not_repeated() -> None:
    error = region_error("daypass_pat_canary")

    assert "canary" not in error
    assert "Did you mean" not in error
