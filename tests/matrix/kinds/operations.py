"""Secrets, parameters, images, logs and alarms."""

from tests.matrix.kinds.model import Client, Kind, Place


def _create_log_group(logs: Client, at: Place) -> str:
    logs.create_log_group(logGroupName=at.name, tags=at.tag_map)
    return at.arn("logs", f"log-group:{at.name}")


def _put_parameter(ssm: Client, at: Place) -> str:
    ssm.put_parameter(Name=at.name, Value="x", Type="String", Tags=at.tags())
    return at.name


def _put_alarm(cloudwatch: Client, at: Place) -> str:
    cloudwatch.put_metric_alarm(
        AlarmName=at.name,
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="m",
        Namespace="n",
        Period=60,
        Threshold=1.0,
        Tags=at.tags(),
    )
    return at.arn("cloudwatch", f"alarm:{at.name}")


def _last(arn: str) -> str:
    return arn.rpartition(":")[2]


OPERATIONS = (
    Kind(
        "secret",
        "secretsmanager",
        create=lambda c, at: c.create_secret(Name=at.name, SecretString="x", Tags=at.tags())["ARN"],
        use=lambda c, it: c.get_secret_value(SecretId=it),
        tag=lambda c, it, key, value: c.tag_resource(SecretId=it, Tags=[{"Key": key, "Value": value}]),
    ),
    Kind(
        "SSM parameter",
        "ssm",
        create=_put_parameter,
        use=lambda c, it: c.get_parameter(Name=it),
        tag=lambda c, it, key, value: c.add_tags_to_resource(
            ResourceType="Parameter", ResourceId=it, Tags=[{"Key": key, "Value": value}]
        ),
    ),
    Kind(
        "ECR repository",
        "ecr",
        create=lambda c, at: c.create_repository(repositoryName=at.name, tags=at.tags())["repository"][
            "repositoryArn"
        ],
        use=lambda c, it: c.describe_images(repositoryName=it.partition("/")[2]),
        tag=lambda c, it, key, value: c.tag_resource(resourceArn=it, tags=[{"Key": key, "Value": value}]),
    ),
    Kind(
        "log group",
        "logs",
        create=_create_log_group,
        use=lambda c, it: c.filter_log_events(logGroupName=_last(it)),
        tag=lambda c, it, key, value: c.tag_resource(resourceArn=it, tags={key: value}),
    ),
    Kind(
        "CloudWatch alarm",
        "cloudwatch",
        create=_put_alarm,
        use=lambda c, it: c.disable_alarm_actions(AlarmNames=[_last(it)]),
        tag=lambda c, it, key, value: c.tag_resource(ResourceARN=it, Tags=[{"Key": key, "Value": value}]),
    ),
)
