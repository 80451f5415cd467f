"""The exchange of a workload's ID token for a portal token (RFC 8693)."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

from daypass.common.lines import printable_line
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Actor, Event, Outcome, Scalar
from daypass.portal.clock import Clock
from daypass.portal.errors import IssuerUnreachable, OAuthRefused, RateLimited
from daypass.portal.identity.jwt import (
    InvalidToken,
    Issuers,
    IssuerUnavailable,
    check_times,
    unverified_claims,
)
from daypass.portal.identity.jwt.times import required_time
from daypass.portal.identity.model import (
    UNKNOWN_USER,
    ApiToken,
    TokenId,
    TokenKind,
    User,
    UserKind,
    network_of,
)
from daypass.portal.identity.rate_limit.limits import RateLimit, consume
from daypass.portal.identity.rate_limit.store import refund
from daypass.portal.identity.store.tokens import add_token
from daypass.portal.identity.store.used_tokens import UsedTokenStore, delete_expired_used_tokens
from daypass.portal.identity.tokens import digest, mint
from daypass.portal.redaction import redacted
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.telemetry.metrics import WORKLOAD_EXCHANGES
from daypass.portal.workloads.checks import is_issuer_allowed
from daypass.portal.workloads.claims import find_claim, find_mismatch, has_audience, tag_values
from daypass.portal.workloads.issuers.model import ALGORITHMS
from daypass.portal.workloads.issuers.table import KINDS
from daypass.portal.workloads.model import RuleOfAccount, WorkloadRule
from daypass.portal.workloads.store.rules import RuleStore
from daypass.portal.workloads.store.tokens import add_workload_token

EXCHANGE = "workload.exchange"
LONGEST_SUBJECT_TOKEN = 16 * 1024
MOST_FAILURES = 300
"""Exchanges from one network that fail in 15 minutes, for issuers that have a rule."""
MOST_EXCHANGES = 1200
"""Exchanges for one service account in 15 minutes; each is recorded."""

_LONGEST_SHOWN = 200
# The portal answers every request within nine seconds, and the commit needs the rest of them.
_TIME_LIMIT = timedelta(seconds=8)
# An ID token is accepted for up to a minute after its end, by clocks that differ. The reserve is in the row,
# because logout tokens of identity providers delete the expired rows of the same table too.
_USE_KEPT_FOR = timedelta(minutes=10)

REFUSAL = (
    "The portal does not accept this token. An Administrator finds the reason in the audit log, under "
    f"{EXCHANGE}."
)
"""The one answer for every cause, so that a caller learns nothing about the rules."""


@dataclass(frozen=True, slots=True)
class ExchangeRequest:
    """A workload's request: its ID token, and the service account or rule that it names, if any."""

    token: Secret
    audience: str
    address: str
    request_id: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class ExchangedToken:
    """The portal token of a workload."""

    secret: Secret
    token: ApiToken
    rule: WorkloadRule
    account: User


class _Refused(OAuthRefused):
    """A token that is not accepted; `why` is for the audit log only."""

    def __init__(self, why: str, **facts: str) -> None:
        # RFC 8693, section 2.2.2, has this code for a token that is invalid or unacceptable.
        super().__init__("invalid_request", REFUSAL)
        self.why = why
        self.facts = facts


@dataclass(frozen=True, slots=True)
class _Accepted:
    """A verified token, and the one rule that it fulfils."""

    match: RuleOfAccount
    claims: Mapping[str, object]
    use: bytes
    """The digest by which the token counts as used."""

    @property
    def use_ends_at(self) -> datetime:
        """The time from which the use need not be known: the ID token is refused for its age alone."""
        return datetime.fromtimestamp(required_time(self.claims, "exp"), UTC) + _USE_KEPT_FOR


@dataclass(frozen=True, slots=True)
class TokenExchange:
    """The service that exchanges ID tokens of workloads."""

    database: Database
    committer: Committer
    clock: Clock
    issuers: Issuers
    allowed_issuers: Collection[str] = ()
    """The issuers that the operator allows now; rules for others remain from an earlier configuration."""
    algorithms: Collection[str] = field(default=ALGORITHMS)

    def exchange(self, request: ExchangeRequest) -> ExchangedToken:
        """Return a portal token for an ID token, which counts once.

        Raises `OAuthRefused`, with the same content for every cause, `RateLimited`, and `IssuerUnreachable`
        if the keys of a known issuer cannot be fetched. The cause of a refusal is in the audit log.
        """
        try:
            exchanged = self._exchange(request)
        except _Refused as refusal:
            WORKLOAD_EXCHANGES.count("refused")
            self.committer.commit_rate_limited(_refusal_event(refusal, request))
            # Without the traceback of the cause, which a debugger or log of locals would show.
            raise OAuthRefused(refusal.error, refusal.reason) from None
        except IssuerUnavailable as error:
            WORKLOAD_EXCHANGES.count("unavailable")
            unreachable = IssuerUnreachable(
                "The portal cannot read the keys of the issuer of this token. Try again with a new token, or "
                "ask the portal's operator."
            )
            unreachable.cause = str(error)
            raise unreachable from error
        WORKLOAD_EXCHANGES.count("issued")
        return exchanged

    def _exchange(self, request: ExchangeRequest) -> ExchangedToken:
        token = request.token.reveal()
        candidates = self._candidates(token, request.audience)
        # After the rules are found: a token of an unknown issuer fetches nothing, and must not use up the
        # limit of jobs behind the same address.
        attempt = failures_from(request.address)
        self._consume(attempt, request)
        accepted = self._accept(token, candidates)
        if self.clock() - request.received_at > _TIME_LIMIT:
            # Before the token counts as used: some jobs have one only, and the caller may have left.
            raise IssuerUnavailable(f"{accepted.match.rule.issuer} answered too late for this request.")
        per_account = RateLimit(
            EXCHANGE, _key("account", accepted.match.account.id), MOST_EXCHANGES, is_extended=False
        )
        self._consume(per_account, request)
        return self._issue(accepted, attempt, request)

    def _candidates(self, token: str, audience: str) -> Sequence[RuleOfAccount]:
        """Return the rules for the issuer that the token names; nothing is fetched for any other issuer."""
        if len(token) > LONGEST_SUBJECT_TOKEN:
            raise _Refused("too_long")
        try:
            issuer = unverified_claims(token).get("iss")
        except InvalidToken as error:
            raise _Refused(error.reason) from error
        # The issuer goes to the audit log before anything of the token is verified.
        if not (isinstance(issuer, str) and issuer.isprintable()):
            raise _Refused("issuer")
        with self.database.reading() as connection:
            known = RuleStore(connection).of_issuer(issuer)
        if not known:
            raise _Refused("unknown_issuer", issuer=issuer)
        # One step after another, so that the audit log names the first cause that holds for every rule.
        enabled = [each for each in known if not each.rule.is_disabled]
        if not enabled:
            raise _Refused("rule_disabled", issuer=issuer)
        allowed = [each for each in enabled if is_issuer_allowed(each.rule, self.allowed_issuers)]
        if not allowed:
            raise _Refused("issuer_not_allowed", issuer=issuer)
        named = [each for each in allowed if audience in ("", each.rule.name, each.account.username)]
        if not named:
            raise _Refused("unknown_audience", issuer=issuer, asked_for=audience)
        return named

    def _accept(self, token: str, candidates: Sequence[RuleOfAccount]) -> _Accepted:
        """Verify the token and return the one rule that it fulfils.

        Raises `_Refused`, or `IssuerUnavailable` if no rule accepts the token and one has no keys.
        """
        fulfilled: list[tuple[RuleOfAccount, Mapping[str, object]]] = []
        refusals: list[_Refused] = []
        unavailable: IssuerUnavailable | None = None
        verified: dict[str | None, Mapping[str, object]] = {}
        for each in candidates:
            rule = each.rule
            try:
                # Rules of one issuer share its keys, so its token is verified once for all of them.
                if rule.jwks not in verified:
                    verified[rule.jwks] = self._verify(rule, token)
                self._check(each, verified[rule.jwks])
            except _Refused as refusal:
                refusals.append(refusal)
            except IssuerUnavailable as error:
                # Another rule of the issuer may have keys of its own.
                unavailable = error
            else:
                fulfilled.append((each, verified[rule.jwks]))
        # Choosing one of them would make the access depend on the order of rules, which Administrators do not
        # see.
        if len(fulfilled) > 1:
            names = ", ".join(each.rule.name for each, _ in fulfilled)
            raise _Refused("ambiguous", issuer=candidates[0].rule.issuer, rules=names)
        if not fulfilled and unavailable is not None:
            raise unavailable
        if not fulfilled:
            raise refusals[0] if len(refusals) == 1 else _closest(refusals)
        match, claims = fulfilled[0]
        return _Accepted(match, claims, _use_digest(match.rule.issuer, claims, token))

    def _verify(self, rule: WorkloadRule, token: str) -> Mapping[str, object]:
        try:
            claims = self.issuers.verify(rule.issuer, token, self.algorithms, jwks=rule.jwks).claims
        except InvalidToken as error:
            raise _Refused(error.reason, issuer=rule.issuer, rule=rule.name) from error
        if claims.get("iss") != rule.issuer:
            raise _Refused("issuer", issuer=rule.issuer, rule=rule.name)
        return claims

    def _check(self, candidate: RuleOfAccount, claims: Mapping[str, object]) -> None:
        """Return if the claims of a verified token fulfil the rule, else raise `_Refused`."""
        rule, kind = candidate.rule, KINDS[candidate.rule.kind]
        facts = {"issuer": rule.issuer, "rule": rule.name, "sub": str(claims.get("sub", ""))}
        try:
            check_times(claims, self.clock(), max_age=kind.max_age, longest=kind.longest)
        except InvalidToken as error:
            raise _Refused(error.reason, **facts) from error
        if not has_audience(claims, rule.audience):
            raise _Refused("audience", **facts)
        never = kind.find_refused({each.claim: find_claim(claims, each.claim) for each in kind.refused})
        if never is not None:
            raise _Refused("forbidden_claim", claim=never.claim, **facts)
        if mismatch := find_mismatch(claims, rule.claims):
            raise _Refused("claim", claim=mismatch, value=find_claim(claims, mismatch) or "", **facts)
        if why := _account_refusal(candidate):
            raise _Refused(why, **facts)

    def _issue(self, accepted: _Accepted, attempt: RateLimit, request: ExchangeRequest) -> ExchangedToken:
        rule, account, now = accepted.match.rule, accepted.match.account, self.clock()
        token = ApiToken(
            id=TokenId(uuid4().hex),
            kind=TokenKind.WORKLOAD,
            name=rule.name,
            user_id=account.id,
            created_at=now,
            expires_at=now + rule.token_lifetime,
            # The token derives from no sign-in, so its own end is the only one.
            grant_ends_at=None,
            application=rule.kind.value,
            address=request.address[:64],
        )
        secret, tags = mint(TokenKind.WORKLOAD), tag_values(accepted.claims, rule.tags)
        changes = (
            add_token(token, digest(secret.reveal())),
            add_workload_token(token.id, rule.id, tags),
            # The limit is for failures; the attempt that was counted before succeeds with this transaction.
            refund(attempt.subject),
            delete_expired_used_tokens(now),
        )
        event = _exchange_event(accepted, token, tags, request)
        self.committer.commit(event, *changes, precondition=partial(_find_refusal, accepted))
        return ExchangedToken(secret, token, rule, account)

    def _consume(self, limit: RateLimit, request: ExchangeRequest) -> None:
        exceeded = consume(self.database, [limit], self.clock())
        if exceeded is None:
            return
        if exceeded.is_first_refusal:
            detail: dict[str, Scalar] = {
                "code": RateLimited.code,
                "limit": limit.attempts,
                "address": request.address,
            }
            actor = Actor(None, UNKNOWN_USER, request.request_id)
            self.committer.commit(Event(action=EXCHANGE, actor=actor, outcome=Outcome.DENIED, detail=detail))
        WORKLOAD_EXCHANGES.count("refused")
        raise RateLimited("Too many tokens were sent. Wait 15 minutes, then try again with a new token.")


def _account_refusal(candidate: RuleOfAccount) -> str:
    if candidate.is_account_disabled:
        return "account_disabled"
    if candidate.account.kind is not UserKind.SERVICE:
        return "no_service_account"
    # A rule for an Administrator cannot be saved; the account was made one afterwards.
    return "administrator" if candidate.account.is_administrator else ""


def _find_refusal(accepted: _Accepted, connection: Connection) -> OAuthRefused | None:
    """Return a refusal if the rule or its account was changed since, or the token was used before.

    Runs in the transaction that stores the portal token. Changes of rules and users are exclusive units, so
    none can commit between this and the end of the transaction.
    """
    match = accepted.match
    facts = {"issuer": match.rule.issuer, "rule": match.rule.name}
    # Compared as a whole, with its account: any change means that the token was checked by other conditions.
    if RuleStore(connection).find(match.rule.id) != match:
        return _Refused("rule_changed", **facts)
    # Last, because a precondition that refuses must not have written.
    if not UsedTokenStore(connection).add(accepted.use, expires_at=accepted.use_ends_at):
        return _Refused("used", **facts)
    return None


def _closest(refusals: Sequence[_Refused]) -> _Refused:
    """Return the refusal of the rule that the token came closest to: one with a claim that differs."""
    claims = [each for each in refusals if each.why == "claim"]
    if not claims:
        return refusals[0]
    # With several rules, the name of one of them would mislead the reader of the audit log.
    facts = {name: text for name, text in claims[0].facts.items() if name in {"issuer", "sub"}}
    return claims[0] if len(claims) == 1 else _Refused("no_rule", **facts)


def _use_digest(issuer: str, claims: Mapping[str, object], token: str) -> bytes:
    """Return the digest by which a token counts once: of its `jti`, or of what the issuer signed."""
    jti = claims.get("jti")
    # The signature is left out: some algorithms allow several valid signatures of the same content.
    identity = f"jti\n{jti}" if isinstance(jti, str) and jti else f"input\n{token.rpartition('.')[0]}"
    return hashlib.sha256(f"workload\n{issuer}\n{identity}".encode(errors="surrogatepass")).digest()


def failures_from(address: str) -> RateLimit:
    """Return the limit of failed exchanges from one IPv4 address or IPv6 /64 prefix."""
    return RateLimit(EXCHANGE, _key("network", network_of(address)), MOST_FAILURES, is_extended=False)


def _key(of: str, subject: str) -> bytes:
    return hashlib.sha256(f"{EXCHANGE} {of} {subject}".encode(errors="surrogatepass")).digest()


def _shown(text: str) -> str:
    return printable_line(redacted(text), _LONGEST_SHOWN)


def _refusal_event(refusal: _Refused, request: ExchangeRequest) -> Event:
    detail: dict[str, Scalar] = {"code": refusal.why, "address": request.address}
    detail |= {name: _shown(text) for name, text in refusal.facts.items() if name != "rule" and text}
    return Event(
        action=EXCHANGE,
        actor=Actor(None, UNKNOWN_USER, request.request_id),
        outcome=Outcome.DENIED,
        subject=refusal.facts.get("rule", ""),
        detail=detail,
    )


def _exchange_event(
    accepted: _Accepted, token: ApiToken, tags: Mapping[str, str], request: ExchangeRequest
) -> Event:
    rule = accepted.match.rule
    detail: dict[str, Scalar] = {
        "token_id": token.id,
        "issuer": rule.issuer,
        "sub": _shown(str(accepted.claims.get("sub", ""))),
        "address": request.address,
        "expires_at": token.expires_at.isoformat(),
        **{f"tag.{name}": _shown(value) for name, value in tags.items()},
    }
    actor = accepted.match.account.as_actor(request.request_id)
    return Event(action=EXCHANGE, actor=actor, outcome=Outcome.DONE, subject=rule.name, detail=detail)
