"""A tenant's tab Metadata: what Administrators note about it, texts and links by key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.model import MetadataKind, MetadataRecord, Version
from daypass.portal.errors import InvalidRequest, PreconditionFailed
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.forms import Form
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.listing import ListQuery, Slice, paginate
from daypass.portal.http.pages.admin.settings_form import chosen
from daypass.portal.http.pages.admin.tenant_tabs import TenantHeading, band

_KINDS = {MetadataKind.TEXT: "Text", MetadataKind.URL: "URL", MetadataKind.AWS_CONSOLE: "AWS console"}
_KEY_TAKEN = "Something is noted under that Key already. Edit it, or enter another Key."


@dataclass(frozen=True, slots=True)
class MetadataPane:
    """The pane that is open, and what stands in it."""

    key: str = ""
    kind: str = MetadataKind.TEXT
    value: str = ""
    changing: MetadataRecord | None = None
    """What is being changed."""
    is_adding: bool = False
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class MetadataPage:
    """What the tab shows."""

    band: TenantHeading
    listing: ListQuery
    part: Slice[MetadataRecord]
    pane: MetadataPane

    @property
    def kinds(self) -> Sequence[tuple[str, str]]:
        """What a note can be: as it is kept, and as people call it."""
        return [(kind.value, says) for kind, says in _KINDS.items()]

    @property
    def kind_of(self) -> Mapping[str, str]:
        """The same, to look up."""
        return dict(self.kinds)


@dataclass(frozen=True, slots=True)
class MetadataPages:
    """What is noted about one tenant."""

    pages: PageRenderer
    administration: Administration

    def show(self, visit: PageVisit) -> Response:
        """The tab; with `key`, and the pane in which that is changed."""
        if "key" not in visit.query:
            return self._answer(visit, MetadataPane())
        note = self.administration.metadata.find(visit.path["tenant"], visit.query["key"])
        return self._answer(visit, MetadataPane(note.key, note.kind, note.value, changing=note))

    def add(self, visit: PageVisit) -> Response:
        """Note something under a key that nothing is noted under yet."""
        typed = _typed(visit.form)
        try:
            key = chosen(typed.key.strip(), "Enter a Key.")
            self._put(visit, key, typed, Version(""))
        except (InvalidRequest, PreconditionFailed) as refusal:
            wrong = _KEY_TAKEN if isinstance(refusal, PreconditionFailed) else refusal.reason
            return self._answer(visit, replace(typed, is_adding=True, wrong=wrong), status_of(refusal))
        return self._done(visit, f"{key} is noted.")

    def change(self, visit: PageVisit) -> Response:
        """Note something else, if what is there is still what was shown."""
        typed = _typed(visit.form)
        try:
            self._put(visit, typed.key, typed, Version(visit.form.get("version")))
        except (InvalidRequest, PreconditionFailed) as refusal:
            note = self.administration.metadata.find(visit.path["tenant"], typed.key)
            pane = replace(typed, changing=note, wrong=refusal.reason)
            return self._answer(visit, pane, status_of(refusal))
        return self._done(visit, f"{typed.key} is changed.")

    def remove(self, visit: PageVisit) -> Response:
        """Take a note away."""
        key = visit.form.raw("key")
        self.administration.metadata.remove(visit.path["tenant"], key, visit.caller)
        return self._done(visit, f"{key} is removed.")

    def _put(self, visit: PageVisit, key: str, typed: MetadataPane, expected: Version) -> None:
        if typed.kind not in _KINDS:
            raise InvalidRequest("Select a Kind.")
        value, kind = chosen(typed.value, "Enter a Value."), MetadataKind(typed.kind)
        self.administration.metadata.put(visit.path["tenant"], key, kind, value, visit.caller, expected)

    def _done(self, visit: PageVisit, says: str) -> Response:
        return redirect(_address(band(self.administration.tenants, visit)), says)

    def _answer(self, visit: PageVisit, pane: MetadataPane, status: HTTPStatus = HTTPStatus.OK) -> Response:
        head = band(self.administration.tenants, visit)
        listing = ListQuery.of(visit.query, _address(head), ["key"])
        notes = self.administration.metadata.of(head.tenant.id)
        part = paginate(notes, listing, lambda note: f"{note.key} {_KINDS[note.kind]} {note.value}")
        return self.pages.show(
            visit.frame, "pages/admin/tenant-metadata.html", MetadataPage(head, listing, part, pane), status
        )


def _address(head: TenantHeading) -> str:
    return f"{head.address}/metadata"


def _typed(form: Form) -> MetadataPane:
    # A form ends its lines as mail does; what is kept ends them as everybody else does.
    value = form.raw("value").replace("\r\n", "\n").strip()
    return MetadataPane(form.raw("key"), form.get("kind"), value)
