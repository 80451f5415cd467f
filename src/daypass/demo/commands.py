"""`daypass demo`."""

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
    help="Where the demo keeps its state.",
)
@click.option(
    "--portal-port", type=PORT, default=8443, show_default=True, help="The portal's port; 0 is any free one."
)
@click.option(
    "--aws-port", type=PORT, default=4566, show_default=True, help="The port of its AWS; 0 is any free one."
)
@click.option("--once", is_flag=True, help="Stop after the checklist; exit code 0 only if all of it holds.")
@click.option(
    "--no-history",
    is_flag=True,
    help="Leave out the sample sessions of the past 29 days, which a new state folder gets.",
)
@click.option(
    "--ready-file",
    type=click.Path(path_type=Path),
    help="Write addresses and secrets here (JSON) when ready.",
)
def demo(
    path: Path, portal_port: int, aws_port: int, once: bool, no_history: bool, ready_file: Path | None
) -> None:
    """Try Daypass without an AWS account: a portal and an AWS on this machine, seeded and proven."""
    # Imported here: `daypass --help` must not wait for an AWS library.
    from daypass.demo.errors import DemoError
    from daypass.demo.run import DemoOptions, run
    from daypass.demo.signals import SignalGuard

    # All that the demo and its processes write is for its owner's eyes only.
    os.umask(0o077)
    # In whatever way the demo is stopped, its processes are stopped with it.
    stops = SignalGuard()
    stops.listen()
    wishes = DemoOptions(path, os.geteuid(), portal_port, aws_port, once, not no_history, ready_file)
    try:
        is_proven = run(wishes, stops)
    except DemoError as error:
        # Not a ClickException: from its message the CLI takes whatever might be a token, paths included.
        click.echo(f"daypass demo: {error}", err=True)
        raise SystemExit(1) from error
    if not is_proven:
        raise SystemExit(1)
