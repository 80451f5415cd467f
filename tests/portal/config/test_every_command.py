"""Every operator command reads the same configuration: environment, files of secrets and the file."""

import re
from pathlib import Path

import pytest

import daypass
from tests.portal.processes import Operator

PORTAL = Path(daypass.__file__).parent / "portal"


@pytest.fixture
def configured(operator: Operator) -> Operator:
    """An operator whose database is named in a file of a secret, and the rest in the configuration file."""
    url = operator.home / "url"
    url.write_text(f"sqlite:///{operator.home}/from-file.db\n")
    url.chmod(0o400)
    file = operator.home / "daypass.toml"
    aws = operator.environment["DAYPASS_AWS_ENDPOINT_URL"]
    file.write_text(
        f'database_url_file = "{url}"\naws_region = "us-gov-west-1"\nlisten = "127.0.0.1:0"\n'
        f'role_prefix = "from-file-"\naws_endpoint_url = "{aws}"\n'
    )
    environment = {
        name: value for name, value in operator.environment.items() if not name.startswith("DAYPASS_")
    }
    return Operator(operator.home, {**environment, "DAYPASS_CONFIG": str(file)})


def test_every_command_uses_the_configuration_file(configured: Operator) -> None:
    migrated = configured.run_inside("migrate")
    created = configured.run_inside("create-admin", "a@example.com", "--random-password")
    verified = configured.run_inside("audit", "verify")
    saved = configured.run_inside("backup", str(configured.home / "copy.db"))
    setup = configured.run_inside("aws-setup", "--format=cli", "--account=123456789012")
    examined = configured.run_inside("doctor")

    assert f"The database {configured.home}/from-file.db has" in migrated.stderr
    assert "a@example.com is an Administrator." in created.stderr
    assert "The audit log is intact: 2 events" in verified.stdout
    assert saved.returncode == 0, saved.stderr
    assert "arn:aws-us-gov:iam::123456789012:role/from-file-" in setup.stdout
    assert "✓ database: The session profile is embedded" in examined.stdout
    assert {path.name for path in configured.home.rglob("*.db")} == {"from-file.db", "copy.db"}


def test_every_command_reports_an_error_in_the_file(configured: Operator) -> None:
    file = configured.home / "daypass.toml"
    file.write_text(file.read_text() + "thread = 1\n")

    for words in (
        ("migrate",),
        ("create-admin", "a@example.com", "--random-password"),
        ("audit", "verify"),
        ("backup", "copy.db"),
        ("aws-setup", "--format=cli", "--account=123456789012"),
        ("doctor",),
        ("serve",),
    ):
        refused = configured.run_inside(*words)

        assert (refused.returncode in {1, 2}, refused.stdout) == (True, "")
        assert refused.stderr == (
            f"daypass portal: thread in {file} (line 6) is not a key of the configuration. Did you mean "
            "threads? It takes a whole number from 1 to 512.\n"
        )


def test_serve_uses_the_configuration_file(configured: Operator) -> None:
    pem, file = configured.home / "empty.pem", configured.home / "daypass.toml"
    pem.touch()
    file.write_text(file.read_text() + f'tls_certificate = "{pem}"\ntls_key = "{pem}"\n')

    refused = configured.run_inside("serve")

    assert f"{pem} and {pem} are no certificate with its private key." in refused.stderr


def test_the_default_file_cannot_be_forgotten_because_few_modules_read_the_configuration() -> None:
    reading = {
        module.relative_to(PORTAL).as_posix()
        for module in PORTAL.rglob("*.py")
        if re.search(r"\b(read_config|Values)\(", module.read_text())
    }

    assert reading == {"commands/common.py", "commands/config.py", "config/reader.py"}
