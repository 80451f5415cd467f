"""The portal's own passwords, with rate limits that all replicas share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daypass.common.usernames import canonical_username
from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Actor, Event, Outcome, Scalar
from daypass.portal.clock import Clock
from daypass.portal.config.model import PasswordSignIn
from daypass.portal.errors import SignInFailed, TooManyAttempts
from daypass.portal.identity import break_glass
from daypass.portal.identity.model import UNKNOWN_USER, User
from daypass.portal.identity.passwords import hash_queue_slot, verify_password
from daypass.portal.identity.providers.base import LOCAL_PASSWORD, ProvenIdentity, SignInContext
from daypass.portal.identity.rate_limit import limits
from daypass.portal.identity.rate_limit.store import DeviceStore, refund
from daypass.portal.identity.store.users import SignInRecord, UserStore
from daypass.portal.identity.tokens import digest
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from daypass.portal.storage.search import is_storable

_METHOD = "pwd"


@dataclass(frozen=True, slots=True)
class LocalPasswords:
    """The `PasswordProvider` of users with a password in the portal's database."""

    database: Database
    committer: Committer
    clock: Clock
    password_sign_in: PasswordSignIn = PasswordSignIn.ON

    @property
    def name(self) -> str:
        """The name of this provider."""
        return LOCAL_PASSWORD

    def verify(self, username: str, password: Secret, context: SignInContext) -> ProvenIdentity:
        """Prove the identity of a user who signs in; see `PasswordProvider`."""
        name = canonical_username(username)
        record, known_device = self._find_user(name, context.device_cookie)
        # A known browser has a limit of its own, so that wrong passwords from elsewhere cannot lock its user
        # out.
        attempt_limits = (
            [limits.network(context.address), limits.account(name)]
            if known_device is None
            else [limits.device(known_device)]
        )
        return self._prove("sign_in", record, password, attempt_limits, context)

    def verify_again(self, user: User, password: Secret, context: SignInContext) -> ProvenIdentity:
        """Prove that a signed-in user is still the one at the browser; see `PasswordProvider`."""
        record, _ = self._find_user(user.username, None)
        return self._prove("sign_in.confirm", record, password, [limits.confirmation(user.id)], context)

    def _prove(
        self,
        action: str,
        record: SignInRecord | None,
        password: Secret,
        attempt_limits: Sequence[limits.RateLimit],
        context: SignInContext,
    ) -> ProvenIdentity:
        try:
            # The place in the queue is acquired before the attempt is counted, so that a sign-in which finds
            # the queue full does not use up an attempt.
            with hash_queue_slot():
                self._consume_attempt(action, record, attempt_limits, context)
                user = self._check(action, record, password, context)
        except (SignInFailed, TooManyAttempts) as refusal:
            if record is not None and record.is_break_glass:
                break_glass.alert_about_use(self.committer, record, action, refusal.code, context)
            raise
        if user.is_break_glass:
            break_glass.alert_about_use(self.committer, user, action, break_glass.OK, context)
        # A correct password does not count against the limit, so its attempt is refunded.
        refunds = [refund(limit.subject) for limit in attempt_limits]
        return ProvenIdentity(user, self.name, _METHOD, self.clock(), refunds)

    def _find_user(self, name: str, device: str | None) -> tuple[SignInRecord | None, bytes | None]:
        """Return the user of that name, and the digest of *device* if it is one of their known browsers.

        A user who may not sign in with a password is treated like an unknown one.
        """
        if not is_storable(name):
            return None, None
        with self.database.reading() as connection:
            record = UserStore(connection).find_login(name)
            if record is None or not self._accepts(record):
                return None, None
            if device is None:
                return record, None
            known = digest(device)
            is_known = DeviceStore(connection).is_known(known, record.user.id, self.clock())
        return record, known if is_known else None

    def _accepts(self, record: SignInRecord) -> bool:
        return record.is_break_glass or self.password_sign_in is PasswordSignIn.ON

    def _consume_attempt(
        self,
        action: str,
        record: SignInRecord | None,
        attempt_limits: Sequence[limits.RateLimit],
        context: SignInContext,
    ) -> None:
        exhausted = limits.consume(self.database, attempt_limits, self.clock())
        if exhausted is None:
            return
        if exhausted.is_first_refusal:
            detail = {"address": context.address, "budget": exhausted.limit.name}
            self.committer.commit(_refused(action, record, Outcome.DENIED, detail, context))
        raise TooManyAttempts("There were too many wrong passwords. Wait 15 minutes, then try again.")

    def _check(
        self, action: str, record: SignInRecord | None, password: Secret, context: SignInContext
    ) -> SignInRecord:
        # Verified without a user as well, so that an unknown username takes the same time.
        is_right = verify_password(None if record is None else record.password_hash, password)
        if record is None or record.is_disabled or not is_right:
            detail = {"address": context.address}
            self.committer.commit(_refused(action, record, Outcome.FAILED, detail, context))
            raise SignInFailed("Incorrect username or password.")
        return record


def _refused(
    action: str,
    record: SignInRecord | None,
    outcome: Outcome,
    detail: Mapping[str, Scalar],
    context: SignInContext,
) -> Event:
    # An unknown username is not recorded, because a user may have typed a password into the wrong field.
    subject = "" if record is None else record.user.username
    actor = Actor(None, UNKNOWN_USER, context.request_id)
    return Event(action=action, actor=actor, outcome=outcome, subject=subject, detail=detail)
