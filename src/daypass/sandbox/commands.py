"""The command `daypass sandbox`."""

import json
import os
import secrets
import sys
from pathlib import Path

import click

from daypass.common.console.regions import region_error
from daypass.sandbox.config import DEFAULT_ACCOUNT, DEFAULT_REGION, SandboxConfig, root_key

DEFAULT_PORT = 4566


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, help="0 takes any free port.")
@click.option("--account", default=DEFAULT_ACCOUNT, help="The account's twelve digits.")
@click.option("--region", default=DEFAULT_REGION, help="The sandbox's region.")
@click.option(
    "--templates", is_flag=True, help="Accept CloudFormation templates too; only from trusted clients."
)
@click.option(
    "--ready-file",
    type=click.Path(path_type=Path),
    help="JSON with address and keys, written when it serves.",
)
def sandbox(port: int, account: str, region: str, templates: bool, ready_file: Path | None) -> None:
    """Serve a local AWS for tests and demos, on 127.0.0.1 only.

    The root key comes from DAYPASS_SANDBOX_ROOT_ACCESS_KEY_ID and DAYPASS_SANDBOX_ROOT_SECRET_ACCESS_KEY, or
    is generated and written to the ready file, which only you can read.
    """
    # Imported here, because `daypass --help` should not import a web server and MiniStack.
    from daypass.sandbox.loopback import bind
    from daypass.sandbox.server import serve

    if not (account.isdigit() and account.isascii() and len(account) == 12):
        raise click.ClickException("--account takes twelve digits.")
    if problem := region_error(region):
        raise click.ClickException(f"--region: {problem}")
    try:
        root = root_key(os.environ)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    try:
        listener = bind(port)
    except OSError as error:
        raise click.ClickException(
            f"Port {port} of 127.0.0.1 cannot be used: {error.strerror}. Choose another with --port (0: any)"
        ) from error
    config = SandboxConfig(
        port=listener.getsockname()[1],
        root_access_key_id=root.access_key_id,
        root_secret_access_key=root.secret_access_key,
        control_token=secrets.token_urlsafe(32),
        account_id=account,
        region=region,
        takes_templates=templates,
    )

    def announce() -> None:
        if ready_file is not None:
            write_ready_file(ready_file, config)
        click.echo(f"The sandbox AWS answers at {config.origin} (account {account}, {region}).")

    serve(config, listener, announce)
    # Exit without interpreter shutdown: server threads that still run would abort the process.
    sys.stdout.flush()
    os._exit(0)


def write_ready_file(path: Path, config: SandboxConfig) -> None:
    """Write the connection data for clients, atomically and with mode 0600."""
    # Clients wait until the file exists, so it appears complete.
    temporary = path.with_name(f"{path.name}.part")
    temporary.unlink(missing_ok=True)
    content = {
        "endpoint_url": config.origin,
        "account_id": config.account_id,
        "region": config.region,
        "root_access_key_id": config.root_access_key_id,
        "root_secret_access_key": config.root_secret_access_key,
        "control_token": config.control_token,
    }
    # Created before the secrets are written, so that they are never readable by others. A file or link that
    # another user made meanwhile is refused.
    temporary.touch(0o600, exist_ok=False)
    temporary.write_text(json.dumps(content))
    temporary.replace(path)
