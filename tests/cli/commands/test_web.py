"""`daypass web`: the signed-in browser, and the page of the console that it opens."""

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.cli.conftest import Command, Inside
from tests.cli.stub import StubPortal

LINK = "https://signin.aws.example/federation?canary-console-link-1"

BROWSER = """#!{python}
import json, os, sys, urllib.request

class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None

opener = urllib.request.build_opener(Stay)
def fetch():
    try:
        return opener.open(sys.argv[-1]).status, ""
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Location", "")
seen = {{"argv": sys.argv[1:], "first": fetch()}}
print(json.dumps(seen), file=open({file!r}, "w"))
"""


@pytest.fixture
def browser(tmp_path: Path) -> Path:
    """A fake browser that records its arguments and the redirects that it gets."""
    program = tmp_path / "browser"
    program.write_text(BROWSER.format(python=sys.executable, file=str(tmp_path / "seen")))
    program.chmod(0o700)
    return program


def test_the_browser_opens_the_console_and_no_command_line_has_the_link(
    daypass: Command, browser: Path, tmp_path: Path
) -> None:
    ran = daypass("web", "--tenant", "dev01", BROWSER=f"{browser} %s")

    assert (ran.code, ran.out) == (0, "")
    assert ran.err.splitlines() == [
        "daypass: Opening your browser; waiting up to 60 s until it has fetched its link from here.",
        "daypass: The browser has the link, and opens the AWS console.",
    ]
    seen = json.loads((tmp_path / "seen").read_text())
    assert seen["first"] == [302, LINK]
    (address,) = seen["argv"]
    assert address.startswith("http://127.0.0.1:")
    assert "canary" not in address
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address, timeout=5)  # noqa: S310  an address of our own


@pytest.mark.parametrize("words", ["", "-P work"])
@pytest.mark.parametrize("by_flag", [True, False])
def test_the_url_is_appended_to_a_browser_command_with_options(
    daypass: Command, browser: Path, tmp_path: Path, words: str, by_flag: bool
) -> None:
    command = f"{browser} {words}".strip()
    flag = ("--browser", command) if by_flag else ()

    ran = daypass("web", "--tenant", "dev01", *flag, BROWSER="none" if by_flag else command)

    assert (ran.code, ran.out) == (0, "")
    seen = json.loads((tmp_path / "seen").read_text())
    assert seen["argv"][:-1] == words.split()


def test_the_first_existing_browser_is_opened(daypass: Command, browser: Path, tmp_path: Path) -> None:
    ran = daypass("web", "--tenant", "dev01", BROWSER=f"no-such-browser:{browser}")

    assert (ran.code, ran.out) == (0, "")
    assert json.loads((tmp_path / "seen").read_text())["first"] == [302, LINK]


@pytest.mark.parametrize("named", ["no-such-browser", "none", "x -P work", "/nowhere/x %s", "a 'b"])
@pytest.mark.parametrize("by_flag", [True, False])
def test_a_browser_that_does_not_exist_is_named_and_the_link_printed(
    inside: Inside, named: str, by_flag: bool
) -> None:
    flag = ("--browser", named) if by_flag else ()

    ran = inside("web", "--tenant", "dev01", *flag, BROWSER="" if by_flag else named)

    assert (ran.code, ran.out) == (0, LINK + "\n")
    assert f"there is no browser {named}" in ran.err
    assert "canary" not in ran.err


def test_a_browser_that_fails_is_not_waited_for(inside: Inside) -> None:
    ran = inside("web", "--tenant", "dev01", "--browser", "/bin/false")

    assert (ran.code, ran.out) == (5, "")
    assert "daypass web --print" in ran.err
    assert "canary" not in ran.err


@pytest.mark.parametrize(
    ("words", "variables", "message"),
    [
        (("--print",), {}, ""),
        ((), {"SSH_CONNECTION": "1"}, "this is a remote shell"),
        (("--no-browser",), {}, "--no-browser is set"),
    ],
)
def test_without_a_browser_the_link_is_printed(
    inside: Inside, words: tuple[str, ...], variables: dict[str, str], message: str
) -> None:
    ran = inside("web", "--tenant", "dev01", *words, **variables)

    assert (ran.code, ran.out) == (0, LINK + "\n")
    assert message in ran.err
    assert "canary" not in ran.err


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("--admin",), {"admin": True, "purpose": "console"}),
        (
            ("--tenant", "DEV01", "--duration", "30m"),
            {"tenant": "dev01", "duration": 1800, "purpose": "console"},
        ),
        (
            ("--tenant", "dev01", "s3"),
            {"tenant": "dev01", "purpose": "console", "destination": "/s3/buckets?region=us-west-2"},
        ),
        (
            ("--admin", "iam"),
            {"admin": True, "purpose": "console", "destination": "/iam/home?region=us-east-1"},
        ),
        (
            ("--tenant", "dev01", "/s3/buckets/b"),
            {"tenant": "dev01", "purpose": "console", "destination": "/s3/buckets/b"},
        ),
    ],
)
def test_the_request_has_the_destination(
    inside: Inside, portal: StubPortal, words: tuple[str, ...], asked: dict[str, object]
) -> None:
    inside("web", "--print", *words)

    assert portal.requests[-1].body == asked


def test_jit_web_accepts_duploctl_s_flags(inside: Inside, portal: StubPortal) -> None:
    ran = inside("jit", "web", "--tenant", "dev01", "--admin", "--nocache", "--print")

    assert ran.out == LINK + "\n"
    assert portal.requests[-1].body == {"admin": True, "purpose": "console"}


@pytest.mark.parametrize("target", ["no service", "S3", "arn:aws", "arn:aws:s3:::", "../x", "-x"])
def test_an_invalid_target_is_refused_before_anything_is_issued(
    inside: Inside, portal: StubPortal, target: str
) -> None:
    ran = inside("web", "--tenant", "dev01", "--print", "--", target)

    assert ran.code == 2
    assert not any(asked.body for asked in portal.requests)


def test_a_foreign_tenant_is_refused(inside: Inside) -> None:
    assert inside("web", "--tenant", "data01", "--print", "s3").code == 4


@pytest.mark.parametrize(
    ("arn", "path"),
    [
        (
            "arn:aws:ec2:eu-west-1:1:security-group/sg-1",
            "/ec2/home?region=eu-west-1#SecurityGroup:groupId=sg-1",
        ),
        # An ARN without a region opens in the tenant's region.
        ("arn:aws:s3:::my-bucket", "/s3/buckets/my-bucket?region=us-west-2&tab=objects"),
    ],
)
def test_an_arn_opens_the_page_of_its_resource(
    inside: Inside, portal: StubPortal, arn: str, path: str
) -> None:
    ran = inside("web", "--tenant", "dev01", "--print", arn)

    assert (ran.code, ran.err) == (0, "")
    assert portal.requests[-1].body["destination"] == path


def test_an_arn_with_a_misspelled_region_is_refused_with_the_nearest_name(
    inside: Inside, portal: StubPortal
) -> None:
    ran = inside("web", "--tenant", "dev01", "--print", "arn:aws:ec2:us-est-1:1:security-group/sg-1")

    assert (ran.code, ran.out) == (2, "")
    assert "us-est-1 is not an AWS region. Did you mean us-east-1 or us-west-1?" in ran.err
    assert not any(asked.body for asked in portal.requests)


def test_an_arn_of_an_unknown_kind_opens_its_service_with_a_message(
    inside: Inside, portal: StubPortal
) -> None:
    ran = inside("web", "--tenant", "dev01", "--print", "arn:aws:iotsitewise:eu-west-1:1:asset/x")

    assert (ran.code, ran.out) == (0, LINK + "\n")
    assert "start page of iotsitewise" in ran.err
    assert portal.requests[-1].body["destination"] == "/iotsitewise/home?region=eu-west-1"


@pytest.mark.parametrize("partition", ["aws-iso", "aws-iso-b", "aws-moon"])
def test_an_arn_of_a_partition_without_a_reachable_console_is_refused(inside: Inside, partition: str) -> None:
    ran = inside("web", "--tenant", "dev01", "--print", f"arn:{partition}:s3:::b")

    assert ran.code == 2
    assert partition in ran.err
