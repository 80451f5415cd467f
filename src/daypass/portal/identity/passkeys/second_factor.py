"""The second factor: the step between the proof of a password and the browser session.

Between the two there is no session, only a challenge in the database and its handle in a cookie.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from daypass.portal.audit.event import Event, Outcome
from daypass.portal.errors import PortalError, RequestExpired, SignInFailed
from daypass.portal.identity.model import User
from daypass.portal.identity.passkeys.challenges import Challenges
from daypass.portal.identity.passkeys.model import Challenge, Purpose
from daypass.portal.identity.passkeys.requirement import is_required
from daypass.portal.identity.passkeys.store import PasskeyStore, RecoveryLinkStore
from daypass.portal.identity.providers.base import LOCAL_PASSWORD, ProvenIdentity, SignInContext
from daypass.portal.identity.store.users import SignInRecord, UserStore
from daypass.portal.identity.tokens import digest
from daypass.portal.secret import Secret
from daypass.portal.settings.store import SettingStore
from daypass.portal.storage.engine import Connection
from daypass.portal.storage.unit_of_work import RowChange

_PASSWORD = "pwd"  # noqa: S105  an authentication method reference (RFC 8176)
_PURPOSES = frozenset({Purpose.SECOND_FACTOR, Purpose.ENROL, Purpose.RECOVER})
_EXPIRED = "This sign-in has expired. Enter your password again."
_CHANGED = "Your account was changed while you signed in. Sign in again."


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """A sign-in whose password is proved and whose passkey is not."""

    purpose: Purpose
    username: str
    next: str
    options: Mapping[str, object]
    """The options for `navigator.credentials`, as JSON."""


@dataclass(frozen=True, slots=True)
class SecondFactors:
    """The service for the step after a password."""

    challenges: Challenges

    def begin(
        self, proven: ProvenIdentity, context: SignInContext, next_page: str, recovery: str = ""
    ) -> Secret | None:
        """Return the handle of a pending sign-in, or None if the password is enough.

        With the secret of a *recovery* link of the same user, the step registers a new passkey. Raises
        `InvalidRequest` where a passkey is needed and the portal's address allows none, and `RateLimited`.
        """
        user = proven.record.user
        purpose = self._purpose(user, recovery)
        if purpose is None:
            return None
        self.challenges.party.check_available()
        self.challenges.count_request("sign_in", user, context.request_id)
        challenge = replace(
            self.challenges.new(user, purpose),
            next=next_page,
            # The digest has the password's hash, so a change of the password ends sign-ins that are pending
            # with the former one.
            record_digest=_record_digest(proven.record),
        )
        event = Event(
            action="sign_in.first_factor",
            actor=user.as_actor(context.request_id),
            outcome=Outcome.DONE,
            detail={"address": context.address, "method": proven.method, "asks_for": purpose.value},
        )
        return self.challenges.store(challenge, *proven.refunds, event=event)

    def find(self, handle: str) -> PendingSignIn:
        """Return the pending sign-in of that handle; raises `RequestExpired`."""
        challenge = self.challenges.find(handle)
        if challenge is None or challenge.purpose not in _PURPOSES:
            raise RequestExpired(_EXPIRED)
        record = self._record(challenge)
        options = self.challenges.options(challenge, record.user)
        return PendingSignIn(challenge.purpose, record.user.username, challenge.next, options)

    def finish(
        self,
        handle: str,
        answer: str,
        context: SignInContext,
        *,
        name: str = "",
        recovery: str = "",
        removes_others: bool = False,
    ) -> tuple[ProvenIdentity, str]:
        """Return the identity that password and passkey prove, and the page to return to.

        An answer that registers a passkey stores it under *name*; with a recovery link and *removes_others*
        it replaces the others. Raises `RequestExpired`, `SignInFailed`, `TooManyAttempts` or
        `InvalidRequest`; the password must then be entered again.
        """
        # First of all, so that each answer, right or wrong, needs the password again.
        challenge = self.challenges.take(handle, _PURPOSES, None)
        record = self._record(challenge)
        user = record.user
        refunds: Sequence[RowChange] = ()
        if challenge.purpose is Purpose.SECOND_FACTOR:
            passkey, refunds = self.challenges.verify("sign_in", challenge, user, answer, context)
        else:
            passkey = self.challenges.add(
                challenge,
                user,
                answer,
                name,
                context,
                check=self._check(challenge, recovery),
                replaces_others=removes_others and challenge.purpose is Purpose.RECOVER,
            )
        method = f"{_PASSWORD} {passkey.method}"
        proven = ProvenIdentity(record, LOCAL_PASSWORD, method, self.challenges.clock(), refunds)
        return proven, challenge.next

    def _purpose(self, user: User, recovery: str) -> Purpose | None:
        with self.challenges.database.reading() as connection:
            link = recovery and RecoveryLinkStore(connection).is_valid(
                digest(recovery), user.id, self.challenges.clock()
            )
            # Before the count: users with a recovery link have passkeys too, and have lost them.
            if link:
                return Purpose.RECOVER
            if PasskeyStore(connection).count(user.id):
                return Purpose.SECOND_FACTOR
            is_needed = is_required(user, SettingStore(connection).read(None))
        return Purpose.ENROL if is_needed else None

    def _record(self, challenge: Challenge) -> SignInRecord:
        """Return the facts about the user now; raises `SignInFailed` if they changed since the password."""
        with self.challenges.database.reading() as connection:
            store = UserStore(connection)
            user = store.find_by_id(challenge.user_id)
            record = None if user is None else store.find_login(user.username)
        if record is None or _record_digest(record) != challenge.record_digest:
            raise SignInFailed(_CHANGED)
        return record

    def _check(self, challenge: Challenge, recovery: str) -> Callable[[Connection], PortalError | None]:
        """Return the condition under which a password alone may lead to a new passkey."""
        now = self.challenges.clock()

        def check(connection: Connection) -> PortalError | None:
            if challenge.purpose is Purpose.RECOVER:
                link = digest(recovery)
                is_valid = RecoveryLinkStore(connection).use(link, challenge.user_id, now)
                return None if is_valid else RequestExpired("This recovery link was used, or has expired.")
            # Otherwise a password would be enough for as long as its owner has not shown a passkey yet.
            has_passkey = PasskeyStore(connection).count(challenge.user_id) > 0
            return SignInFailed(_CHANGED) if has_passkey else None

        return check


def _record_digest(record: SignInRecord) -> bytes:
    facts = (record.user.id, record.user.username, record.password_hash, record.is_disabled)
    return hashlib.sha256(repr(facts).encode()).digest()
