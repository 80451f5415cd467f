"""A user runs the unmodified duploctl with --interactive, and answers its prompt in the browser.

Both directly and, as in the manual, as the credential_process of the AWS CLI.
"""

import os
import select
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import boto3
import pytest
from playwright.sync_api import expect

from tests.fixtures.browser import User
from tests.fixtures.demo import bare_environment
from tests.journeys.terminal import Terminal, json_output

DANA, ADMIN = "dana@example.com", "admin@example.com"
PATIENCE = 60.0

Waiting = subprocess.Popen[str]


@pytest.fixture
def terminal(user: User, tmp_path: Path) -> Terminal:
    """A terminal with an empty home directory, beside the user's browser."""
    return Terminal(user.demo, tmp_path)


def duploctl(terminal: Terminal, *scope: str) -> AbstractContextManager[tuple[Waiting, str]]:
    """Run `duploctl jit aws --interactive`, and return it, waiting, with the path that it opened."""
    return asking(
        terminal, "duploctl", "--host", terminal.demo.portal_url, "jit", "aws", *scope, "--interactive"
    )


@contextmanager
def asking(terminal: Terminal, *words: str, **more: str) -> Iterator[tuple[Waiting, str]]:
    """Run a command that opens a browser, and return it, waiting, with the path that it opened."""
    opened = terminal.home / "opened"
    os.mkfifo(opened)
    browser = terminal.home / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > "{opened}"\n')
    browser.chmod(0o700)
    environment = bare_environment(
        terminal.home, REQUESTS_CA_BUNDLE=terminal.demo.ca_file, BROWSER=f"{browser} %s", **more
    )
    reader = os.open(opened, os.O_RDONLY | os.O_NONBLOCK)
    waiting = subprocess.Popen(
        words,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert select.select([reader], [], [], PATIENCE)[0], "no browser was opened"
        address = os.read(reader, 4096).decode()
        assert address.startswith(f"{terminal.demo.portal_url}/app/user/verify-token?")
        yield waiting, address.removeprefix(terminal.demo.portal_url)
    finally:
        os.close(reader)
        waiting.kill()
        waiting.communicate()


def who(terminal: Terminal, keys: dict[str, str]) -> str:
    sts = boto3.client(
        "sts",
        region_name=terminal.demo.ready["region"],
        endpoint_url=terminal.demo.aws_endpoint_url,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    return str(sts.get_caller_identity()["Arn"]).rpartition(":")[2]


@pytest.mark.parametrize(
    ("username", "scope", "role"),
    [
        (DANA, ("--tenant", "dev01"), "duploservices-dev01"),
        (ADMIN, ("--admin",), "duplomaster"),
        (ADMIN, ("--tenant", "data01"), "duploservices-data01"),
    ],
)
def test_authorize_gives_duploctl_credentials(
    user: User, terminal: Terminal, username: str, scope: tuple[str, ...], role: str
) -> None:
    with duploctl(terminal, *scope) as (waiting, address):
        page = user.sign_in(username, address)
        expect(page.get_by_role("heading", level=1)).to_have_text("Local Access Requested")
        expect(page.locator("code.chip")).to_have_text("duploctl")
        page.get_by_role("button", name="Authorize").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Access authorized")
        said, complained = waiting.communicate(timeout=PATIENCE)

    keys = json_output(subprocess.CompletedProcess([], waiting.returncode, said, complained))
    assert who(terminal, keys) == f"assumed-role/{role}/{username}"
    assert page.url == f"{terminal.demo.portal_url}/app/user/verify-token/done"
    user.assert_no_errors()


def test_the_manuals_profile_prompts_at_the_first_aws_call(user: User, terminal: Terminal) -> None:
    host = terminal.demo.portal_url.removeprefix("https://")
    config = terminal.home / ".aws" / "config"
    config.parent.mkdir()
    config.write_text(
        f"[profile {host}]\nregion=us-west-2\noutput=json\n"
        f"credential_process=duploctl jit aws --host https://{host} --admin --interactive\n"
    )
    call = ("aws", "--endpoint-url", terminal.demo.aws_endpoint_url, "sts", "get-caller-identity")

    with asking(terminal, *call, AWS_PROFILE=host) as (waiting, address):
        page = user.sign_in(ADMIN, address)
        page.get_by_role("button", name="Authorize").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Access authorized")
        said, complained = waiting.communicate(timeout=PATIENCE)

    identity = json_output(subprocess.CompletedProcess([], waiting.returncode, said, complained))
    assert identity["Arn"].endswith(f":assumed-role/duplomaster/{ADMIN}")


def test_cancel_delivers_no_token_and_says_how_to_stop_the_command(user: User, terminal: Terminal) -> None:
    with duploctl(terminal, "--tenant", "dev01") as (waiting, address):
        page = user.sign_in(DANA, address)
        page.get_by_role("button", name="Cancel").click()

        expect(page.get_by_text("stop it with Ctrl-C")).to_be_visible()
        assert waiting.poll() is None
    assert not list(terminal.home.glob(".duplo/cache/*"))


def test_a_user_cannot_authorize_admin_access(user: User, terminal: Terminal) -> None:
    with duploctl(terminal, "--admin") as (waiting, address):
        page = user.sign_in(DANA, address)

        expect(page.get_by_role("alert")).to_contain_text("for Administrators")
        expect(page.get_by_role("button", name="Authorize")).to_have_count(0)
        assert waiting.poll() is None
