"""The command `daypass demo`."""

import os
from pathlib import Path

import click

PORT = click.IntRange(0, 65535)


@click.command()
@click.option(
    "--dir",
    "path",
    type=click.Path(path_type=Path),
    default=".daypass-demo",
    show_default=True,
    help="The folder for the demo's state.",
)
@click.option(
    "--portal-port",
    type=PORT,
    default=8443,
    show_default=True,
    help="The portal's port; 0 chooses a free one.",
)
@click.option(
    "--aws-port",
    type=PORT,
    default=4566,
    show_default=True,
    help="The port of its AWS; 0 chooses a free one.",
)
@click.option(
    "--provider-port",
    type=PORT,
    default=8444,
    show_default=True,
    help="The port of its identity provider; 0 chooses a free one.",
)
@click.option(
    "--once", is_flag=True, help="Stop after the checklist; exit code 0 only if every check passes."
)
@click.option(
    "--no-history",
    is_flag=True,
    help="Do not add sample sessions of the past 29 days to a new state folder.",
)
@click.option(
    "--scim",
    is_flag=True,
    help="Let the identity provider provision by SCIM, instead of sending groups at the sign-in.",
)
@click.option(
    "--ready-file",
    type=click.Path(path_type=Path),
    help="Write addresses and secrets here (JSON) when ready.",
)
def demo(
    path: Path,
    portal_port: int,
    aws_port: int,
    provider_port: int,
    once: bool,
    no_history: bool,
    scim: bool,
    ready_file: Path | None,
) -> None:
    """Try Daypass without an AWS account: a portal, an AWS and an identity provider on this machine, seeded
    and checked.
    """
    # Imported here, so that `daypass --help` does not load an AWS library.
    from daypass.demo.errors import DemoError
    from daypass.demo.run import DemoOptions, run
    from daypass.demo.signals import SignalGuard
    from daypass.demo.start import DemoPorts

    # Files of the demo and its processes are readable by their owner only.
    os.umask(0o077)
    # Signals are handled, so that the demo's processes are always stopped with it.
    signals = SignalGuard()
    signals.listen()
    ports = DemoPorts(portal_port, aws_port, provider_port)
    options = DemoOptions(path, os.geteuid(), ports, once, not no_history, scim, ready_file)
    try:
        has_passed = run(options, signals)
    except DemoError as error:
        # Not a ClickException, because the CLI redacts everything that looks like a token, also paths.
        click.echo(f"daypass demo: {error}", err=True)
        raise SystemExit(1) from error
    if not has_passed:
        raise SystemExit(1)
