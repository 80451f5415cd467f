"""Validation of the variables of identity providers together, and the configuration that they make."""

from collections.abc import Callable, Sequence
from functools import partial

from daypass.portal.config import provider_variables as p
from daypass.portal.config.model import PasswordSignIn
from daypass.portal.config.providers import GroupSource, ProviderConfig
from daypass.portal.config.values import Values
from daypass.portal.config.variables import PASSWORDS, ConfigError

_RESERVED = frozenset({"password"})
"""The names of the providers that the portal has itself."""


def read_providers(values: Values) -> tuple[ProviderConfig, ...]:
    """Return the configuration of each provider; raises `ConfigError`."""
    return tuple(_read(values, name) for name in values.providers)


def provider_rules(values: Values) -> Sequence[Callable[[Values], object]]:
    """Return the checks of several variables together; each raises `ConfigError`."""
    rules = [_require_provider_for_break_glass]
    for name in values.providers:
        rules += (partial(rule, name) for rule in _RULES)
        rules += (partial(_require, name, key) for key in (p.ISSUER, p.CLIENT_ID))
    return rules


def _read(values: Values, name: str) -> ProviderConfig:
    return ProviderConfig(
        name=name,
        issuer=values.get(p.ISSUER.of(name)),
        client_id=values.get(p.CLIENT_ID.of(name)),
        client_secret=values.get_optional(p.CLIENT_SECRET.of(name)),
        label=values.get_optional(p.LABEL.of(name)) or "",
        scopes=values.get(p.SCOPES.of(name)),
        username_claim=values.get(p.USERNAME_CLAIM.of(name)),
        email_domains=values.get_optional(p.EMAIL_DOMAINS.of(name)) or frozenset(),
        required_claims=values.get_optional(p.REQUIRED_CLAIMS.of(name)) or {},
        creates_users=values.get(p.CREATES_USERS.of(name)),
        links_by_email=values.get(p.LINKS_BY_EMAIL.of(name)),
        external_id_claim=values.get(p.EXTERNAL_ID_CLAIM.of(name)),
        groups=values.get(p.GROUPS.of(name)),
        groups_claim=values.get(p.GROUPS_CLAIM.of(name)),
        makes_administrators=values.get(p.MAKES_ADMINISTRATORS.of(name)),
        acr_values=values.get_optional(p.ACR_VALUES.of(name)) or (),
        algorithms=values.get(p.ALGORITHMS_KEY.of(name)),
        sends_id_token_hint=values.get(p.SENDS_ID_TOKEN_HINT.of(name)),
    )


def _require(name: str, key: p.ProviderKey[str], values: Values) -> None:
    variable = key.of(name)
    if not values.find(variable).text:
        raise ConfigError(
            f"The identity provider {name} has no {key.key}. Set {variable.key} in the configuration file, "
            f"or {variable.name}. It takes {variable.takes}."
        )


def _require_free_name(name: str, _values: Values) -> None:
    if name in _RESERVED:
        raise ConfigError(
            f"An identity provider cannot have the name {name}, which the portal's own passwords have. "
            "Choose another one."
        )


def _require_groups_for_administrators(name: str, values: Values) -> None:
    makes, groups = p.MAKES_ADMINISTRATORS.of(name), p.GROUPS.of(name)
    if values.get(makes) and values.get(groups) is GroupSource.NONE:
        raise ConfigError(
            f"{values.find(makes).place} is true, but the provider has no groups. Set {groups.key} to claim "
            "or scim."
        )


def _require_use_of_groups_claim(name: str, values: Values) -> None:
    claim, groups = p.GROUPS_CLAIM.of(name), p.GROUPS.of(name)
    if values.is_set(claim) and values.get(groups) is not GroupSource.CLAIM:
        raise ConfigError(
            f"{values.find(claim).place} is set, but the provider's groups do not come from a claim. Set "
            f"{groups.key} to claim, or remove {claim.key}."
        )


def _require_domains_for_links(name: str, values: Values) -> None:
    links, domains = p.LINKS_BY_EMAIL.of(name), p.EMAIL_DOMAINS.of(name)
    if values.get(links) and not values.find(domains).text:
        raise ConfigError(
            f"{values.find(links).place} is true, but the domains of the addresses that the provider may "
            f"vouch for are missing. Set {domains.key}. It takes {domains.takes}."
        )


def _require_provider_for_break_glass(values: Values) -> None:
    if values.get(PASSWORDS) is PasswordSignIn.BREAK_GLASS and not values.providers:
        raise ConfigError(
            f"{values.find(PASSWORDS).place} leaves users no way to sign in, because there is no identity "
            f"provider. Add a table [{p.TABLE}.NAME] to the configuration file, or set "
            f"{p.written_name(p.ISSUER)}."
        )


_RULES = (
    _require_free_name,
    _require_groups_for_administrators,
    _require_use_of_groups_claim,
    _require_domains_for_links,
)
