"""`daypass configure`: profiles in the AWS config file, so that every AWS tool finds its keys by itself."""

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from daypass.cli import account, ask, configfile, facts, options, private
from daypass.cli.awsconfig.paths import config_path
from daypass.cli.awsconfig.reader import load_credentials, parse
from daypass.cli.awsconfig.sources import AwsFiles
from daypass.cli.client import Portal
from daypass.cli.errors import Denied, Misused, Refusal, SignInNeeded
from daypass.cli.home import expanded
from daypass.cli.patience import say
from daypass.cli.processes import Process, understood
from daypass.cli.profiles import Config, Profile
from daypass.cli.refresh import SHORT, Now
from daypass.cli.scrub import without_secrets
from daypass.common.origins import is_loopback


@dataclass(frozen=True, slots=True)
class Known:
    """What the portal says about the caller."""

    is_administrator: bool
    region: str
    tenants: Sequence[facts.Tenant]
    endpoint_url: str = ""
    """Of an AWS on this machine, such as the demo's; empty for any other."""

    def region_of(self, tenant: str | None) -> str:
        """Where a tenant is, or admin access; raises `Denied` if it is not the caller's."""
        if tenant is None:
            if not self.is_administrator:
                raise Denied("Admin access is for Administrators, and you are none at this portal.")
            return self.region
        for found in self.tenants:
            if tenant.lower() == found.name or tenant == found.id:
                return found.region
        raise Denied(f"You have no tenant {tenant}. Yours are listed by: daypass tenants")

    def has_lost(self, process: Process) -> bool:
        """Whether that process would be refused, since its tenant or admin access is gone."""
        try:
            self.region_of(process.tenant)
        except Denied:
            return True
        return False


@dataclass(frozen=True, slots=True)
class Wish:
    """A profile that is wanted: its name, whose keys it gives (None: admin's), and its region if known."""

    name: str
    tenant: str | None
    region: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done to the file. It may be done again, to whatever is found there."""

    origin: str
    flags: Mapping[str, str]
    wishes: Sequence[Wish]
    path: Path
    moves_region: bool = False
    endpoint_url: str | None = None
    known: Known | None = None
    """Given, the profiles that we once wrote for what the caller has no longer are removed."""
    pruned: dict[str, str] = field(default_factory=dict)
    """The removed profiles and their commands, once it has been done."""

    def apply(self, content: bytes) -> bytes:
        """Return the file as it is to be; raises a `Refusal` where the AWS tools would not use it."""
        _refuse_pipes(self.flags)
        files = AwsFiles(parse(content, self.path), load_credentials(os.environ))
        config = Config(content)
        self.pruned.clear()
        self.pruned.update(config.prune(self._is_gone))
        profiles = [self._profile(wish) for wish in self.wishes]
        for profile in profiles:
            conflict = files.conflict(profile.name)
            if conflict:
                raise Misused(conflict.sentence)
            config.put(profile, moves_region=self.moves_region)
        changed = config.to_bytes()
        self._check(AwsFiles(parse(changed, self.path), files.credentials))
        return changed

    def make(self) -> bool:
        """Change the file; says whether that was necessary."""
        # Refused before anything is written, if at all.
        self.apply(configfile.read(self.path))
        if "token" in self.flags:
            for wish in self.wishes:
                private.write(_token_file_of(self.origin, wish.name), self.flags["token"] + "\n")
        is_changed = configfile.change(self.path, self.apply, os.environ)
        for name in self.pruned:
            _token_file_of(self.origin, name).unlink(missing_ok=True)
        return is_changed

    def _check(self, files: AwsFiles) -> None:
        for profile in map(self._profile, self.wishes):
            files.check(profile.name, profile.command)

    def _profile(self, wish: Wish) -> Profile:
        process = Process(self.origin, wish.tenant, self._token_file(wish))
        return Profile(wish.name, process.command(self.flags, os.environ), wish.region, self.endpoint_url)

    def _token_file(self, wish: Wish) -> str | None:
        if "token" in self.flags:
            return str(_token_file_of(self.origin, wish.name))
        named = self.flags.get("token_file")
        return str(Path(expanded(named, os.environ)).absolute()) if named else None

    def _is_gone(self, command: str) -> bool:
        process = understood(command)
        return (
            self.known is not None
            and process is not None
            and process.origin == self.origin
            and self.known.has_lost(process)
        )


@click.command("configure", context_settings=options.HELP)
@click.option("--all", "everything", is_flag=True, help="One profile for each tenant you may use, and admin.")
@click.option(
    "--profile", "name", metavar="NAME", help="The profile's name; by default the tenant's, or admin."
)
@click.option("--prefix", default="", metavar="TEXT", help="With --all: what the profiles' names begin with.")
@click.option("--region", metavar="NAME", help="The profile's region; by default the tenant's.")
@click.option("--diff", is_flag=True, help="Only show what would change.")
@click.option("--prune", is_flag=True, help="Remove profiles once written here whose tenant is gone.")
@options.host
@options.scope
@options.duration
@options.caller
@options.debug
@click.pass_obj
def configure(now: Now, /, **given: str | bool | None) -> None:
    """Write profiles into the AWS config file.

    \b
    Examples:
      daypass configure --host https://portal.example.com --all
      daypass configure --host https://portal.example.com --tenant dev01
      daypass configure --all --diff
      daypass configure --all --prune
      daypass configure --admin --profile portal-admin --token "$TOKEN"

    The file is ~/.aws/config, or the one in AWS_CONFIG_FILE. All that is not ours stays in it, byte for
    byte. A token never goes into it: one given with --token is put into a private file of its own, and
    the profile names that file.
    """
    flags = options.flags_of(given)
    portal = account.portal(flags, os.environ, now)
    known = _known(portal)
    wishes = _wishes(flags, given, known)
    change = Change(
        portal.origin,
        flags,
        wishes,
        config_path(os.environ),
        moves_region=given["region"] is not None,
        endpoint_url=known.endpoint_url,
        known=known if given["prune"] else None,
    )
    if given["diff"]:
        before = configfile.read(change.path)
        _show_difference(str(change.path), before, change.apply(before))
    else:
        _tell(change, is_changed=change.make())


def _known(portal: Portal) -> Known:
    me = facts.me(portal)
    endpoint_url = endpoint_for(portal.origin, me.aws_endpoint_url)
    return Known(me.is_administrator, me.region, facts.tenants(portal), endpoint_url)


def endpoint_for(origin: str, endpoint_url: str | None) -> str:
    """Return the endpoint that profiles name: empty unless it and the portal are both on this machine."""
    # A portal elsewhere does not decide where this machine sends its requests to AWS.
    return endpoint_url if endpoint_url and is_loopback(origin) and is_loopback(endpoint_url) else ""


def update_one(flags: Mapping[str, str], name: str, now: Now) -> str:
    """Write the profile *name* as duploctl's users expect it; says what was done."""
    tenant = None if "admin" in flags else ask.tenant_of(flags, os.environ)
    region = os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION")
    known = _known_without_sign_in(flags, now)
    if known is not None:
        region = region or known.region_of(tenant)
    endpoint_url = None if known is None else known.endpoint_url
    path = config_path(os.environ)
    wishes = [Wish(_checked(name), tenant, region)]
    change = Change(ask.origin_of(flags, os.environ), flags, wishes, path, endpoint_url=endpoint_url)
    is_new = Config(configfile.read(path)).find(name) is None
    change.make()
    return f"aws profile named {name} was successfully {'added' if is_new else 'updated'} in {path}"


def _known_without_sign_in(flags: Mapping[str, str], now: Now) -> Known | None:
    """Return what the portal says about the caller; None without its answer, or if a sign-in is needed."""
    wanted = ask.understand(flags, os.environ)
    try:
        if not (wanted.token or wanted.sign_in):
            raise SignInNeeded("There is no sign-in yet.")
        return _known(account.portal(flags, os.environ, now))
    except Denied:
        raise
    except Refusal as refusal:
        say(f"the profile gets no region, set AWS_DEFAULT_REGION to give it one. {refusal}")
        return None


def _wishes(flags: Mapping[str, str], given: options.Given, known: Known) -> list[Wish]:
    region, name = given["region"], given["name"]
    if "admin" in flags and "tenant" in flags:
        raise Misused("Choose one: --tenant NAME for a tenant's profile, or --admin for admin access.")
    if given["everything"]:
        if name is not None or "tenant" in flags or "admin" in flags:
            raise Misused("--all is for all tenants: leave out --profile, --tenant and --admin.")
        tenants: list[str | None] = [tenant.name for tenant in known.tenants]
        tenants += [None] if known.is_administrator else []
        return [
            Wish(given["prefix"] + (tenant or "admin"), tenant, region or known.region_of(tenant))
            for tenant in tenants
        ]
    if given["prune"] and "tenant" not in flags and "admin" not in flags:
        return []
    tenant = None if "admin" in flags else ask.tenant_of(flags, os.environ)
    return [Wish(_checked(name or tenant or "admin"), tenant, region or known.region_of(tenant))]


def _refuse_pipes(flags: Mapping[str, str]) -> None:
    for named in (flags.get("token_file"), flags.get("ca_file")):
        path = Path(expanded(named, os.environ)) if named else None
        if path is not None and path.exists() and not (path.is_file() or path.is_dir()):
            raise Misused(f"A profile cannot name {named}: it is not a file, and is gone when AWS tools run.")


def _checked(name: str) -> str:
    if not name.strip() or not name.isprintable() or set(name) & set("[]\"'\\"):
        raise Misused("That is no name for a profile.")
    return name


def _token_file_of(origin: str, profile: str) -> Path:
    plain = "".join(letter if letter.isalnum() or letter in "-._" else "_" for letter in profile)
    host = origin.partition("://")[2].replace(":", "_")
    return private.folder(os.environ) / "tokens" / f"{host}-{plain}.token"


def _show_difference(name: str, before: bytes, after: bytes) -> None:
    old, new = (
        without_secrets(content.decode("utf-8", "replace")).splitlines() for content in (before, after)
    )
    lines = difflib.unified_diff(old, new, f"{name} as it is", f"{name} as it would be", lineterm="")
    click.echo("\n".join(lines) or f"{name} would stay as it is.")


def _tell(change: Change, *, is_changed: bool) -> None:
    path = change.path
    for name in change.pruned:
        say(f"profile {name} removed from {path}: what it was for is gone.")
    for wish in change.wishes:
        say(f"profile {wish.name} {'written to' if is_changed else 'is in'} {path}.")
    if change.wishes and "duration" in change.flags and ask.read_duration(change.flags["duration"]) < SHORT:
        say("with keys of less than 32 minutes, AWS SDKs may start daypass before each request.")
    if change.wishes:
        say(f"try it: aws --profile {change.wishes[0].name} sts get-caller-identity")
