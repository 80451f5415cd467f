"""Settings of the system and of tenants, for Administrators."""

from dataclasses import dataclass

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import SettingRecord
from daypass.portal.http.api.etags import expected, expected_or_none, tagged
from daypass.portal.http.api.schemas import admin as wire
from daypass.portal.http.api.schemas.member import answer_with, read_body, read_query
from daypass.portal.http.core.endpoints import ApiRequest, answer_nothing
from daypass.portal.settings.registry import REGISTRY, TENANT, Setting
from daypass.portal.storage.pagination import PageRequest


@dataclass(frozen=True, slots=True)
class Settings:
    """The calls about settings; without a tenant in the path they are the system's."""

    all_: Administration

    def listed(self, call: ApiRequest) -> Response:
        """What was set, and what can be."""
        tenant = call.path.get("tenant")
        known = [one for one in REGISTRY if one.is_per_tenant is (tenant is not None)]
        answer = wire.SettingList(
            settings=[_facts(one) for one in self.all_.settings.of(tenant)],
            known=[_known(one) for one in known],
        )
        return answer_with(answer)

    def of_tenants(self, call: ApiRequest) -> Response:
        """A page of the settings of all tenants."""
        asked = read_query(wire.PageQuery, dict(call.query))
        page = self.all_.settings.of_tenants(PageRequest(asked.cursor, asked.limit)).each(_facts)
        answer = wire.SettingPage(settings=list(page.records), next_cursor=page.next_cursor)
        return answer_with(answer)

    def shown(self, call: ApiRequest) -> Response:
        """One setting."""
        return _setting(self.all_.settings.find(*_place(call)))

    def put(self, call: ApiRequest) -> Response:
        """Write one."""
        asked = read_body(wire.SettingWrite, call.body)
        return _setting(
            self.all_.settings.put(*_place(call), asked.value, call.caller, expected_or_none(call))
        )

    def removed(self, call: ApiRequest) -> Response:
        """Take one away."""
        self.all_.settings.remove(*_place(call), call.caller, expected(call))
        return answer_nothing()


def _place(call: ApiRequest) -> tuple[str | None, str, str]:
    return call.path.get("tenant"), call.path.get("type", TENANT), call.path["key"]


def _setting(record: SettingRecord) -> Response:
    return tagged(answer_with(_facts(record)), record.version)


def _facts(record: SettingRecord) -> wire.SettingRead:
    stored = record.stored
    return wire.SettingRead(
        type=stored.type,
        key=stored.key,
        value=stored.value,
        tenant=None if record.tenant is None else record.tenant.name,
        label=None if record.setting is None else record.setting.label,
        in_force=record.is_in_force,
        changed_at=stored.updated_at,
        changed_by=record.changed_by,
        version=record.version,
    )


def _known(setting: Setting) -> wire.KnownSetting:
    return wire.KnownSetting(
        type=setting.type,
        key=setting.key,
        label=setting.label,
        help=setting.help,
        kind=setting.kind,
        per_tenant=setting.is_per_tenant,
        default=None if setting.default is None else setting.written(setting.default),
        takes=setting.takes,
    )
