"""Input as other programs supply it: values with surrounding blanks, and pipes that can be read only once."""

import os
import subprocess
from pathlib import Path
from threading import Thread

import pytest

from daypass.cli.api.tls import CA_VARIABLES, trust
from daypass.cli.awsconfig.credential_process import ProfileCommand
from daypass.cli.cache.files import folder
from daypass.cli.cache.request import origin_of, parse_request, read_duration, tenant_of, token_of
from daypass.cli.runtime import private_files
from daypass.cli.runtime.errors import UsageError
from daypass.cli.runtime.redaction import known_tokens
from tests.cli.conftest import TOKEN, Command, Inside
from tests.cli.stub import StubPortal
from tests.tls import Authority

PADDINGS = [
    "{}\n",
    "{}\r\n",
    "{}\r",
    " {} ",
    "\t{}",
    "\ufeff{}",
    "\ufeff{}\n",
    "\n{}",
    "\n\ufeff{}",
    "\ufeff {}",
]


@pytest.mark.parametrize("padding", PADDINGS, ids=repr)
@pytest.mark.parametrize("own", [True, False])
def test_blanks_and_line_ends_around_a_variable_are_removed(padding: str, own: bool) -> None:
    prefix = "DAYPASS" if own else "DUPLO"
    environment = {
        f"{prefix}_HOST": padding.format("https://portal.example.com"),
        f"{prefix}_TOKEN": padding.format(TOKEN),
        f"{prefix}_TENANT": padding.format("dev01"),
    }

    parsed = parse_request({}, environment)

    assert (parsed.origin, parsed.token, parsed.tenant) == ("https://portal.example.com", TOKEN, "dev01")
    assert TOKEN in known_tokens([], environment)


@pytest.mark.parametrize(
    "variable",
    [
        "DUPLO_TOKEN",
        "DAYPASS_ID_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "BITBUCKET_STEP_OIDC_TOKEN",
        "TFC_WORKLOAD_IDENTITY_TOKEN",
        "TFC_WORKLOAD_IDENTITY_TOKEN_DAYPASS",
        "SYSTEM_ACCESSTOKEN",
    ],
)
def test_the_tokens_of_a_job_are_known_as_secrets(variable: str) -> None:
    assert TOKEN in known_tokens([], {variable: TOKEN})


@pytest.mark.parametrize("padding", PADDINGS, ids=repr)
def test_blanks_and_line_ends_around_a_flag_are_removed(padding: str) -> None:
    assert origin_of({"host": padding.format("portal.example.com")}, {}) == "https://portal.example.com"
    assert token_of({"token": padding.format(TOKEN)}, {}) == TOKEN
    assert tenant_of({"tenant": padding.format("dev01")}, {}) == "dev01"
    assert tenant_of({"tenant_id": padding.format("dev01")}, {}) == "dev01"
    assert read_duration(padding.format("1h30m")) == 5400


@pytest.mark.parametrize("variable", ["DAYPASS_TOKEN", "DAYPASS_TENANT", "DAYPASS_HOST"])
def test_a_blank_variable_counts_as_unset(variable: str) -> None:
    fallback = {"DUPLO_HOST": "https://old.example.com", "DUPLO_TOKEN": "old", "DUPLO_TENANT": "old"}

    assert parse_request({}, fallback | {variable: " \n"}).key() == parse_request({}, fallback).key()


@pytest.mark.parametrize("variable", ["DAYPASS_CACHE_DIR", "XDG_CACHE_HOME"])
def test_a_line_end_is_removed_from_the_cache_folder_variable(variable: str) -> None:
    assert folder({variable: "/var/x\r\n"}) == folder({variable: "/var/x"})


def test_a_line_end_is_removed_from_the_configuration_folder_variable() -> None:
    assert private_files.folder({"XDG_CONFIG_HOME": "/etc/x\r\n"}) == Path("/etc/x/daypass")


@pytest.mark.parametrize("variable", CA_VARIABLES)
def test_a_line_end_is_removed_from_the_name_of_a_ca_file(authority: Authority, variable: str) -> None:
    named = trust("https://portal.example.com", {}, {variable: f"{authority.ca_file}\r\n"})

    assert named is not None
    assert len(named.context.get_ca_certs()) == 1


def test_a_profile_names_the_ca_file_without_a_line_end(authority: Authority) -> None:
    environment = {"DAYPASS_CA_FILE": f"{authority.ca_file}\r\n", "HOME": "/root", "PATH": os.environ["PATH"]}

    command = ProfileCommand("https://portal.example.com", "dev01").command({}, environment)

    assert f"--ca-file {authority.ca_file}" in command
    assert "\r" not in command


def test_a_line_end_after_the_debug_variable_is_ignored(inside: Inside) -> None:
    inside("aws", "--tenant", "dev01")

    assert "Using cached keys" in inside("aws", "--tenant", "dev01", DAYPASS_DEBUG="1\r\n").err


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("padding", PADDINGS, ids=repr)
def test_blanks_around_the_token_in_a_file_are_removed(tmp_path: Path, padding: str, encoding: str) -> None:
    file = tmp_path / "token"
    file.write_bytes(padding.format(TOKEN).encode(encoding))

    assert token_of({"token_file": str(file)}, {}) == TOKEN


def test_a_token_file_that_is_neither_utf_8_nor_utf_16_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"\xff\xfeabc")

    with pytest.raises(UsageError, match="UTF-8"):
        token_of({"token_file": str(tmp_path / "token")}, {})


@pytest.mark.parametrize(
    ("words", "reading"),
    [
        ("aws --tenant dev01", '--token-file <(printf "%s\\n" "$T")'),
        ("aws --tenant dev01 --no-cache", '--token-file <(printf "%s\\n" "$T")'),
        ("whoami", '--token-file /dev/stdin <<<"$T"'),
        ("aws --tenant dev01", '--token-file /dev/stdin <<<"$T"'),
        ("exec --serve --tenant dev01", '--token-file <(printf "%s\\n" "$T") -- true'),
    ],
)
def test_a_token_from_a_pipe_is_read_only_once(
    daypass: Command, portal: StubPortal, words: str, reading: str
) -> None:
    ran = subprocess.run(
        ["bash", "-c", f"daypass {words} {reading}"],
        env=daypass.environment(DAYPASS_TOKEN="", T=TOKEN),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert portal.requests[-1].headers["Authorization"] == f"Bearer {TOKEN}"


def test_certificates_from_a_pipe_are_read_only_once(daypass: Command, authority: Authority) -> None:
    secure = StubPortal(authority.server)
    try:
        ran = subprocess.run(
            ["bash", "-c", f"daypass whoami --ca-file <(cat {authority.ca_file})"],
            env=daypass.environment(DAYPASS_HOST=secure.url),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        secure.close()

    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_token_from_a_named_pipe_is_read_only_once(
    daypass: Command, portal: StubPortal, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writing = Thread(target=lambda: pipe.write_text(TOKEN[::-1]), daemon=True)
    writing.start()

    ran = daypass("aws", "--tenant", "dev01", "--token-file", str(pipe))

    writing.join(timeout=60)
    assert (ran.code, ran.err) == (0, "")
    assert portal.requests[-1].headers["Authorization"] == f"Bearer {TOKEN[::-1]}"


def test_certificates_from_a_pipe_are_used_for_each_call(authority: Authority) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading), os.fdopen(writing, "wb") as pipe:
        pipe.write(authority.ca_file.read_bytes())
        pipe.close()
        flags = {"ca_file": f"/dev/fd/{reading}"}
        loaded = [trust("https://portal.example.com", flags, {}) for _ in range(2)]

    assert [named is not None and len(named.context.get_ca_certs()) for named in loaded] == [1, 1]


@pytest.mark.parametrize("flag", ["--token-file", "--ca-file"])
def test_configure_refuses_to_write_a_pipe_into_a_profile(inside: Inside, tmp_path: Path, flag: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writing = Thread(target=lambda: pipe.write_text(TOKEN), daemon=True)
    writing.start()

    ran = inside("configure", "--tenant", "dev01", flag, str(pipe))

    assert ran.code == 2
    assert not inside.config.exists()
    if flag == "--ca-file":
        # Without TLS the command does not open the CA file, which would block the writer.
        pipe.read_text()
    writing.join(timeout=60)
    assert "cannot name" in ran.err
