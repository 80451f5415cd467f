"""The legacy calls about settings of the system and of tenants, and about tenant metadata."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import MetadataKind, SettingRecord
from daypass.portal.errors import InvalidRequest, SettingNotFound
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.http.legacy.body import read_object, text
from daypass.portal.http.legacy.routes import LegacyRoutes
from daypass.portal.http.services import Services
from daypass.portal.settings.setting import TENANT

_DELETE_STATES = frozenset({"delete", "deleted"})


@dataclass(frozen=True, slots=True)
class Settings:
    """The handlers for settings in the clients' format; writing an existing one overwrites it."""

    administration: Administration

    def list_all(self, _request: ApiRequest) -> Response:
        """Return the system settings."""
        return JSONResponse([_shape(record) for record in self.administration.settings.of(None)])

    def put(self, request: ApiRequest) -> Response:
        """Create or update a system setting."""
        body = read_object(request.body)
        settings = self.administration.settings
        value = settings.parse(None, text(body, "Type"), text(body, "Key"), text(body, "Value"))
        return JSONResponse(_shape(settings.put(None, value, request.caller)))

    def remove(self, request: ApiRequest) -> Response:
        """Delete the system settings with a key, of all types."""
        key = request.path["key"]
        # The clients' path has no type.
        matches = [record for record in self.administration.settings.of(None) if record.stored.key == key]
        if not matches:
            raise SettingNotFound("There is no setting with that key.")
        for record in matches:
            self.administration.settings.remove(None, record.stored.type, key, request.caller)
        return JSONResponse(None)

    def metadata(self, request: ApiRequest) -> Response:
        """Return a tenant's metadata, which the clients call configuration data."""
        tenant = request.path["tenant"]
        return JSONResponse(
            [
                {"ComponentId": tenant, "Type": record.kind.value, "Key": record.key, "Value": record.value}
                for record in self.administration.metadata.of(tenant)
            ]
        )

    def change_metadata(self, request: ApiRequest) -> Response:
        """Create, update or, by `State`, delete a metadata entry of a tenant."""
        body = read_object(request.body)
        tenant, key, state = text(body, "ComponentId"), text(body, "Key"), text(body, "State", "")
        if state in _DELETE_STATES:
            self.administration.metadata.remove(tenant, key, request.caller)
            return JSONResponse(None)
        if state not in {"", "added", "updated"}:
            raise InvalidRequest("“State” must be “delete”, “added”, “updated” or missing.")
        kind = text(body, "Type")
        if kind not in set(MetadataKind):
            raise InvalidRequest(f"“Type” must be one of {', '.join(MetadataKind)}.")
        self.administration.metadata.put(tenant, key, MetadataKind(kind), text(body, "Value"), request.caller)
        return JSONResponse(None)

    def tagging(self, _request: ApiRequest) -> Response:
        """Return the services with tag-based ownership: none, because Daypass uses names."""
        return JSONResponse({"AwsServicesTagBasedOwnershipEnabled": []})

    def tenant_settings(self, request: ApiRequest) -> Response:
        """Return a tenant's settings, which the clients call metadata."""
        return JSONResponse(
            [metadata_shape(record) for record in self.administration.settings.of(request.path["tenant"])]
        )

    def put_tenant_setting(self, request: ApiRequest) -> Response:
        """Create or update a tenant's setting; the key is in the path or in the body."""
        body = read_object(request.body)
        tenant, settings = request.path["tenant"], self.administration.settings
        # duploctl sends POST for a key that is not in its list of the tenant's settings, and PUT for one that
        # is.
        key = request.path.get("key") or text(body, "Key")
        value = settings.parse(tenant, TENANT, key, text(body, "Value"))
        return JSONResponse(metadata_shape(settings.put(tenant, value, request.caller)))

    def remove_tenant_setting(self, request: ApiRequest) -> Response:
        """Delete a tenant's setting."""
        self.administration.settings.remove(
            request.path["tenant"], TENANT, request.path["key"], request.caller
        )
        return JSONResponse(None)


def metadata_shape(record: SettingRecord) -> dict[str, str]:
    """Return a tenant's setting in the clients' format."""
    return {"Key": record.stored.key, "Value": record.stored.value}


def _shape(record: SettingRecord) -> dict[str, str]:
    return {"Type": record.stored.type, **metadata_shape(record)}


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    settings, make = Settings(services.administration), LegacyRoutes.of(services)
    config, of_tenant = "/v3/admin/systemSettings/config", "/v3/admin/tenant/{tenant}/metadata"
    return [
        make.administer("GET", config, settings.list_all),
        make.administer("POST", config, settings.put),
        make.administer("DELETE", f"{config}/{{key:path}}", settings.remove),
        make.administer("GET", "/v3/admin/systemsettings", settings.tagging),
        make.administer("GET", of_tenant, settings.tenant_settings),
        make.administer("POST", of_tenant, settings.put_tenant_setting),
        make.administer("PUT", f"{of_tenant}/{{key:path}}", settings.put_tenant_setting),
        make.administer("DELETE", f"{of_tenant}/{{key:path}}", settings.remove_tenant_setting),
        make.administer("GET", "/admin/GetTenantConfigData/{tenant}", settings.metadata),
        make.administer("POST", "/admin/UpdateTenantConfigData", settings.change_metadata),
    ]
