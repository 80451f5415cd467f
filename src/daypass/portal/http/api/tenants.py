"""Tenants: which one may use, and what Administrators make of them."""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.access.model import Caller
from daypass.portal.access.policy import no_such_tenant
from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import TenantRecord, tenant_version
from daypass.portal.admin.roles.findings import Examiner, readiness
from daypass.portal.http.api.etags import expected, tagged
from daypass.portal.http.api.schemas import admin, member
from daypass.portal.http.api.schemas.member import answer_with
from daypass.portal.http.core.endpoints import ApiRequest, answer_nothing
from daypass.portal.http.core.tenants import access_of, find_tenant, visible_page
from daypass.portal.http.core.warnings import rights_kept, warned
from daypass.portal.storage.engine import Database
from daypass.portal.storage.pagination import PageRequest
from daypass.portal.tenants.model import TenantAccess


@dataclass(frozen=True, slots=True)
class Tenants:
    """The calls about tenants."""

    database: Database
    all_: Administration
    doctor: Examiner | None = None
    """None where the portal does not look at roles."""

    def listed(self, call: ApiRequest) -> Response:
        """A page of the tenants that the caller may use."""
        asked = member.read_query(member.TenantsQuery, dict(call.query))
        caller = call.caller
        page = visible_page(self.database, caller.user, asked.search, PageRequest(asked.cursor, asked.limit))
        answer = member.TenantList(
            tenants=[_facts(caller, seen) for seen in page.records], next_cursor=page.next_cursor
        )
        return answer_with(answer, exclude_unset=True)

    def shown(self, call: ApiRequest) -> Response:
        """One tenant that the caller may use."""
        caller = call.caller
        seen = find_tenant(self.database, caller.user, call.path["tenant"])
        if seen is None:
            raise no_such_tenant(call.path["tenant"])
        response = answer_with(_facts(caller, seen), exclude_unset=True)
        return tagged(response, tenant_version(seen.tenant)) if caller.administers else response

    def created(self, call: ApiRequest) -> Response:
        """Add one."""
        asked = member.read_body(admin.TenantCreate, call.body)
        made = self.all_.tenants.create(
            asked.name, asked.region, call.caller, role_arn=asked.role_arn, external_id=asked.external_id
        )
        return self._tenant(call.caller, made, HTTPStatus.CREATED, is_new_role=True)

    def updated(self, call: ApiRequest) -> Response:
        """Change one."""
        asked = member.read_body(admin.TenantPatch, call.body)
        changed = self.all_.tenants.update(
            call.path["tenant"],
            call.caller,
            region=asked.region,
            role_arn=asked.role_arn,
            external_id=asked.external_id,
            expected=expected(call),
        )
        is_new_role = asked.role_arn is not None or asked.external_id is not None
        return self._tenant(call.caller, changed, is_new_role=is_new_role)

    def deleted(self, call: ApiRequest) -> Response:
        """End one."""
        kept = self.all_.tenants.delete(call.path["tenant"], call.caller, expected(call))
        return warned(answer_nothing(), rights_kept(kept))

    def _tenant(
        self, caller: Caller, record: TenantRecord, status: HTTPStatus = HTTPStatus.OK, *, is_new_role: bool
    ) -> Response:
        facts = _facts(caller, TenantAccess(record.tenant, None))
        if is_new_role and self.doctor is not None:
            ready = readiness(self.doctor.examine_tenant(record.tenant))
            facts.can_issue = ready.can_issue
            facts.role_obstacles = [
                member.RoleObstacle(sentence=one.sentence, patch=one.patch) for one in ready.obstacles
            ]
        return tagged(answer_with(facts, status, exclude_unset=True), record.version)


def _facts(caller: Caller, seen: TenantAccess) -> member.TenantRead:
    tenant = seen.tenant
    facts = member.TenantRead(
        id=tenant.id, name=tenant.name, region=tenant.region, access=access_of(caller.user, seen)
    )
    if caller.administers:
        facts.role_arn, facts.external_id = tenant.role_arn, tenant.external_id
        facts.version = tenant_version(tenant)
    return facts
