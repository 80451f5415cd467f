"""The checks of scim2-tester, an independent client, against the whole application."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from tests.portal.http.scim.provider import Provider
from tests.portal.http.world import PUBLIC_URL

NOT_APPLICABLE = {
    "PATCH modify() did not remove attribute 'active'": "A user is always enabled or disabled. To leave the "
    "attribute out changes nothing, so that no incomplete request enables a leaver.",
}
"""The findings of checks that do not apply here, each with the reason."""


def test_every_check_passes(okta: Provider) -> None:
    # Their import takes seconds, which every worker would spend to collect this module.
    from scim2_client.engines.wsgi import WSGISCIMClient
    from scim2_tester import Status, check_server

    headers = {"Authorization": f"Bearer {okta.token}"}
    client = WSGISCIMClient(_wsgi(okta), base_url=f"{PUBLIC_URL}/scim/v2", headers=headers)

    results = check_server(client)

    failed = [
        (result.title, result.status.name, result.reason)
        for result in results
        if result.status in {Status.ERROR, Status.CRITICAL} and result.reason not in NOT_APPLICABLE
    ]
    assert failed == []
    assert sum(result.status is Status.SUCCESS for result in results) > 40


def _wsgi(okta: Provider) -> Callable[[dict[str, Any], Callable[..., object]], Iterable[bytes]]:
    """Return the portal as a WSGI application, which the tester calls without a network."""

    def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        headers = [
            (name.removeprefix("HTTP_").replace("_", "-"), value)
            for name, value in environ.items()
            if name.startswith("HTTP_")
        ]
        answer = okta.client.send(
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"],
            headers=headers,
            query=environ.get("QUERY_STRING", ""),
            body=environ["wsgi.input"].read(),
        )
        phrase = HTTPStatus(answer.status).phrase
        start_response(f"{int(answer.status)} {phrase}", list(answer.headers))
        return [answer.body]

    return app
