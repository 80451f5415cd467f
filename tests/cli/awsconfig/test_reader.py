"""AWS's configuration files are read as by botocore and the AWS CLI."""

import os
import subprocess
import sys
from pathlib import Path

import botocore.session
import pytest
from botocore.configloader import load_config
from botocore.credentials import create_credential_resolver
from botocore.exceptions import ConfigParseError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daypass.cli.awsconfig.reader import UnreadableFile, load
from daypass.cli.awsconfig.sources import AwsFiles
from tests.cli.conftest import Inside

AWS = str(Path(sys.executable).with_name("aws"))

BROKEN = {
    "a byte order mark": (b"\xef\xbb\xbf[default]\nregion = eu-west-1\n", 1, "sed -i"),
    "UTF-16": ("[default]\nregion = eu-west-1\n".encode("utf-16"), 0, "iconv -f UTF-16"),
    "UTF-16 without a mark": ("[default]\nregion = eu-west-1\n".encode("utf-16-le"), 1, "iconv -f UTF-16LE"),
    "Latin-1": ("[default]\n# für\nregion = eu-west-1\n".encode("latin-1"), 2, "iconv -f LATIN1"),
    "a key without a value": (b"[default]\noutput = json\nregion\n", 3, "Correct or remove the line"),
    "an option twice": (b"[default]\nregion = a\nRegion = b\n", 3, "Remove one of the two lines"),
    "a section twice": (b"[profile x]\na = b\n\n[profile x]\nc = d\n", 4, "Join the two sections"),
    "a setting before any header": (b"# mine\nregion = a\n[default]\n", 2, "Put a header"),
    "nested lines without a value": (
        b"[default]\ns3 =\n  a = b\n  nonsense\n",
        2,
        "Correct or remove the line",
    ),
}

NUL = b"[default]\nregion = eu\0-west-1\n"


@pytest.mark.parametrize(("content", "line", "remedy"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_the_aws_cli_cannot_read_is_refused_with_the_line_and_not_changed(
    inside: Inside, content: bytes, line: int, remedy: str
) -> None:
    inside.config.parent.mkdir()
    inside.config.write_bytes(content)

    ran = inside("configure", "--tenant", "dev01")
    diff = inside("configure", "--tenant", "dev01", "--diff")
    theirs = subprocess.run(
        [AWS, "configure", "list"],
        env={"HOME": str(inside.home), "PATH": os.environ["PATH"]},
        capture_output=True,
        check=False,
    )

    # UTF-16 without a byte order mark is valid UTF-8 with NULs, in which the AWS CLI finds no profile.
    assert b"Unable to parse config file" in theirs.stderr or b"\0" in content
    assert (ran.code, diff.code) == (6, 6)
    assert f"{inside.config}, line {line}: " in ran.err or line == 0
    assert "The AWS tools cannot read the file" in ran.err
    assert remedy in ran.err
    assert inside.config.read_bytes() == content


def test_a_nul_byte_is_refused_although_botocore_ignores_it(inside: Inside) -> None:
    inside.config.parent.mkdir()
    inside.config.write_bytes(NUL)

    ran = inside("configure", "--tenant", "dev01")

    assert (ran.code, inside.config.read_bytes()) == (6, NUL)
    assert "line 2: it holds a NUL byte" in ran.err


def test_an_unreadable_credentials_file_is_refused(inside: Inside) -> None:
    inside.config.parent.mkdir()
    (inside.config.parent / "credentials").write_text("[x]\naws_access_key_id\n")

    ran = inside("configure", "--tenant", "dev01")

    assert ran.code == 6
    assert "credentials, line 2" in ran.err
    assert not inside.config.exists()


@pytest.mark.parametrize(
    ("config", "credentials", "message"),
    [
        ("[ profile dev01 ]\nregion = a\n", "", "[ profile dev01 ] in"),
        ("[Profile dev01]\nregion = a\n", "", "Write it as [profile dev01]"),
        ("[profile dev01]\nsso_role_name = x\n", "", "another way (sso_role_name)"),
        ("[profile dev01]\nsso_session = corp\n", "", "another way (sso_session)"),
        ("[profile dev01]\naws_access_key_id = A\n", "", "another way (aws_access_key_id)"),
        (
            "[profile dev01]\ncredential_process = /opt/other --x\n",
            "",
            "another way (credential_process = /opt",
        ),
        ("", "[dev01]\naws_access_key_id = A\naws_secret_access_key = b\n", "has aws_access_key_id in"),
        (
            "",
            "[dev01]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = y\n",
            "has role_arn, source_profile",
        ),
        ("", "[dev01]\ncredential_process = /opt/other\n", "has credential_process in"),
        ("", "[DEFAULT]\naws_access_key_id = A\n[dev01]\n", "has aws_access_key_id in"),
        ("[DEFAULT]\nrole_arn = arn:aws:iam::1:role/x\n[profile dev01]\n", "", "another way (role_arn)"),
        ("[profile dev01]\nregion = a\n[profile 'dev01']\n", "", "twice"),
    ],
)
def test_a_profile_with_another_source_of_keys_is_refused(
    inside: Inside, config: str, credentials: str, message: str
) -> None:
    inside.config.parent.mkdir()
    inside.config.write_text(config)
    (inside.config.parent / "credentials").write_text(credentials)

    ran = inside("configure", "--tenant", "dev01")

    assert ran.code == 2
    assert message in ran.err
    assert "Try it" not in ran.err
    assert inside.config.read_text() == config


@pytest.mark.parametrize("named", ["$HOME/x/config", "${HOME}/x/config", "~/x/config"])
def test_variables_and_tilde_in_the_path_of_the_file_are_expanded(inside: Inside, named: str) -> None:
    inside("configure", "--tenant", "dev01", AWS_CONFIG_FILE=named)

    assert "[profile dev01]" in (inside.home / "x" / "config").read_text()
    assert not (Path.cwd() / named).exists()
    assert f"{inside.home}/x/config" in inside("doctor", AWS_CONFIG_FILE=named, PATH="/nowhere").out


def test_the_path_of_the_credentials_file_is_expanded(inside: Inside) -> None:
    (inside.home / "keys").write_text("[dev01]\naws_access_key_id = A\n")

    ran = inside("configure", "--tenant", "dev01", AWS_SHARED_CREDENTIALS_FILE="$HOME/keys")

    assert (ran.code, f"has aws_access_key_id in {inside.home}/keys" in ran.err) == (2, True)


HEADERS = st.sampled_from(
    [
        *("[default]", "[ profile dev01 ]", "[profile 'dev01']", "[profiles dev01]", "[profile dev01] # c"),
        *(
            "[profile default]",
            "[ default ]",
            "[profile a b]",
            "[profile 'a b']",
            "[profile 'x]",
            "[profile]",
        ),
        *("[DEFAULT]", "[sso-session s]", "[services s]", "[x", "[]"),
    ]
)
SOURCES = st.sampled_from(
    [
        *(
            "credential_process = false",
            "credential_process =",
            "role_arn = r\nsource_profile = y",
            "role_arn = r",
        ),
        *(
            "web_identity_token_file = /x",
            "web_identity_token_file =",
            "sso_role_name = r",
            "sso_account_id = 1",
        ),
        *("aws_access_key_id = A\naws_secret_access_key = B", "sso_session = s", "sso_start_url = u"),
    ]
)
OTHERS = st.sampled_from(
    [
        *("region = eu-west-1", "s3 =\n  a = b", "s3 =\n\n  a=b\n c = d", "s3 =\n  a", "Region: b", "region"),
        *("# comment", "; comment", "", "  indented = x", "\tx", "é = ü", "= v", "output = json", "a = [x]"),
    ]
)
BODIES = st.lists(st.one_of(*[SOURCES] * 5, OTHERS), max_size=4, unique=True)
SECTIONS = st.tuples(st.one_of(st.just("[profile dev01]"), st.just("[dev01]"), HEADERS), BODIES)
FILES = st.lists(SECTIONS, min_size=1, max_size=3, unique_by=lambda section: section[0]).map(
    lambda sections: "\n".join("\n".join([header, *body]) for header, body in sections)
)


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(config=FILES, credentials=FILES, newline=st.sampled_from(["\n", "\r\n", "\r"]))
def test_profiles_and_sources_of_keys_are_those_of_botocore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str, credentials: str, newline: str
) -> None:
    for name, text in (("config", config), ("credentials", credentials)):
        (tmp_path / name).write_bytes(text.replace("\n", newline).encode())
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))

    try:
        files = AwsFiles(load(tmp_path / "config"), load(tmp_path / "credentials"))
    except UnreadableFile:
        with pytest.raises(ConfigParseError):
            _ = botocore.session.Session().full_config
        return

    assert files.config.profiles == load_config(str(tmp_path / "config"))["profiles"]
    for profile in ("dev01", "default", "a b"):
        if profile in files.config.profiles or profile in files.credentials.sections:
            source = files.source_of(profile)
            assert (None if source is None else source.setting) == asked_by_botocore(profile)


METHODS = {
    "assume-role": "role_arn",
    "assume-role-with-web-identity": "web_identity_token_file",
    "shared-credentials-file": "aws_access_key_id",
    "custom-process": "credential_process",
    "config-file": "aws_access_key_id",
}


def asked_by_botocore(profile: str) -> str | None:
    """Return the setting that botocore's first matching provider uses, even if it then fails."""
    session = botocore.session.Session(profile=profile)
    for provider in create_credential_resolver(session).providers:
        if provider.METHOD not in (*METHODS, "sso"):
            continue
        try:
            found = provider.load()
        except Exception:
            found = provider
        if found is not None:
            settings = session.full_config["profiles"][profile]
            sso = next((name for name in ("sso_role_name", "sso_account_id") if name in settings), "")
            return METHODS.get(provider.METHOD, sso)
    return None
