"""Instructions after the start: where to sign in, and commands that can be pasted as printed."""

import os
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from daypass.demo.aws import Keys
from daypass.demo.environment import DemoEnvironment
from daypass.demo.output import print_command, print_text, print_title
from daypass.demo.processes import DAYPASS
from daypass.demo.seed.fixtures import ADMIN, DANA, REGION, USERS, DemoUser
from daypass.demo.seed.history import REASON
from daypass.demo.start import SCIM_FILE
from daypass.demo.state_dir import StateDirectory

SHELL_FILE = "environment.sh"
OPERATOR_FILE = "operator.sh"

AWS_CONFIG = "aws-config"
PROFILES = {"dev01": DANA, "prod01": DANA, "admin": ADMIN}


@dataclass(frozen=True, slots=True)
class Instructions:
    """The printed instructions, and the files that their commands use."""

    state: StateDirectory
    environment: DemoEnvironment
    ca_file: Path

    def write_files(self) -> None:
        """Write each user's password and token, the AWS CLI's profiles and the shell's variables."""
        for account in self.environment.accounts.values():
            self.state.write(f"{account.username}.token", account.api_token.reveal().encode())
            if account.password is not None:
                self.state.write(f"{account.username}.password", account.password.reveal().encode())
        profiles = [self._profile(name, user) for name, user in PROFILES.items()]
        profiles.append(self._keys_profile("operator", self.environment.root_keys))
        profiles.append(self._keys_profile("portal", self.environment.portal_keys))
        self.state.write(AWS_CONFIG, "\n".join(profiles).encode())
        self.state.write(SHELL_FILE, self._environment().encode())
        self.state.write(OPERATOR_FILE, self._operator_environment().encode())

    def show(self) -> None:
        """Print all instructions."""
        self._show_sign_in()
        self._show_command_line()
        self._show_aws_cli()
        self._show_duploctl()
        self._show_operator()
        if self.environment.has_scim:
            self._show_scim()
        self._show_trust()

    def _profile(self, name: str, user: DemoUser) -> str:
        scope = ["--admin"] if user is ADMIN else ["--tenant", name]
        files = ["--ca-file", str(self.ca_file), "--token-file", str(self._token_file(user))]
        process = shlex.join([str(DAYPASS), "aws", "--host", self.environment.portal_url, *files, *scope])
        return (
            f"[profile {name}]\nregion = {REGION}\noutput = json\n"
            f"endpoint_url = {self.environment.aws_endpoint_url}\ncredential_process = {process}\n"
        )

    def _keys_profile(self, name: str, keys: Keys) -> str:
        return (
            f"[profile {name}]\nregion = {REGION}\nendpoint_url = {self.environment.aws_endpoint_url}\n"
            f"aws_access_key_id = {keys.access_key_id}\n"
            f"aws_secret_access_key = {keys.secret_access_key.reveal()}\n"
        )

    def _show_sign_in(self) -> None:
        print_title("Sign in")
        print_text(f"  {self.environment.portal_url}")
        for user in USERS:
            print_text(f"  {user.username:<18}  {_describe(user)}")
        print_text("  Passwords and API tokens are in files that only you can read. Dana's password:")
        print_command(f"cat {_quote(self.state.path / f'{DANA.username}.password')}")
        print_text(
            "  “Sign in with Demo identity provider” needs no password: every person there is a button."
        )
        print_text(f"  That provider is at {self.environment.provider_url}; it is not for production.")
        print_text(f"  Sessions with the reason “{REASON}” are sample data; no keys were issued for them.")

    def _environment(self) -> str:
        """Return shell commands that set the variables of `daypass` and the AWS CLI; without secrets."""
        return (
            f"export DAYPASS_HOST={self.environment.portal_url}\n"
            f"export DAYPASS_CA_FILE={_quote(self.ca_file)}\n"
            # For keys without a profile, from `daypass exec` and `daypass env`.
            f"export AWS_ENDPOINT_URL={self.environment.aws_endpoint_url}\n"
            # Appended, so that programs on the user's PATH take precedence.
            f'export PATH="$PATH":{_quote(DAYPASS.parent)}\n'
        )

    def _operator_environment(self) -> str:
        """Return shell commands that set the portal's variables, as on its server; without secrets."""
        return (
            f"{self._environment()}"
            # The configuration file of a portal on this machine is not the demo's.
            f"export DAYPASS_CONFIG={os.devnull}\n"
            f"export DAYPASS_PUBLIC_URL={self.environment.portal_url}\n"
            f"export DAYPASS_DATABASE_URL={_quote(self.environment.database_url)}\n"
            f"export DAYPASS_AWS_REGION={REGION}\n"
            f"export DAYPASS_AWS_ENDPOINT_URL={self.environment.aws_endpoint_url}\n"
            f"export AWS_CONFIG_FILE={_quote(self.state.path / AWS_CONFIG)}\n"
            "export AWS_PROFILE=portal\n"
            f"{self._provider_environment()}"
        )

    def _provider_environment(self) -> str:
        """Return shell commands that set the portal's variables for the identity provider."""
        variables = self.environment.provider_variables.items()
        return "".join(f"export {name}={_quote(value)}\n" for name, value in variables)

    def _show_command_line(self) -> None:
        print_title("The daypass command, in another terminal")
        print_command(f". {_quote(self.state.path / SHELL_FILE)}")
        # The first versions that read the variable AWS_ENDPOINT_URL and a profile's endpoint_url.
        print_text(
            "  The AWS CLI beside it must be 2.13 (or 1.29) or newer; older ones would call the real AWS."
        )
        # It gives these services an address of its own before it reads the variable.
        print_text("  Version 1 calls the real AWS for sqs and rds unless --endpoint-url is given.")
        print_text("  Then run `daypass configure --all`, and go on with docs/tutorial/first-day.md.")

    def _show_aws_cli(self) -> None:
        print_title("The AWS CLI, in another terminal")
        aws = _command("aws", package="awscli")
        endpoint = f"--endpoint-url {self.environment.aws_endpoint_url}"
        dev, data = self.environment.tenants["dev01"].plan, self.environment.tenants["data01"].plan
        print_command(f"export AWS_CONFIG_FILE={_quote(self.state.path / AWS_CONFIG)}")
        print_command(f"{aws} {endpoint} --profile dev01 sts get-caller-identity")
        print_command(f"{aws} {endpoint} --profile dev01 s3 ls s3://{dev.buckets[0]}")
        print_text("  Dana does not belong to data01, so AWS refuses her; an Administrator may:")
        print_command(f"{aws} {endpoint} --profile dev01 s3 ls s3://{data.buckets[0]}")
        print_command(f"{aws} {endpoint} --profile admin s3 ls s3://{data.buckets[0]}")

    def _show_duploctl(self) -> None:
        print_title("The same through duploctl")
        duploctl = _command("duploctl", package="duplocloud-client")
        print_command(f"export REQUESTS_CA_BUNDLE={_quote(self.ca_file)}")
        print_command(f"export DUPLO_HOST={_quote(self.environment.portal_url)}")
        print_command(f'export DUPLO_TOKEN="$(cat {_quote(self._token_file(DANA))})"')
        print_command(f"{duploctl} jit aws --tenant dev01")

    def _show_operator(self) -> None:
        print_title("The operator's commands, in another terminal")
        print_command(f". {_quote(self.state.path / OPERATOR_FILE)}")
        print_command("daypass portal doctor")
        print_command("daypass portal fence plan --profile operator")
        print_text("  Then go on with docs/guides/fence.md and docs/guides/permission-sets.md.")

    def _show_scim(self) -> None:
        print_title("Provisioning by SCIM, in another terminal")
        print_text("  The identity provider's token for SCIM reaches dana and noor. The groups of dana:")
        token = _quote(self.state.path / SCIM_FILE)
        print_command(f'export SCIM="$(cat {token})"')
        print_command(
            f'curl --cacert {_quote(self.ca_file)} -H "Authorization: Bearer $SCIM" '
            f"{self.environment.portal_url}/scim/v2/Groups"
        )
        print_text("  Then go on with docs/guides/scim.md.")

    def _show_trust(self) -> None:
        print_title("The browser")
        print_text("  A browser warns until it trusts the certificate authority of this demo:")
        print_command(str(self.ca_file))
        print_text("  Firefox:  Settings, Privacy & Security, View Certificates, Authorities, Import.")
        print_text("  Chrome:   chrome://certificate-manager, Local certificates, Installed by you, Import.")
        print_text("  It is valid for this machine's localhost only, and its key was not stored.")
        print_text(
            "  Browsers send the cookies of localhost to every port of localhost: while you are signed in,"
        )
        print_text("  run nothing else there that you do not trust.")

    def _token_file(self, user: DemoUser) -> Path:
        return self.state.path / f"{user.username}.token"


def _describe(user: DemoUser) -> str:
    if user is ADMIN:
        return user.role
    tenants = ", ".join(f"{tenant} ({access})" for tenant, access in user.memberships.items())
    kind = "service account, " if user.is_service_account else ""
    return f"{kind}{tenants or 'no tenants'}"


def _command(name: str, *, package: str) -> str:
    """Return the command for *name*; if it is not installed, a uv command that fetches it for one run."""
    uv = _program("uv")
    return _program(name) or (f"{uv} tool run --from {package} {name}" if uv else name)


def _program(name: str) -> str | None:
    """Return the command for an installed program, with its path if only this environment has it, or None."""
    ours = DAYPASS.parent
    elsewhere = os.pathsep.join(entry for entry in os.get_exec_path() if Path(entry) != ours)
    if shutil.which(name, path=elsewhere):
        return name
    return _quote(ours / name) if (ours / name).exists() else None


def _quote(word: Path | str) -> str:
    return shlex.quote(str(word))
