"""Each system's way to give a job its identity token."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from daypass.cli.identity import claims
from daypass.cli.identity.id_tokens import id_token
from daypass.cli.identity.selection import detected, selected
from daypass.cli.runtime.errors import Misconfigured, Refusal, Unavailable
from tests.fixtures.ci_issuer import CiIssuer

PORTAL = "https://portal.example.com"


def token_of(environment: Mapping[str, str], identity: str = "auto") -> str:
    """Return the token that a job with these variables gets."""
    flags = {"identity": identity}
    found = selected(flags, environment) or detected(flags, environment)
    assert found is not None
    return id_token(found, PORTAL, flags, environment)


def test_github_gives_a_token_for_the_audience_of_the_portal(issuer: CiIssuer) -> None:
    token = token_of(issuer.github_variables())

    assert claims.unverified(token)["aud"] == PORTAL
    assert issuer.audiences == [PORTAL]
    assert issuer.paths == ["/job/idtoken"]


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("DAYPASS_ID_TOKEN", "auto"),
        ("DAYPASS_ID_TOKEN", "gitlab"),
        ("BITBUCKET_STEP_OIDC_TOKEN", "auto"),
        ("TFC_WORKLOAD_IDENTITY_TOKEN", "auto"),
        ("TFC_WORKLOAD_IDENTITY_TOKEN_DAYPASS", "hcp-terraform"),
    ],
)
def test_a_variable_holds_the_token(variable: str, name: str) -> None:
    # A file that was read into the variable may end in a line break.
    assert token_of({variable: "aa.bb.cc\n"}, name) == "aa.bb.cc"


def test_a_workspace_with_several_tokens_has_one_for_daypass() -> None:
    both = {"TFC_WORKLOAD_IDENTITY_TOKEN": "a.b.c", "TFC_WORKLOAD_IDENTITY_TOKEN_DAYPASS": "d.e.f"}

    assert token_of(both) == "d.e.f"


def test_of_several_tokens_of_a_job_the_one_for_the_portal_is_used(issuer: CiIssuer) -> None:
    vault, mine = issuer.mint("https://vault.example.com"), issuer.mint([PORTAL])
    gitlab = {"GITLAB_CI": "true", "VAULT_ID_TOKEN": vault}

    assert token_of({**gitlab, "ANY_ID_TOKEN": mine}) == mine
    # A variable of the pipeline's author whose name ends in the same way.
    assert token_of({**gitlab, "A_ID_TOKEN": "no token", "ANY_ID_TOKEN": mine}) == mine
    assert token_of({**gitlab, "DAYPASS_ID_TOKEN": vault, "ANY_ID_TOKEN": mine}) == mine
    both = {"TFC_WORKLOAD_IDENTITY_TOKEN_DAYPASS": vault, "TFC_WORKLOAD_IDENTITY_TOKEN": mine}
    assert token_of(both) == mine


@pytest.mark.parametrize("name", ["auto", "gitlab"])
def test_a_token_of_gitlab_for_another_service_is_named_and_not_used(issuer: CiIssuer, name: str) -> None:
    tokens = {
        "VAULT_ID_TOKEN": issuer.mint("https://vault.example.com"),
        "SIGSTORE_ID_TOKEN": issuer.mint("sigstore"),
    }

    with pytest.raises(Misconfigured) as raised:
        token_of({"GITLAB_CI": "true", **tokens}, name)

    assert "VAULT_ID_TOKEN is for https://vault.example.com" in str(raised.value)
    assert "SIGSTORE_ID_TOKEN is for sigstore, VAULT_ID_TOKEN" in str(raised.value)
    assert f"none is for {PORTAL}. Add `id_tokens:" in str(raised.value)


def test_a_file_is_read_each_time_because_its_token_is_rotated(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("aa.bb.cc\n")
    identity = selected({"identity": f"file:{file}"}, {})
    assert identity is not None

    first = id_token(identity, PORTAL, {}, {})
    file.write_text("dd.ee.ff\n")

    assert (first, id_token(identity, PORTAL, {}, {})) == ("aa.bb.cc", "dd.ee.ff")


def program(folder: Path, name: str, script: str = "echo aa.bb.cc") -> dict[str, str]:
    """Make a program that records its arguments; return the environment in which it is found."""
    path = folder / name
    path.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{folder}/arguments"\n{script}\n')
    path.chmod(0o700)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


@pytest.mark.parametrize(
    ("name", "executable", "arguments"),
    [
        ("circleci", "circleci", ["run", "oidc", "get", "--claims", f'{{"aud": "{PORTAL}"}}']),
        ("buildkite", "buildkite-agent", ["oidc", "request-token", "--audience", PORTAL]),
        (
            "aws",
            "aws",
            f"sts get-web-identity-token --audience {PORTAL} --signing-algorithm RS256"
            " --duration-seconds 300 --query WebIdentityToken --output text".split(),
        ),
    ],
)
def test_a_program_prints_the_token(tmp_path: Path, name: str, executable: str, arguments: list[str]) -> None:
    assert token_of(program(tmp_path, executable), name) == "aa.bb.cc"
    assert (tmp_path / "arguments").read_text().splitlines() == arguments


def test_a_program_that_fails_is_named_and_its_errors_are_not_shown(tmp_path: Path) -> None:
    environment = program(tmp_path, "buildkite-agent", "echo canary >&2; echo canary; exit 3")

    with pytest.raises(Misconfigured) as caught:
        token_of(environment, "buildkite")

    assert "`buildkite-agent` failed (3)" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_missing_program_is_named() -> None:
    with pytest.raises(Misconfigured, match="circleci cannot be run: No such file"):
        token_of({"PATH": "/nowhere"}, "circleci")


def test_a_profile_that_asks_daypass_again_is_refused(tmp_path: Path) -> None:
    environment = program(tmp_path, "aws", f'env > "{tmp_path}/environment"; echo aa.bb.cc')
    token_of(environment, "aws")
    lines = (tmp_path / "environment").read_text().splitlines()
    inner = environment | {"DAYPASS_WITHIN_AWS": "1"}

    assert "DAYPASS_WITHIN_AWS=1" in lines
    with pytest.raises(Misconfigured, match="gets its keys from daypass"):
        token_of(inner, "aws")


NO_HEADERS: Mapping[str, str] = {}


class _Service(ThreadingHTTPServer):
    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _ServiceHandler)
        self.status, self.headers, self.body = status, headers, body
        self.requests: list[tuple[str, str, Mapping[str, str]]] = []

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class _ServiceHandler(BaseHTTPRequestHandler):
    server: _Service

    def _answer(self) -> None:
        service = self.server
        service.requests.append((self.command, self.path, dict(self.headers)))
        self.send_response(service.status)
        for name, value in service.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(service.body)

    do_GET = do_POST = _answer  # noqa: N815  as the library calls them

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's own
        """Suppress the log."""


@contextmanager
def service(
    status: int = 200, body: bytes = b"aa.bb.cc", headers: Mapping[str, str] = NO_HEADERS
) -> Iterator[_Service]:
    """Run a token service that gives one answer."""
    server = _Service(status, headers, body)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def github(host: str) -> dict[str, str]:
    url = f"http://{host}/plans/1/idtoken?api-version=2.0"
    return {"ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request_canary"}


def test_the_metadata_server_of_google_gives_a_token() -> None:
    with service(headers={"Metadata-Flavor": "Google"}) as metadata:
        token = token_of({"GCE_METADATA_HOST": metadata.host}, "google")

    ((_, path, headers),) = metadata.requests
    assert token == "aa.bb.cc"
    assert path == (
        "/computeMetadata/v1/instance/service-accounts/default/identity"
        "?audience=https%3A%2F%2Fportal.example.com&format=full"
    )
    assert headers["Metadata-Flavor"] == "Google"


def test_another_server_in_the_place_of_the_metadata_server_is_not_believed() -> None:
    with service() as other, pytest.raises(Misconfigured, match="is not the metadata server"):
        token_of({"GCE_METADATA_HOST": other.host}, "google")


def test_a_redirect_is_not_followed_with_the_bearer_token() -> None:
    with (
        service() as elsewhere,
        service(302, b"", {"Location": f"http://{elsewhere.host}/"}) as ci,
        pytest.raises(Misconfigured, match=r"gave no identity token \(302\)"),
    ):
        token_of(github(ci.host))

    assert (len(ci.requests), elsewhere.requests) == (1, [])


@pytest.mark.parametrize(
    "url",
    [
        "http://ci.example.com/idtoken",
        "http://127.0.0.1.example.com/idtoken",
        "http://user@ci.example.com/idtoken",
        "https://user:secret@ci.example.com/idtoken",
        "ftp://127.0.0.1/idtoken",
        "file:///etc/passwd",
    ],
)
def test_the_bearer_token_is_sent_by_https_or_on_this_machine_only(url: str) -> None:
    environment = github("") | {"ACTIONS_ID_TOKEN_REQUEST_URL": url}

    with pytest.raises(Misconfigured, match="neither https nor on this machine") as caught:
        token_of(environment)

    assert "request_canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "refusal", "said"),
    [
        (401, b"{}", Misconfigured, "`id-token: write`"),
        (403, b"{}", Misconfigured, "`id-token: write`"),
        (500, b"{}", Unavailable, "Try again later"),
        (429, b"{}", Unavailable, "Try again later"),
        (200, b"not json", Misconfigured, "has no value"),
        (200, b"[]", Misconfigured, "has no value"),
        (200, b'{"value": 1}', Misconfigured, "has no value"),
        (200, b'{"value": ""}', Misconfigured, "is not a signed token"),
        (200, b'{"value": "aa.bb"}', Misconfigured, "is not a signed token"),
        (200, b'{"value": "aa.bb.c c"}', Misconfigured, "is not a signed token"),
        (200, b'{"value": "aa.bb.' + b"c" * 16384 + b'"}', Misconfigured, "is not a signed token"),
        (200, b" " * (1024 * 1024 + 1), Unavailable, "did not answer"),
    ],
)
def test_other_answers_of_the_token_service_are_refused(
    status: int, body: bytes, refusal: type[Refusal], said: str
) -> None:
    with (
        service(status, body, {"Content-Length": str(len(body))}) as ci,
        pytest.raises(refusal, match=said),
    ):
        token_of(github(ci.host))


@pytest.mark.parametrize("name", ["github", "gitlab", "bitbucket", "hcp-terraform"])
def test_a_job_without_a_token_is_told_what_it_needs(name: str) -> None:
    with pytest.raises(Misconfigured, match=r"is not set in this job\. \S"):
        token_of({}, name)
