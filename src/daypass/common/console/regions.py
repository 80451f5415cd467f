"""Validation of AWS region names, with suggestions for a wrong name."""

import re
from collections.abc import Collection, Mapping

EXTRA_REGIONS = "DAYPASS_EXTRA_REGIONS"
"""The environment variable with further accepted regions, separated by commas."""

KNOWN_REGIONS = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "ca-west-1", "mx-central-1"),
    *("sa-east-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1"),
    *("eu-west-2", "eu-west-3", "af-south-1", "il-central-1", "me-central-1", "me-south-1", "ap-east-1"),
    *("ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2"),
    *("ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5"),
    *("ap-southeast-6", "ap-southeast-7", "cn-north-1", "cn-northwest-1", "us-gov-east-1", "us-gov-west-1"),
    *("eusc-de-east-1", "us-iso-east-1", "us-iso-west-1", "us-isob-east-1", "us-isob-west-1"),
    *("eu-isoe-west-1", "us-isof-east-1", "us-isof-south-1"),
)
"""The regions at the time of this release. They only serve as suggestions."""

_AREA = "af|ap|ca|cn|eu|il|me|mx|sa|us|us-gov|us-iso|us-isob|us-isof|eu-isoe|eusc-[a-z]{2}"
_DIRECTION = "(north|south)(east|west)?|east|west|central"
# Any region of a known area and direction, so that AWS can add one without a release of this program.
_POSSIBLE = re.compile(f"({_AREA})-({_DIRECTION})-[1-9]")
# A region becomes part of host names, so an extra one is bounded too.
_SHAPE = re.compile(r"[a-z]{2,5}(-[a-z]{2,12}){1,3}-[0-9]{1,2}")
_SIMILAR = 0.7


def extra_regions(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the regions in DAYPASS_EXTRA_REGIONS."""
    return frozenset(environ.get(EXTRA_REGIONS, "").replace(",", " ").split())


def region_error(region: str, extra: Collection[str] = ()) -> str:
    """Return why *region* is not an AWS region, with the nearest known names; "" if it can be one.

    A text without the shape of a region is not repeated, since it may be a secret in the wrong place.
    """
    is_shaped = _SHAPE.fullmatch(region) is not None
    if _POSSIBLE.fullmatch(region) or (is_shaped and region in extra):
        return ""
    nearest = nearest_regions(region)
    suggestion = f" Did you mean {' or '.join(nearest)}?" if nearest else ""
    if not is_shaped:
        return f"A region looks like eu-central-1, and this does not.{suggestion}"
    return (
        f"{region} is not an AWS region.{suggestion} "
        f"If AWS added it after this release, add it to {EXTRA_REGIONS}."
    )


def nearest_regions(region: str) -> list[str]:
    """Return the known regions that are most similar to *region*; none if no region is similar."""
    # Imported for a wrong name only, because loading it takes ten milliseconds.
    from difflib import SequenceMatcher

    # The typed text is the second sequence, which the matcher analyses only once. It is cut, because the time
    # is quadratic in the worst case.
    matcher = SequenceMatcher(b=region.lower()[:64])
    ratios = {}
    for known in KNOWN_REGIONS:
        matcher.set_seq1(known)
        ratios[known] = matcher.ratio()
    best = max(ratios.values())
    return [known for known, ratio in ratios.items() if ratio == best] if best >= _SIMILAR else []
