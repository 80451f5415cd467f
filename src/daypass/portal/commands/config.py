"""`daypass portal config`: the check of the configuration."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daypass.common.counting import counted
from daypass.common.lines import printable_line
from daypass.portal.config.variables import DEFAULT_FILE, ConfigError
from daypass.portal.unknown_variables import examine

if TYPE_CHECKING:
    from daypass.portal.config.effective import EffectiveValue
    from daypass.portal.config.model import PortalConfig


@dataclass(frozen=True, slots=True)
class _Result:
    errors: Sequence[str]
    warnings: Sequence[str]
    values: "Sequence[EffectiveValue]"


@click.group()
def config() -> None:
    """Check the configuration."""


@config.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def check(form: str) -> None:
    """Print all errors in the configuration, and the value of each variable with its source.

    It reads the environment, the configuration file (DAYPASS_CONFIG, else /etc/daypass/daypass.toml if it
    exists), files of secrets and systemd credentials, as `serve` does. It starts nothing, and connects to
    nothing. Secrets are not printed: `set` stands for a token, and *** for a password in a URL.
    Exit code 0 means no errors, 1 means that `serve` would not start; warnings do not count.

    \b
      daypass portal config check
      DAYPASS_CONFIG=./daypass.toml daypass portal config check
      daypass portal config check --format json | jq '.values[] | select(.source != "default")'
    """
    result = _examine()
    if form == "json":
        click.echo(_json(result))
    else:
        _print(result)
    raise SystemExit(1 if result.errors else 0)


def _examine() -> _Result:
    from daypass.portal.config.effective import effective_values
    from daypass.portal.config.reader import build_config, find_problems
    from daypass.portal.config.values import Values

    names, values = examine(os.environ), Values(os.environ, Path(DEFAULT_FILE))
    errors, valid = [*names.misspelled, *find_problems(values)], None
    if not errors:
        valid = build_config(values)
        errors += _unusable(valid)
    warnings = [f"{name} is not a variable of this version. It is ignored." for name in names.unknown]
    return _Result(errors, warnings, effective_values(values, valid))


def _unusable(config: "PortalConfig") -> Sequence[str]:
    """Return the errors that only other parts of the portal find."""
    from daypass.portal.certificate import CertificateError, read_key_pair
    from daypass.portal.storage.engine import parse_url

    errors = []
    try:
        parse_url(config.database_url)
    except ConfigError as error:
        errors.append(str(error))
    try:
        if config.certificate and config.private_key:
            read_key_pair(config.certificate, config.private_key).close()
    except CertificateError as error:
        errors.append(str(error))
    return errors


def _json(result: _Result) -> str:
    values = [
        {
            "name": value.name,
            "value": value.value,
            "source": value.source,
            "path": None if value.path is None else str(value.path),
            "line": value.line,
            "is_valid": value.is_valid,
        }
        for value in result.values
    ]
    answer = {"is_valid": not result.errors, "errors": [*result.errors], "warnings": [*result.warnings]}
    return json.dumps({**answer, "values": values}, indent=2)


def _print(result: _Result) -> None:
    for error in result.errors:
        click.echo(f"✗ {printable_line(error)}")
    for warning in result.warnings:
        click.echo(f"! {printable_line(warning)}")
    if result.errors or result.warnings:
        click.echo()
    rows = [(value.name, _shown(value), _source(value)) for value in result.values]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for name, shown, source in rows:
        click.echo(f"{name:{widths[0]}}  {shown:{widths[1]}}  {source}".rstrip())
    click.echo()
    click.echo(counted(len(result.errors), "error") + "." if result.errors else "The configuration is valid.")


def _shown(value: "EffectiveValue") -> str:
    if not value.is_valid:
        return "(invalid)"
    return "(not set)" if value.value is None else printable_line(value.value)


def _source(value: "EffectiveValue") -> str:
    if value.source is None or (value.value is None and value.is_valid):
        return ""
    line = "" if value.line is None else f", line {value.line}"
    path = "" if value.path is None else f" {printable_line(str(value.path))}"
    return f"{value.source}{path}{line}"
