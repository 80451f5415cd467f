"""A value that does not show itself."""

from hmac import compare_digest
from typing import NoReturn


class Secret:
    """A text that refuses to be printed, pickled or turned into JSON.

    `reveal()` is the only way out, so a search for it finds every place where a secret leaves.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself; call this only where it leaves."""
        return self._value

    @property
    def tail(self) -> str:
        """The last four characters, by which a person recognises it."""
        return self._value[-4:]

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment]  # a hash would let it be a key, and keys get printed

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret does not travel; reveal() it where it leaves")
