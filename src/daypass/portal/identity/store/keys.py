"""Queries for the keys with which replicas encrypt values for one another."""

from datetime import datetime

from sqlalchemy import Connection, select

from daypass.portal.storage.schema.operation import sealing_keys
from daypass.portal.storage.upsert import insert_or_update


class KeyStore:
    """Queries for the encryption key of one purpose."""

    def __init__(self, connection: Connection, purpose: str) -> None:
        self._connection = connection
        self._purpose = purpose

    def find(self) -> bytes | None:
        """Return the key, or None if no replica has created it yet."""
        query = select(sealing_keys.c.key).where(sealing_keys.c.purpose == self._purpose)
        key = self._connection.scalar(query)
        return None if key is None else bytes(key)

    def add(self, key: bytes, now: datetime) -> bytes:
        """Insert *key* unless another replica was faster; return the key in force."""
        row = {"purpose": self._purpose, "key": key, "created_at": now}
        statement = insert_or_update(self._connection, sealing_keys).values(**row)
        self._connection.execute(statement.on_conflict_do_nothing())
        # On a conflict the other replica's key is in force.
        return self.find() or key
