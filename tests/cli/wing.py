"""A command that lives beside the CLI, as the portal does."""

import os

import click


@click.group()
def beside() -> None:
    """What it is for."""


@beside.command()
@click.option("--name")
def greet(name: str) -> None:
    """Say hello."""
    click.echo(f"hello {name}")


@beside.command()
def fail() -> None:
    """Meet a fault that nobody foresaw."""
    raise RuntimeError(f"no luck with {os.environ.get('DAYPASS_TOKEN', '')}")
