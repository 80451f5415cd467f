"""ARNs of an account in which each of three tenants owns one resource of every kind."""

from daypass.portal.inventory.model import OWNER_TAG, Kind, TaggedArn

ACCOUNT = "123456789012"


def arns_of(tenant: str, region: str = "eu-west-1") -> dict[Kind, str]:
    """Return one ARN of each kind, named after *tenant*."""
    prefix = f"duploservices-{tenant}"

    def arn(service: str, resource: str) -> str:
        return f"arn:aws:{service}:{region}:{ACCOUNT}:{resource}"

    return {
        Kind.S3_BUCKET: f"arn:aws:s3:::{prefix}-reports",
        Kind.DYNAMODB_TABLE: arn("dynamodb", f"table/{prefix}-orders"),
        Kind.SQS_QUEUE: arn("sqs", f"{prefix}-jobs"),
        Kind.SNS_TOPIC: arn("sns", f"{prefix}-alerts"),
        Kind.KINESIS_STREAM: arn("kinesis", f"stream/{prefix}-events"),
        Kind.API_GATEWAY: f"arn:aws:apigateway:{region}::/restapis/{tenant}api",
        Kind.LAMBDA_FUNCTION: arn("lambda", f"function:{prefix}-worker"),
        Kind.RDS_DATABASE: arn("rds", f"db:{prefix}-main"),
        Kind.SECRET: arn("secretsmanager", f"secret:{prefix}-key-AbC123"),
        Kind.LOG_GROUP: arn("logs", f"log-group:/aws/lambda/{prefix}-worker"),
    }


def tagged(arn: str, tenant: str, **tags: str) -> TaggedArn:
    """Return an ARN with its tenant's tag and others."""
    return TaggedArn(arn, {OWNER_TAG: tenant, **tags})


def everything_of(tenant: str, region: str = "eu-west-1") -> list[TaggedArn]:
    """Return one tagged resource of each kind."""
    return [tagged(arn, tenant) for arn in arns_of(tenant, region).values()]
