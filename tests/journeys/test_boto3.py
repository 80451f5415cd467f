"""An unmodified application uses a profile whose keys come from daypass."""

import subprocess
import sys

from tests.fixtures.demo import bare_environment
from tests.journeys.terminal import Terminal

PROGRAM = """
import boto3
session = boto3.Session(profile_name="dev01")
print(session.client("sts").get_caller_identity()["Arn"])
for item in session.resource("dynamodb").Table("duploservices-dev01-orders").scan()["Items"]:
    print(item["id"])
"""


def test_boto3_reads_a_table_with_the_keys_of_a_profile(terminal: Terminal) -> None:
    terminal.write_profile("dev01", "ci@example.com", "--tenant", "dev01")

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=bare_environment(terminal.home, AWS_ENDPOINT_URL=terminal.demo.aws_endpoint_url),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    arn, *orders = done.stdout.splitlines()
    assert arn.endswith(":assumed-role/duploservices-dev01/ci@example.com")
    assert {"order-1", "order-2", "order-3"} <= set(orders)
