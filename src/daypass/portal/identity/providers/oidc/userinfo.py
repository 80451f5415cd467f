"""The claims that the UserInfo endpoint may add to those of an ID token."""

from collections.abc import Mapping, Set

from daypass.portal.config.providers import GroupSource, ProviderConfig


def missing_claims(config: ProviderConfig, claims: Mapping[str, object]) -> Set[str]:
    """Return the claims that the portal reads by its configuration, and that an ID token does not have.

    A claim whose place `_claim_names` gives is not missing: Entra ID says so that it left out groups, which
    nothing else may replace.
    """
    elsewhere = claims.get("_claim_names")
    return _configured(config) - claims.keys() - (elsewhere.keys() if isinstance(elsewhere, dict) else set())


def completed(
    claims: Mapping[str, object], userinfo: Mapping[str, object], missing: Set[str]
) -> Mapping[str, object]:
    """Return *claims* with the missing ones from *userinfo*; a claim of the ID token is never replaced."""
    taken = {name: value for name, value in userinfo.items() if name in missing}
    # `email_verified` is about the address beside it. Otherwise an address that the provider verified would
    # vouch for another one, which users can choose at many providers.
    if userinfo.get("email") != claims.get("email", userinfo.get("email")):
        taken.pop("email_verified", None)
    if "email_verified" in claims:
        taken.pop("email", None)
    return {**taken, **claims}


def _configured(config: ProviderConfig) -> set[str]:
    names = {config.external_id_claim}
    if config.creates_users:
        names.add(config.username_claim)
    if "email" in config.scopes:
        names.add("email")
    if config.links_by_email or config.email_domains or config.names_users_by_email:
        names |= {"email", "email_verified"}
    if config.groups is GroupSource.CLAIM:
        names.add(config.groups_claim)
    return names
