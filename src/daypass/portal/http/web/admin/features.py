"""A tenant's tab Settings: what is set for it alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.durations import Durations
from daypass.portal.admin.model import Version
from daypass.portal.errors import Changed, InvalidRequest
from daypass.portal.http.frame.entrance import Visit
from daypass.portal.http.frame.pages import Pages
from daypass.portal.http.frame.returns import go_to
from daypass.portal.http.problems import status_of
from daypass.portal.http.web.admin.rulers import Drawn, drawn
from daypass.portal.http.web.admin.tenant import Band, band
from daypass.portal.http.web.admin.values import (
    HOURS,
    Known,
    Row,
    Typed,
    chosen,
    known,
    row,
    typed_again,
    typed_value,
)
from daypass.portal.settings.registry import TENANT, find


@dataclass(frozen=True, slots=True)
class FeaturesPage:
    """What the tab shows."""

    band: Band
    ruler: Drawn
    rows: Sequence[Row]
    features: Sequence[Known]
    typed: Typed
    changing: Row | None
    """The setting whose pane is open."""
    is_adding: bool
    wrong: str

    @property
    def address(self) -> str:
        """Where the tab is."""
        return f"{self.band.address}/settings"

    @property
    def hours(self) -> Sequence[tuple[str, str]]:
        """What *Select Duration Hour* offers."""
        return HOURS


@dataclass(frozen=True, slots=True)
class FeaturePages:
    """The settings of one tenant."""

    pages: Pages
    administration: Administration
    durations: Durations

    def show(self, visit: Visit) -> Response:
        """The tab; with `key`, and the pane in which that setting is changed."""
        head = band(self.administration.tenants, visit)
        if "key" not in visit.query:
            return self._answer(visit, self._page(head))
        found = row(self.administration.settings.find(head.tenant.id, TENANT, visit.query["key"]))
        return self._answer(visit, self._page(head, changing=found, typed=found.typed))

    def add(self, visit: Visit) -> Response:
        """Add a setting."""
        head, form = band(self.administration.tenants, visit), visit.form
        try:
            key = chosen(form.get("key"), "Select a feature.")
            value = chosen(typed_value(form), "Enter a value.")
            self.administration.settings.put(head.tenant.id, TENANT, key, value, visit.caller)
        except InvalidRequest as refusal:
            page = self._page(head, typed=typed_again(form), is_adding=True, wrong=refusal.reason)
            return self._answer(visit, page, status_of(refusal))
        return go_to(f"{head.address}/settings", f"{_called(key)} is set to {value}.")

    def change(self, visit: Visit) -> Response:
        """Change a setting, if it is still the one that was shown."""
        head, form = band(self.administration.tenants, visit), visit.form
        key, value, version = form.get("key"), typed_value(form), Version(form.get("version"))
        settings = self.administration.settings
        try:
            settings.put(head.tenant.id, TENANT, key, value, visit.caller, version)
        except (InvalidRequest, Changed) as refusal:
            changing = row(settings.find(head.tenant.id, TENANT, key))
            page = self._page(head, typed=typed_again(form), changing=changing, wrong=refusal.reason)
            return self._answer(visit, page, status_of(refusal))
        return go_to(f"{head.address}/settings", f"{_called(key)} is set to {value}.")

    def remove(self, visit: Visit) -> Response:
        """Take a setting away."""
        head, key = band(self.administration.tenants, visit), visit.form.get("key")
        self.administration.settings.remove(head.tenant.id, TENANT, key, visit.caller)
        says = f"{_called(key)} is removed, and its default holds again."
        return go_to(f"{head.address}/settings", says)

    def _page(
        self,
        head: Band,
        *,
        typed: Typed | None = None,
        changing: Row | None = None,
        is_adding: bool = False,
        wrong: str = "",
    ) -> FeaturesPage:
        return FeaturesPage(
            band=head,
            ruler=drawn(self.durations.of_tenant(head.tenant.id)),
            rows=[row(record) for record in self.administration.settings.of(head.tenant.id)],
            features=known(TENANT),
            typed=typed or Typed(),
            changing=changing,
            is_adding=is_adding,
            wrong=wrong,
        )

    def _answer(self, visit: Visit, page: FeaturesPage, status: HTTPStatus = HTTPStatus.OK) -> Response:
        return self.pages.show(visit.frame, "web/admin/tenant-settings.html", page, status)


def _called(key: str) -> str:
    setting = find(TENANT, key)
    return key if setting is None else setting.label
