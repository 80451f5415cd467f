"""`daypass aws` as the AWS CLI runs it: its output, its request to the portal, and its errors."""

import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from daypass.cli.api.client import ApiRequest, exchange
from daypass.cli.api.tls import trust
from daypass.cli.runtime.errors import Misconfigured
from tests.cli.conftest import TOKEN, Command
from tests.cli.stub import ReceivedRequest, Reply, StubPortal, problem
from tests.tls import Authority

DEV = ("aws", "--tenant", "dev01")


def test_stdout_is_the_json_of_credential_process_and_nothing_else(daypass: Command) -> None:
    ran = daypass(*DEV)

    assert (ran.code, ran.err) == (0, "")
    keys = json.loads(ran.out)
    assert ran.out == json.dumps(keys) + "\n"
    assert list(keys) == ["Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"]
    assert keys["Version"] == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", keys["Expiration"])


@pytest.mark.parametrize(
    ("words", "body"),
    [
        (("aws", "--tenant", "dev01"), {"tenant": "dev01"}),
        (("aws", "-T", "dev01", "--duration", "2h"), {"tenant": "dev01", "duration": 7200}),
        (("aws", "--admin"), {"admin": True}),
        (("aws", "-T", "dev01", "--permission-set", "ops"), {"tenant": "dev01", "permission_set": "ops"}),
        (("jit", "aws", "--admin", "--permission-set=ops"), {"admin": True, "permission_set": "ops"}),
        (("jit", "aws", "--tenant", "DEV01"), {"tenant": "dev01"}),
        (("jit", "aws", "--tenant-id", "tenant-1", "--nocache"), {"tenant": "tenant-1"}),
        (("jit", "aws", "--tid", "tenant-1", "-o", "json"), {"tenant": "tenant-1"}),
        (("jit", "aws", "--admin", "--interactive"), {"admin": True}),
        (("jit", "aws", "--isadmin", "-I", "--browser", "chrome", "-L", "DEBUG"), {"admin": True}),
        (("jit", "aws", "--admin", "--tenant", "dev01"), {"admin": True}),
        (("--isadmin", "-L", "DEBUG", "jit", "aws", "--nocache"), {"admin": True}),
    ],
)
def test_the_request_has_the_values_of_the_flags(
    daypass: Command, portal: StubPortal, words: tuple[str, ...], body: dict[str, object]
) -> None:
    ran = daypass(*words)

    assert (ran.code, ran.err) == (0, "")
    (asked,) = portal.requests
    assert asked.path == "/api/v1/sessions"
    assert asked.body == body
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["User-Agent"].startswith("daypass/")


def test_the_flags_of_the_manual_work_without_variables(daypass: Command, portal: StubPortal) -> None:
    none = {"DAYPASS_HOST": "", "DAYPASS_TOKEN": ""}

    ran = daypass("jit", "aws", "--host", portal.url, "--admin", "--token", "MYTOKEN", **none)

    assert ran.code == 0
    assert portal.requests[0].headers["Authorization"] == "Bearer MYTOKEN"


def test_duploctls_variables_work_without_flags(daypass: Command, portal: StubPortal) -> None:
    legacy = {"DUPLO_HOST": portal.url, "DUPLO_TOKEN": "legacy_token", "DUPLO_TENANT": "dev01"}

    ran = daypass("jit", "aws", DAYPASS_HOST="", DAYPASS_TOKEN="", **legacy)

    assert ran.code == 0
    assert portal.requests[0].body == {"tenant": "dev01"}


def test_the_portals_note_is_printed_to_stderr(daypass: Command, portal: StubPortal) -> None:
    portal.note = "This role allows 1 h.\x1b[2J"

    ran = daypass(*DEV, "--duration", "2h")

    assert ran.err == "daypass: This role allows 1 h. [2J\n"
    assert "role allows" not in ran.out


def test_without_token_and_terminal_the_ways_to_sign_in_are_explained(daypass: Command) -> None:
    ran = daypass(*DEV, "--interactive", DAYPASS_TOKEN="")

    assert (ran.code, ran.out) == (3, "")
    assert "daypass login --host http://localhost" in ran.err
    assert "DAYPASS_TOKEN" in ran.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("aws",), "Which tenant?"),
        (("aws", "--tenant", ""), "name is empty"),
        (("aws", "--tenant", "a\nb"), "no tenant's name has"),
        (("aws", "--tenant", "dev01", "--admin"), "Choose one"),
        (("aws", "--tenant", "dev01", "--host", "http://portal.example.com"), "unencrypted: use https://"),
        (("aws", "--tenant", "dev01", "--host", ""), "Which portal?"),
        (("aws", "--tenant", "dev01", "--duration", "-1"), "not a duration"),
        (("aws", "--tenant", "dev01", "--duration", "1e9"), "not a duration"),
        (("aws", "--tenant", "dev01", "--duration", "2 hours"), "not a duration"),
        (
            ("aws", "--tenant", "dev01", "--token-file", "/nowhere"),
            "/nowhere cannot be read: No such file or directory.",
        ),
        (("aws", "--tenant"), "requires an argument"),
        (("aws", "--tenants", "dev01"), "No such option"),
        (("jit", "aws", "--admin", "-o", "yaml"), "--output accepts json only"),
        (("nothing",), "No such command 'nothing'. See"),
        (("tenats",), "No such command 'tenats'. Did you mean tenants?"),
    ],
)
def test_a_wrong_command_line_is_explained(daypass: Command, words: tuple[str, ...], sentence: str) -> None:
    ran = daypass(*words)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("daypass: ")
    assert sentence in ran.err


def test_an_unreadable_ca_file_is_named(daypass: Command, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()

    missing = daypass(*DEV, DAYPASS_HOST="https://localhost:1", SSL_CERT_FILE="/nowhere.pem")
    useless = daypass(*DEV, "--ca-file", str(empty), DAYPASS_HOST="https://localhost:1")

    assert (missing.code, useless.code) == (2, 2)
    assert "/nowhere.pem, named by SSL_CERT_FILE" in missing.err
    assert "named by --ca-file" in useless.err


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        (401, "unauthenticated", 3),
        (401, "sign_in_again", 3),
        (403, "access_denied", 4),
        (403, "jit_disabled", 4),
        (404, "tenant_not_found", 4),
        (422, "invalid_duration", 2),
        (422, "invalid_request", 2),
        (502, "aws_refused", 6),
        (502, "aws_trust", 6),
        (500, "aws_misconfigured", 6),
        (503, "aws_unavailable", 5),
        (503, "audit_unavailable", 5),
        (500, "internal", 5),
    ],
)
def test_a_refusal_prints_the_portals_sentence_and_sets_the_exit_code(
    daypass: Command, portal: StubPortal, status: int, code: str, exit_code: int
) -> None:
    portal.reply = problem(status, code, "Because of this.")

    ran = daypass(*DEV)

    assert (ran.code, ran.out) == (exit_code, "")
    assert ran.err == "daypass: Because of this. (request req-7)\n"


def test_throttling_by_aws_is_reported_with_the_time_to_wait(daypass: Command, portal: StubPortal) -> None:
    portal.reply = problem(503, "aws_throttled", "AWS asks us to slow down.", **{"retry-after": "2"})

    ran = daypass(*DEV)

    assert ran.code == 5
    assert "Try again in 2 s." in ran.err


HTML = {"Content-Type": "text/html"}


@pytest.mark.parametrize(
    ("reply", "exit_code", "sentence"),
    [
        (Reply(200, b"<html>", HTML), 6, "not a Daypass portal"),
        (Reply(201, b"[]", {}), 6, "not a Daypass portal"),
        (Reply(201, b"\xff", {}), 6, "not a Daypass portal"),
        (Reply(201, b'{"credentials": {}, "tenant": null}', {}), 6, "not a Daypass portal"),
        (Reply(302, b"", {"Location": "https://elsewhere.example"}), 6, "not a Daypass portal (302)"),
        (Reply(404, b"<html>", HTML), 6, "not a Daypass portal (404)"),
        (
            Reply(403, b"nonsense", {"Content-Type": "application/problem+json"}),
            6,
            "not a Daypass portal (403)",
        ),
        (Reply(502, b"<html>bad gateway", HTML), 5, "answers with an error (502)"),
    ],
)
def test_an_answer_of_another_server_is_recognised(
    daypass: Command, portal: StubPortal, reply: Reply, exit_code: int, sentence: str
) -> None:
    portal.reply = lambda _: reply

    ran = daypass(*DEV)

    assert (ran.code, ran.out) == (exit_code, "")
    assert sentence in ran.err
    assert len(portal.requests) == 1


def test_an_unreachable_portal_is_named(daypass: Command) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"

        refused = daypass(*DEV, DAYPASS_HOST=nobody)
    unknown = daypass(*DEV, DAYPASS_HOST="https://portal.invalid")

    assert (refused.code, unknown.code) == (5, 5)
    assert f"Nothing listens at {nobody}" in refused.err
    assert "The host name of https://portal.invalid cannot be resolved" in unknown.err


def test_a_closed_connection_is_reported(daypass: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = daypass.start(
            *DEV,
            environment=daypass.environment(DAYPASS_HOST=f"http://127.0.0.1:{listener.getsockname()[1]}"),
        )
        # The request is repeated once.
        for _ in range(2):
            listener.accept()[0].close()
        _, message = command.communicate(timeout=60)

    assert command.returncode == 5
    assert "Try again" in message


@pytest.mark.parametrize(("length", "attempts"), [(0, 2), (1, 2), (2_000_000, 1)])
def test_a_truncated_or_too_long_answer_is_refused(daypass: Command, length: int, attempts: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = daypass.start(
            *DEV,
            environment=daypass.environment(DAYPASS_HOST=f"http://127.0.0.1:{listener.getsockname()[1]}"),
        )
        for _ in range(attempts):
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                head = b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % max(length, 4000)
                connection.sendall(head + b" " * length)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(8192):
                    pass
        _, message = command.communicate(timeout=60)

    assert command.returncode == 5
    assert "closed the connection in the middle of its answer. Try again." in message


@pytest.fixture
def secure(authority: Authority) -> Iterator[StubPortal]:
    """A portal with a certificate of a private authority."""
    stub = StubPortal(authority.server)
    yield stub
    stub.close()


CA_VARIABLES = ["DAYPASS_CA_FILE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE"]


@pytest.mark.parametrize("variable", CA_VARIABLES)
def test_a_named_private_authority_is_trusted(
    daypass: Command, secure: StubPortal, authority: Authority, variable: str
) -> None:
    ran = daypass(*DEV, DAYPASS_HOST=secure.url, **{variable: str(authority.ca_file)})

    assert (ran.code, ran.err) == (0, "")


def test_the_flag_for_the_ca_file_wins_over_variables(
    daypass: Command, secure: StubPortal, authority: Authority
) -> None:
    wrong = {"DAYPASS_HOST": secure.url, "AWS_CA_BUNDLE": "/nowhere"}

    by_flag = daypass(*DEV, "--ca-file", str(authority.ca_file), DAYPASS_CA_FILE="/nowhere", **wrong)
    by_ours = daypass(*DEV, DAYPASS_CA_FILE=str(authority.ca_file), **wrong)

    assert (by_flag.code, by_ours.code) == (0, 0)


@pytest.fixture
def system(tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system with certificates in a folder of hashed names, and the portal's authority in its bundle."""
    folder = tmp_path / "certs"
    folder.mkdir()
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    return folder


def test_an_authority_that_is_only_in_the_system_bundle_is_trusted(secure: StubPortal, system: Path) -> None:
    (system / "00000000.0").touch()
    trusted = trust(secure.url, {}, {})
    assert trusted is not None
    assert trusted.context.cert_store_stats()["x509_ca"] == 0, "the bundle was read before it was needed"

    answer = exchange(secure.url, trusted, ApiRequest("GET", "/api/v1/me", {}, None), "asking")

    assert answer.status == 200
    assert len(secure.requests) == 1


@pytest.mark.usefixtures("system")
def test_a_bundle_without_hashed_names_is_read_eagerly(secure: StubPortal) -> None:
    trusted = trust(secure.url, {}, {})

    assert trusted is not None
    assert trusted.context.cert_store_stats()["x509_ca"] == 1


@pytest.mark.usefixtures("system")
def test_a_named_ca_file_replaces_the_system_certificates(secure: StubPortal, tmp_path: Path) -> None:
    named = tmp_path / "named"
    named.mkdir()
    (named / "00000000.0").touch()

    trusted = trust(secure.url, {"ca_file": str(named)}, {})
    with pytest.raises(Misconfigured, match="is not trusted"):
        exchange(secure.url, trusted, ApiRequest("GET", "/", {}, None), "asking")

    assert secure.requests == []


def test_an_unknown_authority_is_refused_before_the_token_is_sent(
    daypass: Command, secure: StubPortal
) -> None:
    ran = daypass(*DEV, DAYPASS_HOST=secure.url)

    assert ran.code == 6
    assert "--ca-file or DAYPASS_CA_FILE" in ran.err
    assert secure.requests == []


def test_a_portal_without_tls_behind_an_https_address_is_explained(
    daypass: Command, portal: StubPortal
) -> None:
    ran = daypass(*DEV, DAYPASS_HOST=f"https://localhost:{portal.port}")

    assert ran.code == 6
    assert "does not speak TLS" in ran.err


def test_an_incomplete_answer_is_refused(daypass: Command, portal: StubPortal) -> None:
    def cut_short(asked: ReceivedRequest) -> Reply:
        whole = portal.issued(asked)
        return Reply(whole.status, whole.body[:-40], whole.headers)

    portal.reply = cut_short

    assert daypass(*DEV).code == 6


def _failing(_: ReceivedRequest) -> Reply:
    return Reply(500, b"", {})


def _issuing_nonsense(_: ReceivedRequest) -> Reply:
    return Reply(201, b"{", {})


@pytest.mark.parametrize(
    "reply", [_failing, _issuing_nonsense, problem(401, "unauthenticated", f"Not {TOKEN}.")]
)
@pytest.mark.parametrize("debug", ["", "1"])
def test_the_token_is_never_repeated(
    daypass: Command, portal: StubPortal, reply: Callable[[ReceivedRequest], Reply], debug: str
) -> None:
    portal.reply = reply

    by_variable = daypass(*DEV, DAYPASS_DEBUG=debug)
    by_flag = daypass(*DEV, "--token", TOKEN, DAYPASS_TOKEN="", DAYPASS_DEBUG=debug)
    attached = daypass(*DEV, f"--token={TOKEN}", DAYPASS_TOKEN="", DAYPASS_DEBUG=debug)

    assert "canary" not in "".join(ran.out + ran.err for ran in (by_variable, by_flag, attached))


@pytest.mark.parametrize(
    "words",
    [
        (*DEV, "-token", TOKEN),
        (*DEV, "--tokn", TOKEN),
        (*DEV, f"--tokn={TOKEN}"),
        (*DEV, f"--admin={TOKEN}"),
        (*DEV, TOKEN),
        (TOKEN,),
        ("jit", TOKEN),
        ("cache", TOKEN),
        ("jit", "aws", "--output", TOKEN),
        (*DEV, "--duration", TOKEN),
        (*DEV, "--host", f"https://dana:{TOKEN}@portal.example.com"),
    ],
)
@pytest.mark.parametrize("debug", ["", "1"])
def test_a_token_in_the_wrong_place_is_not_repeated(
    daypass: Command, words: tuple[str, ...], debug: str
) -> None:
    ran = daypass(*words, DAYPASS_TOKEN="", DAYPASS_DEBUG=debug)

    assert ran.code in (2, 3)
    assert "canary" not in ran.out + ran.err


def test_keys_for_fifteen_minutes_are_printed(daypass: Command, portal: StubPortal) -> None:
    portal.life = timedelta(minutes=15)

    assert daypass(*DEV, "--duration", "900").code == 0
