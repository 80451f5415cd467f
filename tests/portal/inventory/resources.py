"""ARNs of an account in which each of three tenants owns one resource of each of ten kinds."""

from daypass.portal.accounts.model import Account
from daypass.portal.aws.fence.catalogue import offered_services
from daypass.portal.aws.fence.documents import resolve
from daypass.portal.aws.fence.resource_kinds import resource_kinds
from daypass.portal.inventory.model import OWNER_TAG, TaggedArn

ACCOUNT_ID = "123456789012"
KINDS = resource_kinds()


def arns_of(tenant: str, region: str = "eu-west-1") -> dict[str, str]:
    """Return one ARN of each of the ten kinds, named after *tenant*, in display order."""
    prefix = f"duploservices-{tenant}"

    def arn(service: str, resource: str) -> str:
        return f"arn:aws:{service}:{region}:{ACCOUNT_ID}:{resource}"

    return {
        "api-gateway": f"arn:aws:apigateway:{region}::/restapis/{tenant}api",
        "dynamodb-table": arn("dynamodb", f"table/{prefix}-orders"),
        "kinesis-stream": arn("kinesis", f"stream/{prefix}-events"),
        "lambda-function": arn("lambda", f"function:{prefix}-worker"),
        "log-group": arn("logs", f"log-group:/aws/lambda/{prefix}-worker"),
        "rds-database": arn("rds", f"db:{prefix}-main"),
        "s3-bucket": f"arn:aws:s3:::{prefix}-reports",
        "secret": arn("secretsmanager", f"secret:{prefix}-key-AbC123"),
        "sns-topic": arn("sns", f"{prefix}-alerts"),
        "sqs-queue": arn("sqs", f"{prefix}-jobs"),
    }


def examples_of(tenant: str, partition: str = "aws") -> dict[str, str]:
    """Return the catalogue's example of each kind, as an ARN of that tenant."""
    account = Account.known(partition, ACCOUNT_ID, "duploservices-", "duplomaster")
    return {
        kind.kind: resolve(kind.example, account, tenant)
        for service in offered_services()
        for kind in service.resources
    }


def tagged(arn: str, tenant: str, **tags: str) -> TaggedArn:
    """Return an ARN with its tenant's tag and others."""
    return TaggedArn(arn, {OWNER_TAG: tenant, **tags})


def everything_of(tenant: str, region: str = "eu-west-1") -> list[TaggedArn]:
    """Return one tagged resource of each of the ten kinds."""
    return [tagged(arn, tenant) for arn in arns_of(tenant, region).values()]
