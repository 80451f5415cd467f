"""The profile: who one is here, and every way into AWS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from starlette.responses import Response

from daypass.portal.access.issue import Issuer
from daypass.portal.access.model import AdminScope, Scope, TenantScope
from daypass.portal.access.store import IssuanceStore
from daypass.portal.errors import JitDisabled, PortalError
from daypass.portal.http.core.duration_text import cap_reason, reason, written
from daypass.portal.http.layout.endpoints import PageVisit
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.session_rows import SessionRow, rows
from daypass.portal.http.pages.token_kinds import LABELS
from daypass.portal.http.pages.workstation import Workstation, Workstations
from daypass.portal.identity.model import ApiToken, TokenKind
from daypass.portal.identity.personal_tokens import PersonalTokens
from daypass.portal.identity.store import UserStore
from daypass.portal.settings.registry import ENABLE_ADMIN_JIT_ON_UI
from daypass.portal.settings.store import SettingStore
from daypass.portal.storage.engine import Database
from daypass.portal.tenants.model import Access

_SHOWN_STANDING = 10
_SHOWN_SESSIONS = 5
_WHOM_TO_ASK = 3

_STANDING = (TokenKind.BROWSER, TokenKind.APPROVAL, TokenKind.REFRESH, TokenKind.TEMPORARY)
"""The kinds of tokens that are listed under *Where you are signed in*."""


@dataclass(frozen=True, slots=True)
class MenuSection:
    """One part of the menu: a scope, and all ways into AWS as it."""

    name: str
    fields: Mapping[str, str]
    """What a form says to mean this scope."""
    says: str
    """How long, and with how much access."""
    because: str
    capped: str
    """Why that is shorter than configured; empty if it is not."""
    workstation: Workstation


@dataclass(frozen=True, slots=True)
class ActiveCredential:
    """Something that stands for the user just now: a browser, an application, a revealed token."""

    token: ApiToken
    kind: str
    name: str
    is_this: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class ProfilePage:
    """What the profile shows."""

    tenant: MenuSection | None
    admin: MenuSection | None
    is_admin_off: bool
    """Whether an Administrator has no admin access here because of the flag."""
    refusal: str
    """Why the tenant cannot be entered just now."""
    is_disabled: bool
    """Whether that is because JIT access is off."""
    whom_to_ask: Sequence[str]
    permanent: Sequence[ApiToken]
    standing: Sequence[ActiveCredential]
    """The newest ones, or all where the address asks for them."""
    standing_count: int
    sessions: Sequence[SessionRow]
    wrong: str
    created: tuple[ApiToken, str] | None
    """A token that was made a moment ago, and the only time that it is shown."""


@dataclass(frozen=True, slots=True)
class ProfilePages:
    """The profile."""

    pages: PageRenderer
    database: Database
    issuer: Issuer
    own: PersonalTokens
    workstations: Workstations

    def show(self, visit: PageVisit) -> Response:
        """The profile."""
        return self.show_with(visit, HTTPStatus.OK)

    def show_with(
        self,
        visit: PageVisit,
        status: HTTPStatus,
        *,
        wrong: str = "",
        created: tuple[ApiToken, str] | None = None,
    ) -> Response:
        """The profile, with what came of one of its forms."""
        user, frame = visit.caller.user, visit.frame
        tenant, refusal = self._tenant_offer(visit)
        admin = self._admin_offer(visit)
        with self.database.reading() as connection:
            is_admin_on = SettingStore(connection).read(None).flag(ENABLE_ADMIN_JIT_ON_UI)
            records = IssuanceStore(connection).mine(user.id, limit=_SHOWN_SESSIONS).records
            asked = UserStore(connection).first_administrators(_WHOM_TO_ASK)
        tokens = self.own.list_own(user)
        standing = [_standing(token, visit.caller.token) for token in tokens if token.kind in _STANDING][::-1]
        # However old it is, the sign-in that looks is always among those that are shown.
        standing.sort(key=lambda one: not one.is_this)
        page = ProfilePage(
            tenant=tenant,
            admin=admin,
            is_admin_off=user.is_administrator and not is_admin_on,
            refusal="" if refusal is None else refusal.reason,
            is_disabled=isinstance(refusal, JitDisabled),
            whom_to_ask=[name for name in asked if name != user.username],
            permanent=[token for token in tokens if token.kind is TokenKind.PERMANENT],
            standing=standing if "all" in visit.query else standing[:_SHOWN_STANDING],
            standing_count=len(standing),
            sessions=rows(records, frame.now),
            wrong=wrong,
            created=created,
        )
        return self.pages.show(frame, "pages/profile.html", page, status)

    def _tenant_offer(self, visit: PageVisit) -> tuple[MenuSection | None, PortalError | None]:
        tenant = visit.frame.tenant
        if tenant is None:
            return None, None
        workstation = self.workstations.tenant(tenant.name, tenant.region)
        scope, fields = TenantScope(tenant.id), {"tenant": tenant.id}
        try:
            return self._offer(visit, scope, tenant.name, fields, workstation), None
        except PortalError as refusal:
            return None, refusal

    def _admin_offer(self, visit: PageVisit) -> MenuSection | None:
        if not visit.caller.user.is_administrator:
            return None
        try:
            return self._offer(visit, AdminScope(), "admin", {"scope": "admin"}, self.workstations.admin())
        except PortalError:
            return None

    def _offer(
        self, visit: PageVisit, scope: Scope, name: str, fields: Mapping[str, str], workstation: Workstation
    ) -> MenuSection:
        plan = self.issuer.preview(visit.caller, scope)
        is_admin = isinstance(scope, AdminScope)
        access = "reading only" if plan.access is Access.READ_ONLY else "your full access"
        return MenuSection(
            name=name,
            fields=fields,
            says=f"{written(plan.validity.length)} in {name}, with {access}.",
            because=reason(plan.validity.decided.source, is_admin=is_admin),
            capped=cap_reason(plan.validity, is_admin=is_admin),
            workstation=workstation,
        )


def _standing(token: ApiToken, current: ApiToken) -> ActiveCredential:
    return ActiveCredential(
        token=token,
        kind=LABELS[token.kind],
        # A computer is known by its own name, and not by that of the one application there is for it.
        name=token.name if token.kind is TokenKind.REFRESH else token.application or token.name,
        is_this=token.id == current.id,
        since=token.created_at,
    )
