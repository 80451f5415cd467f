"""The variables of identity providers, each declared once and repeated for every provider.

A provider is a table `[providers.NAME]` in the configuration file, or the environment variables
`DAYPASS_PROVIDER_<NAME>_<KEY>`, or both; the environment wins for each key.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from daypass.portal.config.masking import hide
from daypass.portal.config.provider_types import (
    ALGORITHMS,
    Claims,
    Domains,
    IssuerUrl,
    PlainText,
    Scopes,
    SignatureAlgorithms,
    Words,
)
from daypass.portal.config.providers import GroupSource
from daypass.portal.config.value_types import Flag, OneOf, Token, ValueType
from daypass.portal.config.variables import PREFIX, Variable

T = TypeVar("T")

TABLE = "providers"
"""The table of the configuration file that has a table for each provider."""
NAME_TAKES = "1 to 64 lower-case letters and digits, with single hyphens between them"
_PREFIX = f"{PREFIX}PROVIDER_"
_NAME = re.compile(r"(?=.{1,64}$)[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_CLAIM = 255


@dataclass(frozen=True, slots=True)
class ProviderVariable(Variable[T]):
    """A variable of one provider."""

    provider: str = ""
    short_key: str = ""
    """The key in the provider's table."""

    @property
    def key(self) -> str:
        """The dotted key in a configuration file."""
        return f"{TABLE}.{self.provider}.{self.short_key}"


@dataclass(frozen=True, slots=True)
class ProviderKey(Generic[T]):
    """A variable that every provider has; see `Variable` for the fields."""

    key: str
    type: ValueType[T]
    default: str | None
    help: str
    mask: Callable[[str], str] | None = None

    def of(self, provider: str) -> ProviderVariable[T]:
        """Return the variable of one provider."""
        name = f"{_PREFIX}{provider.upper().replace('-', '_')}_{self.key.upper()}"
        return ProviderVariable(name, self.type, self.default, self.help, self.mask, provider, self.key)


LABEL = ProviderKey(
    "label",
    PlainText(60),
    "",
    "The provider's name on the sign-in page, as in “Sign in with …”. By default, NAME.",
)
ISSUER = ProviderKey(
    "issuer",
    IssuerUrl(),
    None,
    "The issuer identifier, byte for byte as the provider's discovery document has it: also a slash at the "
    "end counts.",
)
CLIENT_ID = ProviderKey(
    "client_id", PlainText(255), None, "The client id that the provider gave when the portal was registered."
)
CLIENT_SECRET = ProviderKey(
    "client_secret",
    Token(8),
    "",
    "The client secret. Without one the portal is a public client, which PKCE protects.",
    hide,
)
SCOPES = ProviderKey(
    "scopes", Scopes(), "openid,profile,email", "The scopes that each authentication request asks for."
)
USERNAME_CLAIM = ProviderKey(
    "username_claim",
    PlainText(_LONGEST_CLAIM),
    "preferred_username",
    "The claim with the username of a user whom the first sign-in creates. Users are never found by it. An "
    "e-mail address (email) must be verified.",
)
EMAIL_DOMAINS = ProviderKey(
    "email_domains",
    Domains(),
    "",
    "The domains of accepted e-mail addresses, which must be verified. By default, none is checked.",
)
REQUIRED_CLAIMS = ProviderKey(
    "required_claims",
    Claims(),
    "",
    "The exact texts that claims of the ID token must have, such as hd=example.com with Google.",
)
CREATES_USERS = ProviderKey(
    "creates_users",
    Flag(),
    "false",
    "Whether the first sign-in of an unknown account creates a user, who has access to nothing yet.",
)
LINKS_BY_EMAIL = ProviderKey(
    "links_by_email",
    Flag(),
    "false",
    "Whether the first sign-in links the account to the user whose username is its verified e-mail address, "
    "if that user never signed in and is no Administrator. Needs email_domains.",
)
EXTERNAL_ID_CLAIM = ProviderKey(
    "external_id_claim",
    PlainText(_LONGEST_CLAIM),
    "sub",
    "The claim whose value is the externalId of users whom SCIM created.",
)
GROUPS = ProviderKey(
    "groups",
    OneOf(GroupSource),
    "none",
    "The source of the groups of the provider's users: a claim of each sign-in, or provisioning by SCIM.",
)
GROUPS_CLAIM = ProviderKey(
    "groups_claim",
    PlainText(_LONGEST_CLAIM),
    "groups",
    "The claim with the groups, if groups is claim. A sign-in without it is refused.",
)
MAKES_ADMINISTRATORS = ProviderKey(
    "makes_administrators",
    Flag(),
    "false",
    "Whether groups of this provider may make their members Administrators.",
)
ACR_VALUES = ProviderKey(
    "acr_values",
    Words("authentication context class references with commas between them"),
    "",
    "The values of acr, one of which a reauthentication must have. By default, any.",
)
ALGORITHMS_KEY = ProviderKey(
    "algorithms",
    SignatureAlgorithms(),
    ",".join(ALGORITHMS),
    "The accepted signature algorithms of ID tokens and logout tokens.",
)
SENDS_ID_TOKEN_HINT = ProviderKey(
    "sends_id_token_hint",
    Flag(),
    "false",
    "Whether logout at the provider needs the ID token, as at Okta. The portal then stores it, encrypted.",
)

PROVIDER_KEYS: Sequence[ProviderKey[Any]] = (
    LABEL,
    ISSUER,
    CLIENT_ID,
    CLIENT_SECRET,
    SCOPES,
    ALGORITHMS_KEY,
    REQUIRED_CLAIMS,
    EMAIL_DOMAINS,
    CREATES_USERS,
    USERNAME_CLAIM,
    LINKS_BY_EMAIL,
    GROUPS,
    GROUPS_CLAIM,
    MAKES_ADMINISTRATORS,
    EXTERNAL_ID_CLAIM,
    ACR_VALUES,
    SENDS_ID_TOKEN_HINT,
)
"""The keys of a provider, in the order of the documentation."""


def keys_of_table() -> Mapping[str, ProviderKey[Any]]:
    """Return the keys of a provider's table, with `NAME_file` for those of a secret."""
    keys = {each.key: each for each in PROVIDER_KEYS}
    return keys | {f"{each.key}_file": each for each in PROVIDER_KEYS if each.mask is not None}


def is_provider_name(name: str) -> bool:
    """Whether a provider can have this name."""
    return _NAME.fullmatch(name) is not None


def variables_of(providers: Iterable[str]) -> Sequence[ProviderVariable[Any]]:
    """Return all variables of the providers with these names."""
    return [key.of(provider) for provider in providers for key in PROVIDER_KEYS]


def variable_named(name: str) -> ProviderVariable[Any] | None:
    """Return the provider's variable that an environment variable sets, or None if it sets none.

    The name may end in _FILE for a secret. No key is the end of another one, so the provider's name is the
    rest.
    """
    if not name.startswith(_PREFIX):
        return None
    for short_key, key in keys_of_table().items():
        provider = name.removeprefix(_PREFIX).removesuffix(f"_{short_key.upper()}")
        if name != f"{_PREFIX}{provider}_{short_key.upper()}":
            continue
        # A provider of the environment has no hyphens beside each other, so its name can be read back.
        if provider == provider.upper() and is_provider_name(found := provider.lower().replace("_", "-")):
            return key.of(found)
    return None


def written_name(key: ProviderKey[Any], *, is_file: bool = False) -> str:
    """Return the form of a key's environment variable, for documentation and suggestions."""
    return f"{_PREFIX}<NAME>_{key.key.upper()}" + ("_FILE" if is_file else "")
