"""`daypass portal fence verify --live`: the checks that only a real AWS account can answer."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from daypass.common.counting import counted
from daypass.portal.commands.common import read_configuration, report_errors
from daypass.portal.config.variables import ConfigError

if TYPE_CHECKING:
    from daypass.portal.aws.fence.live.model import LiveResult
    from daypass.portal.aws.fence.live.run import LiveVerification
    from daypass.portal.aws.fence.rollout.operator import Operator

_NEEDS = (
    "the rights of an administrator of the account, such as iam:CreateRole, iam:AttachRolePolicy, "
    "iam:DeleteRole, sqs:CreateQueue and sts:AssumeRole"
)
# IAM's changes take seconds to be in effect everywhere, and at times a minute.
_PATIENCE = 60.0


def verify_live(profile: str | None, form: str, *, yes: bool) -> int:
    """Make the checks in the account of the operator's credentials and return the exit code."""
    with report_errors(exit_code=2):
        operator, run = _begin(profile)
        if not yes:
            _confirm(run)
        with operator.guard("prepare the live checks", _NEEDS):
            for names, left in run.clean_up_earlier():
                click.echo(f"Removed what an earlier run left: {names.prefix}-*", err=True)
                _report_left(left)
            results, left = run_and_remove(run, form)
    if form == "json":
        click.echo(_json(run, results, left))
    expected = sum(result.is_expected for result in results)
    click.echo(f"{expected} of {counted(len(results), 'check')} have the expected answer.", err=True)
    return 0 if expected == len(results) and not left else 1


def run_and_remove(run: "LiveVerification", form: str) -> "tuple[Sequence[LiveResult], Sequence[str]]":
    """Make the checks, remove everything whatever happens, and return the results and what is left."""
    results: list[LiveResult] = []
    try:
        for result in run.run():
            results.append(result)
            if form == "text":
                click.echo(result_line(result))
    finally:
        left = run.remove()
        _report_left(left)
    return results, left


def result_line(result: "LiveResult") -> str:
    """Return a result for people; a deviation has its meaning."""
    from daypass.portal.aws.fence.live.model import Answer

    check, code = result.check, f" ({result.code})" if result.code else ""
    if result.is_expected:
        return f"✓ {check.id}: {result.answer}{code}"
    if result.answer is Answer.NONE:
        return f"? {check.id}: no answer{code}. {check.tried}."
    return f"! {check.id}: {result.answer}{code}, expected {check.expected}. {check.tried}. {check.deviation}"


def _begin(profile: str | None) -> "tuple[Operator, LiveVerification]":
    import time

    from daypass.portal.aws.fence.live.run import LiveVerification
    from daypass.portal.aws.fence.live.trial import Endpoint, Identity, Names
    from daypass.portal.aws.fence.rollout.operator import sign_in

    config = read_configuration().aws
    operator = sign_in(config, profile)
    click.echo(f"Account {operator.account.id}, as {operator.arn}.", err=True)
    if operator.arn.endswith(":root"):
        raise ConfigError(
            "AWS lets the root user assume no role. Use the credentials of a user or a role with the rights "
            "of an administrator."
        )
    _require_policies(operator)
    endpoint = Endpoint(config.region, config.endpoint_url)
    identity = Identity.of_profile(profile, endpoint)
    names = Names.new(operator.account)
    # A sandbox has no such delay.
    patience = _PATIENCE if config.endpoint_url is None else 0.0
    return operator, LiveVerification(identity, endpoint, names, patience, time.monotonic, time.sleep)


def _require_policies(operator: "Operator") -> None:
    """Raise `ConfigError` unless the account has the policies that are to be checked."""
    from daypass.portal.aws.fence.rollout.account_state import AccountReader
    from daypass.portal.aws.fence.rollout.applying import Applier
    from daypass.portal.aws.fence.rollout.rollouts import FenceRollout

    reader = AccountReader(operator.iam, operator.account, operator.guard)
    applier = Applier(operator.iam, operator.guard, lambda _: None)
    if not FenceRollout(reader=reader, applier=applier, tenants=[]).verify().is_complete:
        raise ConfigError(
            "The account does not have the shared policies of this version. Run `daypass portal fence apply` "
            "first; without --tenant it changes no role."
        )


def _confirm(run: "LiveVerification") -> None:
    from daypass.portal.aws.fence.live.checks import CHECKS
    from daypass.portal.aws.fence.live.resources import CREATED

    click.echo(
        f"{len(CHECKS)} checks in the account {run.names.account.id}, region {run.endpoint.region}. They "
        f"create, under the names {run.names.prefix}*: {CREATED}. AWS charges nothing for them while "
        "unused. They are removed again, also after an error or Ctrl-C. Existing resources do not change.",
        err=True,
    )
    try:
        is_confirmed = click.confirm("Create them and make the checks?", err=True)
    except click.Abort as abort:
        raise ConfigError("Nothing was created. Without a terminal, use --yes.") from abort
    if not is_confirmed:
        raise ConfigError("Nothing was created.")


def _report_left(left: Sequence[str]) -> None:
    for each in left:
        click.echo(f"daypass portal: not removed: {each}. The next run tries again.", err=True)


def _json(run: "LiveVerification", results: "Sequence[LiveResult]", left: Sequence[str]) -> str:
    checks = [
        {
            "id": result.check.id,
            "tried": result.check.tried,
            "expected": result.check.expected,
            "answer": result.answer,
            "code": result.code,
            "is_expected": result.is_expected,
            "question": result.check.question,
            "deviation": "" if result.is_expected else result.check.deviation,
        }
        for result in results
    ]
    content = {
        "account_id": run.names.account.id,
        "region": run.endpoint.region,
        "checks": checks,
        "not_removed": list(left),
    }
    return json.dumps(content, indent=2)
