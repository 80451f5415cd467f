"""`daypass configure` and `daypass jit update_aws_config`: the written profiles, without any secret."""

import configparser
import json
import subprocess
import sys
from pathlib import Path

import pytest

from daypass.cli.commands.configure import endpoint_for
from tests.cli.conftest import SCRIPT, TOKEN, Inside
from tests.cli.stub import StubPortal, problem

SHOW_KEY = "import botocore.session as b; print(b.Session(profile='dev01').get_credentials().access_key)"

FOREIGN = "# mine\n[default]\nregion = eu-central-1\n"


def profiles(inside: Inside) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser(default_section="")
    parser.read(inside.config)
    return {name: dict(parser.items(name)) for name in parser.sections()}


def command(inside: Inside, name: str) -> str:
    return profiles(inside)[f"profile {name}"]["credential_process"]


def test_one_profile_for_a_tenant_in_the_tenant_s_region(inside: Inside) -> None:
    ran = inside("configure", "--tenant", "dev01")

    assert (ran.code, ran.out) == (0, "")
    assert profiles(inside) == {
        "profile dev01": {
            "region": "us-west-2",
            "credential_process": f"{SCRIPT} aws --host {inside.portal.url} --tenant dev01",
        }
    }
    assert f"Profile dev01 written to {inside.config}." in ran.err
    assert "aws --profile dev01" in ran.err


def test_all_writes_every_tenant_and_admin_for_administrators_only(
    inside: Inside, portal: StubPortal
) -> None:
    inside("configure", "--all")
    assert set(profiles(inside)) == {"profile dev01", "profile prod01", "profile admin"}
    assert profiles(inside)["profile admin"]["region"] == "us-east-1"
    assert "--admin" in command(inside, "admin")

    inside.config.unlink()
    portal.role_of_caller = "User"
    inside("configure", "--all", "--prefix", "acme-")
    assert set(profiles(inside)) == {"profile acme-dev01", "profile acme-prod01"}


def test_a_diff_is_shown_and_nothing_is_written(inside: Inside) -> None:
    inside.config.parent.mkdir()
    secret = "[profile old]\naws_secret_access_key = canary\n[profile dev01]\n"
    process = "credential_process = duploctl jit aws --token canary --tenant dev01\n"
    inside.config.write_text(secret + process)

    ran = inside("configure", "--all", "--diff", "--token", TOKEN)

    assert ran.code == 0
    assert "-credential_process = duploctl jit aws --token *** --tenant dev01" in ran.out
    assert "+[profile prod01]" in ran.out
    assert "canary" not in ran.out + ran.err
    assert inside.config.read_text() == secret + process
    # The cache holds the tenants' names, for completion.
    outside = [path for path in inside.home.rglob("*") if not path.is_relative_to(inside.home / ".cache")]
    assert [path.name for path in outside if path.is_file()] == ["config"]


def test_an_empty_diff_is_reported(inside: Inside) -> None:
    inside("configure", "--tenant", "dev01")

    assert "would not change" in inside("configure", "--tenant", "dev01", "--diff").out


def test_a_token_is_written_to_a_private_file_and_the_profile_works_without_a_prompt(inside: Inside) -> None:
    inside("configure", "--tenant", "dev01", "--profile", "ci", "--token", TOKEN, DAYPASS_TOKEN="")

    (file,) = (inside.home / ".config" / "daypass" / "tokens").iterdir()
    assert file.read_text().strip() == TOKEN
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert "canary" not in inside.config.read_text()
    assert command(inside, "ci").endswith(f"--tenant dev01 --token-file {file}")

    words = command(inside, "ci").split()
    ran = inside(*words[1:], DAYPASS_HOST="", DAYPASS_TOKEN="")
    assert ran.code == 0, ran.err
    assert inside.portal.requests[-1].headers["Authorization"] == f"Bearer {TOKEN}"


def test_a_token_file_is_named_and_not_copied(inside: Inside, tmp_path: Path) -> None:
    (tmp_path / "my token").write_text(TOKEN)

    inside("configure", "--admin", "--token-file", str(tmp_path / "my token"), DAYPASS_TOKEN="")

    assert command(inside, "admin").endswith(f"--admin --token-file '{tmp_path}/my token'")
    assert not (inside.home / ".config").exists()


def test_aws_config_file_selects_the_config_file(inside: Inside, tmp_path: Path) -> None:
    inside("configure", "--tenant", "dev01", AWS_CONFIG_FILE=str(tmp_path / "other"))

    assert "[profile dev01]" in (tmp_path / "other").read_text()
    assert not inside.config.exists()


def test_duration_and_region_are_part_of_the_command(inside: Inside) -> None:
    inside("configure", "--admin", "--duration", "2h", "--region", "eu-west-1")

    assert "--admin --duration 2h" in command(inside, "admin")
    assert profiles(inside)["profile admin"]["region"] == "eu-west-1"


def test_a_profile_works_with_the_system_path_only(inside: Inside) -> None:
    inside("configure", "--tenant", "dev01", "--token", TOKEN)

    # A service or an IDE starts programs with this PATH.
    ran = subprocess.run(
        [sys.executable, "-c", SHOW_KEY],
        env={"HOME": str(inside.home), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("ASIA")


def test_by_name_writes_daypass_without_its_path(inside: Inside) -> None:
    inside("configure", "--tenant", "dev01", "--by-name")

    assert command(inside, "dev01") == f"daypass aws --host {inside.portal.url} --tenant dev01"


def test_a_link_on_the_path_is_written_unresolved(inside: Inside) -> None:
    folder = inside.home / "bin with blank"
    folder.mkdir()
    (folder / "daypass").symlink_to(SCRIPT)

    inside("configure", "--tenant", "dev01", PATH=str(folder))

    assert command(inside, "dev01").startswith(f"'{folder}/daypass' aws --host ")


def test_prune_removes_our_profile_of_a_lost_tenant(inside: Inside, portal: StubPortal) -> None:
    inside.config.parent.mkdir()
    by_hand = f"[profile hand]\ncredential_process = daypass aws --host {portal.url} --tenant prod01\n"
    inside.config.write_text(FOREIGN + by_hand)
    inside("configure", "--all", "--token", TOKEN)
    portal.tenants.remove("prod01")
    portal.role_of_caller = "User"

    ran = inside("configure", "--prune")

    assert ran.code == 0
    assert set(profiles(inside)) == {"default", "profile hand", "profile dev01"}
    assert inside.config.read_text().startswith(FOREIGN + by_hand)
    assert "Profile prod01 removed" in ran.err
    assert "Profile admin removed" in ran.err
    assert [path.name for path in (inside.home / ".config/daypass/tokens").iterdir()] == [
        f"localhost_{portal.port}-dev01.token"
    ]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--all", "lists no tenant for you"),
        ("--prune", "No profile was removed"),
    ],
)
def test_configure_reports_that_there_is_nothing_to_do(
    inside: Inside, portal: StubPortal, option: str, message: str
) -> None:
    portal.role_of_caller, portal.tenants = "User", []

    ran = inside("configure", option)

    assert (ran.code, ran.out) == (0, "")
    assert message in ran.err
    assert not inside.config.exists()


def test_prune_leaves_the_profiles_of_another_portal(inside: Inside, portal: StubPortal) -> None:
    inside("configure", "--all")
    other = inside.config.read_text().replace(portal.url, "https://other.example.com")
    inside.config.write_text(other)
    portal.tenants.clear()

    inside("configure", "--prune")

    assert inside.config.read_text() == other


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--tenant", "data01"), 4, "no tenant data01"),
        (("--all", "--tenant", "dev01"), 2, "--all is for all tenants"),
        (("--tenant", "dev01", "--profile", "a]b"), 2, "“a]b” cannot be the name of a profile"),
        (("--tenant", "dev01", "--profile", ""), 0, ""),
        ((), 2, "Which tenant?"),
    ],
)
def test_contradictory_options_are_refused(
    inside: Inside, words: tuple[str, ...], code: int, sentence: str
) -> None:
    ran = inside("configure", *words)

    assert ran.code == code
    assert sentence in ran.err
    assert inside.config.exists() is (code == 0)


def test_a_user_without_the_administrator_role_gets_no_admin_profile(
    inside: Inside, portal: StubPortal
) -> None:
    portal.role_of_caller = "User"

    assert inside("configure", "--admin").code == 4


def test_a_refusal_leaves_no_token_behind(inside: Inside) -> None:
    inside.config.parent.mkdir()
    inside.config.write_text("[profile dev01]\nsso_session = corp\n")

    ran = inside("configure", "--tenant", "dev01", "--token", TOKEN)

    assert ran.code == 2
    assert "sso_session" in ran.err
    assert not (inside.home / ".config").exists()


def test_all_skips_conflicting_profiles_and_lists_them(inside: Inside) -> None:
    inside.config.parent.mkdir()
    foreign = "[profile dev01]\nsso_session = corp\n"
    inside.config.write_text(foreign)
    (inside.config.parent / "credentials").write_text("[admin]\naws_access_key_id = A\n")

    ran = inside("configure", "--all", "--token", TOKEN)

    assert ran.code == 0
    assert set(profiles(inside)) == {"profile dev01", "profile prod01"}
    assert inside.config.read_text().startswith(foreign)
    assert (
        "Profile dev01 not written: The profile dev01 gets its keys in another way (sso_session)" in ran.err
    )
    assert "Profile admin not written: The profile admin has aws_access_key_id in" in ran.err
    assert "--prefix" in ran.err
    assert "Try it: aws --profile prod01" in ran.err
    assert [path.name for path in (inside.home / ".config/daypass/tokens").iterdir()] == [
        f"localhost_{inside.portal.port}-prod01.token"
    ]
    assert inside("configure", "--all", "--prefix", "acme-").code == 0
    assert {"profile acme-dev01", "profile acme-admin"} <= set(profiles(inside))


def test_all_fails_if_every_profile_conflicts(inside: Inside, portal: StubPortal) -> None:
    portal.tenants, portal.role_of_caller = ["dev01"], "User"
    inside.config.parent.mkdir()
    inside.config.write_text("[profile dev01]\nsso_session = corp\n")

    ran = inside("configure", "--all")

    assert ran.code == 2
    assert "No profile was written" in ran.err


def test_tenants_named_default_or_admin_are_skipped_by_all(inside: Inside, portal: StubPortal) -> None:
    portal.tenants = ["default", "admin", "dev01"]
    inside.config.parent.mkdir()
    inside.config.write_text(FOREIGN)

    ran = inside("configure", "--all")

    assert ran.code == 0
    assert set(profiles(inside)) == {"default", "profile admin", "profile dev01"}
    assert "--admin" in command(inside, "admin")
    assert inside.config.read_text().startswith(FOREIGN + "\n")
    assert "No profile for the tenant default: the AWS tools use" in ran.err
    assert "No profile for the tenant admin: the profile of this name is for admin access." in ran.err
    prefixed = inside("configure", "--all", "--prefix", "acme-")
    assert "tenant acme-" not in prefixed.err
    assert "No profile for the tenant admin: the profile acme-admin is for admin access." in prefixed.err
    assert command(inside, "acme-default").endswith("--tenant default")


@pytest.mark.parametrize("tenant", ["default", "admin"])
def test_a_tenant_with_a_reserved_name_needs_a_profile_name(
    inside: Inside, portal: StubPortal, tenant: str
) -> None:
    portal.tenants = [tenant]

    ran = inside("configure", "--tenant", tenant)

    assert (ran.code, "--profile" in ran.err, inside.config.exists()) == (2, True, False)
    assert inside("configure", "--tenant", tenant, "--profile", "mine").code == 0
    assert command(inside, "mine").endswith(f"--tenant {tenant}")


@pytest.mark.parametrize(
    "words",
    [
        ("--all", "--prefix", 'a"b '),
        ("--all", "--prefix", "a\nb"),
        ("--all", "--prefix", "a]"),
        ("--tenant", "dev01", "--region", "us-east-1\nrole_arn = x"),
        ("--tenant", "dev01", "--token-file", "~/a\nrole_arn = x"),
    ],
)
def test_unwritable_values_are_refused_from_every_source(inside: Inside, words: tuple[str, ...]) -> None:
    (inside.home / "a\nrole_arn = x").write_text(TOKEN)

    ran = inside("configure", *words)

    assert ran.code == 2
    assert not inside.config.exists()


def test_a_tenant_name_from_the_portal_is_validated(inside: Inside, portal: StubPortal) -> None:
    portal.tenants = ["dev01\n[default]"]

    assert inside("configure", "--all").code == 2
    assert not inside.config.exists()


def test_the_manual_s_update_aws_config_writes_the_profile_it_names(inside: Inside) -> None:
    ran = inside("jit", "update_aws_config", "portal", "--admin", "--token", TOKEN, DAYPASS_TOKEN="")

    assert json.loads(ran.out) == {
        "message": f"aws profile named portal was successfully added in {inside.config}"
    }
    assert profiles(inside)["profile portal"]["region"] == "us-east-1"
    assert "canary" not in inside.config.read_text()
    assert "--token-file" in command(inside, "portal")

    again = inside("jit", "update_aws_config", "portal", "--admin", "--interactive")
    assert "successfully updated" in again.out
    assert command(inside, "portal").endswith("--admin --interactive")


def test_update_aws_config_calls_no_portal_if_the_region_is_known(inside: Inside, portal: StubPortal) -> None:
    ran = inside(
        *("jit", "update_aws_config", "x", "--tenant", "dev01", "--interactive"),
        AWS_DEFAULT_REGION="eu-north-1",
        DAYPASS_TOKEN="",
    )

    assert ran.code == 0
    assert profiles(inside)["profile x"]["region"] == "eu-north-1"
    assert portal.requests == []


MISSPELLED = "us-est-1 is not an AWS region. Did you mean us-east-1 or us-west-1?"


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        (("configure", "--tenant", "dev01", "--region", "us-est-1"), {}),
        (("configure", "--all", "--region", "us-est-1"), {}),
        (("jit", "update_aws_config", "x", "--tenant", "dev01"), {"AWS_DEFAULT_REGION": "us-est-1"}),
        (("jit", "update_aws_config", "x", "--tenant", "dev01"), {"AWS_REGION": "us-est-1"}),
    ],
)
def test_a_misspelled_region_is_refused_with_the_nearest_name(
    inside: Inside, words: tuple[str, ...], variables: dict[str, str]
) -> None:
    ran = inside(*words, **variables)

    assert (ran.code, MISSPELLED in ran.err, inside.config.exists()) == (2, True, False)


def test_an_unknown_region_is_written_if_the_environment_accepts_it(inside: Inside) -> None:
    words = ("configure", "--tenant", "dev01", "--region", "nz-south-1")

    assert inside(*words, DAYPASS_EXTRA_REGIONS="nz-south-1").code == 0
    assert profiles(inside)["profile dev01"]["region"] == "nz-south-1"


def test_update_aws_config_works_without_the_portal(inside: Inside, portal: StubPortal) -> None:
    portal.reply = problem(503, "audit_unavailable", "The record cannot be written.")

    ran = inside("jit", "update_aws_config", "x", "--tenant", "dev01")

    assert ran.code == 0
    assert "no region" in ran.err
    assert set(profiles(inside)["profile x"]) == {"credential_process"}


@pytest.mark.parametrize("more", [(), ("--profile", "x"), ("--diff",), ("--prune",)])
def test_a_tenant_beside_admin_is_refused(inside: Inside, more: tuple[str, ...]) -> None:
    ran = inside("configure", "--admin", "--tenant", "dev01", *more)

    assert ran.code == 2
    assert "Choose one" in ran.err
    assert not inside.config.exists()


def test_the_admin_flag_wins_over_a_tenant_from_the_environment(inside: Inside) -> None:
    assert inside("configure", "--admin", DAYPASS_TENANT="dev01").code == 0
    assert "[profile admin]" in inside.config.read_text()


@pytest.mark.parametrize(("duration", "says"), [("15m", True), ("31m", True), ("32m", False), ("1h", False)])
def test_a_duration_that_makes_sdks_renew_each_time_is_reported(
    inside: Inside, duration: str, says: bool
) -> None:
    ran = inside("configure", "--tenant", "dev01", "--duration", duration)

    assert ran.code == 0
    assert ("before each request" in ran.err) is says


@pytest.mark.parametrize("words", [["configure", "--tenant", "dev01"], ["jit", "update_aws_config", "dev01"]])
def test_an_aws_on_this_machine_is_written_into_the_profile(
    inside: Inside, portal: StubPortal, words: list[str]
) -> None:
    portal.aws_endpoint_url = "http://127.0.0.1:4566"

    assert inside(*words, DAYPASS_TENANT="dev01").code == 0

    assert profiles(inside)["profile dev01"]["endpoint_url"] == "http://127.0.0.1:4566"


@pytest.mark.parametrize("origin", ["https://localhost:8443", "http://127.0.0.1:80", "https://[::1]"])
@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:4566", "http://localhost:1", "http://[::1]:4566"])
def test_a_loopback_endpoint_of_a_loopback_portal_is_used(origin: str, endpoint: str) -> None:
    assert endpoint_for(origin, endpoint) == endpoint
    assert endpoint_for("https://portal.example.com", endpoint) == ""
    assert endpoint_for("https://localhost.example.com", endpoint) == ""


@pytest.mark.parametrize(
    "endpoint", [None, "", "https://aws.example.com", "http://127.0.0.1.example.com:4566", "http://[::"]
)
def test_any_other_endpoint_is_ignored(endpoint: str | None) -> None:
    assert endpoint_for("https://localhost:8443", endpoint) == ""


def test_a_demo_profile_can_be_changed_to_the_real_aws(inside: Inside, portal: StubPortal) -> None:
    portal.aws_endpoint_url = "http://127.0.0.1:4566"
    inside("configure", "--all")
    portal.aws_endpoint_url = None
    portal.role_of_caller, portal.tenants = "User", ["dev01"]

    inside("configure", "--all", "--prune")

    assert set(profiles(inside)) == {"profile dev01"}
    assert "endpoint_url" not in profiles(inside)["profile dev01"]


def test_an_endpoint_that_the_user_wrote_stays(inside: Inside) -> None:
    inside.config.parent.mkdir()
    inside.config.write_text("[profile dev01]\nendpoint_url = http://127.0.0.1:9000\n")

    inside("configure", "--tenant", "dev01")

    assert profiles(inside)["profile dev01"]["endpoint_url"] == "http://127.0.0.1:9000"
