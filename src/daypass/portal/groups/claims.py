"""The groups that a provider's claims name."""

from collections.abc import Iterable, Mapping

from daypass.portal.config.providers import ProviderConfig
from daypass.portal.errors import GroupsClaimInvalid
from daypass.portal.groups.model import Group, MemberSource
from daypass.portal.storage.search import is_storable

MAX_VALUES = 500
"""The maximum number of values in the claim."""

_NO_GROUPS = "so it is unknown what you may access. Ask an Administrator."


def values_of_claim(claims: Mapping[str, object], provider: ProviderConfig) -> frozenset[str]:
    """Return the values of the provider's groups claim; an empty list is a user without groups.

    *claims* are verified. Raises `GroupsClaimInvalid` if they do not say exactly which groups the user has:
    neither “no groups” nor “the same as before” would be true.
    """
    name, title = provider.groups_claim, provider.title
    # Entra ID sends these in place of the groups of a user who has more than about 200.
    elsewhere = claims.get("_claim_names")
    is_elsewhere = isinstance(elsewhere, Mapping) and name in elsewhere
    if is_elsewhere or claims.get("hasgroups", False) is not False:
        raise GroupsClaimInvalid(
            f"{title} did not send your groups, because they are too many, {_NO_GROUPS} In the provider, "
            "only the groups of this application should be sent."
        )
    if name not in claims:
        raise GroupsClaimInvalid(f"{title} did not send the claim “{name}” with your groups, {_NO_GROUPS}")
    values = claims[name]
    # Some providers send a single group as a string. It is refused too: a guess about the form would be a
    # guess about access.
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise GroupsClaimInvalid(
            f"{title} sent the claim “{name}” in another form than a list of texts, {_NO_GROUPS}"
        )
    if len(values) > MAX_VALUES:
        raise GroupsClaimInvalid(
            f"{title} sent more than {MAX_VALUES} groups in the claim “{name}”, {_NO_GROUPS} In the "
            "provider, only the groups of this application should be sent."
        )
    return frozenset(values)


def storable_values(values: Iterable[str]) -> frozenset[str]:
    """Return the values that a group can have; the database has no others."""
    return frozenset(value for value in values if value and is_storable(value))


def matching_groups(
    values: frozenset[str], provider: ProviderConfig, known: Iterable[Group]
) -> tuple[Group, ...]:
    """Return the *known* claim groups of the provider whose value is exactly one of *values*."""
    return tuple(
        group
        for group in known
        if group.source is MemberSource.CLAIM
        and group.provider == provider.name
        and group.external_id in values
    )
