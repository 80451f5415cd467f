"""`daypass configure`: profiles in the AWS config file, through which every AWS tool gets keys by itself."""

import difflib
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click

from daypass.cli.api import queries
from daypass.cli.api.client import Portal
from daypass.cli.auth import session
from daypass.cli.awsconfig import file
from daypass.cli.awsconfig.change import Change
from daypass.cli.awsconfig.credential_process import ProfileCommand
from daypass.cli.awsconfig.paths import config_path
from daypass.cli.awsconfig.profile_specs import (
    ADMIN,
    ProfileSpec,
    check_region,
    default_spec,
    make_spec,
    resolve_names,
)
from daypass.cli.awsconfig.profiles import Config
from daypass.cli.cache import request, tenant_names
from daypass.cli.commands import options
from daypass.cli.commands.tenants import no_tenants
from daypass.cli.credentials.fetch import SHORT_LIFETIME, Now
from daypass.cli.runtime.deadline import print_message
from daypass.cli.runtime.errors import Denied, Refusal, SignInNeeded, UsageError
from daypass.cli.runtime.redaction import without_secrets
from daypass.common.origins import is_loopback


@dataclass(frozen=True, slots=True)
class CallerFacts:
    """The portal's facts about the caller."""

    is_administrator: bool
    region: str
    tenants: Sequence[queries.Tenant]
    endpoint_url: str = ""
    """Endpoint of an AWS on this machine, such as the demo's; empty for AWS itself."""

    @property
    def regions(self) -> set[str]:
        """The regions that the portal uses; some may be newer than this CLI."""
        return {self.region, *(tenant.region for tenant in self.tenants)}

    def region_of(self, tenant: str | None) -> str:
        """Return the region of a tenant, or of admin access for None; raises `Denied` without access."""
        if tenant is None:
            if not self.is_administrator:
                raise Denied("Admin access is for Administrators, and you are not one at this portal.")
            return self.region
        for candidate in self.tenants:
            if tenant.lower() == candidate.name or tenant == candidate.id:
                return candidate.region
        hint = tenant_names.suggestion(tenant, [candidate.name for candidate in self.tenants])
        raise Denied(f"You have no tenant {tenant}. {hint}")

    def has_no_access_to(self, process: ProfileCommand) -> bool:
        """Return whether the portal would refuse that process."""
        try:
            self.region_of(process.tenant)
        except Denied:
            return True
        return False


@click.command("configure", context_settings=options.HELP)
@click.option("--all", "everything", is_flag=True, help="One profile for each tenant you may use, and admin.")
@click.option(
    "--profile", "name", metavar="NAME", help="The profile's name; by default the tenant's, or admin."
)
@click.option("--prefix", default="", metavar="TEXT", help="With --all: a prefix for the profiles' names.")
@click.option("--region", metavar="NAME", help="The profile's region; by default the tenant's.")
@click.option(
    "--by-name", is_flag=True, help="Write daypass without its path; each program then needs it on its PATH."
)
@click.option("--diff", is_flag=True, help="Only show what would change.")
@click.option("--prune", is_flag=True, help="Remove profiles once written here whose tenant is gone.")
@options.host
@options.scope
@options.duration
@options.permission_set
@options.caller
@options.debug
@click.pass_obj
def configure(now: Now, /, **params: str | bool | None) -> None:
    """Write profiles into the AWS config file.

    \b
    Examples:
      daypass configure --host https://portal.example.com --all
      daypass configure --host https://portal.example.com --tenant dev01
      daypass configure --all --diff
      daypass configure --all --prune
      daypass configure --admin --profile portal-admin --token "$TOKEN"
      daypass configure --tenant dev01 --identity kubernetes

    A profile names daypass by its absolute path, unless it is in a folder such as /usr/bin.
    The file is ~/.aws/config, or the one in AWS_CONFIG_FILE. Everything else in it stays unchanged, byte
    for byte. A token is never written to it: the one passed with --token goes to a private file of its own,
    and the profile names that file.
    """
    flags = options.flags_of(params)
    portal = session.portal(flags, os.environ, now)
    facts = _caller_facts(portal)
    specs, skipped = _profile_specs(flags, params, facts)
    change = Change(
        portal.origin,
        flags,
        specs,
        config_path(os.environ),
        overwrites_region=params["region"] is not None,
        endpoint_url=facts.endpoint_url,
        has_no_access_to=facts.has_no_access_to if params["prune"] else None,
        by_name=bool(params["by_name"]),
        skips_conflicts=bool(params["everything"]),
    )
    if params["diff"]:
        before = file.read(change.path)
        _show_difference(str(change.path), before, change.apply(before))
    else:
        _report(change, is_changed=change.save())
        if not (specs or skipped or change.pruned):
            print_message(
                f"No profile was written. {no_tenants(portal.origin)}"
                if params["everything"]
                else f"No profile was removed from {change.path}: you still have access through all of them."
            )
    _report_skipped(change, skipped)


def _caller_facts(portal: Portal) -> CallerFacts:
    me = queries.me(portal)
    endpoint_url = endpoint_for(portal.origin, me.aws_endpoint_url)
    return CallerFacts(me.is_administrator, me.region, queries.tenants(portal), endpoint_url)


def endpoint_for(origin: str, endpoint_url: str | None) -> str:
    """Return the endpoint that profiles name: empty unless it and the portal are both on this machine."""
    # A remote portal must not decide where this machine sends its requests to AWS.
    return endpoint_url if endpoint_url and is_loopback(origin) and is_loopback(endpoint_url) else ""


def update_one(flags: Mapping[str, str], name: str, now: Now) -> str:
    """Write the profile *name* as `duploctl jit update_aws_config` does; return its message."""
    tenant = None if "admin" in flags else request.tenant_of(flags, os.environ)
    region = os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION")
    facts = _facts_without_sign_in(flags, now)
    if region:
        check_region(region, os.environ, "AWS_DEFAULT_REGION or AWS_REGION", facts.regions if facts else ())
    elif facts is not None:
        region = facts.region_of(tenant)
    endpoint_url = None if facts is None else facts.endpoint_url
    path = config_path(os.environ)
    specs = [make_spec(name, tenant, region)]
    change = Change(request.origin_of(flags, os.environ), flags, specs, path, endpoint_url=endpoint_url)
    is_new = Config(file.read(path)).find(name) is None
    change.save()
    return f"aws profile named {name} was successfully {'added' if is_new else 'updated'} in {path}"


def _facts_without_sign_in(flags: Mapping[str, str], now: Now) -> CallerFacts | None:
    """Return the caller's facts; None if the portal does not answer or a sign-in is needed."""
    wanted = request.parse_request(flags, os.environ)
    try:
        if not (wanted.token or wanted.session_id or wanted.identity):
            raise SignInNeeded("There is no sign-in yet.")
        return _caller_facts(session.portal_for(wanted, flags, os.environ, now))
    except Denied:
        raise
    except Refusal as refusal:
        print_message(f"The profile has no region; set AWS_DEFAULT_REGION to give it one. {refusal}")
        return None


def _profile_specs(
    flags: Mapping[str, str], params: options.Params, facts: CallerFacts
) -> tuple[Sequence[ProfileSpec], Mapping[str, str]]:
    """Return the profiles to write, and with --all the reasons why some tenants get none."""
    region, name = params["region"], params["name"]
    if region is not None:
        check_region(str(region), os.environ, "--region", facts.regions)
    if "admin" in flags and "tenant" in flags:
        raise UsageError("Choose one: --tenant NAME for a tenant's profile, or --admin for admin access.")
    if params["everything"]:
        if name is not None or "tenant" in flags or "admin" in flags:
            raise UsageError("--all is for all tenants: leave out --profile, --tenant and --admin.")
        tenants: list[str | None] = [tenant.name for tenant in facts.tenants]
        tenants += [None] if facts.is_administrator else []
        return resolve_names(
            make_spec(params["prefix"] + (tenant or ADMIN), tenant, region or facts.region_of(tenant))
            for tenant in tenants
        )
    if params["prune"] and "tenant" not in flags and "admin" not in flags:
        return [], {}
    tenant = None if "admin" in flags else request.tenant_of(flags, os.environ)
    region = region or facts.region_of(tenant)
    return [make_spec(name, tenant, region) if name else default_spec(tenant, region)], {}


def _show_difference(name: str, before: bytes, after: bytes) -> None:
    old, new = (
        without_secrets(content.decode("utf-8", "replace")).splitlines() for content in (before, after)
    )
    lines = difflib.unified_diff(old, new, f"{name} as it is", f"{name} as it would be", lineterm="")
    click.echo("\n".join(lines) or f"{name} would not change.")


def _report(change: Change, *, is_changed: bool) -> None:
    path = change.path
    for name in change.pruned:
        print_message(f"Profile {name} removed from {path}: you no longer have its access.")
    for spec in change.written:
        print_message(f"Profile {spec.name} {'written to' if is_changed else 'is in'} {path}.")
    if (
        change.written
        and "duration" in change.flags
        and request.read_duration(change.flags["duration"]) < SHORT_LIFETIME
    ):
        print_message(
            "With keys that last less than 32 minutes, AWS SDKs may start daypass before each request."
        )
    if change.written:
        print_message(f"Try it: aws --profile {shlex.quote(change.written[0].name)} sts get-caller-identity")


def _report_skipped(change: Change, skipped: Mapping[str, str]) -> None:
    """Print which profiles were skipped and how to get them; raises `UsageError` if none was written."""
    for tenant, reason in skipped.items():
        print_message(f"No profile for the tenant {tenant}: {reason}")
    for name, reason in change.skipped.items():
        print_message(f"Profile {name} not written: {reason}")
    if skipped or change.skipped:
        advice = (
            "Give the profiles other names with --prefix TEXT, or one a name with --tenant and --profile."
        )
        if not change.written:
            raise UsageError(f"No profile was written. {advice}")
        print_message(advice)
