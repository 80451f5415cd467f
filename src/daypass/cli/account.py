"""Whom a command calls as: the token that was given, else the sign-in that this machine keeps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from daypass.cli import ask
from daypass.cli.client import Portal
from daypass.cli.trust import trust

Now = Callable[[], float]


@dataclass(frozen=True, slots=True)
class GivenToken:
    """A token from a flag, a file or a variable; when it is refused there is no other."""

    text: str = field(repr=False)

    def token(self) -> str:
        """The token."""
        return self.text

    def instead_of(self, refused: str) -> str | None:  # noqa: ARG002  none takes its place
        """Nothing."""
        return None


def portal(flags: Mapping[str, str], environment: Mapping[str, str], now: Now) -> Portal:  # noqa: ARG001
    """The portal that is meant, called as whoever is meant; `admin` among *flags* asks for that much.

    Raises `SignInNeeded` where there is neither a token nor a sign-in, and none can be had.
    """
    origin = ask.origin_of(flags, environment)
    bearer = GivenToken(ask.token_of(flags, environment, origin))
    return Portal(origin, bearer, trust(origin, flags, environment))
