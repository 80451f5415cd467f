"""API Gateway: the guards that no other service has, with an independent IAM evaluator."""

from tests.evaluator.run import ACCOUNT_ID, Request, allowed
from tests.portal.aws.fence.one_service import PRINCIPAL, TAGGED, rights

ROOT = "arn:aws:apigateway:us-west-2::"
LOGS = f"arn:aws:logs:us-west-2:{ACCOUNT_ID}:log-group"
FIREHOSE = f"arn:aws:firehose:us-west-2:{ACCOUNT_ID}:deliverystream"


def logged_to(destination: str) -> Request:
    """Return a request that sends the access log of the tenant's own API to *destination*."""
    context = TAGGED | {"apigateway:Request/AccessLoggingDestination": destination}
    return Request("apigateway:PATCH", f"{ROOT}/restapis/abc123/stages/live", context)


OWN = [
    logged_to(f"{LOGS}:duploservices-dev01-api"),
    logged_to(f"{LOGS}:/aws/apigateway/duploservices-dev01-api"),
    logged_to(f"{FIREHOSE}/amazon-apigateway-duploservices-dev01-api"),
    Request("apigateway:PATCH", f"{ROOT}/restapis/abc123", TAGGED),
]
FOREIGN = [
    logged_to(f"{LOGS}:duploservices-dev02-api"),
    logged_to(f"{LOGS}:duploservices-dev012-api"),
    logged_to(f"{LOGS}:duploservices-dev01-api".replace(ACCOUNT_ID, "210987654321")),
    logged_to(f"{FIREHOSE}/amazon-apigateway-data01"),
    # Tags are changed under a path of their own, where AWS knows no tags of the API.
    Request("apigateway:PUT", f"{ROOT}/tags/arn%3Aaws%3Aapigateway", TAGGED),
    Request("apigateway:DELETE", f"{ROOT}/tags/arn%3Aaws%3Aapigateway", TAGGED),
    Request("apigateway:UpdateRestApiPolicy", f"{ROOT}/restapis/abc123", TAGGED),
    Request("apigateway:PATCH", f"{ROOT}/account", TAGGED),
    Request("apigateway:GET", f"{ROOT}/apikeys", PRINCIPAL),
]


def test_an_api_is_not_tagged_nor_logged_outside_the_tenant() -> None:
    assert allowed(rights("apigateway"), [*OWN, *FOREIGN]) == {str(request) for request in OWN}
