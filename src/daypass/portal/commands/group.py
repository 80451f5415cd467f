"""The command group `daypass portal`. Each command imports what it runs only when it is called."""

import click

from daypass.portal.commands.audit import audit
from daypass.portal.commands.aws_setup import aws_setup
from daypass.portal.commands.backup import backup
from daypass.portal.commands.config import config
from daypass.portal.commands.create_admin import create_admin
from daypass.portal.commands.create_break_glass import create_break_glass
from daypass.portal.commands.doctor import doctor
from daypass.portal.commands.fence import fence
from daypass.portal.commands.migrate import migrate
from daypass.portal.commands.scim_token import scim_token
from daypass.portal.commands.serve import serve

_HELP = {"help_option_names": ["-h", "--help"]}


@click.group(context_settings=_HELP)
def portal() -> None:
    """Run the portal, which issues short-lived AWS credentials.

    \b
    From nothing to a portal on this machine:
      export DAYPASS_AWS_REGION=eu-central-1
      export AWS_PROFILE=daypass-portal    # or any other source of AWS credentials
      daypass portal migrate
      daypass portal create-admin you@example.com --with-token
      daypass portal serve

    Environment variables or a TOML file configure it: `daypass portal serve --help` lists the variables, and
    `daypass portal config check` prints their values. To try it without an AWS
    account, run `daypass demo` instead.
    """


portal.add_command(serve)
portal.add_command(migrate)
portal.add_command(create_admin)
portal.add_command(create_break_glass)
portal.add_command(scim_token)
portal.add_command(aws_setup)
portal.add_command(audit)
portal.add_command(backup)
portal.add_command(doctor)
portal.add_command(fence)
portal.add_command(config)
