"""Types of the configuration values of identity providers."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar
from urllib.parse import urlsplit

from daypass.common.origins import is_loopback_host
from daypass.portal.config import entra
from daypass.portal.config.value_types import InvalidValue

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""The signature algorithms that the portal can accept (RFC 7518, section 3.1). HMAC is not among them: the
client secret would be the key, and everybody who has it could sign."""

_LONGEST_ISSUER = 512
_DISCOVERY = "/.well-known/openid-configuration"
_WORD = re.compile(r"[!#-+\--\[\]-~]+")
"""A scope token (RFC 6749, section 3.3) without a comma, which separates words here."""
_DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


@dataclass(frozen=True, slots=True)
class PlainText:
    """A printable text of at most *longest* characters."""

    longest: int
    toml: ClassVar[type] = str

    @property
    def takes(self) -> str:
        """The values that it accepts."""
        return f"a text of at most {self.longest} characters"

    def parse(self, text: str) -> str:
        """Return the text."""
        if len(text) > self.longest or not text.isprintable():
            raise InvalidValue
        return text


@dataclass(frozen=True, slots=True)
class IssuerUrl:
    """An issuer identifier (OpenID Connect Core, section 2)."""

    takes: ClassVar[str] = "an https URL without a query and a fragment, such as https://login.example.com"
    toml: ClassVar[type] = str

    def parse(self, text: str) -> str:
        """Return the URL unchanged, because issuers are compared byte for byte."""
        try:
            parts = urlsplit(text)
            is_url = bool(parts.hostname) and parts.port != 0
        except ValueError as error:
            raise InvalidValue from error
        if not (is_url and text.isascii() and text.isprintable()) or len(text) > _LONGEST_ISSUER:
            raise InvalidValue
        if "@" in parts.netloc or any(sign in text for sign in "?# \\"):
            raise InvalidValue
        if parts.scheme != "https" and not (
            parts.scheme == "http" and is_loopback_host(parts.hostname or "")
        ):
            raise InvalidValue("only a provider on this machine may be without TLS")
        if _DISCOVERY in text:
            raise InvalidValue(f"the portal adds {_DISCOVERY} itself")
        if entra.is_shared_by_tenants(text):
            raise InvalidValue(
                "this address of Entra ID accepts the users of every organization; put the id of your tenant "
                "in its place"
            )
        return text


@dataclass(frozen=True, slots=True)
class Words:
    """Words without spaces, separated by commas or spaces."""

    takes: str
    toml: ClassVar[type] = list

    def parse(self, text: str) -> tuple[str, ...]:
        """Return the words in their order, each once."""
        words = text.replace(",", " ").split()
        if not words or any(_WORD.fullmatch(word) is None for word in words):
            raise InvalidValue
        return tuple(dict.fromkeys(words))


@dataclass(frozen=True, slots=True)
class Scopes:
    """Scopes of an authentication request (OpenID Connect Core, section 3.1.2.1)."""

    takes: ClassVar[str] = "scopes with commas or spaces between them, with openid among them"
    toml: ClassVar[type] = list

    def parse(self, text: str) -> tuple[str, ...]:
        """Return the scopes."""
        scopes = Words("").parse(text)
        if "openid" not in scopes:
            raise InvalidValue("openid is missing")
        if "offline_access" in scopes:
            raise InvalidValue("offline_access asks for a refresh token, which the portal does not keep")
        return scopes


@dataclass(frozen=True, slots=True)
class SignatureAlgorithms:
    """Signature algorithms that the portal can accept."""

    takes: ClassVar[str] = f"any of {', '.join(ALGORITHMS)}, with commas between them"
    toml: ClassVar[type] = list

    def parse(self, text: str) -> tuple[str, ...]:
        """Return the algorithms."""
        algorithms = Words("").parse(text)
        if not set(algorithms) <= set(ALGORITHMS):
            raise InvalidValue
        return algorithms


@dataclass(frozen=True, slots=True)
class Domains:
    """Domains of e-mail addresses."""

    takes: ClassVar[str] = "domains with commas between them, such as example.com,example.org"
    toml: ClassVar[type] = list

    def parse(self, text: str) -> frozenset[str]:
        """Return the domains in lower case."""
        domains = Words("").parse(text.lower())
        if any(_DOMAIN.fullmatch(domain) is None for domain in domains):
            raise InvalidValue
        return frozenset(domains)


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims with the text that each must have."""

    takes: ClassVar[str] = 'CLAIM=TEXT with commas between them, or {"CLAIM": "TEXT"}'
    toml: ClassVar[type] = dict

    def parse(self, text: str) -> Mapping[str, str]:
        """Return the text of each claim; an object of JSON is accepted too, for texts with a comma."""
        pairs = _object(text) if text.startswith("{") else _pairs(text)
        if not all(name and value and (name + value).isprintable() for name, value in pairs):
            raise InvalidValue
        if not pairs or len(dict(pairs)) < len(pairs):
            raise InvalidValue
        return MappingProxyType(dict(pairs))


def _pairs(text: str) -> list[tuple[str, str]]:
    parts = [part.partition("=") for part in text.split(",")]
    return [(name.strip(), value.strip()) for name, _, value in parts]


def _object(text: str) -> list[tuple[str, str]]:
    try:
        # As a list of pairs, because a dictionary would hide a claim that is there twice.
        pairs = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError) as error:
        raise InvalidValue from error
    if not all(isinstance(value, str) for _, value in pairs):
        raise InvalidValue
    return [(name, value) for name, value in pairs]
