"""The services of administration, built over one database."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from daypass.portal.admin.groups.members import GroupMembers
from daypass.portal.admin.groups.memberships import GroupMemberships
from daypass.portal.admin.groups.service import Groups
from daypass.portal.admin.imports.service import Imports
from daypass.portal.admin.permission_sets.service import PermissionSets
from daypass.portal.admin.provisioning.service import Provisioning
from daypass.portal.admin.reporting.overview import Overviews
from daypass.portal.admin.reporting.reports import Reports
from daypass.portal.admin.reporting.verification import Verification
from daypass.portal.admin.roles.provisioner import RoleProvisioner
from daypass.portal.admin.roles.reconciler import RoleReconciler
from daypass.portal.admin.settings.service import Settings
from daypass.portal.admin.tenants.metadata import TenantMetadata
from daypass.portal.admin.tenants.role_naming import RoleNaming
from daypass.portal.admin.tenants.service import Tenants
from daypass.portal.admin.transactions import ChangeExecutor, noop
from daypass.portal.admin.users.external_identities import ExternalIdentities
from daypass.portal.admin.users.memberships import Memberships
from daypass.portal.admin.users.recovery import RecoveryLinks
from daypass.portal.admin.users.service import Users
from daypass.portal.admin.users.tokens import Tokens
from daypass.portal.admin.workloads.service import WorkloadRules
from daypass.portal.config.providers import GroupSource, ProviderConfig
from daypass.portal.identity.authentication import Identity
from daypass.portal.identity.external.links import PASSWORDS_ONLY, SignInMethods
from daypass.portal.identity.provisioning.model import SCIM_PATH
from daypass.portal.permission_sets.grammar import ActionCheck, any_action
from daypass.portal.permission_sets.model import PermissionSetTemplate
from daypass.portal.settings.registry import REGISTRY, Registry


@dataclass(frozen=True, slots=True)
class Administration:
    """The services that every channel offers to Administrators."""

    users: Users
    recovery_links: RecoveryLinks
    members: Memberships
    groups: Groups
    group_members: GroupMembers
    group_memberships: GroupMemberships
    permission_sets: PermissionSets
    workload_rules: WorkloadRules
    provisioning: Provisioning
    tenants: Tenants
    settings: Settings
    metadata: TenantMetadata
    tokens: Tokens
    identities: ExternalIdentities
    imports: Imports
    records: Reports
    overviews: Overviews
    verification: Verification
    role_reconciler: RoleReconciler | None
    """None if the portal does not manage IAM roles."""


def administration(
    identity: Identity,
    role_naming: RoleNaming,
    provisioner: RoleProvisioner | None = None,
    reconciler: RoleReconciler | None = None,
    registry: Registry = REGISTRY,
    templates: Sequence[PermissionSetTemplate] = (),
    is_known_action: ActionCheck = any_action,
    services: Collection[str] = (),
    public_url: str = "",
    workload_issuers: Collection[str] = (),
    methods: SignInMethods = PASSWORDS_ONLY,
    providers: Sequence[ProviderConfig] = (),
) -> Administration:
    """Build the services over the database of *identity*.

    IAM is not called without *provisioner* and *reconciler*. Without *is_known_action* the actions in
    permission sets are checked by their form only. *services* are the names of the AWS services that tenants
    may use, and *methods* the ways in which people sign in. *public_url* is the audience that workload rules
    have by default, *workload_issuers* are the issuers that the operator allowed for them, and *providers*
    the configured identity providers.
    """
    reconcile_roles = noop if reconciler is None else reconciler.reconcile
    executor = ChangeExecutor(identity.database, identity.committer, identity.clock)
    return Administration(
        users=Users(executor),
        recovery_links=RecoveryLinks(executor),
        members=Memberships(executor),
        groups=Groups(executor, {each.name: each for each in providers}),
        group_members=GroupMembers(executor),
        group_memberships=GroupMemberships(executor),
        permission_sets=PermissionSets(executor, templates, is_known_action),
        workload_rules=WorkloadRules(executor, public_url, workload_issuers),
        provisioning=Provisioning(
            executor,
            {each.name: each.title for each in providers if each.groups is GroupSource.SCIM},
            public_url + SCIM_PATH,
        ),
        tenants=Tenants(executor, role_naming, provisioner, reconcile_roles),
        settings=Settings(executor, reconcile_roles, registry, services),
        metadata=TenantMetadata(executor),
        tokens=Tokens(executor, identity),
        identities=ExternalIdentities(executor, methods),
        imports=Imports(executor),
        records=Reports(identity.database),
        overviews=Overviews(identity.database, identity.clock),
        verification=Verification(identity.database, identity.clock),
        role_reconciler=reconciler,
    )
