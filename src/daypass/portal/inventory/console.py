"""Links to resources in the AWS console."""

from daypass.common.console.arn import parse
from daypass.common.console.pages import resource_page
from daypass.portal.inventory.kinds import ResourceArn


def console_path(named: ResourceArn, tenant_region: str) -> str:
    """Return path, query and fragment of the resource's page; the broker adds the console's host."""
    arn = parse(named.arn)
    if arn is None:
        raise ValueError("the ARN of a listed resource does not parse")
    return resource_page(arn, tenant_region).path
