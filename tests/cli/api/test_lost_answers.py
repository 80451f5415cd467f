"""Requests whose connection ends before the answer: issuances and GETs are sent once more, others never."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence

import pytest

from daypass.cli.api.client import ApiRequest, Portal, exchange
from daypass.cli.auth.session import StaticToken
from daypass.cli.runtime.errors import Unavailable
from tests.cli.conftest import TOKEN, Command, Inside
from tests.cli.sign_in import SignInPortal, leave_sign_in
from tests.cli.stub import Lost, ReceivedRequest, Reply, StubPortal, problem
from tests.tls import Authority

CUT = b'HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"id": "issu'
LOSSES = {
    "closed": Lost(),
    "reset": Lost(is_reset=True),
    "cut": Lost(CUT),
    "cut and reset": Lost(CUT, is_reset=True),
}
READING = [("tenants",), ("whoami",)]
ISSUING = [
    ("aws", "--tenant", "dev01"),
    ("env", "--shell", "sh", "--tenant", "dev01"),
    ("web", "--print", "--tenant", "dev01"),
]


def losing(portal: StubPortal, *losses: Lost) -> Callable[[ReceivedRequest], Reply | Lost]:
    """Return a function that loses its first answers like this, and then answers as usual."""
    left = list(losses)
    return lambda request: left.pop(0) if left else portal.usual(request)


@pytest.mark.parametrize("lost", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("words", [*ISSUING, *READING], ids=" ".join)
def test_a_get_or_an_issuance_without_an_answer_is_repeated(
    inside: Inside, portal: StubPortal, words: tuple[str, ...], lost: Lost
) -> None:
    portal.reply = losing(portal, lost)

    ran = inside(*words)

    assert (ran.code, ran.err) == (0, "")
    first, second = portal.requests
    assert (first.path, first.body) == (second.path, second.body)


@pytest.mark.parametrize("lost", LOSSES.values(), ids=LOSSES)
def test_an_answer_that_is_lost_in_tls_is_asked_for_again(
    inside: Inside, authority: Authority, lost: Lost
) -> None:
    portal = StubPortal(authority.server)
    portal.reply = losing(portal, lost)

    ran = inside("aws", "--tenant", "dev01", DAYPASS_HOST=portal.url, DAYPASS_CA_FILE=str(authority.ca_file))
    portal.close()

    assert (ran.code, ran.err, len(portal.requests)) == (0, "", 2)


@pytest.mark.parametrize("words", [ISSUING[0], READING[0]], ids=" ".join)
def test_a_request_is_repeated_only_once(inside: Inside, portal: StubPortal, words: tuple[str, ...]) -> None:
    portal.reply = losing(portal, *[Lost(is_reset=True)] * 3)

    ran = inside(*words)

    assert (ran.code, len(portal.requests)) == (5, 2)
    assert "Try again." in ran.err


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("lost", LOSSES.values(), ids=LOSSES)
def test_a_change_is_not_repeated(portal: StubPortal, method: str, lost: Lost) -> None:
    portal.reply = losing(portal, lost)
    client = Portal(portal.url, StaticToken(TOKEN), None)

    with pytest.raises(Unavailable):
        client.call(method, "/api/v1/users", {}, "changing a user")

    assert len(portal.requests) == 1


def test_a_token_refresh_is_not_repeated(inside: Inside, portal: StubPortal) -> None:
    # A refresh token that is used twice looks stolen, and the portal ends the sign-in.
    sign_in = SignInPortal(portal)
    leave_sign_in({"HOME": str(inside.home)}, portal.url, token_left=0)
    portal.reply = losing(portal, Lost())

    ran = inside("aws", "--tenant", "dev01", DAYPASS_TOKEN="")

    assert (ran.code, [request.path for request in portal.requests]) == (5, ["/oauth/token"])
    assert sign_in.issued_to == []


@pytest.mark.parametrize("path", ["/oauth/par", "/oauth/token", "/oauth/revoke"])
def test_a_request_of_a_sign_in_is_not_repeated(portal: StubPortal, path: str) -> None:
    portal.reply = losing(portal, Lost())
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    with pytest.raises(Unavailable):
        exchange(portal.url, None, ApiRequest("POST", path, headers, "client_id=x"), "signing in")

    assert len(portal.requests) == 1


ANSWERS: Sequence[Callable[[ReceivedRequest], Reply]] = (
    problem(503, "overloaded", "Too many requests are waiting.", **{"Retry-After": "1"}),
    problem(502, "aws_unavailable", "AWS did not answer."),
    lambda _: Reply(502, b"Bad Gateway", {"Content-Type": "text/html"}),
    lambda _: Reply(201, b" " * (1024 * 1024 + 1), {"Content-Type": "application/json"}),
)


@pytest.mark.parametrize("answer", ANSWERS, ids=["overloaded", "aws", "proxy", "too large"])
def test_an_answer_is_an_answer(
    inside: Inside, portal: StubPortal, answer: Callable[[ReceivedRequest], Reply]
) -> None:
    portal.reply = answer

    ran = inside("aws", "--tenant", "dev01")

    assert (ran.code, len(portal.requests)) == (5, 1)


_DYING_WORKER = """
import os, signal, socket, sys
connection, _ = socket.socket(fileno=int(sys.argv[1])).accept()
request = b""
while not request.endswith(b"}"):
    request += connection.recv(65536)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_keys_are_printed_although_the_process_that_got_the_request_is_killed(daypass: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        started = [sys.executable, "-S", "-c", _DYING_WORKER, str(listener.fileno())]
        worker = subprocess.Popen(started, pass_fds=[listener.fileno()])
        host = f"http://127.0.0.1:{listener.getsockname()[1]}"
        command = daypass.start(*ISSUING[0], environment=daypass.environment(DAYPASS_HOST=host))
        killed = worker.wait(60)
        # The other process of the same portal.
        other = StubPortal(listener=listener)
        out, err = command.communicate(timeout=60)
        other.close()

    assert (killed, command.returncode, err) == (-signal.SIGKILL, 0, "")
    assert json.loads(out)["AccessKeyId"] == "ASIA0000000000000001"
