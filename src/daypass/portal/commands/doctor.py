"""`daypass portal doctor`: checks of the database, the portal's AWS identity and the tenants' roles."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from daypass.common.counting import counted
from daypass.portal.commands.common import open_database, read_configuration, report_errors

if TYPE_CHECKING:
    from daypass.portal.config.model import PortalConfig
    from daypass.portal.diagnostics.finding import Finding
    from daypass.portal.storage.engine import Database

_PROFILES = {
    "embedded": "SQLite, in this process",
    "direct": "session settings hold, and statements are prepared",
    "pooled": "a connection pooler is in between, so statements are not prepared",
}
NO_AWS = "aws"
"""The code of the finding that AWS cannot be used."""
_MARKS = {"fine": "✓", "warning": "!", "error": "✗"}


@click.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.option(
    "--claims", metavar="PROVIDER", help="Check only what a sign-in with your claims of a provider would do."
)
def doctor(form: str, strict: bool, claims: str | None) -> None:
    """Check AWS, all roles, providers and workload rules.

    It checks the portal's AWS identity and its clock. For each role it checks existence, trust policy,
    maximum session duration and fence; for each identity provider its metadata, keys, clock and
    algorithms, and it prints the redirect URI to register; for each that provisions by SCIM, whether it
    has a token and uses it; and it checks that the issuers of workload rules are allowed. It changes
    nothing and creates no AWS session.
    Each finding comes with the command that fixes it. A check that fails is a finding itself, and the
    others continue. Exit code 0 means no errors, 1 means that some users get no session (with --strict,
    also warnings), 2 means that AWS or the database could not be used at all; without AWS, the other
    findings are still printed.

    With --claims it prints an address to open in a browser. After your sign-in at the provider it says which
    user a sign-in would find, create or refuse, and why, which groups your claims name, and which claims are
    missing. No user is signed in, and nothing is changed. A portal must serve the same database.

    \b
      daypass portal doctor
      daypass portal doctor --format json --strict
      daypass portal doctor --claims okta
    """
    findings = _findings() if claims is None else _claims(claims)
    if form == "json":
        click.echo(json.dumps({"findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        _print(findings)
    bad = {"error", "warning"} if strict else {"error"}
    if any(finding.code == NO_AWS for finding in findings):
        raise SystemExit(2)
    raise SystemExit(1 if any(finding.level in bad for finding in findings) else 0)


def _findings() -> "Sequence[Finding]":
    from daypass.portal.commands.aws_findings import aws_findings
    from daypass.portal.diagnostics.finding import run_check
    from daypass.portal.storage.migrate import check

    with report_errors(exit_code=2), open_database() as database:
        config = read_configuration()
        check(database)
        return [
            *run_check("database_profile", "database", lambda: [_session_profile(database)]),
            *run_check("audit_privileges", "database", lambda: _audit_privileges(database)),
            *run_check("providers", "identity providers", lambda: _providers(config)),
            *run_check("workload_issuer", "workload rules", lambda: _workload_issuers(config, database)),
            *run_check("provider_scim", "provisioning", lambda: _provisioning(config, database)),
            *run_check("break_glass", "break-glass account", lambda: _break_glass(config, database)),
            *aws_findings(config, database),
        ]


def _claims(provider: str) -> "Sequence[Finding]":
    from daypass.portal.commands.doctor_claims import claims_findings
    from daypass.portal.storage.migrate import check

    with report_errors(exit_code=2), open_database() as database:
        check(database)
        config = read_configuration()
        return claims_findings(provider, config, database, lambda text: click.echo(text, err=True))


def _providers(config: "PortalConfig") -> "Sequence[Finding]":
    if not config.providers:
        return []
    from daypass.portal.clock import utc_now
    from daypass.portal.diagnostics.identity_providers import ProviderDoctor
    from daypass.portal.identity.jwt import Issuers

    return list(ProviderDoctor(config, utc_now, Issuers(utc_now)).examine())


def _workload_issuers(config: "PortalConfig", database: "Database") -> "Sequence[Finding]":
    from daypass.portal.diagnostics.workload_issuers import examine_issuers
    from daypass.portal.workloads.store.rules import RuleStore

    with database.reading() as connection:
        rules = [each.rule for each in RuleStore(connection).all()]
    return list(examine_issuers(rules, config.workload_issuers))


def _provisioning(config: "PortalConfig", database: "Database") -> "Sequence[Finding]":
    from daypass.portal.clock import utc_now
    from daypass.portal.diagnostics.provisioning import ProvisioningDoctor

    return list(ProvisioningDoctor(config, database, utc_now).examine())


def _break_glass(config: "PortalConfig", database: "Database") -> "Sequence[Finding]":
    from daypass.portal.diagnostics.break_glass import examine_break_glass

    return examine_break_glass(database, config.password_sign_in)


def _session_profile(database: "Database") -> "Finding":
    from daypass.portal.diagnostics.finding import Finding, Level

    sentence = f"The session profile is {database.profile}: {_PROFILES[database.profile]}."
    return Finding("database_profile", Level.FINE, "database", sentence)


def _audit_privileges(database: "Database") -> "Sequence[Finding]":
    from daypass.portal.diagnostics.finding import Finding, Level
    from daypass.portal.storage.privileges import rewriting_privileges

    if database.is_sqlite:
        return []
    with database.reading() as connection:
        privileges = rewriting_privileges(connection)
    if not privileges:
        sentence = "The portal's role can append audit events, and neither change nor delete them."
        return [Finding("audit_privileges", Level.FINE, "database", sentence)]
    sentence = f"The portal's role can change or delete audit events: it has {', '.join(privileges)}."
    patch = "daypass portal migrate --application-role ROLE, as the owner of the tables; then serve as ROLE"
    return [Finding("audit_privileges", Level.WARNING, "database", sentence, patch)]


def _print(findings: "Sequence[Finding]") -> None:
    for finding in findings:
        click.echo(f"{_MARKS[finding.level]} {finding.subject}: {finding.sentence}")
        if finding.patch:
            click.echo(f"    {finding.patch}")
    errors = sum(finding.level == "error" for finding in findings)
    warnings = sum(finding.level == "warning" for finding in findings)
    click.echo()
    click.echo(
        "No problems found."
        if not errors + warnings
        else f"{counted(errors, 'error')}, {counted(warnings, 'warning')}."
    )
