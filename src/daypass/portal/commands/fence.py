"""`daypass portal fence`: the policies that limit tenants' roles, compared with and brought to an account."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from daypass.common.counting import counted
from daypass.portal.commands.common import open_database, read_configuration, report_errors
from daypass.portal.config.variables import ConfigError

if TYPE_CHECKING:
    from daypass.portal.accounts.rollout import RolloutPlan
    from daypass.portal.aws.fence.rollout.applying import StepFailed
    from daypass.portal.aws.fence.rollout.rollouts import FenceRollout, Request
    from daypass.portal.storage.engine import Database

_CONTINUE = (
    "As it stands, no role may do more than before the first step or after the last. Run the command again "
    "to continue."
)

_profile = click.option(
    "--profile",
    metavar="NAME",
    help="The AWS profile to use; without it, AWS's usual sources, such as AWS_PROFILE.",
)


def _scope(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what a plan includes."""

    @click.option("--tenant", "tenants", multiple=True, metavar="NAME", help="Migrate this tenant's role.")
    @click.option(
        "--all-tenants",
        is_flag=True,
        help="Migrate all roles that the portal named; not those whose ARNs were entered.",
    )
    @click.option("--pause", is_flag=True, help="Deny everything to all tenants until the last step.")
    @click.option(
        "--rollback", is_flag=True, help="Go back to the versions before the last rollout; roles stay."
    )
    @_profile
    @wraps(command)
    def with_scope(**options: Any) -> None:  # noqa: ANN401  click's values
        if options["rollback"] and (options["tenants"] or options["all_tenants"] or options["pause"]):
            raise click.UsageError("--rollback goes with none of --tenant, --all-tenants and --pause.")
        command(**options)

    return with_scope


@click.group()
def fence() -> None:
    """Bring the fence of this version to an AWS account.

    The fence consists of managed policies that all tenants' roles of an account share, and of their
    permissions boundary. The policies of the permission sets are part of the same rollout.

    \b
      daypass portal fence plan
      daypass portal fence apply --profile admin
      daypass portal fence verify --profile admin
    """


@fence.command()
@_scope
@click.option(
    "--format", "form", type=click.Choice(["text", "cli", "json"]), default="text", show_default=True
)
def plan(
    tenants: Sequence[str], *, all_tenants: bool, pause: bool, rollback: bool, profile: str | None, form: str
) -> None:
    """Show what the account has, what is missing, and the steps in order. Changes nothing.

    For roles to be migrated it also lists what their policies allow today and will not allow any more. Roles
    of permission sets are always included, in all tenants whose roles are of generation 2; those that nothing
    uses any more are shown with the commands that delete them. It needs AWS credentials that may read IAM.
    Exit code 0 means nothing to do, 1 means that there are steps or obstacles, 2 that AWS or the database
    could not be used.

    \b
      daypass portal fence plan
      daypass portal fence plan --tenant dev01 --tenant dev02
      daypass portal fence plan --all-tenants --format cli > fence.sh
    """
    from daypass.portal.commands import fence_output

    with report_errors(exit_code=2), open_database() as database:
        rollout, request = _rollout(database, profile, tenants, all_tenants, pause, rollback)
        planned = rollout.plan(request)
    written = {
        "text": fence_output.plan_text,
        "cli": fence_output.plan_commands,
        "json": fence_output.plan_json,
    }[form](planned)
    click.echo(written)
    raise SystemExit(0 if planned.is_complete else 1)


@fence.command()
@_scope
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def apply(
    tenants: Sequence[str], *, all_tenants: bool, pause: bool, rollback: bool, profile: str | None, yes: bool
) -> None:
    """Make the steps of the plan, with your own AWS credentials.

    It asks first, prints each step once AWS shows its result, and stops at the first error; run it again to
    continue. In between, no role may do more than before or after. Exit code 0 means that all is done, 1 that
    something is left, 2 that AWS or the database could not be used.

    \b
      daypass portal fence apply --profile admin
      daypass portal fence apply --tenant dev01 --yes
      daypass portal fence apply --rollback
    """
    from daypass.portal.aws.fence.rollout.applying import StepFailed
    from daypass.portal.commands import fence_output

    with report_errors(exit_code=2), open_database() as database:
        rollout, request = _rollout(database, profile, tenants, all_tenants, pause, rollback)
        planned = rollout.plan(request)
        click.echo(fence_output.plan_text(planned), err=True)
        if planned.steps and not yes:
            _confirm(planned)
            # The account may have changed while the question waited for its answer.
            if rollout.plan(request).steps != planned.steps:
                raise ConfigError("The account has changed since the plan was made. Run the command again.")
        number, count = 0, len(planned.steps)
        try:
            for number, step in enumerate(rollout.apply(planned), 1):
                click.echo(f"✓ {number}/{count} {step.sentence}")
        except StepFailed as failure:
            _report(failure, count)
            raise SystemExit(1) from failure
        except KeyboardInterrupt:
            _say(f"Interrupted in step {number + 1} of {count}. {_done(number)} {_CONTINUE}")
            raise
    if planned.steps:
        click.echo("Done. `daypass portal fence verify` reads everything back.", err=True)
    raise SystemExit(1 if planned.obstacles else 0)


@fence.command()
@_profile
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--live",
    is_flag=True,
    help="Check AWS's own behaviour instead, with a tenant that is created and removed for it.",
)
@click.option("--yes", is_flag=True, help="With --live: do not ask for confirmation.")
def verify(profile: str | None, form: str, *, live: bool, yes: bool) -> None:
    """Read the shared policies, tenants' roles and roles of permission sets back, and compare them.

    The portal creates roles of generation 2, and uses the policies of permission sets, only where this
    command found the policies complete. Exit code 0 means no differences, 1 differences, 2 that AWS or the
    database could not be used.

    With --live it makes requests whose answers only a real account can give. It says first what it creates,
    and removes everything again. Exit code 0 means that all answers are the expected ones.

    \b
      daypass portal fence verify
      daypass portal fence verify --profile admin --format json
      daypass portal fence verify --live --profile admin
    """
    if live:
        from daypass.portal.commands.fence_live import verify_live

        raise SystemExit(verify_live(profile, form, yes=yes))
    if yes:
        raise click.UsageError("--yes goes with --live.")
    from daypass.portal.accounts.store import VerifiedPolicies
    from daypass.portal.clock import utc_now
    from daypass.portal.commands import fence_output

    with report_errors(exit_code=2), open_database() as database:
        rollout, _ = _rollout(database, profile)
        verification = rollout.verify()
        # Recorded with differences too: the portal must stop using a policy that is no longer complete.
        with database.writing() as connection:
            VerifiedPolicies(connection).record(rollout.account_id, verification.digests, utc_now())
    text = fence_output.verification_text if form == "text" else fence_output.verification_json
    click.echo(text(verification))
    raise SystemExit(0 if verification.is_complete else 1)


def _rollout(
    database: "Database",
    profile: str | None,
    tenants: Sequence[str] = (),
    all_tenants: bool = False,
    pause: bool = False,
    rollback: bool = False,
) -> "tuple[FenceRollout, Request]":
    """Return the rollout in the account of the operator's credentials, and the request for it."""
    from time import sleep

    from daypass.portal.aws.fence.rollout.account_state import AccountReader
    from daypass.portal.aws.fence.rollout.applying import Applier
    from daypass.portal.aws.fence.rollout.operator import sign_in
    from daypass.portal.aws.fence.rollout.rollouts import FenceRollout, Request, SetRoles
    from daypass.portal.aws.fence.rollout.set_roles_in_account import AccountSetRoleReader
    from daypass.portal.diagnostics.doctor import every_tenant
    from daypass.portal.permission_sets.store import find_sets_with_own_roles
    from daypass.portal.settings.reader import SettingsReader
    from daypass.portal.settings.registry import TENANT_SERVICES
    from daypass.portal.storage.migrate import check

    config = read_configuration()
    check(database)
    operator = sign_in(config.aws, profile)
    click.echo(f"Account {operator.account.id}, as {operator.arn}.", err=True)
    known = every_tenant(database)
    here = [tenant for tenant in known if tenant.target.account_id == operator.account.id]
    rollout = FenceRollout(
        reader=AccountReader(operator.iam, operator.account, operator.guard),
        applier=Applier(operator.iam, operator.guard, sleep),
        tenants=here,
        set_roles=SetRoles(
            AccountSetRoleReader(operator.iam, operator.guard),
            find_sets_with_own_roles(database),
            services_of=lambda tenant_id: SettingsReader(database).of_tenant(tenant_id, TENANT_SERVICES),
        ),
        progress=lambda line: click.echo(line, err=True),
    )
    missing = [name for name in tenants if name not in {tenant.name for tenant in here}]
    if missing:
        raise ConfigError(
            f"No tenant {' or '.join(missing)} has a role in the account {operator.account.id}. "
            "Check the name, and the credentials that choose the account."
        )
    migrated = [tenant.name for tenant in here if all_tenants and not rollout.is_own(tenant)]
    return rollout, Request(tuple(dict.fromkeys((*tenants, *migrated))), pause=pause, back=rollback)


def _confirm(planned: "RolloutPlan") -> None:
    question = f"Make {counted(len(planned.steps), 'step')} in the account {planned.account_id}?"
    try:
        is_confirmed = click.confirm(question, err=True)
    except click.Abort as abort:
        raise ConfigError("Nothing was changed. Without a terminal, read the plan and use --yes.") from abort
    if not is_confirmed:
        raise ConfigError("Nothing was changed.")


def _report(failure: "StepFailed", count: int) -> None:
    from daypass.portal.commands.fence_output import MANAGED_ELSEWHERE
    from daypass.portal.errors import AwsNotAllowed

    cause = "" if failure.error.cause is None else f" {failure.error.cause}."
    hint = f" {MANAGED_ELSEWHERE}" if isinstance(failure.error, AwsNotAllowed) else ""
    said = f"Step {failure.number} of {count} failed. {failure.error.reason}{cause}"
    _say(f"{said} {_done(failure.number - 1)} {_CONTINUE}{hint}")


def _done(count: int) -> str:
    return {0: "No step is done.", 1: "Step 1 is done."}.get(count, f"Steps 1 to {count} are done.")


def _say(sentences: str) -> None:
    click.echo(f"daypass portal: {sentences}", err=True)
