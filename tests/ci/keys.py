"""The role that AWS finds behind keys."""

from collections.abc import Mapping

import boto3

from tests.fixtures.demo import Demo


def role_of(demo: Demo, variables: Mapping[str, str]) -> str:
    """Return the role and the session name of the keys in an environment."""
    client = boto3.client(
        "sts",
        endpoint_url=demo.aws_endpoint_url,
        region_name=demo.ready["region"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=variables["AWS_SESSION_TOKEN"],
    )
    return str(client.get_caller_identity()["Arn"]).partition(":assumed-role/")[2]
