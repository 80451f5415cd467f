"""`daypass portal migrate`: the database's schema."""

import click

from daypass.portal.commands.common import database_file, open_database, report_errors


@click.command()
@click.option(
    "--application-role",
    metavar="ROLE",
    help="PostgreSQL: grant this role what serving needs; it cannot change or delete audit events.",
)
def migrate(application_role: str | None) -> None:
    """Migrate the database to the schema of this version. Idempotent, and safe to run concurrently.

    \b
      DAYPASS_DATABASE_URL=postgresql://daypass@db/daypass daypass portal migrate
    With one role that owns the tables and another for serving:
      DAYPASS_DATABASE_URL=postgresql://owner@db/daypass daypass portal migrate --application-role daypass
    """
    from daypass.portal.storage.migrate import migrate as apply

    with report_errors(), open_database() as database:
        apply(database, application_role)
        file = database_file()
        click.echo(f"The database{f' {file}' if file else ''} has the schema of this version.", err=True)
