"""`daypass apply` and `daypass export`: users, tenants, memberships, settings and metadata in a file."""

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
_MAX_STDIN = 16 * 1024 * 1024
"""The largest file, in bytes, that is read from standard input."""


@click.command("apply", context_settings=options.HELP)
@click.option("--file", "-f", "file", metavar="PATH", required=True, help="The file, or - for stdin.")
@click.option("--dry-run", is_flag=True, help="Show the plan without making any change.")
@click.option("--prune", is_flag=True, help="Remove what the file leaves out of the sections that it has.")
@options.portal
@click.pass_obj
def apply(now: Now, /, file: str, dry_run: bool, prune: bool, **params: str | bool | None) -> None:
    """Make users, tenants and settings match a file.

    For Administrators. The members of a tenant are listed with the tenant.

    \b
    Examples:
      daypass export > tenants.yaml
      daypass apply -f tenants.yaml --dry-run
      daypass apply -f tenants.yaml

    Entries that the file does not list stay as they are, unless --prune is set. The command is idempotent:
    a second run changes nothing. The file holds no passwords; an Administrator sets one for each new user.

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
    desired = manifest.read(_read(file), name)
    portal = _portal(now, params)
    changes = plan(name, desired, live_state.read(portal), prune=prune)
    _show(changes, is_dry_run=dry_run)
    if dry_run:
        return
    for done, step in enumerate(changes.steps):
        try:
            answer = portal.call(
                step.method, step.path, step.body, f"changing {step.subject}", step.condition
            )
        except Refusal as refusal:
            # Each step is independent, so a second run continues where this one stopped.
            message = (
                f"{step.subject}: {refusal} {done} of {len(changes.steps)} steps were done. Remove the cause "
                "and run it again."
            )
            raise type(refusal)(message) from refusal
        for line in (*_role_problems(step, answer), *_warnings(step, answer)):
            print_message(line)
    if changes.steps:
        click.echo(f"Done: {len(changes.steps)} of {len(changes.steps)}.")


@click.command("export", context_settings=options.HELP)
@options.portal
@click.pass_obj
def export(now: Now, /, **params: str | bool | None) -> None:
    """Print users, tenants and settings as a file to apply.

    For Administrators. The output is the input of `daypass apply`, which then has nothing to change.

    \b
    Example:
      daypass export --host https://portal.example.com > tenants.yaml
    """
    portal = _portal(now, params)
    # Written as bytes, because the file is UTF-8 in every locale.
    click.echo(manifest.write(live_state.read(portal).manifest).encode(), nl=False)


def _portal(now: Now, params: options.Params) -> Portal:
    """Return a client of the portal with admin access: by the given token, else by a sign-in."""
    return session.portal({**options.flags_of(params), "admin": "yes"}, os.environ, now)


def _role_problems(step: Step, answer: Answer) -> Iterator[str]:
    """Yield why an added or changed tenant cannot issue sessions yet, and the command that repairs it."""
    try:
        for problem in json.loads(answer.body or b"{}").get("role_obstacles") or []:
            yield f"{printable(step.subject)} cannot issue sessions yet. {printable(problem['sentence'])}"
            yield f"  {printable(problem['patch'])}"
    except (ValueError, AttributeError, KeyError, TypeError):
        # Another version of the portal does not report these problems.
        return


def _warnings(step: Step, answer: Answer) -> Iterator[str]:
    """Yield the portal's warning about a completed step, if there is one."""
    if warning := answer.headers.get("Daypass-Warning"):
        yield f"{printable(step.subject)}: {printable(warning)}"


def _read(file: str) -> str:
    try:
        raw = sys.stdin.buffer.read(_MAX_STDIN + 1) if file == "-" else Path(file).read_bytes()
        # A part of a file may be a valid file too, with which --prune would remove what the rest lists.
        if file == "-" and len(raw) > _MAX_STDIN:
            raise UsageError("Standard input has more than 16 MiB. Save it, and name the file with --file.")
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8.") from error


def _show(changes: Plan, *, is_dry_run: bool) -> None:
    if changes.steps:
        click.echo("These changes would be made:\n" if is_dry_run else "Making these changes:\n")
    for step in changes.steps:
        _show_step(step)
    added, changed, removed = (changes.count(sign) for sign in (ADD, CHANGE, REMOVE))
    if changes.steps:
        click.echo(f"\nPlan: {added} to add, {changed} to change, {removed} to remove.")
    else:
        click.echo("No changes. The portal matches the file.")
    if changes.unlisted == 1:
        print_message("1 more entry of the portal is not in the file; --prune removes it.")
    elif changes.unlisted:
        print_message(
            f"{changes.unlisted:,} more entries of the portal are not in the file; --prune removes them."
        )


def _show_step(step: Step) -> None:
    click.echo(f"  {click.style(step.sign, fg=_COLOURS[step.sign])} {step.subject}")
    for line in step.lines():
        click.echo(f"      {line}")
