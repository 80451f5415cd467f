"""The issuers of tokens: their metadata and keys, cached, and the verification of what they signed."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from threading import Lock

from daypass.portal.clock import Clock
from daypass.portal.identity.jwt import compact
from daypass.portal.identity.jwt.cache import CachedValue, Fetched
from daypass.portal.identity.jwt.errors import InvalidToken, IssuerUnavailable
from daypass.portal.identity.jwt.fetch import Fetcher, Response
from daypass.portal.identity.jwt.keys import (
    SUPPORTED_ALGORITHMS,
    KeySet,
    PublicKey,
    parse_key_set,
    verify_signature,
)
from daypass.portal.identity.jwt.strict_json import parse_object
from daypass.portal.identity.jwt.urls import discovery_url, is_endpoint

_METADATA_LIFETIME = timedelta(hours=1)
_SHORTEST_KEY_LIFETIME = timedelta(minutes=5)
_LONGEST_KEY_LIFETIME = timedelta(hours=24)
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?([0-9]{1,9})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A token whose signature is that of its issuer; the claims were not checked."""

    header: Mapping[str, object]
    claims: Mapping[str, object]


class Issuers:
    """The issuers that the portal knows, one object per process; thread-safe.

    Nothing is fetched before a token or metadata needs it. Keys of one issuer never verify tokens of another.
    """

    def __init__(self, clock: Clock, fetcher: Fetcher | None = None) -> None:
        self.fetcher = fetcher or Fetcher()
        self._clock = clock
        self._lock = Lock()
        self._metadata: dict[str, CachedValue[Mapping[str, object]]] = {}
        self._keys: dict[str, CachedValue[KeySet]] = {}

    def metadata(self, issuer: str) -> Mapping[str, object]:
        """Return the metadata of an issuer (OpenID Connect Discovery, section 3); raises `IssuerUnavailable`.

        Its `issuer` is *issuer*, byte for byte. The caller passes configured issuers only, never one that a
        token names.
        """
        with self._lock:
            cached = self._metadata.get(issuer)
            if cached is None:
                # Made under the lock, and fetched outside of it: a slow issuer must not delay the others.
                cached = CachedValue(self._clock, lambda: self._discover(issuer))
                self._metadata[issuer] = cached
        return cached.get()

    def verify(
        self, issuer: str, token: str, algorithms: Collection[str], jwks: str | None = None
    ) -> SignedToken:
        """Verify that *issuer* signed *token* with one of *algorithms*.

        *jwks* has the keys of an issuer that the portal cannot reach. Raises `InvalidToken`, and
        `IssuerUnavailable` if there are no keys to decide with. `iss` and all other claims are the caller's
        to check.
        """
        parsed = compact.parse(token)
        # The header only chooses among the configured algorithms (RFC 8725, section 3.1), before a key is
        # looked up.
        algorithm = parsed.algorithm(SUPPORTED_ALGORITHMS.intersection(algorithms))
        key = self._find_key(issuer, parsed.key_id, algorithm, jwks)
        verify_signature(parsed, algorithm, key)
        return SignedToken(parsed.header, parsed.claims)

    def endpoint(self, issuer: str, name: str) -> str | None:
        """Return the address in the metadata's member *name*, or None if it has none.

        Raises `IssuerUnavailable` if the portal must not use that address; see `is_endpoint`.
        """
        url = self.metadata(issuer).get(name)
        if url is None:
            return None
        if not isinstance(url, str) or not is_endpoint(url, issuer):
            raise IssuerUnavailable(f"The metadata of {issuer} has no usable address in {name}.")
        return url

    def required_endpoint(self, issuer: str, name: str) -> str:
        """Return the address in the metadata's member *name*; raises `IssuerUnavailable` if it has none."""
        url = self.endpoint(issuer, name)
        if url is None:
            raise IssuerUnavailable(f"The metadata of {issuer} has no {name}.")
        return url

    def _find_key(self, issuer: str, key_id: str | None, algorithm: str, jwks: str | None) -> PublicKey:
        if jwks is not None:
            document = jwks.encode(errors="surrogatepass")
            found = _read_keys(document, "The saved key set").find(key_id, algorithm)
        else:
            cached = self._cached_keys(issuer)
            keys = cached.get()
            # The issuer may have begun to use a key since the keys were fetched.
            if key_id is not None and not keys.has(key_id):
                keys = cached.refresh(lambda current: current.has(key_id))
            found = keys.find(key_id, algorithm)
        if found is None:
            raise InvalidToken("key", "The token is not signed with a key of its issuer.")
        return found

    def _cached_keys(self, issuer: str) -> CachedValue[KeySet]:
        with self._lock:
            cached = self._keys.get(issuer)
            if cached is None:
                cached = CachedValue(self._clock, lambda: self._fetch_keys(issuer))
                self._keys[issuer] = cached
        return cached

    def _discover(self, issuer: str) -> Fetched[Mapping[str, object]]:
        url = discovery_url(issuer)
        if url is None:
            raise IssuerUnavailable("The configured issuer is not an https URL without query and fragment.")
        metadata = self._fetch_object(url)
        # One that differs, if only by a slash at the end, is the metadata of another issuer.
        if metadata.get("issuer") != issuer:
            raise IssuerUnavailable(
                f"The metadata at {url} is of another issuer. Configure the issuer exactly as the provider "
                "writes it; a slash at the end counts."
            )
        return Fetched(metadata, _METADATA_LIFETIME)

    def _fetch_keys(self, issuer: str) -> Fetched[KeySet]:
        url = self.required_endpoint(issuer, "jwks_uri")
        response = self._fetch(url)
        return Fetched(_read_keys(response.body, f"The key set at {url}"), _lifetime(response))

    def _fetch_object(self, url: str) -> Mapping[str, object]:
        try:
            return parse_object(self._fetch(url).body)
        except InvalidToken as error:
            raise IssuerUnavailable(f"The document at {url} is not a JSON object.") from error

    def _fetch(self, url: str) -> Response:
        response = self.fetcher.get(url)
        if response.status != HTTPStatus.OK:
            raise IssuerUnavailable(f"{url.partition('?')[0]} answered with status {response.status}.")
        return response


def _read_keys(document: bytes, what: str) -> KeySet:
    try:
        keys = parse_key_set(document)
    except InvalidToken as error:
        raise IssuerUnavailable(f"{what} is not a JSON Web Key Set.") from error
    if not keys.keys:
        raise IssuerUnavailable(f"{what} has no key that the portal can use.")
    return keys


def _lifetime(response: Response) -> timedelta:
    """Return how long a key set is fresh, by its Cache-Control header within the portal's limits."""
    found = _MAX_AGE.search(response.headers.get("cache-control", ""))
    stated = timedelta(seconds=int(found[1])) if found else _SHORTEST_KEY_LIFETIME
    # The lower limit keeps an issuer with `no-cache` from being asked for every token.
    return min(max(stated, _SHORTEST_KEY_LIFETIME), _LONGEST_KEY_LIFETIME)
