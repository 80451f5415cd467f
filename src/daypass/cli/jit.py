"""`daypass jit …`: our commands in duploctl's words, with duploctl's flags."""

import click

from daypass.cli import options
from daypass.cli.aws import print_keys
from daypass.cli.refresh import Now

_output = click.option("--output", "-o", type=click.Choice(["json"]), hidden=True, expose_value=False)


@click.group("jit", context_settings=options.HELP)
def jit() -> None:
    """The same in duploctl's words: daypass jit aws …"""


@jit.command("aws", context_settings=options.HELP)
@options.access
@options.legacy
@_output
@click.pass_obj
def jit_aws(now: Now, /, **given: str | bool | None) -> None:
    """What `duploctl jit aws` prints, from the same flags: put `daypass` in its place.

    \b
    In ~/.aws/config:
      credential_process = daypass jit aws --host https://portal.example.com --admin --interactive
    """
    print_keys(_flags(given), now)


def _flags(given: options.Given) -> dict[str, str]:
    """The flags in our words."""
    flags = options.flags_of(given)
    # duploctl lets --admin win over a tenant that is given too.
    if "admin" in flags:
        flags.pop("tenant", None)
        flags.pop("tenant_id", None)
    return flags
