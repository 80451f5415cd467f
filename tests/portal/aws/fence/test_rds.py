"""RDS: removal of tags, whose requests can have a value, with an independent IAM evaluator."""

from tests.evaluator.run import ACCOUNT_ID, Request, allowed
from tests.portal.aws.fence.one_service import PRINCIPAL, rights

DATABASE = f"arn:aws:rds:us-west-2:{ACCOUNT_ID}:db:duploservices-dev01-orders"


def removal(key: str, **values: str) -> Request:
    """Return a request that removes the tag *key*, with further values of tags in the request."""
    context = {f"aws:RequestTag/{name}": value for name, value in values.items()}
    return Request("rds:RemoveTagsFromResource", DATABASE, PRINCIPAL | context | {"aws:TagKeys": [key]})


def test_the_tenants_tag_is_not_removed_even_if_the_request_has_its_value() -> None:
    other = removal("Name")
    tenants = [
        removal("TENANT_NAME"),
        removal("TENANT_NAME", TENANT_NAME="dev01"),
        removal("tenant_name", TENANT_NAME="dev01"),
    ]

    assert allowed(rights("rds"), [other, *tenants]) == {str(other)}
