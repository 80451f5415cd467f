"""A wrapper for secret values."""

from hmac import compare_digest
from typing import NoReturn


class Secret:
    """A string that refuses to be printed, pickled or turned into JSON.

    `reveal()` is the only way out, so a search for it finds every place where a secret leaves.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself; call this only where it leaves the process."""
        return self._value

    @property
    def tail(self) -> str:
        """The last four characters, for display."""
        return self._value[-4:]

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        # `compare_digest` refuses text that is not ASCII, hence the bytes.
        return isinstance(other, Secret) and compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment]  # a hash would let it be a key, and keys get printed

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled; call reveal() where it leaves the process")
