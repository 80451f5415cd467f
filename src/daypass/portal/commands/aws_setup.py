"""`daypass portal aws-setup`: the IAM user and policies that the portal needs in an AWS account."""

import re

import click

from daypass.common.console.partitions import partition_of
from daypass.portal.commands.common import check_environment, read_values, report_errors
from daypass.portal.config.reader import read_region
from daypass.portal.config.variables import AWS_REGION, MASTER_ROLE, ROLE_PREFIX


@click.command("aws-setup")
@click.option(
    "--format",
    "form",
    type=click.Choice(["cli", "cloudformation", "terraform"]),
    required=True,
    help="A shell script for the AWS CLI, a CloudFormation template, or Terraform code.",
)
@click.option("--account", required=True, metavar="ID", help="The AWS account, twelve digits.")
@click.option(
    "--user", default="daypass-portal", show_default=True, help="The name of the portal's IAM user."
)
def aws_setup(form: str, account: str, user: str) -> None:
    """Print the IAM setup that the portal needs. Changes nothing.

    The policies grant least privilege, with the reason for each action. DAYPASS_ROLE_PREFIX and
    DAYPASS_MASTER_ROLE determine the names of roles; DAYPASS_AWS_REGION determines the partition.

    \b
      daypass portal aws-setup --format cli --account 123456789012 > setup.sh
      daypass portal aws-setup --format terraform --account 123456789012 > daypass.tf
    """
    from daypass.portal.accounts.model import Account
    from daypass.portal.aws.setup import FORMATS

    if not re.fullmatch("[0-9]{12}", account):
        raise click.BadParameter("An AWS account has twelve digits.", param_hint="--account")
    # The characters that IAM allows. The name is written into a shell script and into code, where others
    # could have a meaning.
    if not re.fullmatch(r"[A-Za-z0-9_+=,.@-]{1,64}", user):
        raise click.BadParameter(
            "The name of a user has 1 to 64 letters, digits and any of _+=,.@-.", param_hint="--user"
        )
    with report_errors():
        check_environment()
        values = read_values()
        prefix, master = values.get(ROLE_PREFIX), values.get(MASTER_ROLE)
        region = read_region(values) if values.is_set(AWS_REGION) else ""
    click.echo(FORMATS[form](Account.known(partition_of(region), account, prefix, master), user), nl=False)
