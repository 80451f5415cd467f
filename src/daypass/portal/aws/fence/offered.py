"""The services of the catalogue that tenants may use, without their policies, for the channels."""

from collections.abc import Sequence

from daypass.portal.accounts.model import Generation
from daypass.portal.accounts.services import TenantService
from daypass.portal.aws.fence.catalogue import offered_services
from daypass.portal.aws.policies import INLINE_SERVICES


def tenant_services() -> Sequence[TenantService]:
    """Return the services that tenants may use, by category and title."""
    services = [
        TenantService(
            name=service.name,
            title=service.title,
            category=service.category,
            summary=service.summary,
            gaps=service.gaps,
            since=Generation.INLINE if service.name in INLINE_SERVICES else Generation.SHARED,
        )
        for service in offered_services()
    ]
    return sorted(services, key=lambda service: (service.category, without_company(service.title)))


def without_company(title: str) -> str:
    """Return a title as people look for it: in lower case, without `Amazon` or `AWS`."""
    return title.removeprefix("Amazon ").removeprefix("AWS ").lower()
