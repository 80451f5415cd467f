"""Queues, topics, streams, rules and schedules."""

from tests.matrix.kinds.model import Client, Kind, Place


def _create_stream(kinesis: Client, at: Place) -> str:
    kinesis.create_stream(StreamName=at.name, ShardCount=1, Tags=at.tag_map)
    return at.arn("kinesis", f"stream/{at.name}")


def _create_schedule(scheduler: Client, at: Place) -> str:
    scheduler.create_schedule_group(Name=at.name, Tags=at.tags())
    scheduler.create_schedule(
        GroupName=at.name,
        Name="nightly",
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": at.arn("lambda", f"function:{at.name}"), "RoleArn": at.role},
    )
    return at.arn("scheduler", f"schedule-group/{at.name}")


MESSAGING = (
    Kind(
        "SQS queue",
        "sqs",
        create=lambda c, at: c.create_queue(QueueName=at.name, tags=at.tag_map)["QueueUrl"],
        use=lambda c, it: c.send_message(QueueUrl=it, MessageBody="note"),
        tag=lambda c, it, key, value: c.tag_queue(QueueUrl=it, Tags={key: value}),
        is_made_by_tenant=False,
    ),
    Kind(
        "SNS topic",
        "sns",
        create=lambda c, at: c.create_topic(Name=at.name, Tags=at.tags())["TopicArn"],
        use=lambda c, it: c.publish(TopicArn=it, Message="note"),
        tag=lambda c, it, key, value: c.tag_resource(ResourceArn=it, Tags=[{"Key": key, "Value": value}]),
        is_made_by_tenant=False,
    ),
    Kind(
        "Kinesis stream",
        "kinesis",
        create=_create_stream,
        use=lambda c, it: c.put_record(StreamName=it.rpartition("/")[2], Data=b"note", PartitionKey="p"),
        tag=lambda c, it, key, value: c.add_tags_to_stream(
            StreamName=it.rpartition("/")[2], Tags={key: value}
        ),
    ),
    Kind(
        "Firehose stream",
        "firehose",
        create=lambda c, at: c.create_delivery_stream(DeliveryStreamName=at.name, Tags=at.tags()) and at.name,
        use=lambda c, it: c.put_record(DeliveryStreamName=it, Record={"Data": b"note"}),
        tag=lambda c, it, key, value: c.tag_delivery_stream(
            DeliveryStreamName=it, Tags=[{"Key": key, "Value": value}]
        ),
        is_made_by_tenant=False,
    ),
    Kind(
        "EventBridge rule",
        "events",
        create=lambda c, at: c.put_rule(Name=at.name, ScheduleExpression="rate(1 day)", Tags=at.tags())[
            "RuleArn"
        ],
        use=lambda c, it: c.disable_rule(Name=it.rpartition("/")[2]),
        tag=lambda c, it, key, value: c.tag_resource(ResourceARN=it, Tags=[{"Key": key, "Value": value}]),
    ),
    Kind(
        "EventBridge schedule",
        "scheduler",
        create=_create_schedule,
        use=lambda c, it: c.get_schedule(GroupName=it.rpartition("/")[2], Name="nightly"),
        tag=lambda c, it, key, value: c.tag_resource(ResourceArn=it, Tags=[{"Key": key, "Value": value}]),
    ),
)
