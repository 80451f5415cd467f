"""Encryption of values that only the portal itself reads again, with keys that all replicas share."""

from dataclasses import dataclass, field

from cryptography.fernet import Fernet, InvalidToken

from daypass.portal.clock import Clock
from daypass.portal.identity.store.keys import KeyStore
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database


@dataclass(slots=True)
class SealingKey:
    """The encryption key of one purpose; its first use creates it.

    Each purpose has its own key, so that a value which was encrypted for one is never accepted for another.
    """

    database: Database
    clock: Clock
    purpose: str
    """1 to 32 characters."""
    _fernet: Fernet | None = field(default=None, init=False, repr=False)

    def cipher(self) -> Fernet:
        """Return the cipher of the key."""
        if self._fernet is None:
            with self.database.reading() as connection:
                key = KeyStore(connection, self.purpose).find()
            if key is None:
                with self.database.writing() as connection:
                    key = KeyStore(connection, self.purpose).add(Fernet.generate_key(), self.clock())
            # Without a lock: threads that come here at once get the same key from the database.
            self._fernet = Fernet(key)
        return self._fernet

    def seal(self, value: Secret) -> str:
        """Return *value* encrypted, as text for a column."""
        now = int(self.clock().timestamp())
        return self.cipher().encrypt_at_time(value.reveal().encode(), now).decode()

    def unseal(self, text: str) -> Secret | None:
        """Return the value that `seal` encrypted, or None if it was not encrypted with this key."""
        try:
            return Secret(self.cipher().decrypt(text.encode()).decode())
        except InvalidToken:
            return None
