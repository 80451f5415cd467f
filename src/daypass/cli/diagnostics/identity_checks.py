"""Checks of the identity that a CI job or a cloud gives this command."""

import shlex
from collections.abc import Iterator, Mapping

from daypass.cli.cache import request
from daypass.cli.diagnostics.finding import Finding, bad, good, notable
from daypass.cli.identity import claims
from daypass.cli.identity.id_tokens import ADVICE, id_token, variable_with
from daypass.cli.identity.selection import AZURE, Identity, detected
from daypass.cli.runtime.errors import Refusal

_CI_VARIABLES = {
    "GITHUB_ACTIONS": "github",
    "GITLAB_CI": "gitlab",
    "BITBUCKET_BUILD_NUMBER": "bitbucket",
    "TFC_RUN_ID": "hcp-terraform",
    "TF_BUILD": AZURE,
}
"""Variables of CI jobs that can have an identity but do not have one by default, and their systems."""

_GUIDE = "# docs/guides/pipelines.md has the lines for each system"


def findings(origin: str, flags: Mapping[str, str], environment: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the findings about the identity of this job; none on a machine that is in no job."""
    try:
        identity = request.identity_of(flags, environment, origin)
    except Refusal as refusal:
        # With an API token no command looks at the identity, so nothing fails.
        grade = notable if request.token_of(flags, environment) else bad
        yield grade("identity", str(refusal), _GUIDE)
        return
    found = identity or detected(flags, environment)
    if found is None:
        yield from _none_in_a_job(environment)
    elif request.token_of(flags, environment):
        sentence = f"{found.system} could prove this job's identity, but an API token is given and wins."
        yield notable("identity", sentence, "unset DAYPASS_TOKEN DUPLO_TOKEN")
    elif identity is None:
        sentence = f"{found.system} could prove this job's identity, but the sign-in of this machine wins."
        yield notable("identity", sentence, f"export DAYPASS_IDENTITY={shlex.quote(found.source)}")
    else:
        yield _used(identity, origin, flags, environment)


def _none_in_a_job(environment: Mapping[str, str]) -> Iterator[Finding]:
    name = next((name for name in _CI_VARIABLES if environment.get(name)), None)
    if name is not None and not request.first_set(environment, "DAYPASS_TOKEN", "DUPLO_TOKEN"):
        needs = ADVICE[_CI_VARIABLES[name]]
        sentence = f"{name} is set, but this job has no token that proves its identity. {needs}"
        yield notable("identity", sentence, _GUIDE)


def _used(
    identity: Identity, origin: str, flags: Mapping[str, str], environment: Mapping[str, str]
) -> Finding:
    try:
        token = id_token(identity, origin, flags, environment)
    except Refusal as refusal:
        return bad("identity", str(refusal), _GUIDE)
    present, variable = claims.unverified(token), variable_with(token, identity, environment)
    account = f", for the service account {identity.service_account}" if identity.service_account else ""
    where = f" in {variable}" if variable and variable != identity.system else ""
    text = f"{identity.system}{where}{account}: {claims.shown(present) or 'no readable claims'}"
    if origin not in claims.audiences(present):
        advice = "# set its audience to the portal's address, unless the workload rule demands another"
        return (bad if identity.is_detected else notable)("identity", f"{text}; not for {origin}.", advice)
    return good("identity", text)
