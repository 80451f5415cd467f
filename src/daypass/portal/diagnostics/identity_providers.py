"""The checks of identity providers: what they announce, compared with the configuration."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from daypass.common.origins import is_loopback_host
from daypass.portal.clock import Clock
from daypass.portal.config.model import PortalConfig
from daypass.portal.config.providers import GroupSource, ProviderConfig
from daypass.portal.diagnostics.finding import Finding, Level
from daypass.portal.identity.jwt import InvalidToken, Issuers, IssuerUnavailable
from daypass.portal.identity.jwt.keys import parse_key_set

_LARGEST_SKEW = timedelta(seconds=30)
"""Half of the leeway with which the times in ID tokens are checked."""

_S256 = "S256"


@dataclass(frozen=True, slots=True)
class ProviderDoctor:
    """Checks identity providers without signing in; it changes nothing."""

    config: PortalConfig
    clock: Clock
    issuers: Issuers = field(repr=False)

    def examine(self) -> Iterator[Finding]:
        """Yield the findings on each provider; an unreachable one is a finding."""
        for provider in self.config.providers:
            try:
                yield from self._examine(provider)
            except IssuerUnavailable as error:
                yield _finding(provider, "discovery", Level.ERROR, f"No user can sign in with it. {error}")

    def _examine(self, provider: ProviderConfig) -> Iterator[Finding]:
        metadata = self.issuers.metadata(provider.issuer)
        sentence = f"The metadata of {provider.issuer} can be read."
        yield _finding(provider, "discovery", Level.FINE, sentence)
        yield from self._registration(provider)
        yield from self._keys_and_clock(provider)
        yield from _usernames(provider)
        yield from _algorithms(provider, metadata)
        yield from _request(provider, metadata)
        yield from _logout(provider, metadata)

    def _registration(self, provider: ProviderConfig) -> Iterator[Finding]:
        public = urlsplit(self.config.public_url)
        uri = f"{self.config.public_url}/sign-in/oidc/{provider.name}/callback"
        yield _finding(provider, "redirect_uri", Level.FINE, f"The redirect URI to register there is {uri}.")
        if public.scheme != "https" and not is_loopback_host(public.hostname or ""):
            yield _finding(
                provider,
                "redirect_uri",
                Level.WARNING,
                f"{self.config.public_url} is not https. Most providers refuse such a redirect URI, and "
                "browsers do not keep the portal's cookies.",
                "DAYPASS_PUBLIC_URL=https://…",
            )

    def _keys_and_clock(self, provider: ProviderConfig) -> Iterator[Finding]:
        # Not by the cache of `Issuers`, because the time in the answer's header is compared with this
        # machine's clock.
        answer = self.issuers.fetcher.get(self.issuers.required_endpoint(provider.issuer, "jwks_uri"))
        now = self.clock()
        try:
            keys = parse_key_set(answer.body).keys
        except InvalidToken as error:
            raise IssuerUnavailable("Its key set is not a JSON Web Key Set.") from error
        usable = [key for key in keys if not key.algorithms.isdisjoint(provider.algorithms)]
        if usable:
            yield _finding(provider, "keys", Level.FINE, f"{len(usable)} of its keys can be used.")
        else:
            sentence = f"None of its {len(keys)} keys is for one of {', '.join(provider.algorithms)}."
            yield _finding(provider, "keys", Level.ERROR, sentence)
        try:
            skew = parsedate_to_datetime(answer.headers.get("date", "")) - now
        except (ValueError, TypeError):
            return
        if abs(skew) > _LARGEST_SKEW:
            seconds = round(abs(skew).total_seconds())
            order = "behind" if skew > timedelta(0) else "ahead of"
            yield _finding(
                provider,
                "clock",
                Level.ERROR if seconds > 60 else Level.WARNING,
                f"This machine's clock is {seconds} s {order} the provider's. ID tokens are accepted with a "
                "difference of 60 s at most.",
            )


def _usernames(provider: ProviderConfig) -> Iterator[Finding]:
    if provider.names_users_by_email and not (provider.email_domains or provider.required_claims):
        yield _finding(
            provider,
            "username",
            Level.WARNING,
            "Every account with a verified e-mail address there gets a user with that address as the "
            "username. If strangers can have accounts there, limit them by email_domains or required_claims.",
        )


def _algorithms(provider: ProviderConfig, metadata: Mapping[str, object]) -> Iterator[Finding]:
    announced = _texts(metadata, "id_token_signing_alg_values_supported")
    # Discovery requires the list (OpenID Connect Discovery, section 3), and some providers leave it out all
    # the same.
    common = [name for name in provider.algorithms if name in announced]
    if announced and not common:
        yield _finding(
            provider,
            "algorithms",
            Level.ERROR,
            f"It signs with {', '.join(sorted(announced))}, and the portal accepts "
            f"{', '.join(provider.algorithms)}.",
        )
    elif announced:
        yield _finding(
            provider, "algorithms", Level.FINE, f"ID tokens can be signed with {', '.join(common)}."
        )


def _request(provider: ProviderConfig, metadata: Mapping[str, object]) -> Iterator[Finding]:
    """Compare what the portal asks for with what the provider announces; it need not announce all."""
    # Without the member, the provider says that it has no PKCE (RFC 8414, section 2), but many that have it
    # leave the member out.
    methods = _texts(metadata, "code_challenge_methods_supported")
    if methods and _S256 not in methods:
        sentence = "It does not announce PKCE with S256, so it may refuse the portal's requests."
        yield _finding(provider, "pkce", Level.WARNING, sentence)
    yield from _unannounced(provider, metadata, "scopes_supported", "scopes", provider.scopes)
    yield from _unannounced(provider, metadata, "acr_values_supported", "acr_values", provider.acr_values)
    claims = {provider.groups_claim} if provider.groups is GroupSource.CLAIM else set()
    if provider.email_domains or provider.names_users_by_email:
        claims.add("email_verified")
    yield from _unannounced(provider, metadata, "claims_supported", "claims", sorted(claims))


def _unannounced(
    provider: ProviderConfig,
    metadata: Mapping[str, object],
    member: str,
    what: str,
    wanted: Sequence[str],
) -> Iterator[Finding]:
    announced = _texts(metadata, member)
    missing = [value for value in wanted if value not in announced]
    if announced and missing:
        consequence = " Sign-ins without it are refused." if what == "claims" else ""
        sentence = f"It does not announce the {what} {', '.join(missing)} ({member}).{consequence}"
        yield _finding(provider, what, Level.WARNING, sentence)


def _logout(provider: ProviderConfig, metadata: Mapping[str, object]) -> Iterator[Finding]:
    ends = "end_session_endpoint" in metadata
    sends = metadata.get("backchannel_logout_supported") is True
    yield _finding(
        provider,
        "logout",
        Level.FINE,
        f"Signing out {'also ends' if ends else 'does not end'} the session there, and it "
        f"{'can end' if sends else 'does not announce that it ends'} sessions here (back-channel logout).",
    )


def _texts(metadata: Mapping[str, object], member: str) -> Collection[str]:
    values = metadata.get(member)
    return frozenset(each for each in values if isinstance(each, str)) if isinstance(values, list) else ()


def _finding(provider: ProviderConfig, check: str, level: Level, sentence: str, patch: str = "") -> Finding:
    return Finding(f"provider_{check}", level, f"identity provider {provider.name}", sentence, patch)
