"""A command group outside the CLI, as `daypass portal` is."""

import os

import click


@click.group()
def group() -> None:
    """What it is for."""


@group.command()
@click.option("--name")
def greet(name: str) -> None:
    """Say hello."""
    click.echo(f"hello {name}")


@group.command()
def fail() -> None:
    """Raise an unexpected exception."""
    raise RuntimeError(f"no luck with {os.environ.get('DAYPASS_TOKEN', '')}")
