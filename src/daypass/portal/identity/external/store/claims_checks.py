"""Queries for the checks of a person's claims."""

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from daypass.portal.storage.schema.sign_in import claims_checks

_c = claims_checks.c


class ClaimsCheckStore:
    """Queries for checks; those that have expired count as absent."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, check_id: str, provider: str, expires_at: datetime) -> None:
        """Insert a check without findings."""
        row = {"id": check_id, "provider": provider, "expires_at": expires_at}
        self._connection.execute(insert(claims_checks).values(**row))

    def is_open(self, check_id: str, provider: str, now: datetime) -> bool:
        """Return whether a check of the provider waits for its findings."""
        query = select(_c.id).where(_c.id == check_id, _c.provider == provider)
        waiting = query.where(_c.findings.is_(None), _c.expires_at > now)
        return self._connection.execute(waiting).first() is not None

    def answer(self, check_id: str, provider: str, findings: str, now: datetime) -> bool:
        """Store the findings of a check that waits for them; of several calls, the first counts."""
        waiting = update(claims_checks).where(_c.id == check_id, _c.provider == provider)
        # The condition on the findings is the lock: of two answers at the same time, the second updates no
        # row.
        done = self._connection.execute(
            waiting.where(_c.findings.is_(None), _c.expires_at > now).values(findings=findings)
        )
        return done.rowcount == 1

    def findings(self, check_id: str) -> str | None:
        """Return the findings of a check, or None if it has none yet."""
        return self._connection.execute(select(_c.findings).where(_c.id == check_id)).scalar()

    def delete(self, check_id: str, now: datetime) -> None:
        """Delete a check, and those that have expired."""
        self._connection.execute(delete(claims_checks).where((_c.id == check_id) | (_c.expires_at <= now)))
