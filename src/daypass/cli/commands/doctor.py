"""`daypass doctor`: finds problems of this machine's set-up and of its secrets."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from queue import SimpleQueue
from threading import Thread

import click

from daypass.cli.cache import request
from daypass.cli.commands import options
from daypass.cli.credentials.fetch import Now
from daypass.cli.diagnostics import local_checks, portal_checks
from daypass.cli.diagnostics.finding import Finding, State, bad, run_check
from daypass.cli.runtime.errors import Misconfigured, Refusal
from daypass.cli.runtime.output import output_option, show_json
from daypass.cli.runtime.redaction import known_tokens, scrubbed

_SIGNS = {State.GOOD: "✓", State.NOTABLE: "!", State.BAD: "✗"}
_COLOURS = {State.GOOD: "green", State.NOTABLE: "yellow", State.BAD: "red"}


@click.command("doctor", context_settings=options.HELP)
@output_option
@options.portal
@click.pass_obj
def doctor(now: Now, /, output: str, **params: str | bool | None) -> None:
    """Find out why this machine gets no keys.

    \b
    Examples:
      daypass doctor --host https://portal.example.com
      daypass doctor --output json

    It checks the connection to the portal, clock, certificates and token, the AWS CLI and its config
    files, and the cache; each finding comes with the line that fixes it. The exit code is 6 if
    anything must be fixed. A check that fails is a finding itself, and the others continue.
    """
    tokens = known_tokens(sys.argv, os.environ)
    checks = (_portal(options.flags_of(params), now), local_checks.findings(os.environ))
    findings: list[list[Finding]] = [[] for _ in checks]
    # At the same time, because a portal that does not answer takes many seconds, and the other checks none.
    for number, reported in run_concurrently(checks):
        # The portal's message may repeat the token that it received.
        finding = replace(reported, sentence=scrubbed(reported.sentence, tokens))
        findings[number].append(finding)
        if output == "table":
            _show(finding)
    in_order = [finding for of_check in findings for finding in of_check]
    if output == "json":
        show_json(in_order)
    if any(finding.state is State.BAD for finding in in_order):
        raise Misconfigured("Something must be fixed: see the lines marked ✗.")


def _portal(flags: dict[str, str], now: Now) -> Iterator[Finding]:
    try:
        origin = request.origin_of(flags, os.environ)
    except Refusal as refusal:
        yield bad("portal", str(refusal), "export DAYPASS_HOST=https://portal.example.com")
    else:
        yield from run_check("portal", lambda: portal_checks.findings(origin, flags, os.environ, now))


def run_concurrently(checks: Sequence[Iterable[Finding]]) -> Iterator[tuple[int, Finding]]:
    """Run each check in a thread of its own; yield findings as they arrive, with the number of their check.

    Raises the first error that a check raises.
    """
    results: SimpleQueue[tuple[int, Finding | BaseException | None]] = SimpleQueue()

    def run(number: int, check: Iterable[Finding]) -> None:
        try:
            for finding in check:
                results.put((number, finding))
            results.put((number, None))
        except BaseException as error:
            results.put((number, error))

    for number, check in enumerate(checks):
        # Daemon threads end with the process, so that Ctrl-C need not wait for them.
        Thread(target=run, args=(number, check), daemon=True).start()
    running = len(checks)
    while running:
        number, result = results.get()
        if isinstance(result, BaseException):
            raise result
        if result is None:
            running -= 1
        else:
            yield number, result


def _show(finding: Finding) -> None:
    sign = click.style(_SIGNS[finding.state], fg=_COLOURS[finding.state])
    click.echo(f"{sign} {finding.about}: {finding.sentence}")
    if finding.mend:
        click.echo(f"    {finding.mend}")
