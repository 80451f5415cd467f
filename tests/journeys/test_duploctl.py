"""A user of the legacy client changes nothing but the host: PyPI's duploctl, unmodified, over TLS."""

import configparser
from datetime import datetime, timedelta

import boto3
import pytest

from daypass import __version__
from daypass.demo.http_client import browse
from daypass.portal.clock import utc_now
from daypass.portal.settings.registry import TENANT_AUTHENTICATION_AGE
from tests.journeys.terminal import Terminal, json_output

DANA, ADMIN = "dana@example.com", "admin@example.com"


def session_of(terminal: Terminal, keys: dict[str, str]) -> str:
    sts = boto3.client(
        "sts",
        region_name=terminal.demo.ready["region"],
        endpoint_url=terminal.demo.aws_endpoint_url,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    return str(sts.get_caller_identity()["Arn"]).rpartition(":")[2]


def test_jit_aws_gives_keys_of_the_tenant(terminal: Terminal) -> None:
    keys = json_output(terminal.duploctl(DANA, "jit", "aws", "--tenant", "dev01"))

    assert session_of(terminal, keys) == f"assumed-role/duploservices-dev01/{DANA}"
    left = datetime.fromisoformat(keys["Expiration"]) - utc_now()
    assert timedelta(minutes=59) < left <= timedelta(hours=1)
    assert 3500 < keys["Validity"] <= 3600


def test_jit_aws_admin_gives_keys_of_the_master_role(terminal: Terminal) -> None:
    keys = json_output(terminal.duploctl(ADMIN, "jit", "aws", "--admin"))

    assert session_of(terminal, keys) == f"assumed-role/duplomaster/{ADMIN}"


def test_admin_keys_are_refused_to_a_user_with_a_reason(terminal: Terminal) -> None:
    refused = terminal.duploctl(DANA, "jit", "aws", "--admin")

    assert refused.returncode == 403 % 256
    assert "Administrator" in refused.stdout


def test_a_tenant_that_asks_for_a_recent_authentication_refuses_a_stored_token(terminal: Terminal) -> None:
    tenant_id = terminal.demo.tenants["dev01"]["id"]
    with terminal.demo.setting(TENANT_AUTHENTICATION_AGE, "60", tenant_id):
        refused = terminal.duploctl(DANA, "jit", "aws", "--tenant", "dev01", "--nocache")

    assert refused.returncode == 403 % 256
    assert "an authentication within the last 1 h" in refused.stdout
    assert "a permanent API token cannot prove" in refused.stdout


def test_a_second_call_returns_the_keys_that_duploctl_cached(terminal: Terminal) -> None:
    first = json_output(terminal.duploctl(DANA, "jit", "aws", "--tenant", "dev01"))

    assert json_output(terminal.duploctl(DANA, "jit", "aws", "--tenant", "dev01")) == first


def test_keys_of_a_second_tenant_differ_from_those_of_the_first(terminal: Terminal) -> None:
    # Its cache has no tenant in the name of its file, so the second tenant needs --nocache.
    first = json_output(terminal.duploctl(DANA, "jit", "aws", "--tenant", "dev01", "--nocache"))
    second = json_output(terminal.duploctl(DANA, "jit", "aws", "--tenant", "prod01", "--nocache"))

    assert session_of(terminal, first).startswith("assumed-role/duploservices-dev01/")
    assert session_of(terminal, second).startswith("assumed-role/duploservices-prod01/")


def test_a_tenant_without_membership_is_not_found(terminal: Terminal) -> None:
    refused = terminal.duploctl(DANA, "jit", "aws", "--tenant", "data01")

    assert refused.returncode == 404 % 256
    assert "not found" in refused.stdout


def test_a_wrong_token_ends_with_the_code_of_401(terminal: Terminal) -> None:
    refused = terminal.duploctl(DANA, "--token", "no_such_token", "tenant", "list")

    assert refused.returncode == 401 % 256


def test_jit_token_shows_the_token_in_use(terminal: Terminal) -> None:
    assert json_output(terminal.duploctl(DANA, "jit", "token")) == {"token": terminal.demo.token(DANA)}


@pytest.mark.parametrize(
    ("username", "scope", "role"),
    [(DANA, ("--tenant", "dev01"), "duploservices-dev01"), (ADMIN, ("--admin",), "duplomaster")],
    ids=["tenant", "admin"],
)
def test_update_aws_config_writes_a_profile_that_the_aws_cli_uses(
    terminal: Terminal, username: str, scope: tuple[str, ...], role: str
) -> None:
    token = terminal.demo.token(username)
    written = terminal.duploctl(username, "jit", "update_aws_config", "portal", *scope, "--token", token)
    config = configparser.ConfigParser()
    config.read(terminal.home / ".aws" / "config")

    identity = json_output(
        terminal.aws("portal", "sts", "get-caller-identity", REQUESTS_CA_BUNDLE=terminal.demo.ca_file)
    )

    assert "successfully added" in written.stdout
    assert config["profile portal"]["credential_process"].startswith("duploctl jit aws --host https://")
    assert identity["Arn"].endswith(f":assumed-role/{role}/{username}")


def test_jit_web_opens_a_browser_that_is_signed_in(terminal: Terminal) -> None:
    recorder = terminal.home / "browser"
    recorder.write_text('#!/bin/sh\nprintf %s "$1" > "$HOME/opened"\n')
    recorder.chmod(0o700)

    opened = terminal.duploctl(DANA, "jit", "web", "--tenant", "dev01", BROWSER=f"{recorder} %s")

    assert opened.returncode == 0, opened.stdout
    assert f"duploservices-dev01/{DANA}" in browse((terminal.home / "opened").read_text())


@pytest.mark.parametrize(
    ("username", "tenants"),
    [(DANA, {"dev01", "prod01"}), (ADMIN, {"dev01", "prod01", "data01"}), ("noor@example.com", set())],
)
def test_tenant_list_shows_the_tenants_that_the_user_may_use(
    terminal: Terminal, username: str, tenants: set[str]
) -> None:
    listed = json_output(terminal.duploctl(username, "tenant", "list"))

    assert {tenant["AccountName"] for tenant in listed} == tenants


def test_system_info_describes_the_portal(terminal: Terminal) -> None:
    info = json_output(terminal.duploctl(DANA, "system", "info"))

    assert info["IsAwsCloudEnabled"] is True
    assert info["IsOtpNeeded"] is False
    assert info["DefaultAwsRegion"] == terminal.demo.ready["region"]


def test_version_shows_the_version_of_the_portal(terminal: Terminal) -> None:
    versions = json_output(terminal.duploctl(DANA, "version"))

    parts = versions.keys() - {"cli"}
    assert {"backend", "auth", "ui", "frontdoor"} <= parts
    assert [versions[part] for part in parts] == [{"tag": __version__, "product": "daypass"}] * len(parts)
