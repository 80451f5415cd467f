"""The forms that create, change and delete a group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.admin.administration import Administration
from daypass.portal.admin.groups.model import GroupRecord
from daypass.portal.admin.groups.service import GroupDefinition, Groups, ValueTaken
from daypass.portal.admin.model import Version
from daypass.portal.config.providers import GroupSource
from daypass.portal.errors import (
    AlreadyExists,
    InvalidRequest,
    LastAdministrator,
    PortalError,
    PreconditionFailed,
)
from daypass.portal.groups.model import Group, MemberSource
from daypass.portal.http.core.problems import status_of
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.forms import WHOLE
from daypass.portal.http.layout.redirects import redirect
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.admin.groups.addresses import CREATE, GROUPS
from daypass.portal.http.pages.admin.groups.confirmation import SESSIONS_REMAIN, ConfirmationPage
from daypass.portal.http.pages.admin.groups.form import GroupForm, errors_of
from daypass.portal.http.pages.admin.groups.heading import GroupHeading
from daypass.portal.tenants.model import GroupId

_LOCAL = "Local group"
_REFUSALS = (InvalidRequest, AlreadyExists, PreconditionFailed, LastAdministrator)


@dataclass(frozen=True, slots=True)
class GroupFormPage:
    """The data of the page with the form."""

    form: GroupForm
    heading: GroupHeading | None
    """The group that is changed; None for a new one."""
    provider: str
    """The name for users of the provider of a claim group; empty for another group."""
    claim: str
    """The name of the claim; empty for another group."""
    sources: Sequence[tuple[str, str]]
    """The label and the address of the form for each source; empty if there is no choice."""
    no_administrators: str
    """The reason why the group may not begin to make Administrators; empty if it may."""

    @property
    def source(self) -> str:
        """The label of the form's source."""
        return f"Claim of {self.provider}" if self.provider else _LOCAL

    @property
    def address(self) -> str:
        """The address that the form is sent to."""
        return CREATE if self.heading is None else f"{self.heading.address}/edit"

    @property
    def back(self) -> str:
        """The address of **Cancel**."""
        return GROUPS if self.heading is None else self.heading.address

    @property
    def error(self) -> str:
        """The error that belongs to no single field."""
        return self.form.errors.get(WHOLE, "")


@dataclass(frozen=True, slots=True)
class DefinitionPages:
    """Handlers of the forms."""

    pages: PageRenderer
    administration: Administration

    @property
    def groups(self) -> Groups:
        """The service."""
        return self.administration.groups

    def new(self, visit: PageVisit) -> Response:
        """Show the form for a new group; with `provider`, for one of that provider's claim."""
        return self._form(visit, GroupForm(provider=visit.query.get("provider", "")), None)

    def create(self, visit: PageVisit) -> Response:
        """Create a group, and redirect to its page."""
        form = GroupForm.submitted(visit.form)
        errors = errors_of(form, has_value=form.provider != "")
        if errors:
            return self._refused(visit, form, None, errors)
        definition = GroupDefinition(
            form.name, form.description, form.provider, form.value, form.makes_administrators
        )
        try:
            created = self.groups.create(definition, visit.caller)
        except _REFUSALS as refusal:
            return self._refused(visit, form, None, self._beside(form, refusal), status_of(refusal))
        return redirect(f"{GROUPS}/{created.group.id}", f"{created.group.name} is created.")

    def edit(self, visit: PageVisit) -> Response:
        """Show the form with the content of a group."""
        record = self._record(visit)
        return self._form(visit, GroupForm.of(record.group, record.version), record)

    def change(self, visit: PageVisit) -> Response:
        """Change a group, if it is still the version that was shown."""
        record, form = self._record(visit), GroupForm.submitted(visit.form)
        is_named_here = record.group.source is not MemberSource.SCIM
        # The field is read-only for a group of SCIM, and a browser can send it all the same.
        if not is_named_here:
            form = replace(form, name=record.group.name)
        errors = errors_of(form, has_name=is_named_here)
        if errors:
            return self._refused(visit, form, record, errors)
        try:
            changed = self.groups.update(
                record.group.id,
                visit.caller,
                name=form.name if is_named_here else None,
                description=form.description,
                makes_administrators=form.makes_administrators,
                expected=Version(form.version),
            )
        except _REFUSALS as refusal:
            return self._refused(visit, form, record, self._beside(form, refusal), status_of(refusal))
        return redirect(f"{GROUPS}/{changed.group.id}", f"{changed.group.name} is changed.")

    def ask_delete(self, visit: PageVisit) -> Response:
        """Show what the deletion of a group ends."""
        return self._ask_delete(visit)

    def delete(self, visit: PageVisit) -> Response:
        """Delete a group, if it is still the version that was shown."""
        record = self._record(visit)
        try:
            self.groups.delete(record.group.id, visit.caller, Version(visit.form.get("version")))
        except (PreconditionFailed, LastAdministrator) as refusal:
            return self._ask_delete(visit, refusal)
        return redirect(GROUPS, f"{record.group.name} is deleted, with everything that it gave.")

    def _ask_delete(self, visit: PageVisit, refusal: PortalError | None = None) -> Response:
        record = self._record(visit)
        heading = GroupHeading.of(record, self.groups.providers, visit.layout.now)
        page = ConfirmationPage(
            heading=heading,
            title=f"Delete {record.group.name}",
            consequences=_ended_by_deletion(heading),
            act="Delete group",
            address=f"{heading.address}/delete",
            back=heading.address,
            version=record.version,
            error="" if refusal is None else refusal.reason,
        )
        status = HTTPStatus.OK if refusal is None else status_of(refusal)
        return self.pages.show(visit.layout, "pages/admin/group-confirmation.html", page, status)

    def _beside(self, form: GroupForm, refusal: PortalError) -> Mapping[str, str]:
        """Return the error of the service beside the field that it is about."""
        if isinstance(refusal, AlreadyExists):
            return {"value" if isinstance(refusal, ValueTaken) else "name": refusal.reason}
        # The texts have been checked, so only the provider and its permission are left.
        is_about_role = isinstance(refusal, InvalidRequest) and form.makes_administrators
        return {"makes_administrators" if is_about_role else WHOLE: refusal.reason}

    def _refused(
        self,
        visit: PageVisit,
        form: GroupForm,
        record: GroupRecord | None,
        errors: Mapping[str, str],
        status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY,
    ) -> Response:
        return self._form(visit, replace(form, errors=errors), record, status)

    def _form(
        self,
        visit: PageVisit,
        form: GroupForm,
        record: GroupRecord | None,
        status: HTTPStatus = HTTPStatus.OK,
    ) -> Response:
        providers = self.groups.providers
        heading = None if record is None else GroupHeading.of(record, providers, visit.layout.now)
        group = _unsaved(form) if record is None else record.group
        config = providers.get(group.provider) if group.source is MemberSource.CLAIM else None
        page = GroupFormPage(
            form=form,
            heading=heading,
            provider="" if config is None else config.title,
            claim="" if config is None else config.groups_claim,
            sources=self._sources() if record is None else (),
            no_administrators=self._refusal_of_administrators(group),
        )
        return self.pages.show(visit.layout, "pages/admin/group-form.html", page, status)

    def _sources(self) -> Sequence[tuple[str, str]]:
        claims = [
            (f"Claim of {config.title}", f"{CREATE}?provider={name}")
            for name, config in self.groups.providers.items()
            if config.groups is GroupSource.CLAIM
        ]
        return [(_LOCAL, CREATE), *claims] if claims else ()

    def _refusal_of_administrators(self, group: Group) -> str:
        if group.makes_administrators:
            # It may always be taken back.
            return ""
        try:
            self.groups.check_administrators(replace(group, makes_administrators=True))
        except InvalidRequest as refusal:
            return refusal.reason
        return ""

    def _record(self, visit: PageVisit) -> GroupRecord:
        return self.groups.find(visit.path["group"])


def _unsaved(form: GroupForm) -> Group:
    source = MemberSource.CLAIM if form.provider else MemberSource.LOCAL
    return Group(GroupId(""), form.name, source, form.provider)


def _ended_by_deletion(heading: GroupHeading) -> Sequence[str]:
    record, group = heading.record, heading.group
    members = "One member loses" if record.members == 1 else f"{record.members} members lose"
    tenants = "one tenant" if record.memberships == 1 else f"{record.memberships} tenants"
    sentences = [f"{members} what the group gives in {tenants}, immediately."]
    if group.makes_administrators:
        sentences.append(
            "Members who are Administrators only by this group lose the role, with the admin access of their "
            "command lines and the exemption of their tokens."
        )
    if group.source is MemberSource.SCIM:
        sentences.append(
            f"{heading.provider} can create the group again by SCIM. It then has no access to tenants."
        )
    sentences.append("Users keep the access that their own memberships or other groups give.")
    return [*sentences, SESSIONS_REMAIN]
