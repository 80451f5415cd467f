"""The inline policy that limits a tenant's role to some services of the catalogue.

Shared policies cannot differ between tenants, so this one is the role's own.
"""

from collections.abc import Collection

from daypass.portal.aws.fence.catalogue import offered_services
from daypass.portal.aws.fence.documents import ALWAYS
from daypass.portal.aws.policies import Document, document

SERVICES_POLICY = "services"
"""The name of the inline policy."""

LARGEST_INLINE_POLICIES = 10_240
"""The largest size of all inline policies of a role in characters; IAM does not count white space."""


def services_policy(names: Collection[str]) -> Document:
    """Return the policy that denies everything but the services with these names.

    Names that the catalogue does not have are ignored, so the policy allows no more than was chosen.
    """
    prefixes = sorted(
        {prefix for each in offered_services() if each.name in names for prefix in each.prefixes}
    )
    # Other statements limit PassRole to the tenant's roles, and the chosen services may need it.
    allowed = [*(f"{prefix}:*" for prefix in prefixes), "iam:PassRole", *ALWAYS]
    return document({"Sid": "Services", "Effect": "Deny", "NotAction": allowed, "Resource": "*"})
