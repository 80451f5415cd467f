"""`daypass jit …`: our commands under duploctl's names, with duploctl's flags."""

import json

import click

from daypass.cli.cache import request
from daypass.cli.commands import legacy, options
from daypass.cli.commands.configure import update_one
from daypass.cli.commands.token import print_token
from daypass.cli.commands.web import open_console
from daypass.cli.credentials.fetch import Now
from daypass.cli.credentials.provider import print_keys


@click.group("jit", cls=legacy.Jit, context_settings=options.HELP)
def jit() -> None:
    """The same commands under duploctl's names: daypass jit aws …"""


@jit.command(
    "aws", short_help="Print keys in the form that credential_process expects.", context_settings=options.HELP
)
@options.access
@options.legacy
@legacy.unsupported_options
@click.pass_obj
def jit_aws(now: Now, /, **params: str | bool | None) -> None:
    """Print what `duploctl jit aws` prints, with the same flags.

    \b
    In ~/.aws/config:
      credential_process = daypass jit aws --host https://portal.example.com --admin --interactive
    """
    print_keys(_flags(params), now)


@jit.command("web", short_help="Open the AWS console, signed in.", context_settings=options.HELP)
@click.option("--print", "print_only", is_flag=True, help="Print the link; it is a secret for 15 minutes.")
@options.access
@options.legacy
@legacy.unsupported_options
@click.pass_obj
def jit_web(now: Now, /, print_only: bool, **params: str | bool | None) -> None:
    """Open the AWS console, as `duploctl jit web` does.

    \b
    Examples:
      daypass jit web --host https://portal.example.com --tenant dev01
      daypass jit web --admin --browser firefox
    """
    open_console(_flags(params), now, target=None, print_only=print_only)


@jit.command("token", short_help="Print the API token in use, as JSON.", context_settings=options.HELP)
@options.access
@options.legacy
@legacy.unsupported_options
@click.pass_obj
def jit_token(now: Now, /, **params: str | bool | None) -> None:
    """Print the API token in use as JSON, as `duploctl jit token` does.

    \b
    Example:
      daypass jit token --host https://portal.example.com
    """
    print_token(_flags(params), now, as_json=True)


@jit.command(
    "update_aws_config", short_help="Write a profile into the AWS config file.", context_settings=options.HELP
)
@options.access
@options.legacy
@legacy.unsupported_options
@click.argument("name", required=False)
@click.option("--name", "-N", "named", hidden=True)
@click.pass_obj
def jit_update_aws_config(
    now: Now, /, name: str | None, named: str | None, **params: str | bool | None
) -> None:
    """Write the profile NAME into the AWS config file, as `duploctl jit update_aws_config` does.

    \b
    Examples:
      daypass jit update_aws_config portal --host https://portal.example.com --admin --interactive
      daypass jit update_aws_config ci --host https://portal.example.com --admin --token "$TOKEN"

    A token is written to a private file that the profile names, not to the config file.
    """
    click.echo(json.dumps({"message": update_one(_flags(params), name or named or "duplo", now)}))


def _flags(params: options.Params) -> dict[str, str]:
    return request.from_duploctl(options.flags_of(params))
