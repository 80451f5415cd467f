"""The kinds of resources of the catalogue, for the inventory."""

import re

from daypass.portal.aws.fence.catalogue import offered_services
from daypass.portal.aws.policies import INLINE_SERVICES
from daypass.portal.inventory.kinds import ResourceKind, ResourceKinds


def resource_kinds() -> ResourceKinds:
    """Return the kinds of resources that a tenant's role can open, and that AWS's tag search returns."""
    return ResourceKinds(
        [
            ResourceKind(
                name=kind.kind,
                label=kind.label,
                plural=kind.plural,
                service=kind.arn_service,
                pattern=re.compile(kind.pattern),
                is_named=kind.is_named,
                # A service limit is written as IAM prefixes, so services that share one are allowed together.
                allowed_with=frozenset(
                    each.name for each in offered_services() if {*each.prefixes} & {*service.prefixes}
                ),
                needs_shared_fence=service.name not in INLINE_SERVICES,
                read_only_gap=kind.read_only_gap or "",
            )
            for service in offered_services()
            for kind in service.resources
        ]
    )
