"""The API calls about settings of the system and of tenants, for Administrators."""

from dataclasses import dataclass

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import SettingRecord
from daypass.portal.http.api.etags import expected, expected_or_none, tagged
from daypass.portal.http.api.schemas import admin as schemas
from daypass.portal.http.api.schemas.member import answer_with, read_body, read_query
from daypass.portal.http.api.schemas.pagination import PageQuery
from daypass.portal.http.core.endpoints import ApiRequest, answer_nothing
from daypass.portal.settings.registry import REGISTRY, TENANT, Setting


@dataclass(frozen=True, slots=True)
class Settings:
    """The handlers of calls about settings: those of the system if the path has no tenant."""

    administration: Administration

    def list_all(self, request: ApiRequest) -> Response:
        """Return all settings, and the definitions of known settings."""
        tenant = request.path.get("tenant")
        known = [setting for setting in REGISTRY if setting.is_per_tenant is (tenant is not None)]
        answer = schemas.SettingList(
            settings=[_represent(record) for record in self.administration.settings.of(tenant)],
            known=[_known(setting) for setting in known],
        )
        return answer_with(answer)

    def of_tenants(self, request: ApiRequest) -> Response:
        """Return a page of the settings of all tenants."""
        query = read_query(PageQuery, dict(request.query))
        page = self.administration.settings.of_tenants(query.page_request).map(_represent)
        answer = schemas.SettingPage(settings=list(page.records), next_cursor=page.next_cursor)
        return answer_with(answer)

    def show(self, request: ApiRequest) -> Response:
        """Return one setting."""
        return _setting(self.administration.settings.find(*_setting_key(request)))

    def put(self, request: ApiRequest) -> Response:
        """Create or update a setting."""
        body = read_body(schemas.SettingWrite, request.body)
        return _setting(
            self.administration.settings.put(
                *_setting_key(request), body.value, request.caller, expected_or_none(request)
            )
        )

    def remove(self, request: ApiRequest) -> Response:
        """Delete a setting."""
        self.administration.settings.remove(*_setting_key(request), request.caller, expected(request))
        return answer_nothing()


def _setting_key(request: ApiRequest) -> tuple[str | None, str, str]:
    return request.path.get("tenant"), request.path.get("type", TENANT), request.path["key"]


def _setting(record: SettingRecord) -> Response:
    return tagged(answer_with(_represent(record)), record.version)


def _represent(record: SettingRecord) -> schemas.SettingRead:
    stored = record.stored
    return schemas.SettingRead(
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


def _known(setting: Setting) -> schemas.KnownSetting:
    return schemas.KnownSetting(
        type=setting.type,
        key=setting.key,
        label=setting.label,
        help=setting.help,
        kind=setting.kind,
        per_tenant=setting.is_per_tenant,
        default=None if setting.default is None else setting.to_text(setting.default),
        takes=setting.accepted_values,
    )
