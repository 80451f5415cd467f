"""boto3 clients of the demo's AWS for the sessions of the matrix, and the results of their calls."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from daypass.demo.aws import CONFIG, Keys
from daypass.demo.seed.fixtures import REGION
from daypass.sandbox.botocore_session import isolated_session
from tests.matrix.portal import Portal

ADMINISTRATOR = "administrator"
"""The account's root, which stands for the identity that manages its resources."""

SIMILAR = "dev012"
"""A tenant whose name begins with dev01; the prefix of its resources does not begin with the other prefix."""

OK, DENIED = "OK", "denied"
_DENIALS = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}


@dataclass(frozen=True, slots=True)
class Clients:
    """The clients of dev01's sessions by permission set, and of the administrator; each is created once."""

    portal: Portal
    session: boto3.Session = field(
        default_factory=lambda: boto3.Session(botocore_session=isolated_session(), region_name=REGION)
    )
    _keys: dict[str, Keys] = field(default_factory=dict)
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    @property
    def account(self) -> str:
        """The id of the demo's account."""
        return str(self.portal.demo.tenants["dev01"]["role_arn"]).split(":")[4]

    def of(self, service: str, permission_set: str = "full") -> Any:  # noqa: ANN401  boto3's type
        """Return the client of a session with this permission set, or of the administrator."""
        if (service, permission_set) not in self._clients:
            self._clients[service, permission_set] = self._create(service, self._keys_of(permission_set))
        return self._clients[service, permission_set]

    def _keys_of(self, permission_set: str) -> Keys:
        if permission_set not in self._keys:
            self._keys[permission_set] = (
                self.portal.demo.root_keys
                if permission_set == ADMINISTRATOR
                else self.portal.keys("dev01", permission_set=permission_set)
            )
        return self._keys[permission_set]

    def _create(self, service: str, keys: Keys) -> Any:  # noqa: ANN401  boto3's type
        token = keys.session_token
        return self.session.client(
            service,  # type: ignore[call-overload]  # any of AWS's services
            endpoint_url=self.portal.demo.aws_endpoint_url,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key.reveal(),
            aws_session_token=token.reveal() if token else None,
            config=CONFIG.merge(Config(retries={"total_max_attempts": 1})),
        )


def result_of(call: Callable[..., object], *arguments: object) -> str:
    """Return the result of a call: OK, denied, or the code and message of another error."""
    try:
        call(*arguments)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return DENIED if code in _DENIALS else f"{code}: {error.response['Error']['Message']}"
    return OK
