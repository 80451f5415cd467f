"""The pages of `daypass portal doctor --claims`: the way to the provider, and the findings on the claims."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from urllib.parse import parse_qs, urlsplit

from starlette.responses import Response

from daypass.portal.diagnostics.claims import ClaimsDoctor, refusal_finding
from daypass.portal.diagnostics.finding import Finding
from daypass.portal.errors import PortalError, RequestExpired
from daypass.portal.http.layout.endpoints import BrowserRequest
from daypass.portal.http.layout.rendering import PageRenderer
from daypass.portal.http.pages.providers.redirects import ProviderRedirects, sign_in_path
from daypass.portal.http.services import Services
from daypass.portal.identity.external.claims_checks import ClaimsChecks
from daypass.portal.identity.external.model import Attempt
from daypass.portal.identity.providers.base import RedirectProvider

_ID = "id"


@dataclass(frozen=True, slots=True)
class ClaimsCheckPage:
    """The data of the page with the findings."""

    provider: str
    findings: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class ClaimsCheckPages:
    """Handlers of the check of a person's claims. They make no session, and change no user."""

    pages: PageRenderer
    redirects: ProviderRedirects
    checks: ClaimsChecks
    doctor: ClaimsDoctor

    @classmethod
    def of(cls, services: Services) -> "ClaimsCheckPages":
        """Return the handlers of a portal."""
        return cls(
            services.pages,
            ProviderRedirects.of(services),
            ClaimsChecks(services.database, services.clock),
            ClaimsDoctor(services.database, services.clock),
        )

    def begin(self, provider: RedirectProvider, request: BrowserRequest) -> Response:
        """Redirect to the provider, for a check that a command waits for; raises `RequestExpired`."""
        check_id = request.query.get(_ID, "")
        if not self.checks.is_open(check_id, provider.name):
            raise _expired()
        return self.redirects.to_check(provider, request, f"{check_path(provider)}?{_ID}={check_id}")

    def finish(self, attempt: Attempt, provider: RedirectProvider, request: BrowserRequest) -> Response:
        """Give the findings on the provider's answer to the command, and show them."""
        try:
            authentication = self.redirects.checked(attempt, provider, request)
        except PortalError as refusal:
            # The cause can describe the portal's network, and any person may be at the browser.
            shown: Sequence[Finding] = [refusal_finding(refusal, has_cause=False)]
            findings: Sequence[Finding] = [refusal_finding(refusal, has_cause=True)]
        else:
            shown = findings = self.doctor.examine(provider.config, authentication)
        # From the attempt and not from the request: an answer belongs to the check with which it began.
        check_id = parse_qs(urlsplit(attempt.next).query)[_ID][0]
        text = json.dumps([asdict(finding) for finding in findings])
        if not self.checks.answer(check_id, provider.name, text):
            raise _expired()
        page = ClaimsCheckPage(provider.label, shown)
        theme = request.preferences.theme
        return self.pages.show_alone("pages/claims-check.html", page, theme=theme)


def check_path(provider: RedirectProvider) -> str:
    """Return the path with which the check of a provider's claims begins."""
    return f"{sign_in_path(provider)}/check"


def _expired() -> PortalError:
    return RequestExpired(
        "No command waits for these claims: it has ended, or was answered already. Run `daypass portal "
        "doctor --claims` again, and open the address that it prints."
    )
