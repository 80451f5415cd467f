"""`daypass portal migrate`: the database's schema."""

import click

from daypass.portal.commands.common import database_file, open_database, report_errors


@click.command()
@click.option(
    "--application-role",
    metavar="ROLE",
    help="PostgreSQL: grant this role what serving needs; it cannot change or delete audit events.",
)
@click.option(
    "--check",
    "is_check",
    is_flag=True,
    help="Change nothing; exit with 0 if this version works with the database as it is, else with 1.",
)
def migrate(application_role: str | None, is_check: bool) -> None:
    """Migrate the database to the schema of this version. Idempotent, and safe to run concurrently.

    A database that a newer version has migrated stays as it is. That is a success if this version works with
    its schema, so that a rollback can run this command too, and an error otherwise.

    \b
      DAYPASS_DATABASE_URL=postgresql://daypass@db/daypass daypass portal migrate
      daypass portal migrate --check && daypass portal serve
    With one role that owns the tables and another for serving:
      DAYPASS_DATABASE_URL=postgresql://owner@db/daypass daypass portal migrate --application-role daypass
    """
    from daypass.portal.storage.migrate import check
    from daypass.portal.storage.migrate import migrate as apply

    if is_check and application_role is not None:
        raise click.UsageError("--check changes nothing, so it cannot be combined with --application-role.")
    with report_errors(), open_database() as database:
        newer = check(database) if is_check else apply(database, application_role, _report_lock)
        file = database_file()
        name = f"The database{f' {file}' if file else ''}"
        if newer is None:
            click.echo(f"{name} has the schema of this version.", err=True)
        else:
            click.echo(
                f"{name} was migrated by a newer version of Daypass, {newer.migrated_by}, to the schema "
                f"{newer.revision}. This version works with it. Nothing was changed.",
                err=True,
            )


def _report_lock() -> None:
    click.echo("Another transaction uses a table that is to be changed. Trying again ...", err=True)
