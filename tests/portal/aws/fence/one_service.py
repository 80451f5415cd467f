"""The rights of a tenant's role from the file of one service, for the independent IAM evaluator."""

import json
from typing import Any

from daypass.portal.accounts.model import Account
from daypass.portal.aws.fence.catalogue import services
from daypass.portal.aws.fence.documents import TENANT, fence
from daypass.portal.aws.policies import document
from tests.evaluator.run import ACCOUNT_ID, Rights

ACCOUNT = Account.known("aws", ACCOUNT_ID, "duploservices-", "duplomaster")
PRINCIPAL = {"aws:PrincipalTag/TENANT_NAME": "dev01"}
TAGGED = PRINCIPAL | {"aws:ResourceTag/TENANT_NAME": "dev01"}
USER_ID = "AROAEXAMPLE:dana@example.com"


def rights(name: str) -> Rights:
    """Return the rights of a role of the tenant dev01 that may use only the service of that name."""
    policies: Any = fence(ACCOUNT, [service for service in services() if service.name == name])
    statements = [statement for policy in policies.values() for statement in policy["Statement"]]
    # The evaluator does not replace variables in all ARNs.
    text = json.dumps(document(*statements)).replace(TENANT, "dev01").replace("${aws:userid}", USER_ID)
    return Rights(json.loads(text))
