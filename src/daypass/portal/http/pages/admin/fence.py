"""Fence: what each AWS account has of the policies that limit tenants' roles."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.accounts.model import Generation
from daypass.portal.accounts.rollout import PolicyStatus
from daypass.portal.diagnostics.account_fence import (
    FenceComparison,
    FenceReader,
    RecordedFence,
    RecordedStatus,
    RoleFence,
    purpose_of,
)
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.problems import NotFound
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.listing import ListQuery, Slice, paginate
from daypass.portal.http.services import Services
from daypass.portal.tenants.model import Tenant

ADDRESS = "/administrator/fence"

COMMANDS = (
    ("daypass portal fence plan", "Shows the calls to IAM, and what stops working. Changes nothing."),
    ("daypass portal fence apply", "Asks, then makes these calls one by one, in a safe order."),
    (
        "daypass portal fence verify",
        "Reads everything back and records it. The portal uses only what it found.",
    ),
)
"""The commands of a rollout and what they do, in order."""

STATES = {
    RecordedStatus.CURRENT: ("As in this version", "ok"),
    RecordedStatus.EARLIER: ("Of another version", "warn"),
    RecordedStatus.ABSENT: ("Not verified", ""),
    PolicyStatus.SAME: ("As in this version", "ok"),
    PolicyStatus.DIFFERENT: ("Different", "warn"),
    PolicyStatus.MISSING: ("Missing", "warn"),
}
"""The label of each state of a policy, and the kind of its tag."""


@dataclass(frozen=True, slots=True)
class FencePage:
    """The data of the list of accounts."""

    accounts: Sequence[RecordedFence] | None
    """None if the portal does not check roles."""

    commands = COMMANDS
    states = STATES
    purpose = staticmethod(purpose_of)

    def address(self, account: RecordedFence) -> str:
        """Return the address of an account's page."""
        return _address(account.account)


@dataclass(frozen=True, slots=True)
class AccountFencePage:
    """The data of the tab Policies of an account."""

    account: RecordedFence
    comparison: FenceComparison

    commands = COMMANDS
    states = STATES
    purpose = staticmethod(purpose_of)

    @property
    def address(self) -> str:
        """The address of the account's page."""
        return _address(self.account.account)


@dataclass(frozen=True, slots=True)
class RoleRow:
    """A tenant's role as a table row."""

    role: RoleFence

    @property
    def role_name(self) -> str:
        """The role's name, the last part of its ARN. All rows of the table have one account."""
        return self.role.tenant.target.role_arn.rpartition("/")[2]

    @property
    def generation(self) -> str:
        """The generation in words."""
        fence = self.role.fence
        if fence is None:
            return "Unknown"
        return "None" if fence.generation is None else str(fence.generation)

    @property
    def state(self) -> tuple[str, str]:
        """The label of the state, and the kind of its tag."""
        fence = self.role.fence
        if fence is None:
            return "Not read", "warn"
        if fence.generation is None:
            return "No fence", "warn"
        if fence.generation < max(Generation):
            return "Can be migrated", ""
        return ("Different", "warn") if fence.differences else ("As in this version", "ok")

    @property
    def details(self) -> Sequence[str]:
        """The differences or the reason for which the role was not read, as sentences."""
        fence = self.role.fence
        if fence is None:
            return [self.role.obstacle]
        # All differences of a role of an earlier generation are those between the generations.
        return fence.differences if fence.generation != min(Generation) else ()

    @property
    def command(self) -> str:
        """The command that plans the change of the role; empty if none is needed."""
        fence = self.role.fence
        is_done = fence is None or (fence.generation == max(Generation) and not fence.differences)
        return "" if is_done else f"daypass portal fence plan --tenant {self.role.tenant.name}"


@dataclass(frozen=True, slots=True)
class AccountRolesPage:
    """The data of the tab Roles of an account."""

    account: RecordedFence
    rows: Sequence[RoleRow]
    listing: ListQuery
    part: Slice[Tenant]

    @property
    def address(self) -> str:
        """The address of the account's page."""
        return _address(self.account.account)


@dataclass(frozen=True, slots=True)
class FencePages:
    """Handlers of the list of accounts, and of an account's tabs."""

    pages: PageRenderer
    fences: FenceReader | None

    def listed(self, visit: PageVisit) -> Response:
        """Show what the last verification of each account found, without calling AWS."""
        accounts = None if self.fences is None else self.fences.recorded()
        return self.pages.show(visit.layout, "pages/admin/fence.html", FencePage(accounts))

    def account(self, visit: PageVisit) -> Response:
        """Read an account's shared policies, and show the differences and the order of the changes."""
        fences, recorded = self._find(visit)
        page = AccountFencePage(recorded, fences.compare(recorded.account))
        return self.pages.show(visit.layout, "pages/admin/fence-account.html", page)

    def roles(self, visit: PageVisit) -> Response:
        """Read the roles of the tenants on one page of the list."""
        fences, recorded = self._find(visit)
        listing = ListQuery.of(visit.query, f"{_address(recorded.account)}/roles", [""])
        part = paginate(fences.tenants_of(recorded.account), listing, lambda tenant: tenant.name)
        rows = [RoleRow(role) for role in fences.roles(recorded.account, part.rows)]
        page = AccountRolesPage(recorded, rows, listing, part)
        return self.pages.show(visit.layout, "pages/admin/fence-roles.html", page)

    def _find(self, visit: PageVisit) -> tuple[FenceReader, RecordedFence]:
        """Return the reader and the account in the address; raises `NotFound`."""
        name = visit.path["account"]
        for recorded in () if self.fences is None else self.fences.recorded():
            if self.fences is not None and recorded.account == name:
                return self.fences, recorded
        raise NotFound(f"The portal has no AWS account “{name}”.")


def _address(account: str) -> str:
    return f"{ADDRESS}/{quote(account, safe='')}"


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    administrator = services.page_routes(Permission.ADMINISTRATOR)
    pages = FencePages(services.pages, services.fences)
    return [
        administrator.page(ADDRESS, pages.listed),
        administrator.page(f"{ADDRESS}/{{account}}", pages.account, calls_aws=True),
        administrator.page(f"{ADDRESS}/{{account}}/roles", pages.roles, calls_aws=True),
    ]
