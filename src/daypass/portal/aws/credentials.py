"""The portal's own AWS credentials, from wherever botocore finds them."""

from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError
from botocore.session import Session

from daypass.portal.errors import AwsMisconfigured


class OwnCredentials:
    """Keys from the environment, a profile, a container or the instance; botocore refreshes what expires."""

    def __init__(self, session: Session) -> None:
        try:
            credentials = session.get_credentials()
        except BotoCoreError as error:
            raise _missing() from error
        if credentials is None:
            raise _missing()
        self._credentials = credentials

    def frozen(self) -> ReadOnlyCredentials:
        """The keys as they are now."""
        try:
            return self._credentials.get_frozen_credentials()
        except BotoCoreError as error:
            raise _missing() from error


def _missing() -> AwsMisconfigured:
    return AwsMisconfigured(
        "The portal has no AWS credentials of its own. Give it a role, a profile, or AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY."
    )
