"""The API calls about settings of the system and of tenants, for Administrators."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import SettingRecord
from daypass.portal.errors import SettingNotFound, TenantNotFound
from daypass.portal.http.api.codec import answer_with, read_body, read_query
from daypass.portal.http.api.etags import expected, expected_or_none, tagged
from daypass.portal.http.api.operation import OF_AWS, Condition, Operation
from daypass.portal.http.api.schema import PageQuery
from daypass.portal.http.api.settings import schemas
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.endpoints import ApiRequest, answer_nothing
from daypass.portal.http.services import Services
from daypass.portal.settings.setting import TENANT, Setting


@dataclass(frozen=True, slots=True)
class Settings:
    """The handlers of calls about settings: those of the system if the path has no tenant."""

    administration: Administration

    def list_all(self, request: ApiRequest) -> Response:
        """Return all settings, and the definitions of known settings."""
        tenant = request.path.get("tenant")
        registry = self.administration.settings.registry
        known = [setting for setting in registry if setting.is_per_tenant is (tenant is not None)]
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
        tenant, settings = request.path.get("tenant"), self.administration.settings
        value = settings.parse(*_setting_key(request), body.value)
        return _setting(settings.put(tenant, value, request.caller, expected_or_none(request)))

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
        label=record.setting.label if record.setting.is_known else None,
        in_force=record.is_in_force,
        changed_at=stored.updated_at,
        changed_by=record.changed_by,
        version=record.version,
    )


def _known(setting: Setting[Any]) -> schemas.KnownSetting:
    return schemas.KnownSetting(
        type=setting.type,
        key=setting.key,
        label=setting.label,
        help=setting.help,
        kind=setting.codec.kind,
        per_tenant=setting.is_per_tenant,
        default=None if setting.default is None else setting.codec.to_text(setting.default),
        takes=setting.accepted_values,
    )


def operations(services: Services) -> Sequence[Operation]:
    """Return the operations."""
    settings = Settings(services.administration)
    return [
        Operation(
            method="GET",
            path="/settings",
            name="settings",
            summary="List system settings",
            permission=Permission.ADMINISTRATOR,
            handler=settings.list_all,
            answer=schemas.SettingList,
        ),
        *_one_setting(settings, "/settings/{type}/{key:path}", "Setting"),
        Operation(
            method="GET",
            path="/tenant-settings",
            name="allTenantSettings",
            summary="List settings of all tenants",
            permission=Permission.ADMINISTRATOR,
            handler=settings.of_tenants,
            query=PageQuery,
            answer=schemas.SettingPage,
        ),
        Operation(
            method="GET",
            path="/tenants/{tenant}/settings",
            name="tenantSettings",
            summary="List settings of a tenant",
            permission=Permission.ADMINISTRATOR,
            handler=settings.list_all,
            answer=schemas.SettingList,
            refusals=(TenantNotFound,),
        ),
        *_one_setting(settings, "/tenants/{tenant}/settings/{key:path}", "TenantSetting"),
    ]


def _one_setting(settings: Settings, path: str, name: str) -> Sequence[Operation]:
    missing = (TenantNotFound, SettingNotFound)
    parameters = {"type": "The type of the setting, such as `Flags` or `AppConfig`."}
    return [
        Operation(
            method="GET",
            path=path,
            name=f"show{name}",
            summary="Get a setting",
            permission=Permission.ADMINISTRATOR,
            handler=settings.show,
            answer=schemas.SettingRead,
            has_version=True,
            refusals=missing,
            parameters=parameters,
        ),
        Operation(
            method="PUT",
            path=path,
            name=f"put{name}",
            summary="Create or update a setting",
            permission=Permission.ADMINISTRATOR,
            handler=settings.put,
            body=schemas.SettingWrite,
            answer=schemas.SettingRead,
            condition=Condition.PUT,
            refusals=(*missing, *OF_AWS),
            parameters=parameters,
        ),
        Operation(
            method="DELETE",
            path=path,
            name=f"remove{name}",
            summary="Delete a setting",
            permission=Permission.ADMINISTRATOR,
            handler=settings.remove,
            status=HTTPStatus.NO_CONTENT,
            condition=Condition.CHANGE,
            refusals=(*missing, *OF_AWS),
            parameters=parameters,
        ),
    ]
