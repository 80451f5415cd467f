"""The internals of MiniStack that the sandbox relies on. A failure means that its patches need review.

`daypass.sandbox.ministack` uses names that are not part of a public API. These tests run in a separate
process, because MiniStack reads its settings at import.
"""

import inspect
import subprocess
import sys
from importlib.metadata import version


def in_fresh_process(program: str) -> None:
    """Run *program* in a new process with IAM enforcement on, and fail if it fails."""
    opening = "import os\nos.environ.update(AUTH='true', LOG_LEVEL='ERROR', SERVICES='sts,iam,s3')\n"
    done = subprocess.run(
        [sys.executable, "-c", opening + program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_installed_version_is_the_reviewed_one() -> None:
    assert version("ministack") == "1.5.33"


_INTERNALS = (
    ("ministack.app", ("app", "AUTH", "SERVICE_HANDLERS")),
    (
        "ministack.core.iam_actions",
        (
            "access_denied_response",
            "eventbridge_resource_arns",
            "extract_iam_action",
            "extract_resource_arn",
            "identity_denial_message",
            "request_tag_context",
            "s3_service_context",
            "_kms_key_id_from_ciphertext",
        ),
    ),
    (
        "ministack.core.iam_evaluator",
        (
            "CredentialResolutionError",
            "EvalContext",
            "combine_resource_policy",
            "enforce",
            "evaluate",
            "is_root_access_key",
            "resolve_credential",
            "resolve_principal",
            "time",
            "_ALWAYS_ALLOWED_ACTIONS",
            "_dt",
            "_first_match",
            "_names_condition_key",
            "_resolve_condition_key",
            "_principal_keys",
        ),
    ),
    (
        "ministack.services.tagging",
        ("get_region", "_COLLECTORS", "_RESOURCE_TAG_COLLECTORS", "_normalise_flat"),
    ),
    ("ministack.services.kinesis", ("_streams",)),
    ("ministack.services.acm", ("_certificates",)),
    ("ministack.services.alb", ("_tags",)),
    ("ministack.services.athena", ("_tags",)),
    ("ministack.services.autoscaling", ("_asgs", "_tags")),
    ("ministack.services.batch", ("_compute_envs", "_job_definitions", "_job_queues")),
    ("ministack.services.cloudwatch", ("_resource_tags",)),
    ("ministack.services.cloudwatch_logs", ("_log_groups",)),
    ("ministack.services.codebuild", ("_projects",)),
    ("ministack.services.ec2", ("_DEFAULT_SG_ID", "_DEFAULT_SUBNET_ID", "_tags")),
    ("ministack.services.ecs", ("_tags", "_task_def_latest")),
    ("ministack.services.efs", ("_mount_targets",)),
    ("ministack.services.elasticache", ("_tags",)),
    ("ministack.services.eventbridge", ("_tags",)),
    ("ministack.services.firehose", ("_streams",)),
    ("ministack.services.glue", ("_arn", "_jobs", "_tags")),
    ("ministack.services.kms", ("_resolve_key",)),
    ("ministack.services.opensearch", ("_tags",)),
    ("ministack.services.rds", ("_tags",)),
    ("ministack.services.scheduler", ("_tags",)),
    ("ministack.services.secretsmanager", ("_resolve",)),
    ("ministack.services.stepfunctions", ("_tags",)),
    ("ministack.services.s3", ("_bucket_tags",)),
    ("ministack.services.sqs", ("_dlq_sweep", "_queue_by_arn")),
    ("ministack.services.apigateway_v1", ("_v1_tags",)),
    ("ministack.core.concurrency", ("spawn_background",)),
    ("ministack.core.responses", ("get_region", "new_uuid")),
    (
        "ministack.services.lambda_svc",
        ("_ensure_poller", "_esms", "_execute_function", "_functions", "_schedule_state_transition"),
    ),
    ("ministack.core.router", ("detect_service", "extract_access_key_id")),
    (
        "ministack.services.iam",
        (
            "time",
            "_IAM_HANDLERS",
            "_error",
            "_gen_secret",
            "_gen_session_access_key",
            "_gen_session_token",
            "_group_inline_policies",
            "_instance_profiles",
            "_p",
            "_policies",
            "_roles",
            "_user_inline_policies",
            "_xml",
            "policy_known",
        ),
    ),
    (
        "ministack.services.sts",
        (
            "is_root_access_key",
            "register_session",
            "time",
            "_evict_expired_sessions",
            "_session_policies",
            "_session_tags",
            "_sessions",
        ),
    ),
)


def test_every_internal_name_in_use_exists() -> None:
    in_fresh_process(
        "import importlib\n"
        f"missing = [(module, name) for module, names in {_INTERNALS!r} for name in names\n"
        "    if not hasattr(importlib.import_module(module), name)]\n"
        "assert not missing, missing"
    )


def test_settings_are_read_from_the_environment_at_import() -> None:
    in_fresh_process(
        "import ministack.app as it\nassert it.AUTH is True\n"
        "assert set(it.SERVICE_HANDLERS) == {'sts', 'iam', 's3'}"
    )


def test_handlers_have_the_expected_signature_and_result() -> None:
    in_fresh_process(
        "import asyncio, ministack.services.sts as it\n"
        "answer = asyncio.run(it.handle_request('POST', '/', {}, b'Action=NoSuchAction', {}))\n"
        "status, headers, body = answer\n"
        "assert status == 400 and b'InvalidAction' in body, answer"
    )


def test_ministack_without_patches_accepts_any_root_key() -> None:
    """If this fails, `_accept_only_configured_root` may be unnecessary."""
    in_fresh_process(
        "from ministack.core.iam_evaluator import is_root_access_key as root\n"
        "assert root('') and root('test') and root('111122223333')"
    )


def test_the_default_subnet_and_group_are_the_ones_that_are_authorized() -> None:
    in_fresh_process(
        "import ministack.services.ec2 as it\n"
        "from daypass.sandbox.authorization.ec2 import DEFAULT_GROUP, DEFAULT_SUBNET\n"
        "assert (it._DEFAULT_SG_ID, it._DEFAULT_SUBNET_ID) == (DEFAULT_GROUP, DEFAULT_SUBNET)"
    )


def test_ministack_without_patches_deletes_expired_sessions() -> None:
    """If this fails, `_keep_expired_sessions` may be unnecessary."""
    in_fresh_process(
        "import ministack.services.sts as it\n"
        "it.register_session('old', {'Expiration': 0})\n"
        "it.register_session('new', {})\n"
        "assert 'old' not in it._sessions"
    )


def test_the_server_sends_no_lifespan_events() -> None:
    """MiniStack's start-up opens an MQTT port and looks for Docker, so it must not run."""
    from daypass.sandbox import loopback

    assert "Interfaces.ASGINL" in inspect.getsource(loopback)


def test_sessions_have_the_format_that_the_sandbox_writes() -> None:
    in_fresh_process(
        "import ministack.services.sts as sts\n"
        "from ministack.core.iam_evaluator import resolve_credential, resolve_principal\n"
        "sts.register_session('ASIAX', {'UserId': 'AROA:dana',\n"
        "  'Arn': 'arn:aws:sts::111122223333:assumed-role/r/dana',\n"
        "  'AccountId': '111122223333', 'PrincipalType': 'AssumedRole',\n"
        "  'SecretAccessKey': 's', 'SessionToken': 't',\n"
        "  'IssuedAt': 0, 'Expiration': 4e9, 'SessionTags': [{'Key': 'Tenant', 'Value': 'dev01'}],\n"
        "  'SessionPolicies': {'Policy': '', 'PolicyArns': ['arn:aws:iam::aws:policy/ReadOnlyAccess']}})\n"
        "found = resolve_credential('ASIAX', '111122223333', 't')\n"
        "assert found.principal_type == 'AssumedRole' and found.principal_id == 'AROA:dana', found\n"
        "principal = resolve_principal('ASIAX', '111122223333')\n"
        "assert principal.keys['aws:principaltag/tenant'] == 'dev01', principal.keys\n"
        "assert len(principal.limits) == 1 and principal.limits[0][0], 'ReadOnlyAccess is known'\n"
    )
