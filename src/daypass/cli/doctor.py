"""`daypass doctor`: what keeps this machine from getting keys, or a secret from being one."""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace

import click

from daypass.cli import ask, check_machine, check_portal, options
from daypass.cli.errors import Misconfigured, Refusal
from daypass.cli.findings import Finding, State, bad
from daypass.cli.output import output_option, show_json
from daypass.cli.refresh import Now
from daypass.cli.scrub import known_tokens, scrubbed

_SIGNS = {State.GOOD: "✓", State.NOTABLE: "!", State.BAD: "✗"}
_COLOURS = {State.GOOD: "green", State.NOTABLE: "yellow", State.BAD: "red"}


@click.command("doctor", context_settings=options.HELP)
@output_option
@options.portal
@click.pass_obj
def doctor(now: Now, /, output: str, **given: str | bool | None) -> None:
    """Find out what keeps this machine from getting keys.

    \b
    Examples:
      daypass doctor --host https://portal.example.com
      daypass doctor --output json

    It looks at the way to the portal, at clock, certificates and token, at the AWS CLI and its config
    files, and at the cache; each finding comes with the line that mends it. The exit code is 6 if
    anything must be mended.
    """
    tokens = known_tokens(sys.argv, os.environ)
    # What the portal says may repeat what it was sent.
    findings = [
        replace(finding, sentence=scrubbed(finding.sentence, tokens))
        for finding in _findings(options.flags_of(given), now)
    ]
    if output == "json":
        show_json(findings)
    else:
        for finding in findings:
            _show(finding)
    if any(finding.state is State.BAD for finding in findings):
        raise Misconfigured("something must be mended: see the lines marked ✗.")


def _findings(flags: dict[str, str], now: Now) -> Iterator[Finding]:
    try:
        origin = ask.origin_of(flags, os.environ)
    except Refusal as refusal:
        yield bad("portal", str(refusal), "export DAYPASS_HOST=https://portal.example.com")
    else:
        yield from check_portal.findings(origin, flags, os.environ, now)
    yield from check_machine.findings(os.environ)


def _show(finding: Finding) -> None:
    sign = click.style(_SIGNS[finding.state], fg=_COLOURS[finding.state])
    click.echo(f"{sign} {finding.about}: {finding.sentence}")
    if finding.mend:
        click.echo(f"    {finding.mend}")
