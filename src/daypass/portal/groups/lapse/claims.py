"""Background job that ends sessions of removed providers, and memberships by claims that have lapsed."""

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from daypass.portal.audit.committer import Committer
from daypass.portal.audit.event import PORTAL, Event, Outcome
from daypass.portal.clock import Clock
from daypass.portal.config.providers import GroupSource, ProviderConfig
from daypass.portal.errors import LastAdministrator, PortalError, PreconditionFailed, SignInFailed
from daypass.portal.groups.lapse.store import LapsedClaimStore
from daypass.portal.groups.synchronisation import GroupSynchronisation
from daypass.portal.identity.external.store.provider_sessions import ProviderSessionStore
from daypass.portal.identity.store.tokens import revoke_token
from daypass.portal.storage.engine import Connection, Database
from daypass.portal.storage.group_commit import LONGEST_COMMIT
from daypass.portal.storage.unit_of_work import UnitOfWork
from daypass.portal.telemetry.error_events import FailureLog

CLAIMS_COUNT_FOR = timedelta(days=30)
"""The time for which the groups of a sign-in at a provider count, unless another one there confirms them."""

_INTERVAL = timedelta(hours=1)
_BATCH = 100


@dataclass(frozen=True, slots=True)
class LapsedClaims:
    """The service that ends sessions of removed providers, and memberships of groups by lapsed claims.

    Safe to run on several replicas at once. A replica that is started with a former configuration ends too
    much; the next sign-in brings it back.
    """

    database: Database
    committer: Committer
    clock: Clock
    synchronisation: GroupSynchronisation
    providers: Sequence[ProviderConfig]

    @property
    def issuers(self) -> Mapping[str, str]:
        """The issuer of each configured provider."""
        return {provider.name: provider.issuer for provider in self.providers}

    @property
    def claim_issuers(self) -> Mapping[str, str]:
        """The issuer of each configured provider whose claims give groups."""
        return {each.name: each.issuer for each in self.providers if each.groups is GroupSource.CLAIM}

    def end_sessions(self) -> int:
        """End up to a hundred browser sessions that began at a provider or issuer not configured any more.

        Return how many were found; a session that ended meanwhile is not recorded again.
        """
        now = self.clock()
        with self.database.reading() as connection:
            found = ProviderSessionStore(connection).list_of_others(self.issuers, now, _BATCH)
        changes = [revoke_token(each.token_id, owner=each.user_id, at=now) for each in found]
        events = [
            Event(
                action="sign_out.provider",
                actor=PORTAL,
                outcome=Outcome.DONE,
                subject=each.username,
                detail={"provider": each.provider, "token_id": each.token_id, "reason": "not_configured"},
            )
            for each in found
        ]

        def unchanged(inside: Connection) -> PortalError | None:
            if ProviderSessionStore(inside).list_of_others(self.issuers, now, _BATCH) == found:
                return None
            return PreconditionFailed("Another replica, or the user, ended some of these sessions.")

        if found:
            # Otherwise two replicas would each record the end of the same session. The next batch has the
            # rest.
            with suppress(PreconditionFailed):
                self.committer.commit_unit(UnitOfWork(changes, events, unchanged, is_exclusive=True))
        return len(found)

    def end_memberships(self) -> int:
        """Take up to a hundred users out of the groups by claims that count no longer; return how many left.

        A user stays if no Administrator with an assigned role and a password would remain, which is recorded
        as an alert.
        """
        issuers, before = self.claim_issuers, self.clock() - CLAIMS_COUNT_FOR
        with self.database.reading() as connection:
            found = LapsedClaimStore(connection).list_users(issuers, before, _BATCH)
        ended = 0
        for user, provider in found:

            def has_lapsed(inside: Connection, user: str = user.id, provider: str = provider) -> bool:
                return LapsedClaimStore(inside).has_lapsed(user, provider, issuers, before)

            # A refusal keeps one user as they are, and must not keep the others from leaving; the next run
            # tries again. Anything else, such as a database that does not write, ends this run.
            with suppress(LastAdministrator, SignInFailed):
                self.committer.commit_unit(self.synchronisation.changes_of_lapse(user, provider, has_lapsed))
                ended += 1
        return ended


@dataclass(slots=True)
class LapsedClaimsJob:
    """The thread that runs `LapsedClaims` once an hour."""

    lapsed: LapsedClaims
    _failures: FailureLog = field(default_factory=lambda: FailureLog("lapsed claims"))
    _closing: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def run_once(self) -> None:
        """End everything that has lapsed; changes that the database refuses now wait for a later run."""
        try:
            # In batches, because each unit holds the lock that every release of credentials shares.
            while not self._closing.is_set() and self.lapsed.end_sessions():
                pass
            while not self._closing.is_set() and self.lapsed.end_memberships():
                pass
        except PortalError as error:
            self._failures.failed(error)
        else:
            self._failures.succeeded()

    def start(self) -> None:
        """Start the thread, which runs until `close`."""
        self._thread = threading.Thread(target=self._run, name="lapsed-claims", daemon=True)
        self._thread.start()

    def interrupt(self) -> None:
        """Signal the thread to stop after the current batch, without waiting for it."""
        self._closing.set()

    def close(self) -> None:
        """Stop the thread, and wait for it for at most `LONGEST_COMMIT`."""
        self.interrupt()
        if self._thread is not None:
            self._thread.join(LONGEST_COMMIT.total_seconds())

    def _run(self) -> None:
        while not self._closing.wait(_INTERVAL.total_seconds()):
            self.run_once()
