"""The tenant that owns a resource, by the prefix of its name or by its tag."""

from collections.abc import Callable, Iterable

from daypass.portal.inventory.kinds import ResourceArn, ResourceKinds
from daypass.portal.inventory.model import OWNER_TAG, Resource, TaggedArn
from daypass.portal.tenants.model import Tenant


def owned_resource(
    kinds: ResourceKinds, tagged: TaggedArn, tenant_name: str, role_prefix: str
) -> Resource | None:
    """Return *tagged* as a resource if it belongs to this tenant; else None.

    The request to AWS names one tenant's tag, but its answer is not trusted: any principal with tagging
    rights can set a tag, whereas a name cannot be changed.
    """
    named = kinds.parse(tagged.arn)
    if named is None:
        return None
    if named.owned_name is None:
        is_own = tagged.tags.get(OWNER_TAG) == tenant_name
    else:
        is_own = named.owned_name.startswith(_prefix(tenant_name, role_prefix))
    return Resource(named, tagged.tags) if is_own else None


def owner_by_name(
    named: ResourceArn, tenants: Iterable[Tenant], find_role_prefix: Callable[[Tenant], str]
) -> Tenant | None:
    """Return the tenant with the longest prefix that matches the name, or None.

    `find_role_prefix` returns the prefix of the names of roles and resources in the account of a tenant.
    """
    owned_name = named.owned_name
    if owned_name is None:
        return None

    def prefix_of(tenant: Tenant) -> str:
        return _prefix(tenant.name, find_role_prefix(tenant))

    candidates = [tenant for tenant in tenants if owned_name.startswith(prefix_of(tenant))]
    return max(candidates, key=lambda tenant: len(prefix_of(tenant)), default=None)


def _prefix(tenant_name: str, role_prefix: str) -> str:
    return f"{role_prefix}{tenant_name}-"
