"""The console page of a service or of the resource that an ARN names."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from daypass.common.console.arn import Arn
from daypass.common.console.kinds import KINDS
from daypass.common.console.partitions import CONSOLE_PARTITIONS, ISOLATED
from daypass.common.console.services import SERVICES

_SERVICE = re.compile(r"[a-z][a-z0-9-]{0,40}")


class NoConsole(ValueError):
    """The ARN's partition has no console that Daypass can open; the message says why."""


@dataclass(frozen=True, slots=True)
class Page:
    """Path, query and fragment of a page; the host depends on the partition and the region."""

    path: str
    is_exact: bool
    """False if the resource's kind has no known page, so that *path* is its service's page."""


class _Part:
    """A part of an ARN that a template inserts percent-encoded: once, `:twice`, or in the form `:logs`."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __format__(self, form: str) -> str:
        once = quote(self._text, safe="")
        if form == "twice":
            return quote(once, safe="")
        # CloudWatch encodes a name in its fragment twice and writes "$" for the outer "%".
        return quote(once, safe="").replace("%", "$") if form == "logs" else once


def is_service(name: str) -> bool:
    """Return whether *name* can be the name of an AWS service."""
    return _SERVICE.fullmatch(name) is not None


def service_page(service: str, region: str) -> str:
    """Return the path of the service's own page; by convention /NAME/home if it is not in the table."""
    return SERVICES.get(service, f"/{service}/home?region={{region}}").format(region=region)


def resource_page(arn: Arn, fallback_region: str) -> Page:
    """Return the page of the resource; *fallback_region* is used if the ARN has no region.

    Raises `NoConsole` for an isolated or unknown partition.
    """
    partition = CONSOLE_PARTITIONS.get(arn.partition)
    if partition is None:
        raise NoConsole(_why_no_console(arn.partition))
    region = arn.region or fallback_region
    for pattern, template in KINDS.get(arn.service, ()):
        match = re.fullmatch(pattern, arn.resource)
        if match:
            parts = {name: _Part(text or "") for name, text in match.groupdict().items()}
            # `parse` limits region and account to characters that need no encoding; all other parts are
            # encoded, so that an ARN cannot add a query or a fragment to the page.
            path = template.format(
                region=region,
                account=arn.account,
                partition=arn.partition,
                dns_suffix=partition.dns_suffix,
                arn=quote(arn.text, safe=":/"),
                arn_quoted=quote(arn.text, safe=""),
                **parts,
            )
            return Page(path, is_exact=True)
    return Page(service_page(arn.service, region), is_exact=False)


def _why_no_console(partition: str) -> str:
    if partition in ISOLATED:
        return f"Partition {partition} is on an isolated network; its console cannot be opened from here."
    return f"There is no AWS partition {partition}; there are {', '.join(CONSOLE_PARTITIONS)}."
