"""The identity token of this job, from the system that signs it. The standard library is enough for all."""

from urllib.parse import quote, urlencode

from daypass.cli.api.client import ApiRequest
from daypass.cli.cache.request import decode_text, read_file, trimmed
from daypass.cli.identity import claims, token_service
from daypass.cli.identity.selection import (
    AZURE,
    AZURE_ADVICE,
    HCP_VARIABLES,
    MAX_TOKEN_SIZE,
    TOKEN_VARIABLE,
    Identity,
    variables,
)
from daypass.cli.runtime.errors import Misconfigured, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_PROGRAM_TIMEOUT = 30.0
"""Timeout of a program that prints a token, in seconds."""

_WITHIN_A_PROGRAM = "DAYPASS_WITHIN_AWS"
"""Set for the program `aws`, whose profile may run this command again, without end."""

_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")

ADVICE = {
    "github": (
        "The job needs the permission `id-token: write`; GitHub gives it to no pull request from a fork."
    ),
    "gitlab": f"Add `id_tokens: {{ {TOKEN_VARIABLE}: {{ aud: … }} }}` with the portal's address to the job.",
    "bitbucket": "Add `oidc: { audiences: […] }` with the portal's address to the step.",
    "circleci": "It is available in jobs on CircleCI, not on a laptop.",
    "buildkite": "It is available in jobs of an agent that has its own access token.",
    "hcp-terraform": "Set TFC_WORKLOAD_IDENTITY_AUDIENCE_DAYPASS to the portal's address in the workspace.",
    AZURE: AZURE_ADVICE,
    "aws": "It needs a new AWS CLI, keys with sts:GetWebIdentityToken, and a region.",
    "google": "It is available on Google Cloud, with a service account.",
}
"""The instructions for a job of each system to get an identity token, or access without any."""


def id_token(
    identity: Identity, audience: str, flags: "Mapping[str, str]", environment: "Mapping[str, str]"
) -> str:
    """Return a token for *audience*, the portal's origin. Raises a `Refusal` that names what is missing."""
    source = identity.source
    if identity.path:
        text = decode_text(read_file(identity.path, "file with the identity token", MAX_TOKEN_SIZE + 1))
    elif source in _VARIABLES:
        text = environment[_variable(identity, audience, environment)]
    elif source in _PROGRAMS:
        text = _printed(identity, _PROGRAMS[source](audience), environment)
    else:
        text = _SERVICES[source](identity, audience, flags, environment)
    token = trimmed(text)
    if not token or len(token) > MAX_TOKEN_SIZE or token.count(".") != 2 or not _LETTERS.issuperset(token):
        raise _missing(identity, "What it gives is not a signed token (JWT).")
    return token


def _missing(identity: Identity, reason: str) -> Misconfigured:
    return Misconfigured(
        f"No identity token from {identity.system}: {reason} {ADVICE.get(identity.source, '')}".rstrip()
    )


_VARIABLES = {
    "gitlab": TOKEN_VARIABLE,
    "variable": TOKEN_VARIABLE,
    "bitbucket": "BITBUCKET_STEP_OIDC_TOKEN",
    "hcp-terraform": HCP_VARIABLES[0],
}
"""The variable that the user should set, for the systems that put tokens into variables."""


def _variable(identity: Identity, audience: str, environment: "Mapping[str, str]") -> str:
    """Return the variable with the token for *audience*, or else the one that is Daypass's own.

    Raises `Misconfigured` if there is neither: a token of the job for another service is never sent.
    """
    own, names = _VARIABLES[identity.source], variables(identity.source, environment)
    if not names:
        raise _missing(identity, f"{own} is not set in this job.")
    for name in names:
        if audience in claims.audiences(claims.unverified(trimmed(environment[name]))):
            return name
    if identity.source == "gitlab" and own not in names:
        raise _missing(identity, f"{described(names, environment)}; none is for {audience}.")
    return names[0]


def described(names: "Sequence[str]", environment: "Mapping[str, str]") -> str:
    """Return which variable is for which service, as part of a message."""
    found = {name: claims.audiences(claims.unverified(trimmed(environment[name]))) for name in names}
    return ", ".join(f"{name} is for {claims.joined(audiences)}" for name, audiences in found.items())


def variable_with(token: str, identity: Identity, environment: "Mapping[str, str]") -> str:
    """Return the name of the variable that *token* is from; "" if it is from elsewhere."""
    names = variables(identity.source, environment)
    return next((name for name in names if trimmed(environment[name]) == token), "")


def _circleci(audience: str) -> "Sequence[str]":
    import json

    return ("circleci", "run", "oidc", "get", "--claims", json.dumps({"aud": audience}))


def _buildkite(audience: str) -> "Sequence[str]":
    return ("buildkite-agent", "oidc", "request-token", "--audience", audience)


def _aws(audience: str) -> "Sequence[str]":
    words = f"--audience {audience} --signing-algorithm RS256 --duration-seconds 300"
    return (
        "aws",
        "sts",
        "get-web-identity-token",
        *words.split(),
        "--query",
        "WebIdentityToken",
        *_TEXT,
    )


_TEXT = ("--output", "text")

_PROGRAMS: "dict[str, Callable[[str], Sequence[str]]]" = {
    "circleci": _circleci,
    "buildkite": _buildkite,
    "aws": _aws,
}


def _printed(identity: Identity, command: "Sequence[str]", environment: "Mapping[str, str]") -> str:
    """Return the standard output of a program. Its errors are not shown, because they may repeat a secret."""
    # Imported here because most systems need no program.
    import shlex
    import subprocess

    if _WITHIN_A_PROGRAM in environment:
        raise Misconfigured(
            "The AWS profile in use gets its keys from daypass, which asks AWS for an identity token. Set "
            "AWS_PROFILE to a profile with keys of its own."
        )
    line = shlex.join(command)
    try:
        done = subprocess.run(  # noqa: S603  a fixed command with the portal's address
            command,
            env={**environment, _WITHIN_A_PROGRAM: "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PROGRAM_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        # The exception has the output, so it is not chained.
        raise Unavailable(
            f"No identity token from {identity.system}: `{line}` did not end in time."
        ) from None
    except OSError as error:
        raise _missing(identity, f"{command[0]} cannot be run: {error.strerror}.") from None
    if done.returncode:
        raise _missing(
            identity, f"`{command[0]}` failed ({done.returncode}). The reason is shown by: {line} >/dev/null."
        )
    return done.stdout.decode("utf-8", "replace")


def _github(
    identity: Identity, audience: str, flags: "Mapping[str, str]", environment: "Mapping[str, str]"
) -> str:
    url, bearer = _both(
        identity, environment, "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
    )
    request = ApiRequest(
        "GET", _path(url, {"audience": audience}), {"Authorization": f"Bearer {bearer}"}, None
    )
    return token_service.json_token(identity.system, request, url, "value", flags, ADVICE["github"])


def _google(
    identity: Identity,
    audience: str,
    flags: "Mapping[str, str]",  # noqa: ARG001  the metadata server has no certificate
    environment: "Mapping[str, str]",
) -> str:
    host = environment.get("GCE_METADATA_HOST") or "metadata.google.internal"
    path = "/computeMetadata/v1/instance/service-accounts/default/identity"
    request = ApiRequest(
        "GET",
        f"{path}?audience={quote(audience, safe='')}&format=full",
        {"Metadata-Flavor": "Google"},
        None,
    )
    return token_service.metadata_token(identity.system, host, request, ADVICE["google"])


_SERVICES = {"github": _github, "google": _google}


def _both(identity: Identity, environment: "Mapping[str, str]", *names: str) -> tuple[str, str]:
    for name in names:
        if not environment.get(name):
            raise _missing(identity, f"{name} is not set in this job.")
    url, bearer = (trimmed(environment[name]) for name in names)
    if not (bearer.isascii() and bearer.isprintable()):
        raise _missing(identity, f"{names[1]} has characters that no token has.")
    return url, bearer


def _path(url: str, query: "Mapping[str, str]") -> str:
    """Return path and query of *url*, which may have a query already, with the members of *query* added."""
    rest = url.partition("://")[2].partition("#")[0]
    path = rest[len(rest.partition("/")[0].partition("?")[0]) :] or "/"
    if not path.startswith("/"):
        path = f"/{path}"
    # As in http.client, a line break or a blank would end the request line.
    safe = quote(path, safe="/?&=%:@!$'()*+,;~-._")
    return f"{safe}{'&' if '?' in path else '?'}{urlencode(query)}"
