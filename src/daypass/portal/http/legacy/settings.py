"""The legacy calls about settings of the system and of tenants."""

from dataclasses import dataclass

from starlette.responses import JSONResponse, Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import MetadataKind, SettingRecord
from daypass.portal.errors import InvalidRequest, SettingNotFound
from daypass.portal.http.core.endpoints import ApiRequest
from daypass.portal.http.legacy.body import read_object, text
from daypass.portal.settings.registry import TENANT

_GONE = frozenset({"delete", "deleted"})


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings, in the words of the clients; writing one that is there writes over it."""

    all_: Administration

    def listed(self, _call: ApiRequest) -> Response:
        """What was set for the system."""
        return JSONResponse([_shape(one) for one in self.all_.settings.of(None)])

    def written(self, call: ApiRequest) -> Response:
        """Set something for the system."""
        body = read_object(call.body)
        type_, key, value = text(body, "Type"), text(body, "Key"), text(body, "Value")
        return JSONResponse(_shape(self.all_.settings.put(None, type_, key, value, call.caller)))

    def removed(self, call: ApiRequest) -> Response:
        """Take away what was set for the system under a key, of whatever type."""
        key = call.path["key"]
        found = [one for one in self.all_.settings.of(None) if one.stored.key == key]
        if not found:
            raise SettingNotFound("Nothing is set under that key.")
        for one in found:
            self.all_.settings.remove(None, one.stored.type, key, call.caller)
        return JSONResponse(None)

    def notes(self, call: ApiRequest) -> Response:
        """What is noted about a tenant; to the clients that is its metadata, and settings are not."""
        tenant = call.path["tenant"]
        return JSONResponse(
            [
                {"ComponentId": tenant, "Type": one.kind.value, "Key": one.key, "Value": one.value}
                for one in self.all_.metadata.of(tenant)
            ]
        )

    def note_changed(self, call: ApiRequest) -> Response:
        """Note something about a tenant, or by `State` no longer."""
        body = read_object(call.body)
        tenant, key, state = text(body, "ComponentId"), text(body, "Key"), text(body, "State", "")
        if state in _GONE:
            self.all_.metadata.remove(tenant, key, call.caller)
            return JSONResponse(None)
        if state not in {"", "added", "updated"}:
            raise InvalidRequest("“State” is delete, or nothing.")
        kind = text(body, "Type")
        if kind not in set(MetadataKind):
            raise InvalidRequest(f"“Type” is one of {', '.join(MetadataKind)}.")
        self.all_.metadata.put(tenant, key, MetadataKind(kind), text(body, "Value"), call.caller)
        return JSONResponse(None)

    def tagging(self, _call: ApiRequest) -> Response:
        """For which services tags say who owns a resource: none, for names do."""
        return JSONResponse({"AwsServicesTagBasedOwnershipEnabled": []})

    def metadata(self, call: ApiRequest) -> Response:
        """What was set for a tenant."""
        return JSONResponse([metadata_shape(one) for one in self.all_.settings.of(call.path["tenant"])])

    def metadata_written(self, call: ApiRequest) -> Response:
        """Set something for a tenant; the key is in the path, or in the body."""
        body = read_object(call.body)
        key = call.path.get("key") or text(body, "Key")
        record = self.all_.settings.put(call.path["tenant"], TENANT, key, text(body, "Value"), call.caller)
        return JSONResponse(metadata_shape(record))

    def metadata_removed(self, call: ApiRequest) -> Response:
        """Take away what was set for a tenant."""
        self.all_.settings.remove(call.path["tenant"], TENANT, call.path["key"], call.caller)
        return JSONResponse(None)


def metadata_shape(record: SettingRecord) -> dict[str, str]:
    """A tenant's setting."""
    return {"Key": record.stored.key, "Value": record.stored.value}


def _shape(record: SettingRecord) -> dict[str, str]:
    return {"Type": record.stored.type, **metadata_shape(record)}
