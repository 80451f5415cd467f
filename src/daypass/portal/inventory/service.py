"""The inventory: resources of the tenants that a user may see, and the owner of a resource."""

import json
import time
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from uuid import uuid4

from daypass.common.session_limits import MINIMUM_DURATION
from daypass.portal.access.authorization import TenantContext, read_tenant
from daypass.portal.access.broker import AWS_TIME_LIMIT, Brokers, Deadline
from daypass.portal.access.model import AssumeRoleParameters, Caller, Credentials, IssuanceId
from daypass.portal.access.role_assumer import RoleAssumer
from daypass.portal.access.role_concurrency import RoleBusy, RoleConcurrency
from daypass.portal.access.session_names import session_tags
from daypass.portal.accounts.model import Account, Generation
from daypass.portal.accounts.registry import Accounts, PerAccount
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Event, Outcome
from daypass.portal.clock import Clock
from daypass.portal.errors import AwsError, Overloaded, PortalError, ResourceNotFound
from daypass.portal.identity.authentication import token_use_change
from daypass.portal.inventory.arns import owned_resource, owner_by_name
from daypass.portal.inventory.finder import Query, ResourceFinder
from daypass.portal.inventory.generations import RoleGenerations
from daypass.portal.inventory.kinds import ResourceArn, ResourceKind, ResourceKinds
from daypass.portal.inventory.listing_cache import ListingCache
from daypass.portal.inventory.model import OWNER_TAG, Listing, Resource
from daypass.portal.permission_sets.model import FULL
from daypass.portal.settings.registry import TENANT_SERVICES
from daypass.portal.settings.store import SettingStore
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.tenants.model import Tenant
from daypass.portal.tenants.store import TenantStore

ACTION = "inventory"

INVENTORY_SESSION = "Daypass-inventory"
"""The session name of the portal's own reads. Usernames are lower-case, so no user's session has it."""

MAX_RESOURCES = 10_000
"""The maximum number of resources read per tenant; a longer listing is cut and marked incomplete."""

_TOO_MANY = (
    "Not all of your tenants could be searched in time. Try again in a moment, or choose the tenant that you "
    "mean and open its AWS Resources."
)
# A session policy: with these credentials the portal can use nothing of the role but the search.
SEARCH_ONLY_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "tag:GetResources", "Resource": "*"}],
    }
)


@dataclass(frozen=True, slots=True)
class Inventory:
    """Lists the resources of tenants. AWS is never called for a tenant that the caller may not see."""

    database: Database
    committer: Committer
    accounts: Accounts
    brokers: Brokers
    finders: PerAccount[ResourceFinder]
    kinds: ResourceKinds
    clock: Clock
    is_attribution_required: bool = False
    monotonic: Callable[[], float] = time.monotonic
    cache: ListingCache = field(default_factory=ListingCache)
    role_concurrency: RoleConcurrency = field(default_factory=RoleConcurrency)
    generations: RoleGenerations | None = None

    def has_inline_fence(self, tenant: Tenant) -> bool:
        """Return whether the tenant's role is known to be of generation 1, which may use six services."""
        if self.generations is None:
            return False
        return self.generations.find(tenant.target.role_arn) is Generation.INLINE

    def excluded_kinds(self, tenant: Tenant) -> Set[ResourceKind]:
        """Return the kinds that the tenant's setting **AWS Services** excludes."""
        with self.database.reading() as connection:
            services = SettingStore(connection).read(tenant.id).get_optional(TENANT_SERVICES)
        if services is None:
            return frozenset()
        return frozenset(kind for kind in self.kinds if kind.allowed_with.isdisjoint(services))

    def listing(self, caller: Caller, reference: str, *, is_fresh: bool = False) -> Listing:
        """Return the listing of the tenant with that name or ID, at most one minute old.

        With `is_fresh`, read again. Raises `TenantNotFound` for a missing tenant and for one of other users.
        """
        return self._listing(caller, reference, self._deadline(), is_fresh=is_fresh)

    def resource(self, caller: Caller, reference: str, arn: str) -> tuple[Tenant, Resource]:
        """Return one resource of a tenant; raises `ResourceNotFound`."""
        listing = self.listing(caller, reference)
        resource = listing.find(arn)
        if resource is None:
            raise resource_not_found()
        return listing.tenant, resource

    def owner(self, caller: Caller, arn: str, *, likely: str = "") -> tuple[Tenant, Resource]:
        """Return the resource that *arn* is or is a part of, and its tenant among those of the caller.

        If the ARN does not tell the tenant, the tenant with the ID *likely* is searched first. Raises
        `ResourceNotFound` alike for a foreign and for a missing resource.
        """
        named = self.kinds.containing(arn)
        if named is None:
            raise resource_not_found()
        deadline = self._deadline()
        refusal: PortalError | None = None
        for tenant in sorted(self._candidates(caller, named), key=lambda tenant: tenant.id != likely):
            if self.monotonic() >= deadline:
                refusal = Overloaded(_TOO_MANY)
                break
            try:
                listing = self._listing(caller, tenant.id, deadline)
            except (AwsError, RoleBusy) as error:
                # Another tenant may own the resource, and that one may be readable.
                refusal = error
                continue
            if resource := listing.find(named.arn):
                return tenant, resource
        raise refusal or resource_not_found()

    def _candidates(self, caller: Caller, named: ResourceArn) -> Sequence[Tenant]:
        """Return the tenants to search, all of them visible to the caller."""
        with self.database.reading() as connection:
            store, user = TenantStore(connection), caller.user
            if user.is_administrator:
                visible = store.list_all(user.id)
            else:
                visible = store.list_for(user.id, self.clock())
        tenants = [access.tenant for access in visible]
        if named.owned_name is None:
            return [tenant for tenant in tenants if named.region in ("", tenant.target.region)]
        owner = owner_by_name(named, tenants, lambda tenant: self._account(tenant).role_prefix)
        return [] if owner is None else [owner]

    def _listing(
        self, caller: Caller, reference: str, deadline: Deadline, *, is_fresh: bool = False
    ) -> Listing:
        with self.database.reading() as connection:
            context = read_tenant(connection, caller, reference, self.clock())
        tenant, now = context.tenant, self.clock()
        caller.log_fields["tenant"] = tenant.name
        if cached := self.cache.find(tenant, now, is_fresh=is_fresh):
            return cached
        # Held while another thread reads, too: the waiting threads are as occupied as the reading one.
        with self.role_concurrency.acquire(tenant.target.role_arn):
            read = partial(self._read, caller, context, deadline)
            return self.cache.get(tenant, now, read, is_fresh=is_fresh)

    def _read(self, caller: Caller, context: TenantContext, deadline: Deadline) -> Listing:
        tenant, now = context.tenant, self.clock()
        account, session = self._account(tenant), self._session(tenant)

        # The user may lose the tenant between the request and the commit, and AWS is called after it.
        def still_visible(connection: Connection) -> PortalError | None:
            try:
                read_tenant(connection, caller, tenant.id, self.clock())
            except PortalError as refusal:
                return refusal
            return None

        self.committer.commit(
            _event(caller, session, tenant), *token_use_change(caller.token, now), precondition=still_visible
        )
        roles = RoleAssumer(self.brokers.for_account(account), self.database, self.is_attribution_required)
        credentials = roles.assume(session, context.role, now, deadline).credentials
        resources, is_whole = self._collect(tenant, account, credentials, deadline)
        return Listing(tenant, tuple(resources), now, is_whole)

    def _collect(
        self, tenant: Tenant, account: Account, credentials: Credentials, deadline: Deadline
    ) -> tuple[Sequence[Resource], bool]:
        """Return the tenant's own resources in AWS's answer, and whether they are complete."""
        query = Query(
            tenant.target.region, OWNER_TAG, tenant.name, self.kinds.services, tenant.target.role_arn
        )
        by_arn: dict[str, Resource] = {}
        is_answered, is_whole = False, True
        try:
            for page in self.finders.for_account(account).pages(query, credentials, deadline):
                is_answered = True
                for tagged in page:
                    if resource := owned_resource(self.kinds, tagged, tenant.name, account.role_prefix):
                        by_arn[resource.arn] = resource
                if len(by_arn) >= MAX_RESOURCES:
                    is_whole = False
                    break
        # A listing that is cut is better than none, so an error after the first page only marks it
        # incomplete.
        except AwsError:
            if not is_answered:
                raise
            is_whole = False
        resources = sorted(by_arn.values(), key=lambda resource: resource.named.position)
        return resources[:MAX_RESOURCES], is_whole

    def _account(self, tenant: Tenant) -> Account:
        return self.accounts.for_role(tenant.target.role_arn)

    def _session(self, tenant: Tenant) -> AssumeRoleParameters:
        return AssumeRoleParameters(
            role_arn=tenant.target.role_arn,
            region=tenant.target.region,
            session_name=INVENTORY_SESSION,
            duration=MINIMUM_DURATION,
            external_id=tenant.target.external_id,
            source_identity=INVENTORY_SESSION,
            tags=session_tags(IssuanceId(uuid4().hex), tenant),
            permission_set=FULL,
            policy=SEARCH_ONLY_POLICY,
        )

    def _deadline(self) -> Deadline:
        return Deadline(self.monotonic() + AWS_TIME_LIMIT.total_seconds())


def resource_not_found() -> ResourceNotFound:
    """Return the error for a missing resource and, alike, for a foreign one."""
    return ResourceNotFound(
        "None of your tenants has this resource. Check the ARN, or ask to be added to the tenant that has it."
    )


def _event(caller: Caller, session: AssumeRoleParameters, tenant: Tenant) -> Event:
    return Event(
        action=ACTION,
        actor=caller.actor,
        outcome=Outcome.REQUESTED,
        subject=tenant.name,
        tenant_id=tenant.id,
        detail={
            "role_arn": tenant.target.role_arn,
            "region": tenant.target.region,
            "door": caller.channel,
            "address": caller.address,
            "token_id": caller.token.id,
            **session.tags,
        },
    )
