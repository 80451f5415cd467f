"""Requests to the token service of a CI system or cloud: bounded, and without redirects."""

import os

from daypass.cli.api import tls
from daypass.cli.api.client import ApiRequest, exchange
from daypass.cli.api.responses import read_json
from daypass.cli.cache.request import read_origin
from daypass.cli.runtime.errors import Misconfigured, Refusal, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from daypass.cli.api.client import Answer


def json_token(
    system: str, request: ApiRequest, url: str, member: str, flags: "Mapping[str, str]", advice: str
) -> str:
    """Return the token in *member* of the JSON that the service at *url* answers; raise a `Refusal` if none.

    Only https is used, except on this machine: the request carries a bearer token. *advice* is what to do if
    the service refuses.
    """
    try:
        origin = read_origin(url)
    except Refusal:
        raise Misconfigured(
            f"The address of the token service of {system} is neither https nor on this machine, so nothing "
            "is sent to it."
        ) from None
    # The portal's authority may be the company's own, and the CI's token service has a public one.
    answer = _answer(system, origin, tls.trust_with_system(origin, flags, os.environ), request, advice)
    try:
        token = read_json(answer.body)[member]
    except (ValueError, LookupError, TypeError):
        token = None
    if not isinstance(token, str):
        raise Misconfigured(f"The answer of the token service of {system} has no {member}.")
    return token


def metadata_token(system: str, host: str, request: ApiRequest, advice: str) -> str:
    """Return the text that a cloud's metadata server on *host* answers. It is never asked through a proxy."""
    answer = _answer(system, f"http://{host}", None, request, advice)
    if answer.headers.get("Metadata-Flavor") != "Google":
        raise Misconfigured(f"{host} is not the metadata server of {system}. {advice}")
    return answer.body.decode("utf-8", "replace")


def _answer(
    system: str, origin: str, trust: "tls.Trust | None", request: ApiRequest, advice: str
) -> "Answer":
    try:
        # http.client follows no redirect, so the bearer token goes to this origin only.
        answer = exchange(origin, trust, request, f"asking {system} for an identity token")
    except Unavailable as refusal:
        raise Unavailable(
            f"The token service of {system} at {origin} did not answer. Try again. {advice}"
        ) from refusal
    except Refusal as refusal:
        raise Misconfigured(f"The token service of {system}: {refusal}") from refusal
    if answer.status >= 500 or answer.status == 429:
        raise Unavailable(
            f"The token service of {system} answers with an error ({answer.status}). Try again later."
        )
    if answer.status != 200:
        raise Misconfigured(f"{system} gave no identity token ({answer.status}). {advice}")
    return answer
