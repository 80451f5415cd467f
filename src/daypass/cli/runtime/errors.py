"""The CLI's errors. Each message says what to do, and each class has an exit code."""

EXIT_CODES = {
    0: "it worked",
    1: "unexpected: a fault of daypass itself; also, silently, if the reader of its output has ended",
    2: "the command line, or what it asks for, is wrong",
    3: "sign in: no token or identity that the portal accepts, no recent sign-in, or a declined one",
    4: "refused: no access, or no such tenant",
    5: "unavailable: the portal or AWS did not answer; try again later",
    6: "set up wrongly: certificates, the portal's address, the portal's AWS roles, a missing extra, or a "
    "job without an identity token",
    7: "standard output is closed, or cannot take more",
}


class Refusal(ValueError):
    """An error that the user can understand and act on."""

    exit_code = 1


class UsageError(Refusal):
    """The command line or the environment is invalid."""

    exit_code = 2


class SignInNeeded(Refusal):
    """There is no token that the portal accepts."""

    exit_code = 3


class SessionExpired(SignInNeeded):
    """The code or the session has expired or was revoked."""


class Denied(Refusal):
    """The portal denied the request."""

    exit_code = 4


class NotFound(Denied):
    """The portal has no such object or path."""


class Unavailable(Refusal):
    """The portal or AWS is temporarily unavailable."""

    exit_code = 5


class CommandNotExecutable(Refusal):
    """The command to be run is not executable."""

    exit_code = 126


class CommandNotFound(Refusal):
    """The command to be run does not exist."""

    exit_code = 127


class Misconfigured(Refusal):
    """The configuration of this machine, the portal or AWS is wrong, so a retry does not help."""

    exit_code = 6


class Unwritable(Refusal):
    """Standard output is closed or full."""

    exit_code = 7
