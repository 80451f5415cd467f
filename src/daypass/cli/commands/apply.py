"""`daypass apply` and `daypass export`: users, tenants, memberships, settings and metadata as a file."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from daypass.cli.api.client import Answer, Portal
from daypass.cli.api.errors import printable
from daypass.cli.auth import session
from daypass.cli.commands import options
from daypass.cli.credentials.fetch import Now
from daypass.cli.declarative import live_state, manifest
from daypass.cli.declarative.plan import ADD, CHANGE, REMOVE, Plan, Step, plan
from daypass.cli.runtime.deadline import print_message
from daypass.cli.runtime.errors import Refusal, UsageError

_COLOURS = {ADD: "green", CHANGE: "yellow", REMOVE: "red"}
_MAX_BYTES = 16 * 1024 * 1024


@click.command("apply", context_settings=options.HELP)
@click.option("--file", "-f", "file", metavar="PATH", required=True, help="The file, or - for stdin.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@click.option("--prune", is_flag=True, help="Remove what the file leaves out of the sections that it has.")
@options.portal
@click.pass_obj
def apply(now: Now, /, file: str, dry_run: bool, prune: bool, **given: str | bool | None) -> None:
    """Make users, tenants and settings what a file says.

    For Administrators. Who belongs to a tenant is said with the tenant.

    \b
    Examples:
      daypass export > tenants.yaml
      daypass apply -f tenants.yaml --dry-run
      daypass apply -f tenants.yaml

    What the file does not mention stays as it is, unless --prune says otherwise. Doing it twice changes
    nothing the second time. Passwords are not in the file: an Administrator gives each new user one.

    \b
    users:
      dana@example.com: {role: User}
    tenants:
      dev01:
        region: eu-central-1
        members: {dana@example.com: full}
        settings: {aws_access_token_validity: 7200}
        metadata: {owner: team blue}
    settings:
      Flags: {EnableAwsAdminJitAccess: true}
    """
    name = "stdin" if file == "-" else file
    wanted = manifest.read(_text(file), name)
    portal = _portal(now, given)
    found = plan(name, wanted, live_state.read(portal), prune=prune)
    _show(found, is_trial=dry_run)
    if dry_run:
        return
    for done, step in enumerate(found.steps):
        try:
            answer = portal.call(
                step.method, step.path, step.body, f"changing {step.subject}", step.condition
            )
        except Refusal as refusal:
            # Each step stands for itself, and the same command goes on where this one ended.
            rest = f"{step.subject}: {refusal} {done} of {len(found.steps)} steps were done; run it again."
            raise type(refusal)(rest) from refusal
        for line in (*_role_obstacles(step, answer), *_warnings(step, answer)):
            print_message(line)
    if found.steps:
        click.echo(f"Done: {len(found.steps)} of {len(found.steps)}.")


@click.command("export", context_settings=options.HELP)
@options.portal
@click.pass_obj
def export(now: Now, /, **given: str | bool | None) -> None:
    """Print users, tenants and settings as a file to apply.

    For Administrators. `daypass apply` takes the file, and finds nothing to do until something changes.

    \b
    Example:
      daypass export --host https://portal.example.com > tenants.yaml
    """
    portal = _portal(now, given)
    # A file to apply is UTF-8, whatever the terminal's encoding is.
    click.echo(manifest.write(live_state.read(portal).manifest).encode(), nl=False)


def _portal(now: Now, given: options.Params) -> Portal:
    """The portal as an Administrator reaches it; without a token, by a sign-in with admin access."""
    return session.portal({**options.flags_of(given), "admin": "yes"}, os.environ, now)


def _role_obstacles(step: Step, answer: Answer) -> Iterator[str]:
    """Why a tenant that was added or changed cannot issue sessions yet, and the command that repairs it."""
    try:
        told = json.loads(answer.body or b"{}")
        found = told.get("role_obstacles") or []
        for one in found:
            yield f"{printable(step.subject)} cannot issue sessions yet. {printable(one['sentence'])}"
            yield f"  {printable(one['patch'])}"
    except (ValueError, AttributeError, KeyError, TypeError):
        # Another version of the portal, which says nothing of this.
        return


def _warnings(step: Step, answer: Answer) -> Iterator[str]:
    """What the portal says of a step that it did, such as that a deleted tenant's role kept its rights."""
    if warning := answer.headers.get("Daypass-Warning"):
        yield f"{printable(step.subject)}: {printable(warning)}"


def _text(file: str) -> str:
    try:
        raw = sys.stdin.buffer.read(_MAX_BYTES) if file == "-" else Path(file).read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8.") from error


def _show(found: Plan, *, is_trial: bool) -> None:
    if found.steps:
        click.echo("This would be done:\n" if is_trial else "This is being done:\n")
    for step in found.steps:
        _show_step(step)
    added, changed, removed = (found.count(sign) for sign in (ADD, CHANGE, REMOVE))
    if found.steps:
        click.echo(f"\nPlan: {added} to add, {changed} to change, {removed} to remove.")
    else:
        click.echo("No changes. The portal is what the file says.")
    if found.unmentioned == 1:
        print_message("1 more is not in the file and stays; --prune removes it.")
    elif found.unmentioned:
        print_message(f"{found.unmentioned:,} more are not in the file and stay; --prune removes them.")


def _show_step(step: Step) -> None:
    click.echo(f"  {click.style(step.sign, fg=_COLOURS[step.sign])} {step.subject}")
    for line in step.lines():
        click.echo(f"      {line}")
