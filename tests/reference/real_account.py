"""The guide to the checks in a real AWS account, with a row for each."""

from collections.abc import Mapping, Sequence

from daypass.portal.aws.fence.live.checks import CHECKS
from daypass.portal.aws.fence.live.model import LiveCheck
from daypass.portal.aws.fence.live.resources import CREATED
from daypass.portal.aws.fence.live.services import SERVICES
from daypass.portal.aws.fence.live.sessions import SESSIONS
from daypass.portal.aws.fence.live.tagging import TAGGING
from tests.reference.markdown import table, wrapped

_BEGINNING = f"""
# Checks in a real AWS account

For operators, once, in an account of their own. Daypass's policies are tested in three ways without AWS:
against AWS's data of actions and condition keys, with an independent evaluator of IAM policies, and in the
sandbox. AWS's behaviour where its documentation is silent or contradicts itself can only be seen in an
account. The {len(CHECKS)} checks on this page ask AWS.

Choose an account without production: the checks touch nothing that exists, but they create roles. They need
the shared policies of this version, which `daypass portal fence apply` brings there without changing a
role, and credentials with the rights of an administrator; the root user cannot assume roles.
"""
_RUN = f"""
## Run them

```
daypass portal fence apply --profile admin
daypass portal fence verify --live --profile admin
daypass portal fence verify --live --yes --format json > answers.json
```

The command says what it will create and asks. It creates {CREATED}, all named after a tenant `livecheck`
with six random characters, and removes them again, also after an error or Ctrl-C. AWS charges nothing for
them while they are not used; launches of instances are dry runs. Make one run at a time in an account: a run
removes what it finds of another. If the command was killed, the next run removes what it left. It names
what it cannot remove. If AWS allows what it should deny, a REST API is removed likewise, and a KMS key is
scheduled for deletion in seven days, the shortest time that AWS accepts.

A run takes about a minute, because IAM's changes take seconds to be in effect. A check whose answer is not
the expected one is repeated for a minute. Each line has AWS's answer and its error code: `✓` as expected,
`!` another answer, `?` no answer, for example because the account has no default VPC. The exit code is 0 if
all answers are the expected ones and nothing is left, 1 if not, and 2 if AWS could not be used.
"""
_DEVIATIONS = """
## What to do with another answer

Run the command again first: IAM can take longer than a minute. If the answer stays, follow the row of
the check below. Where it says so, report the check's name, the answer and the code to the project; these
contain no secret and no account id.
"""
_GROUPS: Mapping[str, Sequence[LiveCheck]] = {
    "Sessions": SESSIONS,
    "Services": SERVICES,
    "Tags": TAGGING,
}


def real_account_page() -> str:
    """Return the guide."""
    parts = [wrapped(_BEGINNING), wrapped(_RUN), "## The checks"]
    for title, checks in _GROUPS.items():
        rows = [(f"`{check.id}`", check.tried, check.expected, check.question) for check in checks]
        parts += [f"### {title}", table(("check", "request", "expected", "question"), rows)]
    parts += [wrapped(_DEVIATIONS), table(("check", "what it means"), _deviations())]
    return "\n\n".join(parts) + "\n"


def _deviations() -> Sequence[tuple[str, str]]:
    checks: dict[str, list[str]] = {}
    for check in CHECKS:
        checks.setdefault(check.deviation, []).append(f"`{check.id}`")
    return [(", ".join(names), deviation) for deviation, names in checks.items()]
