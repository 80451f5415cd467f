"""`python -m daypass.demo.identity_provider SETTINGS`: serve the demo's OpenID provider on 127.0.0.1."""

import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from daypass.demo.identity_provider.app import make_app
from daypass.demo.identity_provider.settings import read
from daypass.demo.output import print_text
from daypass.portal.clock import utc_now
from daypass.sandbox.loopback import bind, serve_app


@click.command()
@click.argument("settings_file", type=click.Path(exists=True, path_type=Path))
def serve(settings_file: Path) -> None:
    """Serve the provider with the settings of a file until SIGINT or SIGTERM."""
    settings = read(settings_file)
    try:
        listener = bind(settings.port)
    except OSError as error:
        raise click.ClickException(
            f"Port {settings.port} of 127.0.0.1 cannot be used: {error.strerror}."
        ) from error
    # With port 0, the system has chosen a free one.
    settings = replace(settings, port=listener.getsockname()[1])

    def announce() -> None:
        print_text(f"The demo's OpenID provider answers at {settings.issuer}.")
        print_text("Not for production: everyone can sign in as any user here.")
        sys.stdout.flush()

    serve_app(partial(make_app, settings, utc_now), listener, announce)
    # Exit without interpreter shutdown: server threads that still run would abort the process.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    serve(prog_name="identity-provider")
