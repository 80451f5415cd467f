"""A member of a tenant works with the AWS CLI; its keys come from `credential_process = daypass aws …`."""

from pathlib import Path

from tests.journeys.terminal import Terminal, json_output

DANA = "dana@example.com"


def test_get_caller_identity_returns_the_session_of_the_user(terminal: Terminal) -> None:
    terminal.write_profile("dev01", DANA, "--tenant", "dev01")

    identity = json_output(terminal.aws("dev01", "sts", "get-caller-identity"))

    assert identity["Arn"].endswith(f":assumed-role/duploservices-dev01/{DANA}")


def test_a_full_member_reads_and_writes_the_bucket_of_the_tenant(terminal: Terminal, tmp_path: Path) -> None:
    terminal.write_profile("dev01", DANA, "--tenant", "dev01")
    bucket = terminal.demo.tenants["dev01"]["buckets"][0]
    note = tmp_path / "note.txt"
    note.write_text("from dana")

    listed = terminal.aws("dev01", "s3", "ls", f"s3://{bucket}")
    written = terminal.aws("dev01", "s3", "cp", str(note), f"s3://{bucket}/dana/note.txt")
    read = terminal.aws("dev01", "s3", "cp", f"s3://{bucket}/dana/note.txt", "-")

    assert listed.returncode == 0, listed.stderr
    assert "welcome.txt" in listed.stdout
    assert written.returncode == 0, written.stderr
    assert read.stdout == "from dana"


def test_a_member_is_refused_at_the_bucket_of_another_tenant(terminal: Terminal) -> None:
    terminal.write_profile("dev01", DANA, "--tenant", "dev01")
    foreign = terminal.demo.tenants["data01"]["buckets"][0]

    refused = terminal.aws("dev01", "s3", "ls", f"s3://{foreign}")

    assert refused.returncode != 0
    assert "AccessDenied" in refused.stderr


def test_a_read_only_member_reads_and_cannot_write(terminal: Terminal, tmp_path: Path) -> None:
    terminal.write_profile("prod01", DANA, "--tenant", "prod01")
    bucket = terminal.demo.tenants["prod01"]["buckets"][0]
    note = tmp_path / "note.txt"
    note.write_text("from dana")

    read = terminal.aws("prod01", "s3", "cp", f"s3://{bucket}/welcome.txt", "-")
    refused = terminal.aws("prod01", "s3", "cp", str(note), f"s3://{bucket}/note.txt")

    assert read.stdout == f"Welcome to {bucket}.\n"
    assert refused.returncode != 0
    assert "AccessDenied" in refused.stderr


def test_a_profile_for_a_tenant_without_membership_explains_the_refusal(terminal: Terminal) -> None:
    terminal.write_profile("data01", DANA, "--tenant", "data01")

    refused = terminal.aws("data01", "sts", "get-caller-identity")

    assert refused.returncode != 0
    assert "data01" in refused.stderr


def test_an_administrator_gets_keys_of_every_tenant(terminal: Terminal) -> None:
    terminal.write_profile("admin", "admin@example.com", "--admin")

    for tenant in terminal.demo.tenants.values():
        listed = terminal.aws("admin", "s3", "ls", f"s3://{tenant['buckets'][0]}")
        assert "welcome.txt" in listed.stdout, listed.stderr


def test_a_service_account_gets_keys_with_its_permanent_token(terminal: Terminal) -> None:
    terminal.write_profile("ci", "ci@example.com", "--tenant", "dev01")

    identity = json_output(terminal.aws("ci", "sts", "get-caller-identity"))

    assert identity["Arn"].endswith(":assumed-role/duploservices-dev01/ci@example.com")
