"""The exchange of an identity token for a portal token (RFC 8693)."""

from urllib.parse import urlencode

from daypass.cli.api import errors
from daypass.cli.api.client import ApiRequest, exchange
from daypass.cli.api.responses import read_json
from daypass.cli.identity import claims
from daypass.cli.runtime.errors import Misconfigured, Refusal, SignInNeeded, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from daypass.cli.api.client import Answer
    from daypass.cli.api.tls import Trust
    from daypass.cli.identity.selection import Identity

_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
_JWT = "urn:ietf:params:oauth:token-type:jwt"

_MAX_LIFETIME = 24 * 60 * 60
"""Maximum plausible lifetime of a portal token, in seconds."""

_MAX_TOKEN_LENGTH = 4096


def portal_token(origin: str, trust: "Trust | None", identity: "Identity", id_token: str) -> tuple[str, int]:
    """Return the portal's token for *id_token* and its lifetime in seconds. Raises a `Refusal`.

    The request is never repeated, because the portal accepts an identity token once.
    """
    fields = {"grant_type": _GRANT, "subject_token": id_token, "subject_token_type": _JWT}
    if identity.service_account:
        fields["audience"] = identity.service_account
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    request = ApiRequest("POST", "/oauth/token", headers, urlencode(fields))
    answer = exchange(origin, trust, request, f"asking {origin} for a token for this job")
    content = _fields(answer)
    if answer.status != 200 or content is None:
        raise _refusal(origin, identity, id_token, answer, content)
    access, lifetime = content.get("access_token"), content.get("expires_in")
    if not isinstance(access, str) or not _is_token(access):
        raise Misconfigured(f"The answer of {origin} has no token. Is it a newer version?")
    if not isinstance(lifetime, int) or not 0 < lifetime <= _MAX_LIFETIME:
        raise Misconfigured(f"The answer of {origin} has no lifetime of the token. Is it a newer version?")
    return access, lifetime


def _is_token(text: str) -> bool:
    return 0 < len(text) <= _MAX_TOKEN_LENGTH and text.isascii() and text.isprintable() and " " not in text


def sent_claims(id_token: str) -> str:
    """Return a sentence with the claims of the token that identify the job."""
    text = claims.shown(claims.unverified(id_token))
    return f"The job's token has: {text}." if text else "The job's token has no readable claims."


def _refusal(
    origin: str, identity: "Identity", id_token: str, answer: "Answer", content: "dict[str, Any] | None"
) -> Refusal:
    error = content.get("error") if content else None
    is_temporary = answer.status >= 500 or answer.status == 429
    if content is None or not isinstance(error, str):
        if is_temporary:
            return Unavailable(f"{origin} answers with an error ({answer.status}). Try again later.")
        return errors.not_a_portal(origin, answer.status)
    if error == "unsupported_grant_type":
        return Misconfigured(
            f"The portal at {origin} accepts no identity tokens of jobs: its version is too old. Ask its "
            "operator for an upgrade, or use an API token in DAYPASS_TOKEN."
        )
    given = content.get("error_description")
    # The portal could repeat the token that it received. Replaced first, because a long message is cut.
    reason = errors.printable((given if isinstance(given, str) else error).replace(id_token, "***"))
    if is_temporary:
        return Unavailable(f"The portal at {origin} cannot check the identity of this job now: {reason}")
    for_account = f" for the service account {identity.service_account}" if identity.service_account else ""
    return SignInNeeded(
        f"The portal at {origin} did not accept the identity of this job ({identity.system}): {reason} "
        f"{sent_claims(id_token)} Ask an Administrator for a workload rule that demands these "
        f"claims{for_account}."
    )


def _fields(answer: "Answer") -> "dict[str, Any] | None":
    try:
        content = read_json(answer.body)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None
