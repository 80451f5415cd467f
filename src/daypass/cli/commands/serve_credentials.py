"""`daypass serve-credentials`: a loopback endpoint that renews the keys of long-running programs."""

import json
import os
import signal
import sys
from types import FrameType

import click

from daypass.cli.auth import session
from daypass.cli.cache import request, tenant_names
from daypass.cli.cache.credentials import Credentials
from daypass.cli.commands import options
from daypass.cli.credentials import environment, fetch, github_actions
from daypass.cli.credentials.container_endpoint import TOKEN_VARIABLE, ContainerEndpoint
from daypass.cli.runtime.deadline import print_message
from daypass.cli.runtime.errors import Denied, UsageError
from daypass.cli.runtime.redaction import known_tokens, scrubbed
from daypass.cli.runtime.shells import SHELLS, syntax_of


@click.command("serve-credentials", context_settings=options.HELP)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="The port on 127.0.0.1; by default a free one.",
)
@click.option(
    "--output",
    "-o",
    type=click.Choice([*SHELLS, "json"]),
    help="How to print the variables; by default for your shell.",
)
@options.access
@click.pass_obj
def serve_credentials(now: fetch.Now, /, port: int, output: str | None, **params: str | bool | None) -> None:
    """Serve keys to AWS SDKs on this machine until stopped.

    It prints two variables, AWS_CONTAINER_CREDENTIALS_FULL_URI and AWS_CONTAINER_AUTHORIZATION_TOKEN. A
    program with these variables in its environment requests keys whenever it needs new ones. The endpoint
    listens on 127.0.0.1 only, requires the token, and stores nothing on disk.

    \b
    Examples:
      daypass serve-credentials --tenant dev01
      eval "$(daypass serve-credentials --tenant dev01 &)"
      daypass serve-credentials --tenant dev01 --port 9911 --output json
      docker run --network host --env AWS_CONTAINER_CREDENTIALS_FULL_URI \\
        --env AWS_CONTAINER_AUTHORIZATION_TOKEN my-image
    """
    syntax = "" if output == "json" else syntax_of(output, os.environ)
    endpoint = open_endpoint(options.flags_of(params), now, port)
    # Python's default for SIGTERM skips the cleanup that an exception runs.
    signal.signal(signal.SIGTERM, _exit)
    variables = {**endpoint.variables, **environment.region_variables(endpoint.credentials)}
    github_actions.mask([endpoint.variables[TOKEN_VARIABLE]], os.environ)
    # AWS SDKs prefer keys in the environment to the endpoint, so these variables are unset.
    removed = (*environment.KEYS, *environment.CONFLICTING_VARIABLES)
    click.echo("\n".join(environment.lines(syntax, variables, removed)) if syntax else json.dumps(variables))
    sys.stdout.flush()
    # A reader such as "$(daypass serve-credentials … &)" waits for end of file, so stdout is closed here.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    print_message(f"Serving keys at http://{endpoint.loopback.authority} until you stop it with Ctrl-C.")
    endpoint.loopback.serve()


def open_endpoint(flags: dict[str, str], now: fetch.Now, port: int = 0) -> ContainerEndpoint:
    """Return an endpoint with its first keys. It renews them with the caller's current sign-in."""

    def renew() -> Credentials:
        wanted = request.parse_request(flags, os.environ)
        try:
            return fetch.new_credentials(wanted, session.portal_for(wanted, flags, os.environ, now), now)
        except Denied as denied:
            raise tenant_names.with_suggestion(denied, os.environ, wanted.origin, wanted.tenant) from denied

    try:
        return ContainerEndpoint(renew, now, _scrub, port)
    except OSError as error:
        raise UsageError(f"Port {port} on 127.0.0.1 cannot be used: {error.strerror}.") from error


def _scrub(sentence: str) -> str:
    return scrubbed(sentence, known_tokens(sys.argv, os.environ))


def _exit(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
