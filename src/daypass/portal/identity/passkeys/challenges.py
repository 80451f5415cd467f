"""Challenges and their answers: the row of a challenge is deleted before its answer is verified."""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import Event, Outcome, Scalar
from daypass.portal.clock import Clock
from daypass.portal.errors import (
    InvalidRequest,
    PortalError,
    RequestExpired,
    SignInFailed,
    TooManyAttempts,
)
from daypass.portal.identity.model import TokenId, User
from daypass.portal.identity.passkeys.ceremonies import (
    CounterDidNotGrow,
    InvalidAnswer,
    NewCredential,
    parse_assertion,
    registration_options,
    request_options,
    verify_assertion,
    verify_registration,
)
from daypass.portal.identity.passkeys.model import (
    MOST_PASSKEYS,
    Challenge,
    Passkey,
    Purpose,
    RelyingParty,
)
from daypass.portal.identity.passkeys.store import (
    ChallengeStore,
    PasskeyStore,
    add_challenge,
    add_passkey,
    delete_expired_challenges,
    record_use,
    remove_other_passkeys,
)
from daypass.portal.identity.providers.base import SignInContext
from daypass.portal.identity.rate_limit import limits
from daypass.portal.identity.rate_limit.actions import require_rate
from daypass.portal.identity.rate_limit.store import refund
from daypass.portal.identity.store.users import UserStore
from daypass.portal.identity.tokens import digest, mint_challenge
from daypass.portal.redaction import redacted
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.prepared import RowMismatch
from daypass.portal.storage.unit_of_work import RowChange, UnitOfWork

LONGEST_NAME = 100

_EXPIRED = "This request was already answered, or is older than five minutes. Try again."
_WRONG = "The passkey was not accepted. Try again, or use another one of your passkeys."
_NOT_REGISTERED = "The passkey could not be registered. Try again, or use another device."

Check = Callable[[Connection], PortalError | None]
"""A precondition for a new passkey, which sees the passkeys of its user locked."""


@dataclass(frozen=True, slots=True)
class Challenges:
    """The service for challenges of every purpose."""

    database: Database
    committer: Committer
    clock: Clock
    party: RelyingParty

    def new(self, user: User, purpose: Purpose, token_id: TokenId | None = None) -> Challenge:
        """Return a new challenge, not stored yet."""
        return Challenge(user.id, purpose, token_id, secrets.token_bytes(32), self.clock())

    def store(self, challenge: Challenge, *also: RowChange, event: Event | None = None) -> Secret:
        """Store a challenge, the changes of *also* and *event*; return the handle that its answer names."""
        handle = mint_challenge()
        changes = (
            delete_expired_challenges(challenge.created_at),
            add_challenge(digest(handle.reveal()), challenge),
            *also,
        )
        self.committer.commit_unit(UnitOfWork(changes, () if event is None else (event,)))
        return handle

    def options(self, challenge: Challenge, user: User) -> Mapping[str, object]:
        """Return the options with which a browser answers *challenge*."""
        with self.database.reading() as connection:
            registered = PasskeyStore(connection).list_for(user.id)
        if not challenge.purpose.registers:
            return request_options(self.party, challenge.challenge, registered)
        with self.database.writing() as connection:
            # Random, so that an authenticator learns nothing about the user (section 14.6.1).
            handle = PasskeyStore(connection).ensure_handle(user.id, secrets.token_bytes(32))
        return registration_options(self.party, user, handle, challenge.challenge, registered)

    def find(self, handle: str) -> Challenge | None:
        """Return the challenge of that handle, unless it was answered or has expired."""
        with self.database.reading() as connection:
            return ChallengeStore(connection).find(digest(handle), self.clock())

    def take(self, handle: str, purposes: Collection[Purpose], token_id: TokenId | None) -> Challenge:
        """Delete the challenge of that handle and return it; raises `RequestExpired`.

        A challenge of another session or for another purpose is deleted too, and refused.
        """
        with self.database.writing() as connection:
            # In a transaction of its own: an answer that is refused afterwards must not bring the challenge
            # back.
            challenge = ChallengeStore(connection).take(digest(handle), self.clock())
        if challenge is None or challenge.purpose not in purposes or challenge.token_id != token_id:
            raise RequestExpired(_EXPIRED)
        return challenge

    def verify(
        self, action: str, challenge: Challenge, user: User, answer: str, context: SignInContext
    ) -> tuple[Passkey, Sequence[RowChange]]:
        """Return the passkey of *user* that answered, and the change that takes the attempt back.

        Raises `SignInFailed` or `TooManyAttempts`; both are recorded as *action*, as is an alert for a
        passkey whose signature counter did not grow.
        """
        limit = limits.passkey(user.id)
        # Before the signature is verified: of many answers at once, each takes its place in the limit first.
        self._consume_attempt(action, limit, user, context)
        try:
            passkey = self._verified(challenge, user, answer)
            self.committer.commit_without_event(record_use(passkey, at=self.clock()))
        except RowMismatch as error:
            # Another answer with the same counter was faster.
            raise self._refused(action, user, context, "counter") from error
        except CounterDidNotGrow as error:
            self._alert(action, user, context, error)
            raise self._refused(action, user, context, error.cause) from error
        except InvalidAnswer as error:
            raise self._refused(action, user, context, error.cause) from error
        return passkey, [refund(limit.subject)]

    def add(
        self,
        challenge: Challenge,
        user: User,
        answer: str,
        name: str,
        context: SignInContext,
        *,
        check: Check | None = None,
        replaces_others: bool = False,
    ) -> Passkey:
        """Store the passkey that *answer* registers, if *check* allows it, and remove the others if asked to.

        Raises `SignInFailed` for a wrong answer, and `InvalidRequest` for a passkey too many.
        """
        credential = self._registered(challenge, user, answer, context)
        passkey = _new_passkey(credential, user, name, challenge)

        def is_allowed(connection: Connection) -> PortalError | None:
            # Locked, because two registrations at once would not see each other.
            UserStore(connection).lock_login(user.username)
            store = PasskeyStore(connection)
            if store.is_taken(passkey.credential_id):
                return InvalidRequest("This passkey is registered already. Use another device.")
            # Users who lost as many passkeys as they can have must be able to recover too.
            no_room = None if replaces_others else check_room(store.count(user.id), challenge.purpose)
            return no_room or (None if check is None else check(connection))

        detail: dict[str, Scalar] = {**facts(passkey), "purpose": challenge.purpose.value}
        if replaces_others:
            detail["replaces_others"] = True
        # A recovery link lets an Administrator replace another user's second factor, so its use is an alert.
        outcome = Outcome.ALERT if challenge.purpose is Purpose.RECOVER else Outcome.DONE
        event = _event("passkey.add", user, context, outcome, detail)
        changes = [add_passkey(passkey)]
        if replaces_others:
            changes.append(remove_other_passkeys(passkey.credential_id, owner=user.id))
        self.committer.commit(event, *changes, precondition=is_allowed)
        return passkey

    def count_request(self, action: str, user: User, request_id: str) -> None:
        """Count one more challenge of *user*; raises `RateLimited`."""
        require_rate(self.database, self.committer, self.clock(), action, user, request_id)

    def _registered(
        self, challenge: Challenge, user: User, answer: str, context: SignInContext
    ) -> NewCredential:
        try:
            return verify_registration(self.party, challenge.challenge, answer)
        except InvalidAnswer as error:
            event = _event("passkey.add", user, context, Outcome.FAILED, {"cause": error.cause})
            self.committer.commit_rate_limited(event)
            raise SignInFailed(_NOT_REGISTERED) from error

    def _verified(self, challenge: Challenge, user: User, answer: str) -> Passkey:
        assertion = parse_assertion(answer)
        with self.database.reading() as connection:
            store = PasskeyStore(connection)
            # The passkey of another user is as unknown here as one that does not exist.
            passkey = store.find(assertion.credential_id, user.id)
            handle = store.handle(user.id)
        if passkey is None:
            raise InvalidAnswer("unknown_passkey")
        return verify_assertion(self.party, challenge.challenge, assertion, passkey, handle)

    def _consume_attempt(
        self, action: str, limit: limits.RateLimit, user: User, context: SignInContext
    ) -> None:
        exhausted = limits.consume(self.database, [limit], self.clock())
        if exhausted is None:
            return
        if exhausted.is_first_refusal:
            detail = {"address": context.address, "budget": limit.name}
            self.committer.commit(_event(action, user, context, Outcome.DENIED, detail))
        raise TooManyAttempts("There were too many wrong passkeys. Wait 15 minutes, then try again.")

    def _refused(self, action: str, user: User, context: SignInContext, cause: str) -> SignInFailed:
        detail = {"address": context.address, "method": "passkey", "cause": cause}
        self.committer.commit(_event(action, user, context, Outcome.FAILED, detail))
        return SignInFailed(_WRONG)

    def _alert(self, action: str, user: User, context: SignInContext, error: CounterDidNotGrow) -> None:
        detail: Mapping[str, Scalar] = {
            "address": context.address,
            "during": action,
            "stored_count": error.stored,
            "presented_count": error.presented,
        }
        self.committer.commit(_event("passkey.cloned", user, context, Outcome.ALERT, detail))


def facts(passkey: Passkey) -> Mapping[str, Scalar]:
    """Return the facts about a passkey that its audit events have."""
    return {
        "passkey": passkey.id[:64],
        "name": passkey.name,
        "device_type": passkey.device_type,
        "aaguid": passkey.aaguid,
    }


def check_name(name: str) -> str:
    """Return the name of a passkey without secrets in it; raises `InvalidRequest`."""
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidRequest(f"A passkey's name has 1 to {LONGEST_NAME} printable characters.")
    return redacted(name)


def check_room(number: int, purpose: Purpose = Purpose.REGISTER) -> InvalidRequest | None:
    """Return the refusal of one more passkey for a user who has *number*, or None."""
    if number < MOST_PASSKEYS:
        return None
    # A user who recovers is not signed in, so they cannot remove a single one.
    remedy = (
        "Sign in again, and select “Remove my other passkeys”."
        if purpose is Purpose.RECOVER
        else "Remove one first."
    )
    return InvalidRequest(f"You have {MOST_PASSKEYS} passkeys, which is the limit. {remedy}")


def _new_passkey(credential: NewCredential, user: User, name: str, challenge: Challenge) -> Passkey:
    return Passkey(
        credential_id=credential.credential_id,
        user_id=user.id,
        public_key=credential.public_key,
        sign_count=credential.sign_count,
        device_type=credential.device_type,
        is_backed_up=credential.is_backed_up,
        aaguid=credential.aaguid,
        name=check_name(name),
        created_at=challenge.created_at,
    )


def _event(
    action: str, user: User, context: SignInContext, outcome: Outcome, detail: Mapping[str, Scalar]
) -> Event:
    actor = user.as_actor(context.request_id)
    return Event(action=action, actor=actor, outcome=outcome, subject=user.username, detail=detail)
