"""A tenant's tab Metadata: texts and links by key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from starlette.responses import Response
from starlette.routing import BaseRoute

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import MetadataKind, MetadataRecord, Version
from daypass.portal.errors import InvalidRequest, PreconditionFailed, invalid_field
from daypass.portal.http.core.authentication import Permission
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.forms import WHOLE, Form
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.listing import ListQuery, Slice, paginate
from daypass.portal.http.pages.admin.settings_form import require_text
from daypass.portal.http.pages.admin.tenant_list import TENANT_PATH
from daypass.portal.http.pages.admin.tenant_tabs import TenantHeading, tenant_heading
from daypass.portal.http.services import Services

_KINDS = {MetadataKind.TEXT: "Text", MetadataKind.URL: "URL", MetadataKind.AWS_CONSOLE: "AWS console"}
_KEY_TAKEN = "Metadata with this Key already exists. Edit it, or enter another Key."


@dataclass(frozen=True, slots=True)
class MetadataPane:
    """The open pane and the values of its fields."""

    key: str = ""
    kind: str = MetadataKind.TEXT
    value: str = ""
    changing: MetadataRecord | None = None
    """The entry that is being edited."""
    is_adding: bool = False
    errors: Mapping[str, str] = field(default_factory=dict)
    """The reasons of a refusal by the names of the fields; `WHOLE` is for the pane as a whole."""

    @property
    def error(self) -> str:
        """The reason that concerns no single field; empty if there is none."""
        return self.errors.get(WHOLE, "")


@dataclass(frozen=True, slots=True)
class MetadataPage:
    """The data of the tab."""

    heading: TenantHeading
    listing: ListQuery
    part: Slice[MetadataRecord]
    pane: MetadataPane

    @property
    def kinds(self) -> Sequence[tuple[str, str]]:
        """The kinds of metadata: value and label."""
        return [(kind.value, label) for kind, label in _KINDS.items()]

    @property
    def kind_of(self) -> Mapping[str, str]:
        """The label of each kind."""
        return dict(self.kinds)


@dataclass(frozen=True, slots=True)
class MetadataPages:
    """Handlers of the metadata of one tenant."""

    pages: PageRenderer
    administration: Administration

    def show(self, visit: PageVisit) -> Response:
        """Show the tab; with `key`, the pane that edits that entry is open."""
        if "key" not in visit.query:
            return self._answer(visit, MetadataPane())
        entry = self.administration.metadata.find(visit.path["tenant"], visit.query["key"])
        return self._answer(visit, MetadataPane(entry.key, entry.kind, entry.value, changing=entry))

    def add(self, visit: PageVisit) -> Response:
        """Add an entry; refused if the key exists."""
        typed = _typed(visit.form)
        try:
            key = require_text(typed.key.strip(), "Enter a Key.", "key")
            # The version of an entry that does not exist: adding must not replace one that the user does not
            # see.
            self._put(visit, key, typed, Version(""))
        except InvalidRequest as refusal:
            pane = replace(typed, is_adding=True, errors={refusal.field: refusal.reason})
            return self._answer(visit, pane, status_of(refusal))
        except PreconditionFailed as refusal:
            pane = replace(typed, is_adding=True, errors={"key": _KEY_TAKEN})
            return self._answer(visit, pane, status_of(refusal))
        return self._done(visit, f"{key} is added.")

    def change(self, visit: PageVisit) -> Response:
        """Change an entry, if it is still the version that was shown."""
        typed = _typed(visit.form)
        try:
            self._put(visit, typed.key, typed, Version(visit.form.get("version")))
        except (InvalidRequest, PreconditionFailed) as refusal:
            entry = self.administration.metadata.find(visit.path["tenant"], typed.key)
            name = refusal.field if isinstance(refusal, InvalidRequest) else WHOLE
            pane = replace(typed, changing=entry, errors={name: refusal.reason})
            return self._answer(visit, pane, status_of(refusal))
        return self._done(visit, f"{typed.key} is changed.")

    def remove(self, visit: PageVisit) -> Response:
        """Remove an entry."""
        key = visit.form.raw("key")
        self.administration.metadata.remove(visit.path["tenant"], key, visit.caller)
        return self._done(visit, f"{key} is removed.")

    def _put(self, visit: PageVisit, key: str, typed: MetadataPane, expected: Version) -> None:
        if typed.kind not in _KINDS:
            raise InvalidRequest("Select a Kind.", "kind")
        value, kind = require_text(typed.value, "Enter a Value.", "value"), MetadataKind(typed.kind)
        with invalid_field("value"):
            self.administration.metadata.put(visit.path["tenant"], key, kind, value, visit.caller, expected)

    def _done(self, visit: PageVisit, notice: str) -> Response:
        return redirect(_address(tenant_heading(self.administration.tenants, visit)), notice)

    def _answer(self, visit: PageVisit, pane: MetadataPane, status: HTTPStatus = HTTPStatus.OK) -> Response:
        heading = tenant_heading(self.administration.tenants, visit)
        listing = ListQuery.of(visit.query, _address(heading), ["key"])
        entries = self.administration.metadata.of(heading.tenant.id)
        part = paginate(entries, listing, lambda entry: f"{entry.key} {_KINDS[entry.kind]} {entry.value}")
        return self.pages.show(
            visit.layout,
            "pages/admin/tenant-metadata.html",
            MetadataPage(heading, listing, part, pane),
            status,
        )


def _address(heading: TenantHeading) -> str:
    return f"{heading.address}/metadata"


def _typed(form: Form) -> MetadataPane:
    # Browsers submit CRLF line breaks; stored values use LF.
    value = form.raw("value").replace("\r\n", "\n").strip()
    return MetadataPane(form.raw("key"), form.get("kind"), value)


def routes(services: Services) -> Sequence[BaseRoute]:
    """Return the routes."""
    administrator = services.page_routes(Permission.ADMINISTRATOR)
    pages = MetadataPages(services.pages, services.administration)
    address = f"{TENANT_PATH}/metadata"
    return [
        administrator.page(address, pages.show),
        administrator.form(address, pages.add),
        administrator.form(f"{address}/change", pages.change),
        administrator.form(f"{address}/remove", pages.remove),
    ]
