"""Signature Version 4 with botocore's signer."""

from collections.abc import Mapping

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials


class _Unsigned(AWSRequest):
    """The attributes of a request that the signer reads; AWSRequest would prepare it several times over."""

    def __init__(self, url: str, body: bytes, headers: dict[str, str]) -> None:
        self.method = "POST"
        self.url = url
        self.params = {}
        self.headers = headers  # type: ignore[assignment]  # the signer reads and extends it
        self.context = {}
        self._body = body

    @property
    def body(self) -> bytes:  # type: ignore[override]  # the signer takes bytes as well
        """The body, as it is sent."""
        return self._body


def signed(
    keys: ReadOnlyCredentials, service: str, region: str, url: str, headers: Mapping[str, str], body: bytes
) -> dict[str, str]:
    """Return *headers* with those of the signature of a POST of *body* to *url*."""
    unsigned = _Unsigned(url, body, dict(headers))
    SigV4Auth(keys, service, region).add_auth(unsigned)
    return dict(unsigned.headers)
