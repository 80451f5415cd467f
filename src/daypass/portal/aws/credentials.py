"""The portal's own AWS credentials, from wherever botocore finds them."""

import threading

from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import BotoCoreError
from botocore.session import Session

from daypass.portal.errors import AwsMisconfigured


class OwnCredentials:
    """Keys from the environment, a profile, a container or the instance; botocore refreshes what expires.

    They are looked up when they are first needed, and again after a lookup that found none.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._credentials: Credentials | None = None
        self._looking_up = threading.Lock()

    def frozen(self) -> ReadOnlyCredentials:
        """The keys as they are now."""
        try:
            return (self._credentials or self._look_up()).get_frozen_credentials()
        except BotoCoreError as error:
            raise no_credentials() from error

    def _look_up(self) -> Credentials:
        with self._looking_up:
            if self._credentials is None:
                self._credentials = self._session.get_credentials()
            if self._credentials is None:
                raise no_credentials()
            return self._credentials


def no_credentials() -> AwsMisconfigured:
    """Return the refusal for a portal that finds no AWS credentials."""
    return AwsMisconfigured(
        "The portal has no AWS credentials of its own. Give it a role, a profile, or AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY."
    )
