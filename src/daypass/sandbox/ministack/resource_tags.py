"""The tags of the resources in MiniStack, by ARN.

MiniStack provides `aws:ResourceTag` for nine services, and only where a policy of the identity names the key.
"""
# ruff: noqa: SLF001  MiniStack has no public API for its resources.

import importlib
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from daypass.sandbox.authorization.ec2 import KINDS, WITHOUT_ACCOUNT

Tags: TypeAlias = dict[str, str]
_Tagged: TypeAlias = Iterator[tuple[str, Tags]]
_Module: TypeAlias = Any
"""A module of MiniStack, which has no types."""

_FUNCTION = re.compile(r"(arn:aws:lambda:[^:]*:\d*:function:[^:]+):[^:]+", re.ASCII)


def tags_of(arn: str) -> Tags:
    """Return the tags of the resource with this ARN; an unknown resource has none."""
    service = arn.split(":")[2] if arn.startswith("arn:") else ""
    if service not in COLLECTORS:
        return {}
    wanted = _taggable(arn)
    for name, tags in COLLECTORS[service]():
        # The parts of an API count as tagged like the API.
        if name == wanted or (service == "apigateway" and wanted.startswith(f"{name}/")):
            return tags
    return {}


def _taggable(arn: str) -> str:
    """Return the ARN under which the resource's tags are stored."""
    if function := _FUNCTION.fullmatch(arn):
        return function.group(1)
    # A call that names a family without a revision means the latest one.
    if ":task-definition/" in arn and arn.endswith(":*"):
        family = arn.rpartition("/")[2].removesuffix(":*")
        return f"{arn[:-1]}{_service('ecs')._task_def_latest.get(family, '*')}"
    return arn


def flat(tags: Any) -> Tags:  # noqa: ANN401  MiniStack's
    """Return tags in any of MiniStack's forms as a dictionary."""
    if isinstance(tags, dict):
        return {str(name): str(value) for name, value in tags.items()}
    return {
        str(tag.get("Key", tag.get("key", tag.get("TagKey")))): str(
            tag.get("Value", tag.get("value", tag.get("TagValue", ""))) or ""
        )
        for tag in tags or []
    }


def _service(name: str) -> _Module:
    return importlib.import_module(f"ministack.services.{name}")


def _by_arn(module: str, store: str = "_tags") -> Callable[[], _Tagged]:
    """Return a collector of a store that has the tags by ARN."""

    def collect() -> _Tagged:
        for arn, tags in getattr(_service(module), store).items():
            yield arn, flat(tags)

    return collect


def _in_records(module: str, store: str, arn: str, tags: str) -> Callable[[], _Tagged]:
    """Return a collector of a store whose records have an ARN and tags under these names."""

    def collect() -> _Tagged:
        for record in getattr(_service(module), store).values():
            for each in record if isinstance(record, list) else [record]:
                yield str(each.get(arn, "")), flat(each.get(tags))

    return collect


def _all(*collectors: Callable[[], _Tagged]) -> Callable[[], _Tagged]:
    def collect() -> _Tagged:
        for each in collectors:
            yield from each()

    return collect


def _named(kind: str) -> Callable[[], _Tagged]:
    """Return one of MiniStack's own collectors, by the service in ARNs."""

    def collect() -> _Tagged:
        tagging = _service("tagging")
        own = tagging._RESOURCE_TAG_COLLECTORS.get(kind) or tagging._COLLECTORS[kind]
        for arn, tags in own():
            yield arn, flat(tags)

    return collect


def _ec2() -> _Tagged:
    responses: _Module = importlib.import_module("ministack.core.responses")
    for identifier, tags in _service("ec2")._tags.items():
        kind = KINDS.get(identifier.rpartition("-")[0])
        account = "" if kind in WITHOUT_ACCOUNT else responses.get_account_id()
        yield f"arn:aws:ec2:{responses.get_region()}:{account}:{kind}/{identifier}", flat(tags)


def _jobs() -> _Tagged:
    glue = _service("glue")
    for name, job in glue._jobs.items():
        arn = glue._arn("job", name)
        yield arn, flat(job.get("Tags")) | flat(glue._tags.get(arn))


def _log_groups() -> _Tagged:
    for group in _service("cloudwatch_logs")._log_groups.values():
        yield group["arn"].removesuffix(":*"), flat(group.get("tags"))


def _groups_of_instances() -> _Tagged:
    autoscaling = _service("autoscaling")
    for name, group in autoscaling._asgs.items():
        yield group["AutoScalingGroupARN"], flat(autoscaling._tags.get(name))


def _streams() -> _Tagged:
    for stream in _service("kinesis")._streams.values():
        yield stream["StreamARN"], flat(stream["tags"])


COLLECTORS: dict[str, Callable[[], _Tagged]] = {
    "acm": _in_records("acm", "_certificates", "CertificateArn", "Tags"),
    "apigateway": _by_arn("apigateway_v1", "_v1_tags"),
    "athena": _by_arn("athena"),
    "autoscaling": _groups_of_instances,
    "batch": _all(
        _in_records("batch", "_job_queues", "jobQueueArn", "tags"),
        _in_records("batch", "_job_definitions", "jobDefinitionArn", "tags"),
        _in_records("batch", "_compute_envs", "computeEnvironmentArn", "tags"),
    ),
    "cloudwatch": _by_arn("cloudwatch", "_resource_tags"),
    "codebuild": _in_records("codebuild", "_projects", "arn", "tags"),
    "dynamodb": _named("dynamodb"),
    "ec2": _ec2,
    "ecr": _named("ecr"),
    "ecs": _by_arn("ecs"),
    "elasticache": _by_arn("elasticache"),
    "elasticfilesystem": _named("elasticfilesystem"),
    "elasticloadbalancing": _by_arn("alb"),
    "es": _by_arn("opensearch"),
    "events": _by_arn("eventbridge"),
    "firehose": _in_records("firehose", "_streams", "arn", "tags"),
    "glue": _all(_jobs, _by_arn("glue")),
    "iam": _named("iam"),
    "kinesis": _streams,
    "kms": _named("kms"),
    "lambda": _named("lambda"),
    "logs": _log_groups,
    "rds": _by_arn("rds"),
    "scheduler": _by_arn("scheduler"),
    "secretsmanager": _named("secretsmanager"),
    "sns": _named("sns"),
    "sqs": _named("sqs"),
    "ssm": _named("ssm"),
    "states": _by_arn("stepfunctions"),
}
"""For each service, by its name in ARNs, a function that yields the ARNs and tags of its resources."""
