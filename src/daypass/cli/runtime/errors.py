"""What can go wrong on a person's machine: each a sentence that says what to do, and an exit code."""

EXIT_CODES = {
    0: "it worked",
    1: "unexpected: a fault of daypass itself",
    2: "the command line, or what it asks for, is wrong",
    3: "sign in: no token, or the portal does not accept it",
    4: "refused: no access, or no such tenant",
    5: "unavailable: the portal or AWS did not answer; try again later",
    6: "set up wrongly: certificates, the portal's address, the portal's AWS roles, or a missing extra",
    7: "standard output is closed, or cannot take more",
}


class Refusal(ValueError):
    """An end that the person at the keyboard can understand and act on."""

    exit_code = 1


class UsageError(Refusal):
    """The command line or the environment asks for something that makes no sense."""

    exit_code = 2


class SignInNeeded(Refusal):
    """There is no token, or not one that the portal accepts."""

    exit_code = 3


class SessionExpired(SignInNeeded):
    """The portal knows this code or sign-in no more."""


class Denied(Refusal):
    """The portal understood and said no."""

    exit_code = 4


class NotFound(Denied):
    """The portal knows no such thing, or no such address."""


class Unavailable(Refusal):
    """The portal or AWS is not there just now."""

    exit_code = 5


class CommandNotExecutable(Refusal):
    """The command that was to be run cannot be run."""

    exit_code = 126


class CommandNotFound(Refusal):
    """There is no such command to run."""

    exit_code = 127


class Misconfigured(Refusal):
    """Trying again will not help: something between here and AWS is set up wrongly."""

    exit_code = 6


class Unwritable(Refusal):
    """Standard output is closed or full."""

    exit_code = 7
