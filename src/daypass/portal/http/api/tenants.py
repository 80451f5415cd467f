"""Tenants: which one may use, and what Administrators make of them."""

from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.access.policy import no_such_tenant
from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import TenantRecord, tenant_version
from daypass.portal.http.api import admin_wire, wire
from daypass.portal.http.api.etags import expected, tagged
from daypass.portal.http.api.wire import answer_with
from daypass.portal.http.doorway import Call, answer_nothing
from daypass.portal.http.tenants import access_of, find_tenant, visible_page
from daypass.portal.identity.model import User
from daypass.portal.storage.engine import Database
from daypass.portal.storage.page import Turn
from daypass.portal.tenants.model import TenantAccess


@dataclass(frozen=True, slots=True)
class Tenants:
    """The calls about tenants."""

    database: Database
    all_: Administration

    def listed(self, call: Call) -> Response:
        """A page of the tenants that the caller may use."""
        asked = wire.read_query(wire.TenantsQuery, dict(call.query))
        user = call.caller.user
        page = visible_page(self.database, user, asked.search, Turn(asked.cursor, asked.limit))
        answer = wire.TenantList(
            tenants=[_facts(user, seen) for seen in page.records], next_cursor=page.next_cursor
        )
        return answer_with(answer, exclude_unset=True)

    def shown(self, call: Call) -> Response:
        """One tenant that the caller may use."""
        user = call.caller.user
        seen = find_tenant(self.database, user, call.path["tenant"])
        if seen is None:
            raise no_such_tenant(call.path["tenant"])
        response = answer_with(_facts(user, seen), exclude_unset=True)
        return tagged(response, tenant_version(seen.tenant)) if user.is_administrator else response

    def created(self, call: Call) -> Response:
        """Add one."""
        asked = wire.read_body(admin_wire.TenantAsk, call.body)
        made = self.all_.tenants.create(
            asked.name, asked.region, call.caller, role_arn=asked.role_arn, external_id=asked.external_id
        )
        return _tenant(call.caller.user, made, HTTPStatus.CREATED)

    def updated(self, call: Call) -> Response:
        """Change one."""
        asked = wire.read_body(admin_wire.TenantPatch, call.body)
        changed = self.all_.tenants.update(
            call.path["tenant"],
            call.caller,
            region=asked.region,
            role_arn=asked.role_arn,
            external_id=asked.external_id,
            expected=expected(call),
        )
        return _tenant(call.caller.user, changed)

    def deleted(self, call: Call) -> Response:
        """End one."""
        self.all_.tenants.delete(call.path["tenant"], call.caller, expected(call))
        return answer_nothing()


def _tenant(user: User, record: TenantRecord, status: HTTPStatus = HTTPStatus.OK) -> Response:
    facts = _facts(user, TenantAccess(record.tenant, None))
    return tagged(answer_with(facts, status, exclude_unset=True), record.version)


def _facts(user: User, seen: TenantAccess) -> wire.TenantFacts:
    tenant = seen.tenant
    facts = wire.TenantFacts(
        id=tenant.id, name=tenant.name, region=tenant.region, access=access_of(user, seen)
    )
    if user.is_administrator:
        facts.role_arn, facts.external_id = tenant.role_arn, tenant.external_id
        facts.version = tenant_version(tenant)
    return facts
