"""A user's own passkeys: registration, proof of presence, renaming and removal; every change is audited."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daypass.portal.audit.event import Event, Outcome, Scalar
from daypass.portal.errors import InvalidRequest, SignInFailed
from daypass.portal.identity.model import ApiToken, User
from daypass.portal.identity.passkeys.challenges import Challenges, check_name, check_room, facts
from daypass.portal.identity.passkeys.model import Ceremony, Passkey, Purpose
from daypass.portal.identity.passkeys.requirement import is_required
from daypass.portal.identity.passkeys.store import PasskeyStore, remove_passkey, rename_passkey
from daypass.portal.identity.providers.base import ProvenIdentity, SignInContext
from daypass.portal.identity.providers.registry import provider_name
from daypass.portal.identity.reauthentication import is_recent, require_recent_authentication
from daypass.portal.identity.store.users import UserStore
from daypass.portal.settings.store import SettingStore
from daypass.portal.storage.engine import Connection


@dataclass(frozen=True, slots=True)
class Passkeys:
    """The service for the passkeys of signed-in users."""

    challenges: Challenges

    @property
    def unavailable_reason(self) -> str:
        """The reason why browsers have no passkeys for this portal; empty if they have."""
        return self.challenges.party.unavailable_reason

    def list_own(self, user: User) -> Sequence[Passkey]:
        """Return the passkeys of *user*, oldest first."""
        with self.challenges.database.reading() as connection:
            return PasskeyStore(connection).list_for(user.id)

    def is_required(self, user: User) -> bool:
        """Return whether *user* needs a passkey to sign in with a password."""
        with self.challenges.database.reading() as connection:
            return is_required(user, SettingStore(connection).read(None))

    def begin_registration(self, session: ApiToken, user: User, request_id: str) -> Ceremony:
        """Return the options with which the browser of *session* registers a passkey.

        Raises `ReauthenticationRequired`, `RateLimited`, and `InvalidRequest` where passkeys cannot work or
        the user has too many.
        """
        self.challenges.party.check_available()
        registered = self.list_own(user)
        self._require_recent(session, registered)
        if refusal := check_room(len(registered)):
            raise refusal
        return self._begin(session, user, Purpose.REGISTER, "passkey.add", request_id)

    def register(
        self, session: ApiToken, user: User, handle: str, answer: str, name: str, context: SignInContext
    ) -> Passkey:
        """Add the passkey that *answer* registers.

        Raises the same as `begin_registration`, `RequestExpired`, and `SignInFailed` for a wrong answer.
        """
        # Asked again: five minutes may have passed since the options were sent, or another passkey was added.
        self._require_recent(session, self.list_own(user))
        check_name(name)
        challenge = self.challenges.take(handle, {Purpose.REGISTER}, session.id)
        return self.challenges.add(challenge, user, answer, name, context)

    def rename(self, user: User, passkey_id: str, name: str, request_id: str) -> None:
        """Rename a passkey of *user*; nothing happens if they have none of that id."""
        name = check_name(name)
        passkey = self._find_own(user, passkey_id)
        if passkey is None or passkey.name == name:
            return
        event = _event("passkey.rename", user, request_id, {**facts(passkey), "new_name": name})
        rename = rename_passkey(passkey.credential_id, owner=user.id, name=name)
        self.challenges.committer.commit(event, rename)

    def remove(self, session: ApiToken, user: User, passkey_id: str, request_id: str) -> None:
        """Remove a passkey of *user*; nothing happens if they have none of that id.

        Raises `ReauthenticationRequired`, and `InvalidRequest` for the last one of a user who needs one.
        """
        require_recent_authentication(session, self.challenges.clock(), takes_exempt=False)
        passkey = self._find_own(user, passkey_id)
        if passkey is None:
            return

        def another_is_left(connection: Connection) -> InvalidRequest | None:
            # Locked, because two requests could each remove what the other one leaves.
            UserStore(connection).lock_login(user.username)
            is_last = PasskeyStore(connection).count(user.id) <= 1
            if is_last and is_required(user, SettingStore(connection).read(None)):
                reason = "This is your only passkey, and you need one to sign in. Add another one first."
                return InvalidRequest(reason)
            return None

        event = _event("passkey.remove", user, request_id, facts(passkey))
        remove = remove_passkey(passkey.credential_id, owner=user.id)
        self.challenges.committer.commit(event, remove, precondition=another_is_left)

    def begin_reauthentication(self, session: ApiToken, user: User, request_id: str) -> Ceremony:
        """Return the options with which the browser of *session* shows a passkey of *user*."""
        self.challenges.party.check_available()
        return self._begin(session, user, Purpose.REAUTHENTICATE, "sign_in.confirm", request_id)

    def prove_again(
        self, session: ApiToken, user: User, handle: str, answer: str, context: SignInContext
    ) -> ProvenIdentity:
        """Prove by a passkey that a signed-in user is still the one at the browser.

        Raises `SignInFailed`, `TooManyAttempts` or `RequestExpired`. The identity has the provider of the
        session, which stays the one that signed the user in. The session that it gives ends with the old one.
        """
        challenge = self.challenges.take(handle, {Purpose.REAUTHENTICATE}, session.id)
        with self.challenges.database.reading() as connection:
            record = UserStore(connection).find_login(user.username)
        if record is None or record.user.id != challenge.user_id:
            raise SignInFailed("Your account was changed while you confirmed. Sign in again.")
        passkey, refunds = self.challenges.verify("sign_in.confirm", challenge, user, answer, context)
        # The session that replaces this one was signed in in the ways of both.
        methods = dict.fromkeys([*(session.authentication_methods or "").split(), passkey.method])
        return ProvenIdentity(
            record,
            provider_name(session),
            " ".join(methods),
            self.challenges.clock(),
            refunds,
            # A passkey alone begins no session, so it prolongs none. Otherwise users could stay for ever whom
            # their identity provider, or the portal with its passwords turned off, lets in no more.
            ends_at=session.expires_at,
        )

    def _begin(
        self, session: ApiToken, user: User, purpose: Purpose, action: str, request_id: str
    ) -> Ceremony:
        self.challenges.count_request(action, user, request_id)
        challenge = self.challenges.new(user, purpose, session.id)
        options = self.challenges.options(challenge, user)
        return Ceremony(self.challenges.store(challenge), options)

    def _find_own(self, user: User, passkey_id: str) -> Passkey | None:
        return next((passkey for passkey in self.list_own(user) if passkey.id == passkey_id), None)

    def _require_recent(self, session: ApiToken, registered: Sequence[Passkey]) -> None:
        now = self.challenges.clock()
        # A provider that gives no time of authentication can never prove a recent one. So that its users get
        # a passkey at all, the first one needs a session that has only just begun.
        if session.provider is not None and not registered and is_recent(session.created_at, now):
            return
        require_recent_authentication(session, now, takes_exempt=False)


def _event(action: str, user: User, request_id: str, detail: Mapping[str, Scalar]) -> Event:
    actor = user.as_actor(request_id)
    return Event(action=action, actor=actor, outcome=Outcome.DONE, subject=user.username, detail=detail)
