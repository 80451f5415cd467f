"""Back-channel logout: the provider tells the client that a session has ended."""

import asyncio
import ssl
from dataclasses import dataclass

import urllib3

from daypass.demo.identity_provider.grants import ProviderSession
from daypass.demo.identity_provider.settings import ProviderSettings
from daypass.demo.identity_provider.tokens import TokenSigner
from daypass.demo.output import print_text
from daypass.portal.clock import Clock

_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class BackchannelLogout:
    """Sends logout tokens to the client (OpenID Connect Back-Channel Logout, section 2.5)."""

    settings: ProviderSettings
    signer: TokenSigner
    clock: Clock

    async def send(self, session: ProviderSession) -> None:
        """Send the logout token of an ended session; a failure is logged, and the logout goes on."""
        token = self.signer.logout_token(session, self.clock())
        outcome = await asyncio.to_thread(self._post, token)
        print_text(f"back-channel logout of {session.person.username}: {outcome}")

    def _post(self, token: str) -> str:
        trust = ssl.create_default_context(cafile=self.settings.ca_file)
        # `retries=False` also means that redirects are not followed.
        with urllib3.PoolManager(ssl_context=trust, retries=False, timeout=_TIMEOUT) as pool:
            try:
                answer = pool.request_encode_body(
                    "POST",
                    self.settings.client.backchannel_logout_uri,
                    fields={"logout_token": token},
                    encode_multipart=False,
                )
            except urllib3.exceptions.HTTPError as error:
                return f"failed ({type(error).__name__})"
        return f"status {answer.status}"
