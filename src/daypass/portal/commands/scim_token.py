"""`daypass portal scim-token`: a token by which an identity provider provisions users."""

import click

from daypass.portal.commands.common import open_database, read_configuration, report_errors


@click.command("scim-token")
@click.argument("provider")
@click.option("--revoke-others", is_flag=True, help="Revoke all other tokens of the provider.")
def scim_token(provider: str, revoke_others: bool) -> None:
    """Create a token for SCIM. PROVIDER is the name of a configured identity provider.

    The token is written to the standard output once, and cannot be read again. Enter it at the provider,
    beside the address PUBLIC_URL/scim/v2. It reaches nothing else, and has no end.

    Two tokens of a provider are valid at once, so that a new one can replace the old one without a pause;
    a third one revokes the oldest.

    \b
      daypass portal scim-token okta
      daypass portal scim-token okta --revoke-others
    """
    from daypass.portal.audit.committer import Committer
    from daypass.portal.clock import utc_now
    from daypass.portal.config.providers import GroupSource
    from daypass.portal.errors import InvalidRequest
    from daypass.portal.identity.provisioning.tokens import ScimTokens
    from daypass.portal.storage.migrate import check

    with report_errors(), open_database() as database:
        configured = {each.name: each.groups for each in read_configuration().providers}
        if configured.get(provider) is not GroupSource.SCIM:
            raise InvalidRequest(
                f"No identity provider “{provider}” with groups = “scim” is configured. The address of SCIM "
                "serves only those."
            )
        check(database)
        committer = Committer(database, utc_now)
        try:
            secret = ScimTokens(database, committer, utc_now).create(provider, revokes_others=revoke_others)
        finally:
            committer.close()
    click.echo(secret.reveal())
