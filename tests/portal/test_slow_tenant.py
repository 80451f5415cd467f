"""A tenant whose AWS never answers does not delay other tenants, pages and probes."""

import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler

from tests.portal.aws.stub import StubAws
from tests.portal.processes import Operator
from tests.portal.test_serve import add_tenant, token_of_a_new_administrator

CALLERS = 60
SHARE = 4
"""The concurrent calls per role with four threads (DAYPASS_THREADS)."""


def test_a_tenant_whose_aws_never_answers_does_not_delay_other_callers(
    operator: Operator, own_aws: StubAws
) -> None:
    token = token_of_a_new_administrator(operator)
    add_tenant(operator, "dark")
    add_tenant(operator, "light")
    well, reached, may_answer = own_aws.scripts[0], threading.Semaphore(0), threading.Event()

    def black_hole(handler: BaseHTTPRequestHandler) -> None:
        asked = handler.asked  # type: ignore[attr-defined]  # a stub's handler
        if asked["Action"] == "AssumeRole" and asked["RoleArn"].endswith("-dark"):
            reached.release()
            may_answer.wait(60)
        well(handler)

    with operator.serving_forked() as serving, ThreadPoolExecutor(CALLERS) as crowd:
        own_aws.play(black_hole)
        dark = {"tenant": "dark"}
        stuck = [crowd.submit(serving.ask, "POST", "/api/v1/sessions", token, dark) for _ in range(CALLERS)]
        try:
            assert all(reached.acquire(timeout=60) for _ in range(SHARE))
            light = [serving.ask("POST", "/api/v1/sessions", token, {"tenant": "light"}) for _ in range(10)]
            pages = [serving.ask("GET", path)[0] for path in ("/sign-in", "/readyz", "/healthz") * 3]
        finally:
            may_answer.set()
        answers = [asking.result() for asking in stuck]

    assert [status for status, _ in light] == [201] * 10
    assert pages == [200] * 9
    assert {status for status, _ in answers} <= {201, 503}
    refused = [body for status, body in answers if status == 503]
    assert {body["code"] for body in refused} <= {"overloaded", "aws_unavailable"}
    assert any("AWS answers slowly for the role duploservices-dark" in body["detail"] for body in refused)
